import {
  addNonces, aggregatePartials, isPublicNonce, signingSession, verifyPartial, type SigningSession,
} from '../../bitcoin/bip327/index.ts'
import { toHex } from '../../foundation/hex.ts'
import type { AbortReason } from './events.ts'
import type { SessionStateOptions } from './session-options.ts'
import type { Slots } from './slots.ts'
import { noncesHash, rosterHash, type Nonce, type Partial, type Statement } from './statement.ts'

/** Who is to be named for what, with what others need to see it too. */
export interface Finding {
  readonly reason: AbortReason
  readonly culprits: readonly number[]
  /** To be told to the other members. */
  readonly statements: readonly Statement[]
  readonly evidence: readonly Uint8Array[]
  readonly text: string
}

/** What follows from the contributions that are here: the signature, or who broke which rule. */
export class Contributions {
  readonly #options: SessionStateOptions
  readonly #slots: Slots
  /** Of the nonces that were complete first; they do not change after that. */
  #session: SigningSession | undefined
  /** Checked one by one, which is done only when they do not add up. */
  readonly #checked = new WeakMap<Partial, boolean>()
  /** Partial signatures when they were last added up in vain. */
  #triedWith = 0

  constructor(options: SessionStateOptions, slots: Slots) {
    this.#options = options
    this.#slots = slots
  }

  #rostered: { readonly bytes: Uint8Array; readonly hex: string } | undefined
  #nonces: readonly Uint8Array[] | undefined
  #hash: { readonly bytes: Uint8Array; readonly hex: string } | undefined
  #badNonce: Nonce | undefined

