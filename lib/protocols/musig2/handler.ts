import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { ErrorCode, P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { PeerInfo } from '../../contracts/peer.ts'
import type { ProtocolContext, Receivers, Responders } from '../../contracts/protocol.ts'
import { baseBackend } from '../../crypto/select.ts'
import { textOf } from '../../foundation/error-text.ts'
import { toHex } from '../../foundation/hex.ts'
import { SafeEmitter } from '../../foundation/safe-emitter.ts'
import { loadPayloadChecker, payloadCheckerReady } from '../../protocol-kit/payload-check.ts'
import { ProtocolHandler } from '../../protocol-kit/protocol-handler.ts'
import { KeyAggregator, type AggregateKey } from '../../bitcoin/bip327/index.ts'
import { taprootAddress } from '../../bitcoin/address.ts'
import { applyTweakRules, type TweakRule } from '../../bitcoin/taproot.ts'
import { withKeySignature } from '../../bitcoin/psbt.ts'
import { MuSig2Abort } from './abort-error.ts'
import { Announcer } from './announcer.ts'
import { musig2Protocol, type MuSig2Protocol } from './definition.ts'
import { draw } from '../../protocol-kit/draw.ts'
import type { Phase, Verdict } from './events.ts'
import { provenBy, type Proven } from './evidence.ts'
import { Exchange } from './exchange.ts'
import { Invitations } from './invitations.ts'
import { Keyring } from './keyring.ts'
import { SESSIONS_MAX, TIMEOUT_MS, TIMEOUT_MS_MAX } from './limits.ts'
import { Markers } from './markers.ts'
import type { MuSig2Events, MuSig2Options, MuSig2Result, MuSig2Stats, SessionInfo, SessionRequest, SignerInfo } from './options.ts'
import { Rendezvous } from './rendezvous.ts'
import type { SigningRequest } from './request.ts'
import { Restarted } from './restarted.ts'
import { Session, type SessionHost, type SessionOptions } from './session.ts'
import { resolveTerms } from './subject.ts'
import { checkTerms, sessionIdOf, type SessionTerms, type Subject } from './terms.ts'

/** What belongs to one registration: another begins with nothing of it. */
interface Running {
  readonly exchange: Exchange
  readonly markers: Markers
  readonly announcer: Announcer
  readonly invitations: Invitations
  readonly restarted: Restarted
  readonly boot: Uint8Array
}

/** MuSig2 (BIP327) among peers: n holders of keys end with one signature, or with the name of who broke it. PROTOCOL.md has the rules. */
export class MuSig2 extends ProtocolHandler<MuSig2Protocol> implements SessionHost {
  readonly events = new SafeEmitter<MuSig2Events>()
  readonly #options: MuSig2Options
  readonly #keyring: Keyring
  readonly #aggregator = new KeyAggregator(() => this.#crypto)
  readonly #sessions = new Map<string, Session>()
  readonly #ends = new Map<string, { promise: Promise<MuSig2Result>; resolve: (result: MuSig2Result) => void; reject: (error: Error) => void }>()
  #crypto: ICryptoBackend
  #onRequest: ((request: SigningRequest) => void | Promise<void>) | undefined
  #running: Running | undefined

  protected readonly receive: Receivers<MuSig2Protocol> = {
    announce: ({ rendezvous }, from) => this.#live.invitations.hear(rendezvous, from.peerId),
    statements: async ({ session: id, frames, pass }, from) => {
      const session = this.#sessions.get(toHex(id))
      if (session !== undefined) await this.#live.exchange.take(session, from.peerId, frames, pass)
    },
  }
  protected override readonly answer: Responders<MuSig2Protocol> = {
    open: ({ rendezvous, tags }, from) => ({ boxes: this.#live.announcer.open(rendezvous, tags, from.peerId) }),
    sync: ({ session: id, ...held }, from) => {
      const session = this.#sessions.get(toHex(id))
      return { frames: session === undefined ? [] : this.#live.exchange.answer(session, from.peerId, held) }
    },
  }

  /** Throws RangeError or TypeError for keys that are none. */
  constructor(options: MuSig2Options) {
    super(musig2Protocol)
    this.#options = options
    this.#crypto = options.crypto ?? baseBackend()
    this.#keyring = new Keyring(options.keys, () => this.#crypto)
  }

  /** Runs on this backend from now on. */
  useBackend(backend: ICryptoBackend): void {
    this.#crypto = backend
  }

  // What applications call.

  /** The keys this node signs with: 33 bytes each. */
  get publicKeys(): Uint8Array[] {
    return this.#keyring.signers.map(({ publicKey }) => publicKey.slice())
  }

  /** Asked whenever somebody wants our signature. Without it every request is declined. */
  onRequest(listener: (request: SigningRequest) => void | Promise<void>): void {
    this.#onRequest = listener
  }

  /** The key that these signers sign with together: x-only, and as a taproot address of the configured network. Throws `InvalidContribution` for a key that is none. */
  aggregate(signers: readonly Uint8Array[], tweaks: readonly TweakRule[] = []): { publicKey: Uint8Array; point: Uint8Array; address: string } {
    const { publicKey, point } = applyTweakRules(this.#crypto, this.#aggregator.aggregate(signers), tweaks)
    return { publicKey, point, address: taprootAddress(publicKey, this.#options.network) }
  }

  /**
   * One signature by all of them: announces, gathers, and resolves with it, verified. Rejects with `MuSig2Abort` (`ERR_MUSIG2_ABORTED`), which names who is
   * at fault, within `timeoutMs`; with TypeError, RangeError or ERR_MUSIG2_BAD_TERMS for what cannot be asked, ERR_MUSIG2_TOO_MANY_SESSIONS, or the signal's reason.
   */
  async sign(request: SessionRequest): Promise<MuSig2Result> {
    request.signal?.throwIfAborted()
    const session = await this.#begin(request, false)
    const cancel = (): void => session.handle({ kind: 'leave', reason: 'cancelled', text: 'the initiator cancelled' })
    request.signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await this.result(session.name)
    } catch (error) {
      request.signal?.throwIfAborted()
      throw error
    } finally {
      request.signal?.removeEventListener('abort', cancel)
    }
  }

  /** The long way: announces and joins, and returns the session's id. `shareNonces` and `sharePartialSig` take the next steps, `result` waits for the end. */
  async createSession(signers: SessionRequest['signers'], message: Uint8Array, options: Omit<SessionRequest, 'signers' | 'message' | 'signal'> = {}): Promise<string> {
    const { psbt: _, ...rest } = options
    return (await this.#begin({ ...rest, signers, message, ...(options.psbt === undefined ? {} : { psbt: options.psbt }) }, true)).name
  }

  /** Gives our public nonces as soon as all have joined; resolves when they are given. Again it does nothing more. Rejects with `MuSig2Abort`, or ERR_MUSIG2_NO_SESSION. */
  async shareNonces(sessionId: string): Promise<void> {
    await this.#step(sessionId, 'nonce')
  }

  /** Signs as soon as all nonces are here; resolves when our partial signature is given. Likewise. */
  async sharePartialSig(sessionId: string): Promise<void> {
    await this.#step(sessionId, 'partial')
  }

  /** The signature, once it is there. Rejects with `MuSig2Abort`, or ERR_MUSIG2_NO_SESSION. */
  async result(sessionId: string): Promise<MuSig2Result> {
    const end = this.#ends.get(sessionId)
    if (end === undefined) throw noSession(sessionId)
    return await end.promise
  }

  /** Ends a session in our name. */
  cancel(sessionId: string, text = ''): void {
    this.#sessionOf(sessionId).handle({ kind: 'leave', reason: 'cancelled', text })
  }

  /** Asks the network's directory, where there is one, for sessions that wait for one of our keys. Done by itself when this is registered. */
  async discover(): Promise<void> {
    await this.#live.invitations.discover()
  }

  /**
   * What somebody's evidence (`MuSig2Abort.evidence`) proves, or null: nothing is believed but signatures. With the signers and the message of the session bad partial signatures and
   * second joins can be judged too.
   */
  async proven(evidence: readonly Uint8Array[], about?: Pick<SessionRequest, 'signers' | 'message' | 'psbt' | 'inputIndex' | 'tweaks'>): Promise<Proven | null> {
    if (!payloadCheckerReady()) await loadPayloadChecker()
    const terms = about === undefined ? undefined : termsOf(about)
    return await provenBy(evidence, frame => this.context.verify(frame), this.#crypto, terms && resolveTerms(this.#crypto, this.#aggregated(terms.keys), terms))
  }

  sessions(): SessionInfo[] {
    return [...this.#sessions.values()].map(({ name, state, terms, remainingMs }) => ({ sessionId: name, phase: state.phase, signers: terms.keys, peers: state.peers, remainingMs }))
  }

  getStats(): MuSig2Stats {
    const sessions = [...this.#sessions.values()]
    const { exchange, invitations } = this.#live
    return {
      sessions: sessions.length, invited: sessions.filter(({ initiator }) => initiator !== this.context.localPeer.peerId).length,
      secretNonces: sessions.reduce((sum, { secretNonces }) => sum + secretNonces, 0), rendezvous: invitations.size, aggregates: this.#aggregator.size,
      counters: { ...exchange.counters, ...invitations.counters },
    }
  }

  // What the house calls.

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    const backend = (): ICryptoBackend => this.#crypto
    const boot = draw(context, 16)
    const markers = new Markers(context.store, context.clock)
    const exchange = new Exchange(context, backend, {
      statements: (to, payload) => this.send(to, 'statements', payload),
      sync: (to, payload, timeoutMs) => this.request(to, 'sync', payload, { timeoutMs }),
    })
    const announcer = new Announcer(context, (payload, to) => to === undefined ? this.broadcast('announce', payload) : this.send(to, 'announce', payload))
    const restarted = new Restarted(context, backend, this.#keyring, markers, boot, (to, payload) => this.send(to, 'statements', payload))
    const invitations = new Invitations({
      context, backend, keyring: this.#keyring, aggregator: this.#aggregator, markers, options: this.#options,
      open: (to, payload, timeoutMs) => this.request(to, 'open', payload, { timeoutMs }),
      sessions: this.#sessions, begin: options => this.#add({ ...options, boot, markers }), ask: request => this.#ask(request),
    })
    this.#running = { exchange, markers, announcer, invitations, restarted, boot }
    void markers.load().then(() => restarted.tellLinked(), (error: unknown) => this.#report('ERR_MUSIG2_STORE_FAILED', `markers of earlier sessions could not be read: ${textOf(error)}`, error))
    invitations.listen()
  }

  override onUnregister(): void {
    const over = new P2PError(ErrorCode.PROTOCOL_NOT_REGISTERED, "'musig2' has been unregistered", { protocol: 'musig2' })
    for (const session of this.#sessions.values()) session[Symbol.dispose]()
    for (const { reject } of this.#ends.values()) reject(over)
    this.#running?.announcer[Symbol.dispose]()
    this.#running?.invitations[Symbol.dispose]()
    this.#sessions.clear()
    this.#ends.clear()
    this.#running = undefined
    void super.onUnregister()
  }

  async onPeerConnected(peer: PeerInfo): Promise<void> {
    if (!peer.protocols?.some(({ name }) => name === musig2Protocol.name)) return
    const { announcer, exchange, invitations, restarted } = this.#live
    invitations.listen()
    announcer.greet(peer.peerId)
    restarted.tell(peer.peerId)
    for (const session of this.#sessions.values()) {
      if (!session.isOver && (session.state.isMember(peer.peerId) || session.initiator === peer.peerId)) exchange.catchUp(session, peer.peerId)
    }
  }

  // What sessions ask for.

  tell(session: Session, effect: Parameters<SessionHost['tell']>[1]): void {
    this.#running?.exchange.tell(session, effect)
  }

  ask(session: Session): void {
    this.#running?.exchange.ask(session)
  }

  show(session: Session, from: PeerId): void {
    this.#running?.exchange.show(session, from)
  }

  phase(session: Session, phase: Phase): void {
    if (phase === 'nonces') {
      this.#running?.announcer.withdraw(session)
      this.#running?.exchange.dialMembers(session.state.joins)
    }
    this.events.emit('phase', { sessionId: session.name, phase })
  }

  complete(session: Session, signature: Uint8Array): void {
    const { terms: { subject }, aggregate: { publicKey }, name } = session
    const result: MuSig2Result = { sessionId: name, signature, publicKey, ...(subject.kind === 'psbt' ? { psbt: withKeySignature(subject.psbt, subject.inputIndex, signature) } : {}) }
    this.#running?.announcer.withdraw(session)
    this.#ends.get(name)?.resolve(result)
    this.events.emit('complete', result)
  }

  aborted(session: Session, verdict: Verdict): void {
    const error = new MuSig2Abort(session.name, verdict, session.terms.keys, session.state.peers)
    this.#running?.announcer.withdraw(session)
    this.#ends.get(session.name)?.reject(error)
    this.events.emit('aborted', error)
  }

  forget(session: Session): void {
    session[Symbol.dispose]()
    this.#sessions.delete(session.name)
    this.#ends.delete(session.name)
    this.#running?.markers.drop(session.name).catch((error: unknown) => this.#report('ERR_MUSIG2_STORE_FAILED', `a marker could not be deleted: ${textOf(error)}`, error))
  }

  // Between the two.

  get #live(): Running {
    if (this.#running !== undefined) return this.#running
    throw new P2PError(ErrorCode.PROTOCOL_NOT_REGISTERED, 'musig2 is not registered; call coordinator.registerProtocol(musig2) first', { protocol: 'musig2' })
  }

  async #begin(request: SessionRequest, manual: boolean): Promise<Session> {
    const { context } = this
    const { announcer, markers, boot } = this.#live
    // Our own statements are read like everybody's.
    if (!payloadCheckerReady()) await loadPayloadChecker()
    const remainingMs = checkedTimeout(request.timeoutMs)
    const terms = termsOf(request)
    checkTerms(terms)
    const { aggregate, message } = resolveTerms(this.#crypto, this.#aggregated(terms.keys), terms)
    const own = this.#keyring.among(terms.keys)
    if (own.size === 0) throw new RangeError('expected one of our own keys among the signers: who begins a session signs in it')
    if (this.#sessions.size >= SESSIONS_MAX) throw new P2PError('ERR_MUSIG2_TOO_MANY_SESSIONS', `${SESSIONS_MAX} sessions are held already; wait for some to end`, { protocol: 'musig2' })
    const rendezvous = new Rendezvous(() => this.#crypto, length => draw(context, length))
    const session = this.#add({
      id: sessionIdOf(this.#crypto, terms, rendezvous.id), terms, aggregate, message, own, initiator: context.localPeer.peerId, rendezvous: rendezvous.id, remainingMs,
      lingerMs: this.#options.lingerMs, context, backend: () => this.#crypto, boot, markers,
    })
    session.handle({ kind: 'start', remainingMs })
    if (!manual) {
      session.handle({ kind: 'allow', step: 'nonce' })
      session.handle({ kind: 'allow', step: 'partial' })
    }
    session.handle({ kind: 'consent' })
    const [first] = own.keys()
    await session.until(() => session.state.joinOf(first!) !== undefined)
    const join = session.state.joinOf(first!)
    if (join !== undefined) announcer.announce(session, rendezvous, first!, join.frame, peersOf(request.signers))
    return session
  }

  #aggregated(keys: readonly Uint8Array[]): AggregateKey {
    return this.#aggregator.aggregate(keys)
  }

  #add(options: SessionOptions): Session {
    const session = new Session(options, this)
    let resolve!: (result: MuSig2Result) => void
    let reject!: (error: Error) => void
    const promise = new Promise<MuSig2Result>((...both) => [resolve, reject] = both)
    // Who waits is told; who does not need not hear of it.
    promise.catch(() => {})
    this.#sessions.set(session.name, session)
    this.#ends.set(session.name, { promise, resolve, reject })
    return session
  }

  /** Puts a request before whoever holds the key. */
  #ask(request: SigningRequest): void {
    this.events.emit('request', request)
    if (this.#onRequest === undefined) return request.decline('nobody looks at requests here')
    const failed = (error: unknown): void => {
      this.#report(ErrorCode.PROTOCOL_LISTENER_FAILED, `the listener of onRequest failed: ${textOf(error)}`, error)
      request.decline('its wallet failed')
    }
    try {
      this.#onRequest(request)?.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  async #step(sessionId: string, step: 'nonce' | 'partial'): Promise<void> {
    const session = this.#sessionOf(sessionId)
    session.handle({ kind: 'allow', step })
    await session.until(() => session.own.every(index => session.state.hasSaid(step, index)))
    if (session.state.verdict !== undefined && session.state.signature === undefined) await this.result(sessionId)
  }

  #sessionOf(sessionId: string): Session {
    const session = this.#sessions.get(sessionId)
    if (session === undefined) throw noSession(sessionId)
    return session
  }

  #report(code: ErrorCode, text: string, cause: unknown): void {
    if (this.#running !== undefined) this.context.report(new P2PError(code, text, { protocol: 'musig2', cause }))
  }
}

function noSession(sessionId: string): P2PError {
  return new P2PError('ERR_MUSIG2_NO_SESSION', `no session ${JSON.stringify(String(sessionId).slice(0, 64))} is held here; finished ones are forgotten after a while`, { protocol: 'musig2' })
}

function termsOf({ signers, message, psbt, inputIndex = 0, tweaks = [], description = '' }: SessionRequest): SessionTerms {
  if ((message === undefined) === (psbt === undefined)) throw new TypeError('expected either a message or a psbt to sign')
  const subject: Subject = psbt === undefined ? { kind: 'message', message: message! } : { kind: 'psbt', psbt, inputIndex }
  return { keys: signers.map(signer => signer instanceof Uint8Array ? signer : signer.publicKey), tweaks, subject, description }
}

function peersOf(signers: SessionRequest['signers']): (PeerId | PeerInfo)[] {
  return signers.flatMap(signer => (signer as SignerInfo).peer ?? [])
}

function checkedTimeout(timeoutMs = TIMEOUT_MS): number {
  if (!(timeoutMs > 0 && timeoutMs <= TIMEOUT_MS_MAX)) throw new RangeError(`timeoutMs must be a number from 1 to ${TIMEOUT_MS_MAX}, got ${String(timeoutMs)}`)
  return timeoutMs
}
