import type { Static, TSchema } from 'typebox'
import { ErrorCode, P2PError } from '../../contracts/errors.ts'
import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import type { PeerInfo } from '../../contracts/peer.ts'
import type { ProtocolContext, Receivers, Responders } from '../../contracts/protocol.ts'
import type { IPubSub, PublishOptions, PublishReceipt, PubSubItem, SubscribeOptions } from '../../contracts/pubsub.ts'
import { baseBackend } from '../../crypto/select.ts'
import { deferOn } from '../../foundation/clock.ts'
import { toHex } from '../../foundation/hex.ts'
import { SafeEmitter } from '../../foundation/safe-emitter.ts'
import { ProtocolHandler } from '../../protocol-kit/protocol-handler.ts'
import { EffectTimers, runEffects, type EffectSink } from '../../protocol-kit/run-effects.ts'
import { draw } from '../../protocol-kit/draw.ts'
import { fractions } from './chance.ts'
import { gossipProtocol, PUBLICATION, type GossipProtocol, type Item } from './definition.ts'
import type { Entry } from './entry.ts'
import type { GossipEffect, GossipEvent, GossipInput } from './events.ts'
import { factsOf } from './facts.ts'
import { FirstSubscriber } from './first-subscriber.ts'
import { FRAME_BYTES_MAX } from './limits.ts'
import { Namespace } from './namespace.ts'
import type { GossipEvents, GossipOptions } from './options.ts'
import { Outgoing } from './outgoing.ts'
import { gossipParameters, type GossipParameters } from './parameters.ts'
import { ownItem, ReceivedItem } from './received-item.ts'
import { GossipState, type GossipStats } from './state.ts'
import { Subscriptions, type Listener, type Options } from './subscriptions.ts'
import { pageOf, type SyncAnswer, type SyncQuestion } from './sync.ts'
import type { TopicOptions } from './topic.ts'
import { tune, withMaxPeers } from './tuning.ts'
import { Verifier } from './verifier.ts'
import { slotInTopic, slotOnWire } from './wire-slot.ts'

/** Items that wait to be checked past which links are not read: half of what the state takes from one peer. */
const WAITING_SHARE = 1 / 2

export class Gossip extends ProtocolHandler<GossipProtocol> implements IPubSub, EffectSink<GossipEvent> {
  readonly pubsub: IPubSub = this
  readonly events = new SafeEmitter<GossipEvents>()
  readonly #options: GossipOptions
  readonly #parameters: GossipParameters
  readonly #names: Namespace
  readonly #subscriptions: Subscriptions
  readonly #timers = new EffectTimers()
  readonly #joined = new Set<PeerId>()
  readonly #firstSubscriber = new FirstSubscriber()
  #state: GossipState | undefined
  #outgoing: Outgoing | undefined
  #verifier: Verifier | undefined
  #idPrefix = ''
  #published = 0
  #reply: SyncAnswer | undefined

  protected readonly receive: Receivers<GossipProtocol> = {
    items: ({ list }, from) => this.#takeItems(list, this.#idOf(from)),
    have: ({ list }, from) => this.#step({ kind: 'have', from: this.#idOf(from), list }),
    want: ({ ids }, from) => this.#step({ kind: 'want', from: this.#idOf(from), ids }),
    'dont-want': ({ ids }, from) => this.#step({ kind: 'dont-want', from: this.#idOf(from), ids }),
    graft: ({ topic }, from) => this.#step({ kind: 'graft', from: this.#idOf(from), topic }),
    prune: ({ topic, backoffMs }, from) => this.#step({ kind: 'prune', from: this.#idOf(from), topic, backoffMs }),
    subscribe: ({ topics }, from) => this.#takeSubscribe(topics, this.#idOf(from)),
    unsubscribe: ({ topics }, from) => this.#takeUnsubscribe(topics, this.#idOf(from)),
  }
  protected override readonly answer: Responders<GossipProtocol> = {
    sync: ({ topic, ...question }, from) => this.#answerSync(topic, question, this.#idOf(from)),
  }

