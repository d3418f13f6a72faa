import { ErrorCode, P2PError } from '../../contracts/errors.ts'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { PeerInfo } from '../../contracts/peer.ts'
import type { ProtocolContext, Receivers } from '../../contracts/protocol.ts'
import type { IRelay } from '../../contracts/relay.ts'
import type { WaitOptions } from '../../contracts/wait.ts'
import { baseBackend } from '../../crypto/select.ts'
import { withDeadline } from '../../foundation/deadline.ts'
import { textOf } from '../../foundation/error-text.ts'
import { toHex } from '../../foundation/hex.ts'
import { draw } from '../../protocol-kit/draw.ts'
import { ProtocolHandler } from '../../protocol-kit/protocol-handler.ts'
import { EffectTimers, runEffects, type EffectSink } from '../../protocol-kit/run-effects.ts'
import { relayProtocol, type RelayProtocol } from './definition.ts'
import type { RelayEffect, RelayEvent, RelayInput, SendOutcome, Stated } from './events.ts'
import { ENVELOPE_KIND, ID_BYTES, SEALED_BYTES_MAX, SEALED_BYTES_MIN, SEND_TIMEOUT_MS, SENDS_MAX } from './limits.ts'
import { checkedOptions, type RelayOptions } from './options.ts'
import { RelayState, type RelayStats } from './state.ts'
import { statementOf } from './statement.ts'

type OwnEffect = Extract<RelayEffect, { kind: 'check' | 'sign' | 'hand-on' | 'deliver' | 'breach' }>

