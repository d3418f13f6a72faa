import { P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { EMPTY_BYTES, concatBytes } from '../../foundation/bytes.ts'
import { textOf } from '../../foundation/error-text.ts'
import { toHex } from '../../foundation/hex.ts'
import { EffectTimers } from '../../protocol-kit/run-effects.ts'
import type { AggregateKey, SigningSession } from '../../bitcoin/bip327/index.ts'
import type { Phase, SessionEffect, SessionInput, Verdict } from './events.ts'
import { RECORD_BYTES_MAX } from './limits.ts'
import type { Markers } from './markers.ts'
import type { IMuSig2Nonce, IMuSig2Signer } from './signer.ts'
import { SessionState } from './state.ts'
import { membershipDigest, readStatement, slotOf, type Statement, type StatementType } from './statement.ts'
import type { SessionTerms } from './terms.ts'

export interface SessionOptions {
  readonly id: Uint8Array
  readonly terms: SessionTerms
  /** Tweaks applied. */
  readonly aggregate: AggregateKey
  readonly message: Uint8Array
  /** Our signers by index. */
  readonly own: ReadonlyMap<number, IMuSig2Signer>
  readonly initiator: PeerId
  readonly rendezvous: Uint8Array
  readonly remainingMs: number
  readonly lingerMs?: number | undefined
  readonly boot: Uint8Array
  readonly context: ProtocolContext
  readonly backend: () => ICryptoBackend
  readonly markers: Markers
}

/** What a session cannot do by itself. */
export interface SessionHost {
  tell(session: Session, effect: SessionEffect & { kind: 'tell' }): void
  ask(session: Session): void
  show(session: Session, from: PeerId): void
  phase(session: Session, phase: Phase): void
  complete(session: Session, signature: Uint8Array): void
  aborted(session: Session, verdict: Verdict): void
  forget(session: Session): void
}

/** One session under way: carries out what its rules want done, and holds the secret nonces while they wait. */
export class Session implements Disposable {
  readonly id: Uint8Array
  readonly name: string
  readonly terms: SessionTerms
  readonly aggregate: AggregateKey
  readonly initiator: PeerId
  readonly rendezvous: Uint8Array
  readonly state: SessionState
  /** Peers that hold a key of this session and have been told what it is about: at most one for each signer and link. */
  readonly guests = new Set<PeerId>()
  readonly #options: SessionOptions
  readonly #host: SessionHost
  readonly #timers = new EffectTimers()
  readonly #nonces = new Map<number, IMuSig2Nonce>()
  readonly #endsAtMs: number
  readonly #waiting: { holds: () => boolean; resolve: () => void }[] = []
  #ended = false

  constructor(options: SessionOptions, host: SessionHost) {
    const { id, terms, aggregate, message, own, initiator, rendezvous, boot, context, backend, lingerMs } = options
    this.#options = options
    this.#host = host
    this.id = id
    this.name = toHex(id)
    this.terms = terms
    this.aggregate = aggregate
    this.initiator = initiator
    this.rendezvous = rendezvous
    this.#endsAtMs = context.clock.elapsedMs() + options.remainingMs
    this.state = new SessionState({
      id, aggregate, message, own: [...own.keys()], self: context.localPeer.peerId, boot: toHex(boot), isInitiator: initiator === context.localPeer.peerId, backend, lingerMs,
    })
  }

  get message(): Uint8Array {
    return this.#options.message
  }

  get own(): readonly number[] {
    return [...this.#options.own.keys()]
  }

  get remainingMs(): number {
    return Math.max(0, this.#endsAtMs - this.#options.context.clock.elapsedMs())
  }

  get isOver(): boolean {
    return this.state.signature !== undefined || this.state.verdict !== undefined
  }

  /** Secret nonces held now. */
  get secretNonces(): number {
    return this.#nonces.size
  }

  handle(input: SessionInput): void {
    if (this.#ended) return
    for (const effect of this.state.handle(input)) this.#carryOut(effect)
    for (const waiting of this.#waiting.filter(({ holds }) => holds())) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      waiting.resolve()
    }
  }

  /** Resolves when it holds, or when the session is over. */
  until(holds: () => boolean): Promise<void> {
    const either = (): boolean => this.#ended || this.isOver || holds()
    return either() ? Promise.resolve() : new Promise(resolve => this.#waiting.push({ holds: either, resolve }))
  }

  /** A statement of ours, signed by the node and given to the rules, which say whom to tell. */
  async say(type: StatementType, index: number, fields: Record<string, unknown>): Promise<void> {
    const statement = await this.author(type, index, fields)
    if (statement !== null) this.handle({ kind: 'statement', statement })
  }

  async author(type: StatementType, index: number, fields: Record<string, unknown>): Promise<Statement | null> {
    const { context, boot } = this.#options
    const payload = { session: this.id, index, boot, ...fields }
    const slot = slotOf(type, this.id, index)
    const frame = await context.author({ type, payload, slot })
    // Our own word needs no check but of its form.
    const { peerId: from } = context.localPeer
    return readStatement({ type, from, payload, slot, protocol: 'musig2', timestamp: context.clock.now(), messageId: '' }, this.id, frame)
  }

  /** Drops secrets and timers. */
  [Symbol.dispose](): void {
    this.#ended = true
    this.#drop()
    this.#timers[Symbol.dispose]()
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  #carryOut(effect: SessionEffect): void {
    const { context } = this.#options
    switch (effect.kind) {
      case 'join': return this.#work(() => this.#join(effect.index))
      case 'leave': return this.#work(() => this.#leave(effect))
      case 'nonce': return this.#work(() => this.#nonce(effect.index, effect.roster))
      case 'sign': return this.#work(() => this.#sign(effect.index, effect.session, effect.hash))
      case 'drop': return this.#drop()
      case 'schedule': return this.#timers.schedule(context, effect.timer, effect.delayMs, () => this.handle({ kind: 'timer', timer: effect.timer }))
      case 'cancel': return this.#timers.cancel(effect.timer)
      case 'blame': return context.report(new P2PError(effect.code, `musig2: ${effect.peerId} ${effect.text}`, { peerId: effect.peerId, protocol: 'musig2', evidence: effect.evidence }))
      case 'tell': return this.#host.tell(this, effect)
      case 'ask': return this.#host.ask(this)
      case 'show': return this.#host.show(this, effect.from)
      case 'phase': return this.#host.phase(this, effect.phase)
      case 'complete': return this.#host.complete(this, effect.signature)
      case 'aborted': return this.#host.aborted(this, effect.verdict)
      case 'forget': return this.#host.forget(this)
    }
  }

  /** What our own signer, disk or node cannot do ends the session for our part, with the others told. */
  #work(run: () => Promise<void>): void {
    run().catch((error: unknown) => {
      if (this.#ended || this.#options.context.signal.aborted) return
      this.#options.context.report(new P2PError('ERR_MUSIG2_SIGNER_FAILED', `our own part of a session failed: ${textOf(error)}`, { protocol: 'musig2', cause: error }))
      this.handle({ kind: 'leave', reason: 'failed', text: 'its signer failed' })
    })
  }

  #signerOf(index: number): IMuSig2Signer {
    return this.#options.own.get(index)!
  }

  async #proof(index: number): Promise<Uint8Array> {
    const { context, backend } = this.#options
    return await this.#signerOf(index).prove(membershipDigest(backend(), this.id, this.aggregate.keys[index]!, context.localPeer.peerId))
  }

  async #join(index: number): Promise<void> {
    const record = await this.#options.context.addresses.own().catch(() => EMPTY_BYTES)
    await this.say('join', index, { proof: await this.#proof(index), record: record.length > RECORD_BYTES_MAX ? EMPTY_BYTES : record })
  }

  async #leave({ index, reason, text }: SessionEffect & { kind: 'leave' }): Promise<void> {
    await this.say('abort', index, { proof: await this.#proof(index), reason, text: text.slice(0, 200) })
  }

  /** The marker is on the disk before the nonce leaves: whoever forgets it has made one would make another. */
  async #nonce(index: number, roster: Uint8Array): Promise<void> {
    const { message, context, markers } = this.#options
    const nonce = await this.#signerOf(index).nonce({ aggregateKey: this.aggregate.publicKey, message, extra: concatBytes(this.id, Uint8Array.of(index >>> 8, index)) })
    if (this.#ended || this.isOver) return nonce[Symbol.dispose]()
    this.#nonces.set(index, nonce)
    const peers = this.state.peers.filter(peer => peer !== undefined && peer !== context.localPeer.peerId) as PeerId[]
    await markers.put({ session: this.name, own: this.own.map(each => ({ index: each, key: toHex(this.aggregate.keys[each]!) })), peers: [...new Set(peers)], untilMs: context.clock.now() + this.remainingMs })
    await this.say('nonce', index, { nonce: nonce.publicNonce, roster })
  }

  /** The nonce is taken before it signs, so that nothing can ask it twice. */
  async #sign(index: number, session: SigningSession, hash: Uint8Array): Promise<void> {
    const nonce = this.#nonces.get(index)
    this.#nonces.delete(index)
    if (nonce === undefined) throw new P2PError('ERR_MUSIG2_NONCE_SPENT', 'there is no nonce to sign with')
    const partial = await nonce.sign(session, index)
    await this.say('partial', index, { partial, nonces: hash })
  }

  #drop(): void {
    for (const nonce of this.#nonces.values()) nonce[Symbol.dispose]()
    this.#nonces.clear()
  }
}

/** A frame somebody holds of a session, read for its rules; null for what is none of its statements. Rejects with ERR_WIRE_*. */
export async function receivedStatement(context: ProtocolContext, session: Uint8Array, frame: Uint8Array): Promise<Statement | null> {
  return readStatement(await context.verify(frame), session, frame)
}

