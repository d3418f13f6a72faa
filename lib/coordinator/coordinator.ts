import type { P2PEvents } from '../contracts/events.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { OutgoingMessage, P2PMessage, PeerId } from '../contracts/message.ts'
import type { DisconnectReason, PeerInfo } from '../contracts/peer.ts'
import type { IProtocolHandler } from '../contracts/protocol.ts'
import type { IPubSub } from '../contracts/pubsub.ts'
import type { IReputation } from '../contracts/reputation.ts'
import type { AnnounceOptions, AnnouncementHandle, DirectoryStats, Filters, IResourceDirectory, ResourceAnnouncement, ResourceChange } from '../contracts/resources.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { textOf } from '../foundation/error-text.ts'
import { limitsFrom } from '../foundation/limits.ts'
import { named } from '../foundation/logger.ts'
import { SafeEmitter } from '../foundation/safe-emitter.ts'
import { createLocalNode } from '../peers/local-node.ts'
import { PeerManager } from '../peers/peer-manager.ts'
import type { PeerRecord } from '../peers/peer-table.ts'
import { checkConfig, ownNameOf, withOwnName } from './check-config.ts'
import type { BroadcastReceipt, CoordinatorStats, Furniture, P2PConfig, SendReceipt } from './config.ts'
import { EquivocationWatch } from './equivocation.ts'
import { createHouse, type HouseParts } from './house.ts'
import { Inbound } from './inbound.ts'
import { Outbound } from './outbound.ts'
import { PendingRequests } from './pending-requests.ts'
import { Registry, type Registration } from './registry.ts'
import { scopedContext } from './scoped-context.ts'
import { distantSender, surfaceMessage, type Sender } from './surface.ts'

/**
 * The front desk: routes typed, signed messages by protocol name to registered plugins, and offers
 * what they play (resources, pub/sub, relay) to the application. Owns the node's whole life.
 */
export class Coordinator extends SafeEmitter<P2PEvents> implements AsyncDisposable {
  /** What this node thinks of others, for itself alone: scores, bans, and why. */
  readonly reputation: IReputation
  readonly #config: P2PConfig
  readonly #parts: HouseParts
  readonly #inbound: Inbound
  readonly #house: ReturnType<typeof createHouse>
  readonly #watch: EquivocationWatch
  #stopping: Promise<void> | undefined