/** Carries sealed messages between nodes that have no link, over those that have. It plays the role `relay`. PROTOCOL.md has the rules and their reasons. */
export class Relay extends ProtocolHandler<RelayProtocol> implements EffectSink<RelayEvent> {
  readonly relay: IRelay = { send: (to, sealed, options) => this.#send(to, sealed, options) }
  readonly #options: Required<Omit<RelayOptions, 'hasher'>>
  readonly #hasher: Pick<ICryptoBackend, 'sha256'>
  readonly #timers = new EffectTimers()
  readonly #waiting = new Map<string, { resolve(outcome: SendOutcome): void; reject(error: unknown): void }>()
  #state: RelayState | undefined
  #sent = 0

  protected readonly receive: Receivers<RelayProtocol> = {
    seek: (payload, from) => this.#step({ kind: 'word', stated: { word: 'seek', from: this.#idOf(from), payload } }),
    found: (payload, from) => this.#step({ kind: 'word', stated: { word: 'found', from: this.#idOf(from), payload } }),
    receipt: (payload, from) => this.#step({ kind: 'word', stated: { word: 'receipt', from: this.#idOf(from), payload } }),
    carry: (payload, from) => this.#step({ kind: 'carry', from: this.#idOf(from), payload, digest: this.#digestOf(payload.sealed) }),
    lost: (payload, from) => this.#step({ kind: 'lost', from: this.#idOf(from), payload }),
  }

  /** Throws RangeError or TypeError for options that cannot work. */
  constructor(options: RelayOptions = {}) {
    super(relayProtocol)
    this.#options = checkedOptions(options)
    this.#hasher = options.hasher ?? baseBackend()
  }

  /** Throws ERR_PROTOCOL_NOT_REGISTERED before `registerProtocol`. */
  getStats(): RelayStats {
    return this.#running.stats
  }

  // What the house calls.

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    this.#state = new RelayState({
      ownId: context.localPeer.peerId, ...this.#options,
      newId: () => draw(context, ID_BYTES),
    })
    this.#step({ kind: 'start' })
  }

  override onUnregister(): void {
    this.#timers[Symbol.dispose]()
    this.#state = undefined
    for (const { reject } of this.#waiting.values()) reject(this.context.signal.reason)
    void super.onUnregister()
  }

  async onPeerConnected(peer: PeerInfo): Promise<void> {
    if (peer.protocols?.some(({ name }) => name === relayProtocol.name)) this.#idOf(peer)
  }

  async onPeerDisconnected({ peerId }: PeerInfo): Promise<void> {
    this.#step({ kind: 'left', from: peerId })
  }

  onEvent({ ref, outcome }: RelayEvent): void {
    this.#waiting.get(ref)?.resolve(outcome)
  }

  onTimer(timer: string): void {
    // Who has learned to speak it since its link was made is found here.
    for (const peer of this.context.peers()) this.#idOf(peer)
    this.#step({ kind: 'timer', timer })
  }

  // Between the two.

  get #running(): RelayState {
    if (this.#state !== undefined) return this.#state
    throw new P2PError(ErrorCode.PROTOCOL_NOT_REGISTERED, 'relay is not registered; call coordinator.registerProtocol(relay) first', { protocol: 'relay' })
  }

  /** Resolves when the target's signed receipt is here. */
  async #send(to: PeerId, sealed: Uint8Array, options: WaitOptions = {}): Promise<void> {
    const { context } = this
    if (!/^[0-9a-f]{64}$/.test(to)) throw new RangeError(`expected the target's id of 64 lower-case hex digits, got ${JSON.stringify(to)}`)
    if (sealed[0] !== ENVELOPE_KIND || sealed.length < SEALED_BYTES_MIN || sealed.length > SEALED_BYTES_MAX) {
      throw new RangeError(`expected a sealed envelope of ${SEALED_BYTES_MIN} to ${SEALED_BYTES_MAX} bytes, got ${sealed.length} bytes beginning with ${sealed[0]}`)
    }
    if (this.#waiting.size >= SENDS_MAX) throw new P2PError('ERR_RELAY_BUSY', `${SENDS_MAX} envelopes wait for their receipts; await some of them first`, { protocol: 'relay' })
    const ref = String(this.#sent++)
    try {
      const outcome = await withDeadline(context.clock, options, () => this.#outcomeOf(ref, to, sealed), { defaultTimeoutMs: SEND_TIMEOUT_MS, what: `a receipt from ${to}` })
      if (outcome !== 'received') throw failure(outcome, to)
    } finally {
      this.#waiting.delete(ref)
      this.#step({ kind: 'cancel', ref })
    }
  }

  #outcomeOf(ref: string, to: PeerId, sealed: Uint8Array): Promise<SendOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(ref, { resolve, reject })
      this.#step({ kind: 'send', ref, to, sealed, digest: this.#digestOf(sealed), id: draw(this.context, ID_BYTES) })
    })
  }

  #digestOf(sealed: Uint8Array): string {
    return toHex(this.#hasher.sha256(sealed))
  }

  /** A peer may speak before we have heard that its link stands, or learn to speak long after. */
  #idOf({ peerId }: PeerInfo): PeerId {
    this.#step({ kind: 'joined', from: peerId })
    return peerId
  }

  #step(input: RelayInput): void {
    if (this.#state === undefined) return
    this.#carryOut(this.#state.handle(input, this.context.clock.elapsedMs()))
  }

  #carryOut(effects: readonly RelayEffect[]): void {
    let rest: Exclude<RelayEffect, OwnEffect>[] | undefined
    for (const effect of effects) {
      switch (effect.kind) {
        case 'check':
          void this.#check(effect.stated)
          break
        case 'sign':
          void this.#sign(effect)
          break
        case 'hand-on':
          void this.#handOn(effect)
          break
        case 'deliver':
          void this.#deliver(effect)
          break
        case 'breach':
          this.context.report(new P2PError(effect.code, `${effect.from} ${effect.what}`, { peerId: effect.from, protocol: 'relay' }))
          break
        default:
          (rest ??= []).push(effect)
      }
    }
    if (rest !== undefined) void runEffects<RelayProtocol, RelayEvent>(this.context, rest, this, this.#timers)
  }

  async #check(stated: Stated): Promise<void> {
    const { context } = this
    const said = await context.verify(stated.payload.statement).then(statementOf, (error: unknown) => {
      if (!(error instanceof P2PError)) this.#report('could not check a statement', error)
      return null
    })
    this.#step(said === null ? { kind: 'misstated', stated } : { kind: 'stated', stated, statement: said, wallMs: context.clock.now() })
  }

  /** One that cannot be signed is missed by whoever waits for it; why is told. */
  async #sign({ purpose, payload }: Extract<RelayEffect, { kind: 'sign' }>): Promise<void> {
    try {
      this.#step({ kind: 'signed', purpose, statement: await this.context.author({ type: purpose.type, payload }) })
    } catch (error) {
      this.#report(`could not sign '${purpose.type}'`, error)
    }
  }

  async #handOn({ to, payload }: Extract<RelayEffect, { kind: 'hand-on' }>): Promise<void> {
    try {
      await this.send(to, 'carry', payload)
    } catch {
      // Its link has gone or is full: another way is tried, or whoever gave it to us is told.
      this.#step({ kind: 'unsent', to, id: toHex(payload.id), attempt: payload.attempt })
    }
  }

  /** What does not open, or was here before, is its author's affair or nobody's: those who carried it could not see. */
  async #deliver({ key, from, sealed }: Extract<RelayEffect, { kind: 'deliver' }>): Promise<void> {
    const { context } = this
    const via = context.peers().find(({ peerId }) => peerId === from)
    try {
      if (via === undefined) throw new P2PError(ErrorCode.PEER_NOT_CONNECTED, `${from} left before what it brought was opened`)
      await context.deliver(sealed, via)
      this.#step({ kind: 'delivered', key, isTaken: true })
    } catch (error) {
      this.#report('an envelope for us was refused', error)
      this.#step({ kind: 'delivered', key, isTaken: false })
    }
  }

  #report(what: string, error: unknown): void {
    if (this.#state === undefined) return
    const code = error instanceof P2PError ? error.code : ErrorCode.PROTOCOL_HANDLER_FAILED
    this.context.report(new P2PError(code, `${what}: ${textOf(error)}`, { protocol: 'relay', cause: error }))
  }
}

function failure(outcome: Exclude<SendOutcome, 'received'>, to: PeerId): P2PError {
  return outcome === 'unreachable'
    ? new P2PError('ERR_RELAY_UNREACHABLE', `${to} was not found: nobody within ten hops has a link to it that carries, or it does not speak 'relay'`, { peerId: to, protocol: 'relay' })
    : new P2PError('ERR_RELAY_NO_RECEIPT', `${to} was found, but no receipt came back: it may have the message or not`, { peerId: to, protocol: 'relay' })
}
