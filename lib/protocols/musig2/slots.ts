import type { PeerId } from '../../contracts/message.ts'
import { EARLY_PER_SIGNER_MAX } from './limits.ts'
import { contentOf, type Abort, type Join, type Nonce, type Partial, type Statement, type StatementType } from './statement.ts'

/** Two contents in one slot prove what there is to prove; a third says nothing more. */
const PER_SLOT_MAX = 2

/** What became of a statement: `stranger` says that its author does not speak for that key. */
export type Taken = 'new' | 'known' | 'early' | 'stranger' | 'full'

/** What members have said, by signer: at most two different contents of a kind, which is what evidence takes. */
export class Slots {
  readonly joins: Join[][]
  readonly nonces: Nonce[][]
  readonly partials: Partial[][]
  readonly aborts: Abort[][]
  /** Slots in which two contents stand, in the order in which that showed. */
  readonly contradictions: { readonly type: StatementType; readonly index: number }[] = []
  readonly #filled: Record<StatementType, number> = { join: 0, nonce: 0, partial: 0, abort: 0 }
  #roster: PeerId[] | undefined
  #members = new Set<PeerId>()
  /** Of members whose join has not come yet. */
  #early: Statement[] = []

  constructor(signers: number) {
    const empty = <T>(): T[][] => Array.from({ length: signers }, () => [])
    this.joins = empty()
    this.nonces = empty()
    this.partials = empty()
    this.aborts = empty()
  }

  get signers(): number {
    return this.joins.length
  }

  /** Who speaks for the signer, once it has joined. */
  peerOf(index: number): PeerId | undefined {
    return this.joins[index]?.[0]?.author
  }

  isMember(peer: PeerId): boolean {
    return this.#members.has(peer)
  }

  /** True when every signer has said this. */
  isFull(type: StatementType): boolean {
    return this.#filled[type] === this.signers
  }

  /** Everybody's peer, where all have joined. */
  get roster(): readonly PeerId[] | undefined {
    if (this.#roster === undefined && this.isFull('join')) this.#roster = this.joins.map(([join]) => join!.author)
    return this.#roster
  }

  /** How many have left. */
  get left(): number {
    return this.#filled.abort
  }

  /** The proofs in joins and aborts must have been checked. */
  take(statement: Statement): Taken {
    if (statement.type === 'join') return this.#put(this.joins[statement.index]!, statement)
    const speakers = this.joins[statement.index]!
    // A member that leaves before it has joined shows the same proof.
    if (speakers.length === 0 && statement.type !== 'abort') return this.#keep(statement)
    if (speakers.length > 0 && speakers.every(({ author }) => author !== statement.author)) return 'stranger'
    return this.#put(this.of(statement.type)[statement.index]! as Statement[], statement)
  }

  of(type: StatementType): Statement[][] {
    switch (type) {
      case 'join': return this.joins
      case 'nonce': return this.nonces
      case 'partial': return this.partials
      case 'abort': return this.aborts
    }
  }

  /** What came before this signer's join, to be taken again. */
  releaseEarly(index: number): Statement[] {
    const released = this.#early.filter(statement => statement.index === index)
    this.#early = this.#early.filter(statement => statement.index !== index)
    return released
  }

  get early(): number {
    return this.#early.length
  }

  #put<T extends Statement>(slot: T[], statement: T): Taken {
    if (slot.some(other => contentOf(other) === contentOf(statement) && other.author === statement.author)) return 'known'
    if (slot.length >= PER_SLOT_MAX) return 'full'
    slot.push(statement)
    if (slot.length === 1) this.#filled[statement.type]++
    else this.contradictions.push({ type: statement.type, index: statement.index })
    if (statement.type === 'join' && slot.length === 1) this.#members.add(statement.author)
    return 'new'
  }

  /** Whoever fills this delays nobody: what finds no room is asked for again. */
  #keep(statement: Statement): Taken {
    if (this.#early.some(other => other.type === statement.type && other.index === statement.index && other.author === statement.author)) return 'known'
    if (this.#early.length >= EARLY_PER_SIGNER_MAX * this.signers) return 'full'
    this.#early.push(statement)
    return 'early'
  }
}

/** A set of signers as bits, the lowest of the first byte first. */
export function membersOf(signers: number, isIn: (index: number) => boolean): Uint8Array {
  const bits = new Uint8Array(Math.ceil(signers / 8))
  for (let index = 0; index < signers; index++) if (isIn(index)) bits[index >> 3]! |= 1 << (index & 7)
  return bits
}

export function hasMember(bits: Uint8Array, index: number): boolean {
  return ((bits[index >> 3] ?? 0) >> (index & 7) & 1) === 1
}