  /** Throws TypeError or RangeError for a configuration that cannot work. */
  constructor(config: P2PConfig = {}, furniture?: Furniture) {
    super()
    checkConfig(config)
    this.#config = config
    const limits = limitsFrom(config.limits)
    const registry = new Registry(limits)
    const backend = config.backend ?? 'auto'
    const node = createLocalNode({
      ...config,
      crypto: furniture && { base: () => furniture.baseBackend(backend), best: () => furniture.bestBackend(backend) },
    }, registry)
    const transports = config.transports ?? furniture?.transports(config) ?? []
    const ownName = config.peerId === undefined || config.peerId === node.id ? undefined : ownNameOf(config.peerId, node.id)
    const manager = new PeerManager({
      node, transports,
      names: ownName === undefined ? config.names : withOwnName(config.names, ownName, node.id),
      network: config.network, sybilCost: config.sybilCost, reconnect: config.reconnect, maxConnections: config.maxConnections, heartbeatInterval: config.heartbeatInterval,
      outboundTarget: config.outboundTarget,
      route: (message, record) => this.#inbound.route(message, this.#senderOf(message, record)),
    })
    this.reputation = manager.reputation
    const pending = new PendingRequests(node.clock, limits)
    const outbound = new Outbound({ manager, registry, pending })
    this.#parts = { config, furniture, node, registry, manager, pending, outbound, transports }
    this.#inbound = new Inbound({
      registry, pending,
      nameOf: id => manager.names.nameOf(id),
      onMessage: (message, from) => void this.emit('message', message, from),
      onError: (error, sender) => manager.report(error, sender?.surface),
      onFault: (error, sender) => this.#report(error, sender),
      refuse: (message, code, text) => outbound.refuse(message, code, text),
    })
    this.#house = createHouse({
      ...this.#parts,
      route: (message, sender) => this.#inbound.route(message, sender),
      onError: (error, sender) => this.#report(error, sender),
      ephemeral: (ephemeralConfig, handler) => this.#openEphemeral(ephemeralConfig, handler),
    })
    this.#watch = new EquivocationWatch({ manager, registry, onFound: (shown, peer) => void this.emit('equivocation', shown, peer) })
    this.#hearManager()
  }

  /** The name you gave yourself, else your id: 64 hex digits of the public key. */
  get peerId(): PeerId {
    return this.#config.peerId ?? this.#parts.node.id
  }

  /** The id others know you by: 64 hex digits of the x-only public key. */
  get id(): PeerId {
    return this.#parts.node.id
  }

  // Protocols.

  /** Throws ERR_PROTOCOL_DUPLICATE, ERR_PROTOCOL_ROLE_TAKEN, TypeError or RangeError, and what `onRegister` throws. Peers connected already are greeted with `onPeerConnected`. */
  registerProtocol(handler: IProtocolHandler): void {
    this.#mustRun()
    const { registry, manager } = this.#parts
    const registration = registry.add(handler)
    try {
      manager.checkHello()
      const started: unknown = handler.onRegister?.(scopedContext(this.#house, registration))
      if (started instanceof Promise) this.#call(handler.protocolName, 'onRegister', () => started)
    } catch (error) {
      registry.remove(handler.protocolName)
      this.#end(registration)
      registration.over.abort(registration.abort.signal.reason)
      throw error
    }
    this.#watch.followRole()
    manager.announceHello()
    for (const record of manager.table.open()) this.#tellConnected(registration, record)
  }

  /** Its context stops working and its requests end. Throws ERR_PROTOCOL_NOT_REGISTERED. */
  unregisterProtocol(protocolName: string): void {
    void this.#unregister(this.#parts.registry.remove(protocolName))
    this.#watch.followRole()
    this.#parts.manager.announceHello()
  }

  // Peers.

  /** Opens the door on `ws://127.0.0.1:0` or the like; the listener has the real address. */
  async listen(address: string, options?: WaitOptions): Promise<{ readonly address: string; close(): Promise<void> } & AsyncDisposable> {
    this.#mustRun()
    const listener = await this.#parts.manager.listen(address, options)
    this.#parts.manager.announceHello()
    this.#dialBootstrap()
    return listener
  }

  /** A PeerInfo (only `addresses` is needed), a URL (`url#id` pins the key), or an id or name we hold addresses for. */
  async connectToPeer(peer: PeerInfo | string, options?: WaitOptions): Promise<PeerInfo> {
    this.#mustRun()
    return await this.#parts.manager.connect(peer, options)
  }

  async disconnectFromPeer(peerId: PeerId): Promise<void> {
    await this.#parts.manager.disconnect(peerId)
  }

  /** Unpins a local name, so that a new key may take it. */
  forget(name: PeerId): void {
    const record = this.#parts.manager.recordOf(name)
    this.#parts.manager.names.forget(name).catch((error: unknown) => this.#report(new P2PError(ErrorCode.PEER_UNKNOWN, `could not forget '${name}' in the store: ${textOf(error)}`, { cause: error }), undefined))
    record?.refresh(this.#parts.manager.names)
  }

  getConnectedPeers(): PeerInfo[] {
    return this.#parts.manager.list()
  }

  getPeer(peerId: PeerId): PeerInfo | undefined {
    return this.#parts.manager.get(peerId)
  }

  isConnected(peerId: PeerId): boolean {
    return this.#parts.manager.recordOf(peerId)?.openLink !== undefined
  }

  // Messages.

  /** Rejects with ERR_PEER_NOT_CONNECTED, unless `route: 'any'` lets the relay role carry it. */
  async sendTo(peerId: PeerId, message: OutgoingMessage, options: WaitOptions & { route?: 'direct' | 'any' } = {}): Promise<SendReceipt> {
    this.#mustRun()
    return await this.#parts.outbound.sendTo(peerId, message, options)
  }

  /** Sends and waits for the answer. Rejects with a TimeoutError after `timeoutMs` (10 s), or when the peer leaves or refuses. */
  async request<T = unknown>(peerId: PeerId, message: OutgoingMessage, options: WaitOptions = {}): Promise<P2PMessage<T>> {
    this.#mustRun()
    const { outbound, manager } = this.#parts
    const answer = await outbound.request(message?.protocol, peerId, message, options)
    return surfaceMessage(answer, id => manager.names.nameOf(id)) as P2PMessage<T>
  }

  /** Answers a message: the one who asked gets it as the result of `request`. */
  async reply(to: P2PMessage, payload: unknown, options: WaitOptions = {}): Promise<SendReceipt> {
    this.#mustRun()
    return await this.#parts.outbound.reply(to, payload, options)
  }

  /** To every connected peer. One that fails is named in the receipt, never thrown. */
  async broadcast(message: OutgoingMessage, options: WaitOptions & { except?: readonly PeerId[] } = {}): Promise<BroadcastReceipt> {
    this.#mustRun()
    return await this.#parts.outbound.broadcast(message?.protocol, message, options)
  }

  /** To all who subscribe to the topic, through the plugin in the pub/sub role. Rejects with ERR_PUBSUB_NO_PROVIDER. */
  readonly publish: IPubSub['publish'] = async (topic, payload, options) => {
    this.#mustRun()
    return await this.#house.pubsub.publish(topic, payload, options)
  }

  /** Hears a topic, through the plugin in the pub/sub role. Throws ERR_PUBSUB_NO_PROVIDER. */
  readonly subscribe: IPubSub['subscribe'] = (...args: Parameters<IPubSub['subscribe']>) => {
    this.#mustRun()
    return this.#house.pubsub.subscribe(...args)
  }

  // Resources.

  /** Makes a resource findable for `ttl` seconds. Rejects with ERR_RESOURCE_NO_DIRECTORY while no plugin plays that role. */
  async announceResource<T>(type: string, id: string, data: T, options?: AnnounceOptions): Promise<AnnouncementHandle<T>> {
    return await this.#directory.announce(type, id, data, options)
  }

  async discoverResources<T = unknown>(type: string, filters?: Filters, options?: WaitOptions): Promise<ResourceAnnouncement<T>[]> {
    return await this.#directory.discover<T>(type, filters, options)
  }

  async getResource<T = unknown>(type: string, id: string, options?: WaitOptions): Promise<ResourceAnnouncement<T> | null> {
    return await this.#directory.get<T>(type, id, options)
  }

  /** Present matches first, then each change, until the signal aborts. */
  watchResources<T = unknown>(type: string, filters?: Filters, options?: WaitOptions): AsyncIterable<ResourceChange<T>> {
    return this.#directory.watch<T>(type, filters, options)
  }

  // The house.

  getStats(): CoordinatorStats {
    const { manager, registry, pending, node } = this.#parts
    const { name, curve, symmetric } = node.crypto()
    return {
      peers: manager.getStats(), addresses: manager.outreach.stats,
      dht: this.#directoryStats(),
      protocols: registry.list().map(protocol => protocol.name),
      pendingRequests: pending.size,
      refused: { ...node.intake.counters },
      seenMessages: node.intake.seenMessages,
      crypto: { name, curve, symmetric },
      reputation: this.reputation.getStats(),
    }
  }

  #directoryStats(): DirectoryStats {
    const player = this.#parts.registry.all().find(({ handler }) => handler.resources !== undefined)?.handler
    try {
      return player?.resources?.getStats() ?? { totalAnnouncements: 0 }
    } catch (error) {
      this.#handlerFailed(player!.protocolName, 'resources.getStats', error)
      return { totalAnnouncements: 0 }
    }
  }

  /** Drops dead connections and whatever plugins hold that has expired. */
  cleanup(): void {
    this.#parts.manager.cleanup()
    for (const { handler } of this.#parts.registry.all()) {
      this.#call(handler.protocolName, 'cleanup', () => handler.cleanup?.())
    }
  }

  /** Ends everything in good order: plugins, links, listeners. Idempotent; nothing keeps the process alive after it. */
  shutdown(): Promise<void> {
    return (this.#stopping ??= this.#stop())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }

  async #stop(): Promise<void> {
    const { registry, manager, pending } = this.#parts
    const gone = (): P2PError => new P2PError(ErrorCode.COORDINATOR_SHUT_DOWN, 'this coordinator has been shut down; make a new one')
    for (const registration of registry.all().reverse()) {
      const name = registration.handler.protocolName
      // The one before may have taken it down.
      if (registry.get(name) === registration) await this.#unregister(registry.remove(name))
    }
    pending.failWhere(() => true, gone)
    await manager.close('shutdown')
  }

  async #unregister(registration: Registration): Promise<void> {
    const ended = this.#end(registration)
    try {
      await registration.handler.onUnregister?.()
    } catch (error) {
      this.#handlerFailed(registration.handler.protocolName, 'onUnregister', error)
    }
    registration.over.abort(ended)
    await Promise.all([...registration.ephemerals].map(each => each[Symbol.asyncDispose]()))
  }

  /** From here on its context is of no use, and nothing it asked for is waited for. */
  #end(registration: Registration): P2PError {
    const name = registration.handler.protocolName
    const ended = new P2PError(ErrorCode.PROTOCOL_NOT_REGISTERED, `'${name}' has been unregistered`, { protocol: name })
    registration.abort.abort(ended)
    this.#parts.pending.failWhere((_, protocol) => protocol === name, () => ended)
    return ended
  }

  #hearManager(): void {
    const { manager, registry, pending } = this.#parts
    manager.on('connected', peer => {
      this.emit('connected', peer)
      const record = manager.recordOf(peer.peerId)
      if (record) for (const registration of registry.all()) this.#tellConnected(registration, record)
    })
    manager.on('disconnected', (peer: PeerInfo, reason: DisconnectReason) => {
      const record = manager.recordOf(peer.peerId)
      const id = record?.id ?? peer.peerId
      pending.failWhere(asked => asked === id, () => new P2PError(ErrorCode.PEER_DISCONNECTED, `${peer.peerId} left before it answered (${reason})`, { peerId: peer.peerId }))
      this.emit('disconnected', peer, reason)
      if (record) for (const registration of registry.all()) this.#tellDisconnected(registration, record)
    })
    manager.on('error', (error, peer) => void this.emit('error', error, peer))
  }

  #tellConnected({ handler, speaksInKeys }: Registration, record: PeerRecord): void {
    this.#call(handler.protocolName, 'onPeerConnected', () => handler.onPeerConnected?.(speaksInKeys ? record.room : record.surface))
  }

  #tellDisconnected({ handler, speaksInKeys }: Registration, record: PeerRecord): void {
    this.#call(handler.protocolName, 'onPeerDisconnected', () => handler.onPeerDisconnected?.(speaksInKeys ? record.room : record.surface))
  }

  /** What a hook written in plain JavaScript returns may be anything. */
  #call(protocol: string, hook: string, run: () => unknown): void {
    try {
      const done = run()
      if (done instanceof Promise) done.catch((error: unknown) => this.#handlerFailed(protocol, hook, error))
    } catch (error) {
      this.#handlerFailed(protocol, hook, error)
    }
  }

  #handlerFailed(protocol: string, hook: string, error: unknown): void {
    this.#report(new P2PError(ErrorCode.PROTOCOL_HANDLER_FAILED, `'${protocol}' failed in ${hook}: ${textOf(error)}`, { protocol, cause: error }), undefined)
  }

  /** Counts it, tells the application, and charges the sender's link where the fault is its own. */
  #report(error: P2PError, sender: Sender | undefined): void {
    const { manager } = this.#parts
    manager.report(error, sender?.surface)
    if (error.peerId === undefined || sender === undefined) return
    manager.reputation.charge(sender.room.peerId, error.code)
    manager.table.get(sender.room.peerId)?.link?.fault(error)
    this.#watch.takeEvidence(error)
  }

  /** A listener of the application threw. If it was an `error` listener, only the log hears of it. */
  protected listenerFailed(cause: unknown, event: string | symbol): void {
    const error = new P2PError(ErrorCode.PROTOCOL_LISTENER_FAILED, `a listener of this application failed: ${textOf(cause)}`, { cause })
    named(this.#parts.node.logger, 'P2P').error(error.message)
    if (event !== 'error') this.#parts.manager.report(error)
  }

  #senderOf(message: P2PMessage, record: PeerRecord): Sender {
    if (message.from === record.id) return record
    const { manager } = this.#parts
    return manager.table.get(message.from) ?? distantSender(message.from, manager.names.nameOf(message.from))
  }

  #dialBootstrap(): void {
    for (const address of this.#config.bootstrap ?? []) {
      this.#parts.manager.connect(address).catch((error: unknown) => {
        if (error instanceof P2PError) this.#report(error, undefined)
      })
    }
  }

  /** Another coordinator on a fresh key that is never stored, with links of its own. */
  async #openEphemeral(config: P2PConfig, handler: IProtocolHandler): Promise<AsyncDisposable> {
    const other = new Coordinator(config, this.#parts.furniture)
    try {
      other.on('error', (error, peer) => void this.emit('error', error, peer))
      for (const address of this.#parts.manager.listenAddresses()) await other.listen(freeAddressLike(address))
      other.registerProtocol(handler)
      return other
    } catch (error) {
      await other.shutdown()
      throw error
    }
  }

  get #directory(): IResourceDirectory {
    this.#mustRun()
    return this.#house.resources
  }

  #mustRun(): void {
    if (this.#stopping === undefined) return
    throw new P2PError(ErrorCode.COORDINATOR_SHUT_DOWN, 'this coordinator has been shut down; make a new one')
  }
}

/** The same host and transport with a port of the system's choice. */
function freeAddressLike(address: string): string {
  return address.startsWith('memory:') ? 'memory:' : address.replace(/:\d+(?=\/|$)/, ':0')
}