  /** Told of each new statement: what can be seen from it alone is looked at once. */
  heard(statement: Statement): void {
    if (statement.type === 'nonce' && this.#badNonce === undefined && !isPublicNonce(this.#options.backend(), statement.nonce)) this.#badNonce = statement
  }

  /** H of the roster, once all have joined. */
  get rostered(): { readonly bytes: Uint8Array; readonly hex: string } | null {
    const { roster } = this.#slots
    if (roster === undefined) return null
    return this.#rostered ??= both(rosterHash(this.#options.backend(), this.#options.id, roster))
  }

  /** All public nonces in order, where all are here, made for our roster, and are nonces. */
  get nonces(): readonly Uint8Array[] | null {
    if (this.#nonces !== undefined) return this.#nonces
    const { rostered } = this
    if (rostered === null || !this.#slots.isFull('nonce') || this.#badNonce !== undefined) return null
    const first = this.#slots.nonces.map(([nonce]) => nonce!)
    if (first.some(({ roster }) => roster !== rostered.hex)) return null
    return this.#nonces = first.map(({ nonce }) => nonce)
  }

  /** H of them, which partial signatures name. */
  get noncesHash(): { readonly bytes: Uint8Array; readonly hex: string } | null {
    const { nonces } = this
    if (nonces === null) return null
    return this.#hash ??= both(noncesHash(this.#options.backend(), this.#options.id, nonces))
  }

  /** What signing and checking take, computed once. */
  get session(): SigningSession | null {
    const { nonces } = this
    if (nonces === null) return null
    const { aggregate, message, backend } = this.#options
    return this.#session ??= signingSession(backend(), aggregate, addNonces(backend(), nonces), message)
  }

  /** The finished signature, verified, or null. Partial signatures are checked together; one by one only to name who spoilt it. */
  signature(): Uint8Array | null {
    const { partials } = this.#slots
    if (!this.#slots.isFull('partial')) return null
    const { session } = this
    const tried = partials.reduce((sum, slot) => sum + slot.length, 0)
    if (session === null || this.#triedWith === tried) return null
    this.#triedWith = tried
    const chosen = partials.map((slot, index) => slot.length === 1 ? slot[0]! : slot.find(partial => this.#isGood(session, index, partial)) ?? slot[0]!)
    if (chosen.some(({ partial }) => partial.length !== 32)) return null
    const signature = aggregated(session, chosen)
    const { aggregate, message, backend } = this.#options
    return signature !== null && backend().verify(signature, message, aggregate.publicKey) ? signature : null
  }

  /** Who broke a rule, as far as it shows without waiting. */
  verdict(): Finding | null {
    return this.#twice() ?? this.#restartedSelf() ?? this.#left() ?? this.#invalid() ?? this.#spoilt()
  }

  /** Signers whose partial signature over our nonces does not verify. */
  badPartials(): number[] {
    const { session, noncesHash: hash } = this
    if (session === null) return []
    return this.#slots.partials.flatMap(([partial], index) => partial !== undefined && partial.nonces === hash!.hex && !this.#isGood(session, index, partial) ? [index] : [])
  }

  blamePartials(culprits: readonly number[]): Finding {
    const statements = culprits.map(index => this.#slots.partials[index]![0]!)
    const nonces = this.#slots.nonces.map(([nonce]) => nonce!.frame)
    return { reason: 'bad-partial', culprits, statements, evidence: [...nonces, ...statements.map(({ frame }) => frame)], text: 'gave a partial signature that does not verify' }
  }

  /** Two in one slot. Said in two runs of a program it is a restart, which proves no malice and is told to nobody. */
  #twice(): Finding | null {
    const [first] = this.#slots.contradictions
    if (first === undefined || first.type === 'abort') return null
    const { type, index } = first
    const [one, other] = this.#slots.of(type)[index] as [Statement, Statement]
    if (type !== 'join' && one.boot !== other.boot) return { reason: 'restarted', culprits: [index], statements: [], evidence: [], text: 'restarted after it had given a nonce' }
    const { reason, text } = TWICE[type]
    return { reason, culprits: [index], statements: [one, other], evidence: [one.frame, other.frame], text }
  }

  /** We have spoken in this session before this start: whatever secret belonged to it is gone. */
  #restartedSelf(): Finding | null {
    const { own, boot } = this.#options
    const index = own.find(each => [...this.#slots.nonces[each]!, ...this.#slots.partials[each]!].some(said => said.boot !== boot))
    return index === undefined ? null : { reason: 'restarted', culprits: [index], statements: [], evidence: [], text: 'this node restarted after it had given a nonce' }
  }

  #left(): Finding | null {
    const first = this.#slots.left === 0 ? undefined : this.#slots.aborts.find(slot => slot.length > 0)?.[0]
    if (first === undefined) return null
    return { reason: first.reason, culprits: [first.index], statements: [first], evidence: [], text: first.text === '' ? first.reason : `${first.reason}: ${first.text}` }
  }

  #invalid(): Finding | null {
    const nonce = this.#badNonce
    return nonce === undefined ? null : { reason: 'bad-nonce', culprits: [nonce.index], statements: [nonce], evidence: [nonce.frame], text: 'gave a public nonce that is none' }
  }

  /** All partial signatures are here, over our nonces, and do not add up. */
  #spoilt(): Finding | null {
    if (!this.#slots.isFull('partial') || this.session === null || this.#slots.partials.some(([partial]) => partial!.nonces !== this.noncesHash!.hex)) return null
    const bad = this.badPartials()
    return bad.length === 0 ? null : this.blamePartials(bad)
  }

  #isGood(session: SigningSession, index: number, partial: Partial): boolean {
    let good = this.#checked.get(partial)
    if (good === undefined) {
      good = partial.nonces === this.noncesHash!.hex && verifyPartial(this.#options.backend(), session, index, this.#slots.nonces[index]![0]!.nonce, partial.partial)
      this.#checked.set(partial, good)
    }
    return good
  }
}

const TWICE = {
  join: { reason: 'two-joins', text: 'joined from two peers: a second device, or a copy of the key' },
  nonce: { reason: 'two-nonces', text: 'gave two public nonces' },
  partial: { reason: 'two-partials', text: 'gave two partial signatures' },
} as const

function both(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly hex: string } {
  return { bytes, hex: toHex(bytes) }
}

function aggregated(session: SigningSession, partials: readonly Partial[]): Uint8Array | null {
  try {
    return aggregatePartials(session, partials.map(({ partial }) => partial))
  } catch {
    // A number of n or more: one by one it will be found.
    return null
  }
}
