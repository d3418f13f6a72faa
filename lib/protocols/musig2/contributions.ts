import {
  aggregateNonces, aggregatePartials, isPublicNonce, signingSession, verifyPartial, type SigningSession,
} from '../../bitcoin/bip327/index.ts'
import { toHex } from '../../foundation/hex.ts'
import type { AbortReason } from './events.ts'
import type { SessionStateOptions } from './session-options.ts'
import type { Slots } from './slots.ts'
import { noncesHash, rosterHash, type Partial, type Statement } from './statement.ts'

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
  #triedWith = ''

  constructor(options: SessionStateOptions, slots: Slots) {
    this.#options = options
    this.#slots = slots
  }

  /** All public nonces in order, where all are here, made for our roster, and are nonces. */
  nonces(): Uint8Array[] | null {
    const { roster, nonces } = this.#slots
    if (roster === undefined || nonces.some(slot => slot.length === 0)) return null
    const { id, backend } = this.#options
    const rostered = toHex(rosterHash(backend(), id, roster))
    const first = nonces.map(([nonce]) => nonce!)
    if (first.some(({ nonce, roster: said }) => said !== rostered || !this.#isNonce(nonce))) return null
    return first.map(({ nonce }) => nonce)
  }

  /** The finished signature, verified, or null. Partial signatures are checked together; one by one only to name who spoilt it. */
  signature(): Uint8Array | null {
    const { partials } = this.#slots
    if (partials.some(slot => slot.length === 0)) return null
    const session = this.#signing()
    if (session === null) return null
    const tried = partials.map(slot => slot.length).join()
    if (this.#triedWith === tried) return null
    this.#triedWith = tried
    const chosen = partials.map((slot, index) => slot.length === 1 ? slot[0]! : slot.find(partial => this.#isGood(session, index, partial)) ?? slot[0]!)
    if (chosen.some(({ partial }) => partial.length !== 32)) return null
    const signature = aggregated(session, chosen)
    const { aggregate, message, backend } = this.#options
    return signature !== null && backend().verify(signature, message, aggregate.publicKey) ? signature : null
  }

  /** Who broke a rule, as far as it shows without waiting. */
  verdict(): Finding | null {
    return this.#twice() ?? this.#restartedSelf() ?? this.#left() ?? this.#badNonce() ?? this.#spoilt()
  }

  /** Signers whose partial signature over our nonces does not verify. */
  badPartials(): number[] {
    const session = this.#signing()
    if (session === null) return []
    const hash = this.#hash!
    return this.#slots.partials.flatMap(([partial], index) => partial !== undefined && partial.nonces === hash && !this.#isGood(session, index, partial) ? [index] : [])
  }

  blamePartials(culprits: readonly number[]): Finding {
    const statements = culprits.map(index => this.#slots.partials[index]![0]!)
    const nonces = this.#slots.nonces.map(([nonce]) => nonce!.frame)
    return { reason: 'bad-partial', culprits, statements, evidence: [...nonces, ...statements.map(({ frame }) => frame)], text: 'gave a partial signature that does not verify' }
  }

  #hash: string | undefined

  #signing(): SigningSession | null {
    if (this.#session !== undefined) return this.#session
    const nonces = this.nonces()
    if (nonces === null) return null
    const { id, aggregate, message, backend } = this.#options
    this.#hash = toHex(noncesHash(backend(), id, nonces))
    this.#session = signingSession(backend(), aggregate, aggregateNonces(backend(), nonces), message)
    return this.#session
  }

  #twice(): Finding | null {
    const { joins, nonces, partials } = this.#slots
    return this.#contradiction('two-joins', joins, 'joined from two peers: a second device, or a copy of the key')
      ?? this.#contradiction('two-nonces', nonces, 'gave two public nonces')
      ?? this.#contradiction('two-partials', partials, 'gave two partial signatures')
  }

  /** Two in one slot. Said in two runs of a program it is a restart, which proves no malice and is told to nobody. */
  #contradiction(reason: AbortReason, slots: readonly (readonly Statement[])[], text: string): Finding | null {
    const index = slots.findIndex(slot => slot.length > 1)
    if (index < 0) return null
    const [one, other] = slots[index] as [Statement, Statement]
    if (reason !== 'two-joins' && one.boot !== other.boot) return { reason: 'restarted', culprits: [index], statements: [], evidence: [], text: 'restarted after it had given a nonce' }
    return { reason, culprits: [index], statements: [one, other], evidence: [one.frame, other.frame], text }
  }

  /** We have spoken in this session before this start: whatever secret belonged to it is gone. */
  #restartedSelf(): Finding | null {
    const { own, boot } = this.#options
    const index = own.find(each => [...this.#slots.nonces[each]!, ...this.#slots.partials[each]!].some(said => said.boot !== boot))
    return index === undefined ? null : { reason: 'restarted', culprits: [index], statements: [], evidence: [], text: 'this node restarted after it had given a nonce' }
  }

  #left(): Finding | null {
    const culprits = this.#slots.aborts.flatMap((slot, index) => slot.length > 0 ? [index] : [])
    const first = culprits.map(index => this.#slots.aborts[index]![0]!)[0]
    if (first === undefined) return null
    return { reason: first.reason, culprits: [first.index], statements: [first], evidence: [], text: first.text === '' ? first.reason : `${first.reason}: ${first.text}` }
  }

  #badNonce(): Finding | null {
    const index = this.#slots.nonces.findIndex(([nonce]) => nonce !== undefined && !this.#isNonce(nonce.nonce))
    if (index < 0) return null
    const [nonce] = this.#slots.nonces[index]!
    return { reason: 'bad-nonce', culprits: [index], statements: [nonce!], evidence: [nonce!.frame], text: 'gave a public nonce that is none' }
  }

  /** All partial signatures are here, over our nonces, and do not add up. */
  #spoilt(): Finding | null {
    const { partials } = this.#slots
    const session = this.#signing()
    if (session === null || partials.some(([partial]) => partial === undefined || partial.nonces !== this.#hash)) return null
    const bad = this.badPartials()
    return bad.length === 0 ? null : this.blamePartials(bad)
  }

  readonly #validNonces = new Map<Uint8Array, boolean>()

  #isNonce(nonce: Uint8Array): boolean {
    let valid = this.#validNonces.get(nonce)
    if (valid === undefined) this.#validNonces.set(nonce, valid = isPublicNonce(this.#options.backend(), nonce))
    return valid
  }

  #isGood(session: SigningSession, index: number, partial: Partial): boolean {
    let good = this.#checked.get(partial)
    if (good === undefined) {
      good = partial.nonces === this.#hash && verifyPartial(this.#options.backend(), session, index, this.#slots.nonces[index]![0]!.nonce, partial.partial)
      this.#checked.set(partial, good)
    }
    return good
  }
}

function aggregated(session: SigningSession, partials: readonly Partial[]): Uint8Array | null {
  try {
    return aggregatePartials(session, partials.map(({ partial }) => partial))
  } catch {
    // A number of n or more: one by one it will be found.
    return null
  }
}