  /** Throws RangeError or TypeError for parameters that cannot work. */
  constructor(options: GossipOptions = {}) {
    super(gossipProtocol)
    this.#options = options
    this.#parameters = gossipParameters(options.parameters, options.preset)
    this.#names = new Namespace(options.namespace, {
      clock: () => this.context.clock,
      isAlone: belongs => this.#state?.isHeardBySome(belongs) === false,
      onChange: isFallenBack => this.#changeNames(isFallenBack),
    })
    this.#subscriptions = new Subscriptions({
      clock: () => this.context.clock,
      validatorMs: this.#parameters.validatorMs,
      validatorsMax: this.#parameters.validatorsMax,
      validatorsPerAuthorMax: this.#parameters.validatorsPerAuthorMax,
      onJoin: topic => this.#tellTopic('join', topic),
      onLeave: topic => this.#tellTopic('leave', topic),
      onFailure: cause => this.context.report(new P2PError(ErrorCode.PROTOCOL_LISTENER_FAILED, `a listener on a topic failed: ${cause instanceof Error ? cause.message : String(cause)}`, { protocol: 'gossip', cause })),
    })
  }

  // What applications call.

  /**
   * Signs and spreads a payload of up to 64 KiB. With `timeoutMs` or a `signal` it waits for the first subscriber; else it resolves
   * at once, with `peers` 0 where there is none, and later subscribers still get it by sync. In a `slot` an author speaks once. Throws RangeError for
   * a topic or a payload too large, and for a slot of ours that is taken.
   */
  async publish<T>(topic: string, payload: T, options: PublishOptions = {}): Promise<PublishReceipt> {
    this.#names.check(topic)
    const { context } = this
    const name = this.#names.said(topic)
    const slot = options.slot === undefined ? undefined : slotOnWire(name, options.slot)
    if (slot !== undefined) this.#mustBeFree(name, slot)
    const message: P2PMessage = {
      type: PUBLICATION, payload: { topic: name, body: payload }, messageId: `${this.#idPrefix}${(this.#published++).toString(36)}`,
      timestamp: context.clock.now(), from: context.localPeer.peerId, protocol: 'gossip', ...(slot === undefined ? {} : { slot }),
    }
    if (options.timeoutMs !== undefined || options.signal !== undefined) await this.#firstSubscriber.wait(context.clock, topic, () => this.subscribersOf(topic).length > 0, options)
    const frame = await context.author({ type: PUBLICATION, payload: message.payload, messageId: message.messageId, timestamp: message.timestamp, ...(slot === undefined ? {} : { slot }) })
    if (frame.length > FRAME_BYTES_MAX) throw new RangeError(`a publication takes at most ${FRAME_BYTES_MAX} bytes as a frame, got ${frame.length}; publish a reference to larger things`)
    this.#step({ kind: 'publish', topic: name, frame, message })
    if (this.#options.echo) this.#subscriptions.deliver(ownItem({ ...message, ...(slot === undefined ? {} : { slot: options.slot! }) }, topic, payload))
    return { messageId: message.messageId, peers: this.#running.publishedTo }
  }

  /** Disposing the result unsubscribes. May be called before `registerProtocol`. */
  subscribe<S extends TSchema>(topic: string, listener: (payload: Static<S>, item: PubSubItem) => void, options: SubscribeOptions<Static<S>> & { schema: S }): Disposable
  subscribe<T = unknown>(topic: string, listener: (payload: T, item: PubSubItem) => void, options?: SubscribeOptions<T>): Disposable
  subscribe(topic: string, listener: Listener, options?: Options): Disposable {
    this.#names.check(topic)
    return this.#subscriptions.add(topic, listener, options)
  }

  /** Whom we push to. */
  meshOf(topic: string): PeerId[] {
    return this.#overNames(topic, (state, name) => state.meshOf(name))
  }

  /** Connected peers that subscribe. */
  subscribersOf(topic: string): PeerId[] {
    return this.#overNames(topic, (state, name) => state.membersOf(name))
  }

  /** PROTOCOL.md, Scores: below -100, -500 and -1,000 less and less is heard of a peer. */
  scoreOf(peerId: PeerId): number {
    return this.#state?.scoreOf(peerId) ?? 0
  }

  /** As they are now. */
  get parameters(): Readonly<GossipParameters> {
    return this.#parameters
  }

  /** Takes effect from the next heartbeat or item on. Throws RangeError or TypeError for what cannot work, or cannot change while it runs, and changes nothing. */
  setParameters(changes: Partial<GossipParameters>): void {
    tune(this.#parameters, changes)
  }

  /** Seed 000: the most peers of a topic's mesh, at any time. */
  setMaxPeers(count: number): void {
    this.setParameters(withMaxPeers(this.#parameters, count))
  }

  /** Seed 000: below it peers are sought. */
  setMinPeers(count: number): void {
    this.setParameters({ meshMin: count })
  }

  /** Seed 000: with no room left, a nearer peer takes the place of the farthest. */
  setEvictionStrategy(isOn: boolean): void {
    this.setParameters({ evictFarthest: isOn })
  }

  /** Seed 000: peers near by XOR are preferred. */
  setXorRouting(isOn: boolean): void {
    this.setParameters({ nearest: isOn })
  }

  /** True while this node, alone in its namespace, shares the global topics. */
  get isFallenBack(): boolean {
    return this.#names.isFallenBack
  }

  getStats(): GossipStats & { readonly pushesDropped: number } {
    return { ...this.#running.stats, pushesDropped: this.#outgoing?.dropped ?? 0 }
  }

  // What the house calls.

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    const { direct, topics, appScore, hasher } = this.#options
    this.#idPrefix = `${toHex(draw(context, 5))}-`
    this.#state = new GossipState({
      parameters: this.#parameters, ownKey: context.localPeer.publicKey!, hasher: hasher ?? baseBackend(), random: fractions(context), appScore,
      ...(direct === undefined ? {} : { direct }), ...(topics === undefined ? {} : { topics: this.#named(topics) }),
    })
    this.#outgoing = new Outgoing({
      send: (to, type, payload) => context.send(to, { type, payload }),
      defer: run => deferOn(context.clock, run),
    })
    this.#verifier = new Verifier({ verify: entry => this.#verify(entry), elapsedMs: () => context.clock.elapsedMs(), defer: run => deferOn(context.clock, run) })
    this.#step({ kind: 'start' })
    for (const topic of this.#subscriptions.topics) this.#tellTopic('join', topic)
    this.#names.look()
  }

  override onUnregister(): void {
    this.#timers[Symbol.dispose]()
    this.#names.stop()
    this.#outgoing?.clear()
    this.#verifier?.clear()
    this.#subscriptions.clear()
    this.#joined.clear()
    this.#state = undefined
    void super.onUnregister()
  }

  async onPeerConnected(peer: PeerInfo): Promise<void> {
    if (peer.protocols?.some(({ name }) => name === gossipProtocol.name)) this.#idOf(peer)
  }

  async onPeerDisconnected({ peerId }: PeerInfo): Promise<void> {
    if (!this.#joined.delete(peerId)) return
    this.#outgoing?.forget(peerId)
    this.#step({ kind: 'left', from: peerId })
    this.#names.look()
  }

  onEvent(event: GossipEvent): void {
    const { peerId } = event
    if (event.kind === 'graylisted') return void this.events.emit('peerGraylisted', { peerId, score: event.score })
    const topic = this.#names.own(event.topic)
    if (event.kind === 'grafted') this.events.emit('peerGrafted', { peerId, topic })
    else this.events.emit('peerEvicted', { peerId, topic, reason: event.reason })
  }

  onTimer(timer: string): void {
    this.#step({ kind: 'timer', timer, wallMs: this.context.clock.now() })
  }

  onAnswer(ref: string, answer: { payload: unknown } | { error: unknown }): void {
    const page = 'payload' in answer ? pageOf(answer.payload) : null
    this.#step(page === null ? { kind: 'sync-failed', ref } : { kind: 'sync-answer', ref, ...page })
  }

  // Between the two.

  get #running(): GossipState {
    if (this.#state !== undefined) return this.#state
    throw new P2PError(ErrorCode.PROTOCOL_NOT_REGISTERED, 'gossip is not registered; call coordinator.registerProtocol(gossip) first', { protocol: 'gossip' })
  }

  /** Before `registerProtocol` there is nobody to tell. */
  #tellTopic(kind: 'join' | 'leave', topic: string): void {
    if (this.#state !== undefined) for (const name of this.#names.heard(topic)) this.#step({ kind, topic: name })
  }

  /** Alone in its namespace, or no longer. */
  #changeNames(isFallenBack: boolean): void {
    for (const topic of this.#subscriptions.topics) this.#step({ kind: isFallenBack ? 'join' : 'leave', topic })
    this.events.emit('namespaceChanged', { namespace: this.#names.name!, isFallenBack })
  }

  #overNames(topic: string, peersOf: (state: GossipState, name: string) => PeerId[]): PeerId[] {
    const state = this.#state
    return state === undefined ? [] : [...new Set(this.#names.heard(topic).flatMap(name => peersOf(state, name)))]
  }

  /** What topics have of their own, by their names on the wire. */
  #named(topics: Readonly<Record<string, TopicOptions>>): Record<string, TopicOptions> {
    return Object.fromEntries(Object.entries(topics).flatMap(([topic, own]) => this.#names.all(topic).map(name => [name, own] as const)))
  }

  /** What we say twice would be held against us. */
  #mustBeFree(topic: string, slot: string): void {
    if (this.#running.hasSaidIn(topic, this.context.localPeer.peerId, slot)) throw new RangeError(`this node has spoken in slot ${JSON.stringify(slotInTopic(topic, slot))} of '${topic}' already; choose another slot`)
  }

  /** A peer may speak before we have heard that its link stands, or register gossip long after. */
  #idOf(peer: PeerInfo): PeerId {
    const { peerId } = peer
    if (!this.#joined.has(peerId)) {
      this.#joined.add(peerId)
      this.#step({ kind: 'joined', facts: factsOf(peer) })
    }
    return peerId
  }

  /** While much waits to be checked, links are read no faster than that. */
  async #takeItems(list: readonly Item[], from: PeerId): Promise<void> {
    const waitingMax = this.#parameters.checkingPerPeerMax * WAITING_SHARE
    const verifier = this.#verifier!
    for (const item of list) {
      while (verifier.size >= waitingMax) await verifier.turn
      if (this.#state === undefined) return
      this.#step({ kind: 'item', from, item })
    }
  }

  #takeSubscribe(topics: readonly string[], from: PeerId): void {
    this.#step({ kind: 'subscribe', from, topics })
    this.#names.look()
    this.#firstSubscriber.look()
  }

  #takeUnsubscribe(topics: readonly string[], from: PeerId): void {
    this.#step({ kind: 'unsubscribe', from, topics })
    this.#names.look()
  }

  #answerSync(topic: string, question: SyncQuestion, from: PeerId): SyncAnswer {
    this.#step({ kind: 'sync', from, topic, question })
    const reply = this.#reply ?? { ids: new Uint8Array(0), next: null }
    this.#reply = undefined
    return reply
  }

  #step(input: GossipInput): void {
    const { clock } = this.context
    this.#carryOut(this.#running.handle(input, clock.elapsedMs()))
  }

  #carryOut(effects: readonly GossipEffect[]): void {
    let rest: Exclude<GossipEffect, { kind: 'push' | 'spare' | 'verify' | 'validate' | 'deliver' | 'answer' }>[] | undefined
    for (const effect of effects) {
      switch (effect.kind) {
        case 'push':
          for (const { id } of effect.to) this.#outgoing!.push(id, effect.item)
          break
        case 'spare':
          for (const { id } of effect.to) this.#outgoing!.spare(id, effect.id)
          break
        case 'verify':
          this.#verifier!.push(effect.entry)
          break
        case 'validate':
          this.#validate(effect.entry)
          break
        case 'deliver':
          this.#subscriptions.deliver(new ReceivedItem(effect.entry, effect.message, effect.body, this.#names.own(effect.entry.topic)))
          break
        case 'answer':
          this.#reply = effect.reply
          break
        default:
          (rest ??= []).push(effect)
      }
    }
    if (rest !== undefined) void runEffects<GossipProtocol, GossipEvent>(this.context, rest, this, this.#timers)
  }

  async #verify(entry: Entry): Promise<void> {
    if (this.#state === undefined) return
    if (!this.#state.isWorthChecking(entry)) return this.#step({ kind: 'unverified', entry, code: ErrorCode.PEER_RATE_LIMITED, fault: false })
    const { context } = this
    let input: GossipInput
    try {
      input = { kind: 'verified', entry, message: await context.verify(entry.frame), wallMs: context.clock.now() }
    } catch (error) {
      input = { kind: 'unverified', entry, code: error instanceof P2PError ? error.code : ErrorCode.PROTOCOL_HANDLER_FAILED, fault: false }
    }
    if (this.#state !== undefined) this.#step(input)
  }

  /** Validators are not waited for: how many are under way is bounded by the state. */
  #validate(entry: Entry): void {
    const topic = this.#names.own(entry.topic)
    const verdict = this.#subscriptions.judge(topic, new ReceivedItem(entry, entry.message!, entry.body, topic))
    if (!(verdict instanceof Promise)) return this.#step({ kind: 'verdict', entry, verdict })
    void verdict.then(late => {
      if (this.#state !== undefined) this.#step({ kind: 'verdict', entry, verdict: late })
    })
  }
}
