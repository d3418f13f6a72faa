import { ErrorCode, P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { PeerInfo } from '../../contracts/peer.ts'
import type { ProtocolContext, Receivers, Responders } from '../../contracts/protocol.ts'
import { textOf } from '../../foundation/error-text.ts'
import { randomFraction } from '../../foundation/random.ts'
import { SafeEmitter } from '../../foundation/safe-emitter.ts'
import { draw } from '../../protocol-kit/draw.ts'
import { ProtocolHandler } from '../../protocol-kit/protocol-handler.ts'
import { EffectTimers, runEffects, type EffectSink } from '../../protocol-kit/run-effects.ts'
import { Checker } from './checker.ts'
import { exchangeProtocol, type ExchangeProtocol } from './definition.ts'
import type { ExchangeEffect, ExchangeEvent, ExchangeInput } from './events.ts'
import { ASK_TIMEOUT_MS, DIAL_TIMEOUT_MS, SAMPLE_COUNT } from './limits.ts'
import { checkedOptions, type ExchangeEvents, type ExchangeOptions } from './options.ts'
import { OwnRecord } from './own-record.ts'
import { groupOf } from './record.ts'
import { ExchangeState, ROUND_TIMER, type ExchangeStats } from './state.ts'

type Dialled = Extract<ExchangeInput, { kind: 'dialled' }>['outcome']
/** Effects that the kit does not know. */
type OwnEffect = Extract<ExchangeEffect, { kind: 'check' | 'ask' | 'dial' | 'bootstrap' | 'refresh' | 'answer' | 'breach' }>

/**
 * Finds peers beyond those one was told of: nodes hand each other signed records of where nodes are, and dial until they have links
 * enough of their own making. PROTOCOL.md has the rules and their reasons.
 */
export class PeerExchange extends ProtocolHandler<ExchangeProtocol> implements EffectSink<ExchangeEvent> {
  readonly events = new SafeEmitter<ExchangeEvents>()
  readonly #options: ExchangeOptions
  #outboundTarget: number
  readonly #bootstrap: readonly string[]
  readonly #timers = new EffectTimers()
  readonly #joined = new Set<PeerId>()
  #state: ExchangeState | undefined
  #checker: Checker | undefined
  #own: OwnRecord | undefined
  #reply: readonly Uint8Array[] = []

  protected readonly receive: Receivers<ExchangeProtocol> = {
    news: ({ records }, from) => this.#step({ kind: 'news', from: this.#idOf(from), records }),
  }
  protected override readonly answer: Responders<ExchangeProtocol> = {
    list: ({ own }, from) => {
      this.#reply = []
      this.#step({ kind: 'asked', from: this.#idOf(from), own })
      return { records: [...this.#reply] }
    },
  }

  /** Throws RangeError or TypeError for options that cannot work. */
  constructor(options: ExchangeOptions = {}) {
    super(exchangeProtocol)
    const { outboundTarget, bootstrap } = checkedOptions(options)
    this.#options = options
    this.#outboundTarget = outboundTarget
    this.#bootstrap = bootstrap
  }

  /** Throws ERR_PROTOCOL_NOT_REGISTERED before `registerProtocol`. */
  getStats(): ExchangeStats {
    return this.#running.stats
  }

  /** How many links this node makes itself, from now on; those it has stay. 0 turns dialling off. Throws RangeError for what is no such number. */
  setOutboundTarget(count: number): void {
    this.#outboundTarget = checkedOptions({ ...this.#options, outboundTarget: count }).outboundTarget
    this.#step({ kind: 'target', count })
  }

  // What the house calls.

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    this.#own = new OwnRecord(context)
    this.#checker = new Checker(context, input => {
      if (this.#state !== undefined) this.#step(input)
    })
    this.#state = new ExchangeState({
      ownId: context.localPeer.peerId,
      outboundTarget: this.#outboundTarget,
      hasBootstrap: this.#bootstrap.length > 0,
      random: () => randomFraction(length => draw(context, length)),
      scoreOf: id => this.#options.scoreOf?.(id) ?? 0,
      sample: () => context.addresses.sample(SAMPLE_COUNT).map(({ peerId }) => peerId),
    })
    this.#step({ kind: 'start' })
  }

  override onUnregister(): void {
    this.#timers[Symbol.dispose]()
    this.#checker?.clear()
    this.#joined.clear()
    this.#state = undefined
    void super.onUnregister()
  }

  async onPeerConnected(peer: PeerInfo): Promise<void> {
    this.#join(peer, peer.protocols?.some(({ name }) => name === exchangeProtocol.name) ?? false)
  }

  async onPeerDisconnected({ peerId }: PeerInfo): Promise<void> {
    this.#joined.delete(peerId)
    this.#step({ kind: 'left', from: peerId })
  }

  onEvent({ peerId, through }: ExchangeEvent): void {
    this.events.emit('peerFound', { peerId, through })
  }

  onTimer(timer: string): void {
    // Who has learned to speak it since its link was made is found here.
    if (timer === ROUND_TIMER) for (const peer of this.context.peers()) this.#idOf(peer)
    this.#step({ kind: 'timer', timer })
  }

  // Between the two.

  get #running(): ExchangeState {
    if (this.#state !== undefined) return this.#state
    throw new P2PError(ErrorCode.PROTOCOL_NOT_REGISTERED, 'exchange is not registered; call coordinator.registerProtocol(exchange) first', { protocol: 'exchange' })
  }

  /** A peer may speak before we have heard that its link stands. */
  #idOf(peer: PeerInfo): PeerId {
    if (!this.#joined.has(peer.peerId)) this.#join(peer, true)
    return peer.peerId
  }

  #join(peer: PeerInfo, speaks: boolean): void {
    if (speaks) this.#joined.add(peer.peerId)
    this.#step({ kind: 'joined', from: peer.peerId, speaks, outbound: peer.direction === 'outbound', group: groupOf(peer.remoteAddress) })
  }

  #step(input: ExchangeInput): void {
    if (this.#state === undefined) return
    this.#carryOut(this.#state.handle(input, this.context.clock.elapsedMs()))
  }

  #carryOut(effects: readonly ExchangeEffect[]): void {
    let rest: Exclude<ExchangeEffect, OwnEffect>[] | undefined
    for (const effect of effects) {
      switch (effect.kind) {
        case 'check':
          this.#checker!.push(effect)
          break
        case 'ask':
          this.#beside(this.#ask(effect.to))
          break
        case 'dial':
          this.#beside(this.#dial(effect.to, effect.record, effect.from))
          break
        case 'bootstrap':
          for (const url of this.#bootstrap) this.#beside(this.#dialBootstrap(url))
          break
        case 'refresh':
          this.#beside(this.#refresh())
          break
        case 'answer':
          this.#reply = effect.records
          break
        case 'breach':
          this.context.report(new P2PError(effect.code, `${effect.from} ${effect.what}`, { peerId: effect.from, protocol: 'exchange' }))
          break
        default:
          (rest ??= []).push(effect)
      }
    }
    if (rest !== undefined) this.#beside(runEffects<ExchangeProtocol, ExchangeEvent>(this.context, rest, this, this.#timers))
  }

  async #refresh(): Promise<Uint8Array | null> {
    const { record, isFresh, isNew } = await this.#own!.get()
    if (isFresh) this.#step({ kind: 'own', record, isNew })
    return record
  }

  /** Who does not answer is asked again in ten minutes; why it did not, its link says. */
  async #ask(to: PeerId): Promise<void> {
    const own = await this.#refresh()
    const list = await this.request(to, 'list', { own }, { timeoutMs: ASK_TIMEOUT_MS, signal: this.context.signal }).catch(() => null)
    if (list !== null) this.#step({ kind: 'list', from: to, records: list.records })
  }

  /** Only whom we dial enters the address book: it refuses what must not be dialled, and a liar's list does not fill it. */
  async #dial(to: PeerId, record: Uint8Array | undefined, from: PeerId | undefined): Promise<void> {
    const isTaken = record !== undefined && await this.context.addresses.add(record, from).catch(() => false)
    if (isTaken) this.#step({ kind: 'taken', owner: to })
    this.#step({ kind: 'dialled', to, outcome: await this.#outcomeOf(to) })
  }

  /** A dial that fails is nobody's fault and nobody's news: there are others. */
  async #outcomeOf(to: PeerId): Promise<Dialled> {
    const { signal } = this.context
    try {
      await this.context.connect(to, { timeoutMs: DIAL_TIMEOUT_MS, signal })
      return 'linked'
    } catch (error) {
      if (error instanceof P2PError && error.code === ErrorCode.PEER_UNKNOWN) return 'unusable'
      if (!(error instanceof P2PError && error.code === ErrorCode.PEER_LIMIT_REACHED)) return 'failed'
      return error.peerId === undefined ? 'full-here' : 'full-there'
    }
  }

  async #dialBootstrap(url: string): Promise<void> {
    const { context } = this
    try {
      const { peerId } = await context.connect(url, { timeoutMs: DIAL_TIMEOUT_MS, signal: context.signal })
      this.#step({ kind: 'reached', from: peerId })
    } catch (error) {
      // Our own address among them is no trouble.
      if (!(error instanceof P2PError) || error.code === ErrorCode.PEER_IS_SELF || context.signal.aborted) return
      context.report(new P2PError(error.code, `bootstrap address ${url}: ${error.message}`, { protocol: 'exchange', cause: error }))
    }
  }

  /** Nobody waits for it, so its failure is told instead of thrown. */
  #beside(work: Promise<unknown>): void {
    const { context } = this
    work.catch((error: unknown) => {
      if (!context.signal.aborted) context.report(new P2PError(ErrorCode.PROTOCOL_HANDLER_FAILED, `exchange: ${textOf(error)}`, { protocol: 'exchange', cause: error }))
    })
  }
}
