import type { P2PEvents } from '../contracts/events.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { OutgoingMessage, P2PMessage, PeerId } from '../contracts/message.ts'
import { PeerState, type DisconnectReason, type PeerInfo } from '../contracts/peer.ts'
import type { LeastAuth } from '../contracts/protocol.ts'
import type { IChannel, IListener, ITransport } from '../contracts/transport.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { textOf } from '../foundation/error-text.ts'
import { limitsFrom } from '../foundation/limits.ts'
import { named } from '../foundation/logger.ts'
import { prefixedStore } from '../foundation/memory-store.ts'
import { SafeEmitter } from '../foundation/safe-emitter.ts'
import { Connector, type ConnectOptions } from './connector.ts'
import { Doorway } from './doorway.ts'
import { encodeHello } from './hello.ts'
import { LinkKeeper } from './link-keeper.ts'
import { createLocalNode, plainVocabulary, type LocalNode } from './local-node.ts'
import { NameBook } from './name-book.ts'
import { Outreach, reservedFor } from './outreach.ts'
import { PeerTable, type PeerRecord } from './peer-table.ts'
import { Reconnector } from './reconnector.ts'
import { Reputation } from './reputation.ts'
import type { PeerManagerOptions, PeerStats } from './peer-manager-options.ts'
import { outgoingFields, Sender, type BroadcastResult, type CompleteFields } from './sender.ts'

export type { PeerManagerOptions, PeerStats } from './peer-manager-options.ts'
export type { ConnectOptions } from './connector.ts'

const DEFAULT_MAX_CONNECTIONS = 50
const DEFAULT_HEARTBEAT_MS = 30_000
/** Peers one could dial are kept this long after they were last met or told of. */
const ADDRESSES_KEPT_MS = 3_600_000
/** Who is here, and are they still alive. Owns links, handshakes, heartbeats, names and limits. */
export class PeerManager extends SafeEmitter<P2PEvents> implements AsyncDisposable {
  readonly node: LocalNode
  readonly names: NameBook
  /** What this node thinks of others, for itself alone. */
  readonly reputation: Reputation
  readonly table: PeerTable
  readonly outreach: Outreach
  readonly #options: PeerManagerOptions
  readonly #keeper: LinkKeeper
  readonly #doorway: Doorway
  readonly #connector: Connector
  readonly #reconnector: Reconnector
  readonly #sender: Sender
  readonly #errors: Record<string, number> = {}
  readonly #closing = new AbortController()
  #namesLoaded: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(options: PeerManagerOptions = {}) {
    super()
    this.#options = options
    this.node = options.node ?? createLocalNode(options, plainVocabulary(limitsFrom(options.limits)))
    const { clock, limits } = this.node
    this.names = new NameBook(prefixedStore(this.node.store, 'names/'), options.names)
    this.table = new PeerTable(limits.addressBookMax)
    this.#sender = new Sender(this.node)
    this.reputation = new Reputation({
      clock, limits, logger: this.node.logger, store: this.node.store,
      isPrivate: () => this.isPrivate,
      resolve: id => this.names.resolve(id),
      onStanding: id => this.#standingChanged(id),
      onFailure: error => this.report(error),
    })
    this.node.intake.refusesAuthorsBy(this.reputation)
    this.#keeper = new LinkKeeper({
      node: this.node,
      table: this.table,
      names: this.names,
      connectionsMax: checkedCount('maxConnections', options.maxConnections ?? DEFAULT_MAX_CONNECTIONS),
      heartbeatIntervalMs: checkedCount('heartbeatInterval', options.heartbeatInterval ?? DEFAULT_HEARTBEAT_MS),
      reserved: reservedFor(options.outboundTarget ?? 0),
      isPrivate: () => this.isPrivate,
      reputation: this.reputation,
      onMessage: (record, message) => this.#take(record, message),
      onConnected: record => this.#onConnected(record),
      onDisconnected: (record, reason) => this.#onDisconnected(record, reason),
      onError: (error, record) => this.report(error, record),
    })
    this.#doorway = new Doorway({
      node: this.node,
      table: this.table,
      keeper: this.#keeper,
      reputation: this.reputation,
      transports: this.transports,
      network: options.network, sybilCost: options.sybilCost,
      closing: this.#closing.signal,
      accept: channel => this.accept(channel),
      onFailure: error => this.#failed(error),
    })
    this.outreach = new Outreach({ manager: this, outboundTarget: options.outboundTarget ?? 0, probe: id => this.#connector.probe(id, {}) })
    this.#connector = new Connector({
      addresses: this.outreach.addresses,
      isPrivate: () => this.isPrivate,
      node: this.node,
      table: this.table,
      names: this.names,
      keeper: this.#keeper,
      transports: this.transports,
      connectionsMax: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
      reconnect: options.reconnect ?? true,
      closing: this.#closing.signal,
      hello: () => this.#doorway.hello(), payWork: (level, signal) => this.#doorway.payWork(level, signal),
    })
    this.#reconnector = new Reconnector({ clock, random: this.node.random, limits, dial: id => this.#redial(id) })
  }

  /** True on a test network of one's own: told so, or listening on loopback alone. */
  get isPrivate(): boolean {
    return this.#doorway.isPrivate
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Ways to reach others, in order of preference. */
  get transports(): readonly ITransport[] {
    return this.#options.transports ?? []
  }

  listenAddresses(): string[] {
    return this.#doorway.addresses
  }

  /** Throws RangeError where what is spoken here would not fit into a hello: then nobody could be greeted any more. */
  checkHello(): void {
    encodeHello(this.#doorway.hello())
  }

  /** Tells everybody connected that the hello has changed. */
  announceHello(): void {
    const hello = this.#doorway.hello()
    for (const record of this.table.connected()) record.link?.sendHello(hello)
  }

  // Listening.

  /** Opens the door. Rejects with ERR_TRANSPORT_NOT_AVAILABLE or ERR_TRANSPORT_LISTEN_FAILED. */
  async listen(address: string, options: WaitOptions = {}): Promise<IListener> {
    this.#mustBeOpen()
    await this.#prepare()
    return await this.#doorway.open(address, options)
  }

  /** Takes in a channel that somebody else accepted. What fails closes it. */
  async accept(channel: IChannel, options: WaitOptions = {}): Promise<void> {
    try {
      this.#mustBeOpen()
      await this.#prepare()
    } catch (error) {
      void channel.close('shutdown')
      throw error
    }
    await this.#doorway.accept(channel, options)
  }

  // Connecting.

  /** Tries each address a transport can dial until one completes the handshake as the expected peer. */
  async connect(peer: PeerInfo | string, options: ConnectOptions = {}): Promise<PeerInfo> {
    return (await this.connectRecord(peer, options)).surface
  }

  /** The same, for those inside the house. */
  async connectRecord(peer: PeerInfo | string, options: ConnectOptions = {}): Promise<PeerRecord> {
    this.#mustBeOpen()
    await this.#prepare()
    const known = this.recordOf(typeof peer === 'string' ? peer : peer.peerId)
    const refusal = known && this.reputation.refusalOf(known.id, 'does not dial')
    if (refusal) throw refusal
    return await this.#connector.connect(peer, options)
  }

  async #redial(id: PeerId): Promise<boolean> {
    const record = this.table.get(id)
    if (record === undefined || record.link !== undefined || this.isClosed) return true
    try {
      await this.connectRecord(id)
      return true
    } catch (error) {
      this.#failed(error, record)
      return false
    }
  }

  /** Something of ours that nobody waits for did not work out; closing the house explains itself. */
  #failed(error: unknown, record?: PeerRecord): void {
    if (!this.isClosed) this.report(asP2PError(error), record)
  }

  // Leaving.

  /** Ends the link in good order, or the dialling, and does not dial again. Harmless for a peer that is not connected. */
  async disconnect(peerId: PeerId, reason: DisconnectReason = 'local'): Promise<void> {
    this.#connector.abandon(peerId)
    const record = this.recordOf(peerId)
    if (record === undefined) return
    record.asked = record.wanted = false
    this.#reconnector.stop(record.id)
    await this.#keeper.close(record, reason)
  }

  /** Closes listeners and links in good order. Closing twice is harmless. */
  close(reason: DisconnectReason = 'shutdown'): Promise<void> {
    return (this.#closed ??= this.#close(reason))
  }

  async #close(reason: DisconnectReason): Promise<void> {
    this.#closing.abort(shutDown())
    this.#reconnector[Symbol.dispose]()
    await Promise.all([...this.table.connected()].map(record => this.#keeper.close(record, reason)))
    await this.#doorway.close()
    await Promise.all([this.reputation.close(), this.outreach.close()])
    this.node.author.close(shutDown())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  // Speaking.

  /** Signed, to one connected peer. Rejects with ERR_PEER_NOT_CONNECTED. */
  async sendTo(peerId: PeerId, message: OutgoingMessage, options?: WaitOptions): Promise<{ messageId: string }> {
    const record = this.linkedRecord(peerId)
    const fields = this.fieldsOf(message, message?.protocol, record)
    await this.send(record, fields, 'signature', options)
    return { messageId: fields.messageId }
  }

  /** Signed once, to every connected peer; one slow or failing peer does not delay the others. */
  async broadcast(message: OutgoingMessage, options: WaitOptions & { except?: readonly PeerId[] } = {}): Promise<BroadcastResult> {
    const except = new Set(options.except?.map(id => this.names.resolve(id)))
    const records = [...this.table.open()].filter(record => !except.has(record.id))
    return await this.broadcastTo(records, this.fieldsOf(message, message?.protocol), 'signature', options)
  }

  // For those inside the house: with the protocol, and the authentication it declares.

  /** Checks what a caller wants said and completes it. Throws TypeError or RangeError. */
  fieldsOf(message: OutgoingMessage, protocol: string | undefined, to?: Pick<PeerRecord, 'publicKey'>): CompleteFields {
    return outgoingFields(message, protocol, this.node, this.names, to?.publicKey)
  }

  /** A promise only where the link has no room for more. Throws when the peer is gone. */
  send(record: PeerRecord, fields: CompleteFields, auth: LeastAuth, options?: WaitOptions): Promise<void> | undefined {
    if (record.shortLived) this.#keeper.touch(record)
    return this.#sender.send(record, fields, auth, options)
  }

  broadcastTo(records: readonly PeerRecord[], fields: CompleteFields, auth: LeastAuth, options?: WaitOptions): Promise<BroadcastResult> {
    return this.#sender.broadcast(records, fields, auth, options)
  }

  /** The same, of fields that are complete already. */
  async frameOf(fields: CompleteFields): Promise<Uint8Array> {
    return (await this.#sender.signed(fields)).frame
  }

  /** A signed frame that stands by itself, whoever carries it. */
  async authorFrame(message: OutgoingMessage, protocol: string, to: Uint8Array | undefined): Promise<Uint8Array> {
    return (await this.#sender.signed(outgoingFields(message, protocol, this.node, this.names, to))).frame
  }

  // Looking.

  get(peerId: PeerId): PeerInfo | undefined {
    return this.recordOf(peerId)?.surface
  }

  recordOf(peerId: PeerId): PeerRecord | undefined {
    const known = this.table.get(peerId)
    if (known !== undefined) return known
    const id = this.names.resolve(peerId)
    return id === undefined ? undefined : this.table.get(id)
  }

  /** Throws ERR_PEER_NOT_CONNECTED with what would help. */
  linkedRecord(peerId: PeerId): PeerRecord {
    if (typeof peerId !== 'string') throw new TypeError(`expected a peer's id or name, got ${typeof peerId}`)
    const record = this.recordOf(peerId)
    if (record?.openLink !== undefined) return record
    const state = record === undefined ? 'unknown here' : record.state
    throw new P2PError(ErrorCode.PEER_NOT_CONNECTED, `${peerId} is ${state}; connectToPeer first, or send with { route: 'any' }`, { peerId })
  }

  /** Connected peers. */
  list(): PeerInfo[] {
    return [...this.table.open()].map(record => record.surface)
  }

  getStats(): PeerStats {
    return {
      connectedPeers: [...this.table.open()].length,
      totalPeers: this.table.size,
      pendingHandshakes: this.#doorway.pendingHandshakes,
      reconnecting: this.#reconnector.size, sybil: this.#doorway.sybil,
      errors: { ...this.#errors },
    }
  }

  /** Forgets peers that are neither connected nor wanted; those one could dial, an hour after they were last met or told of. */
  cleanup(): void {
    this.node.intake.sweep()
    this.reputation.sweep()
    const nowMs = this.node.clock.elapsedMs()
    for (const record of [...this.table]) {
      if (record.link !== undefined || record.wanted || record.state === PeerState.CONNECTING) continue
      if (!record.hasAddress || nowMs - record.touchedAtMs >= ADDRESSES_KEPT_MS) this.table.delete(record.id)
    }
  }

  /** Counts an error and puts it on the `error` event; `peer` is whom it is about. */
  report(error: P2PError, peer?: PeerRecord | PeerInfo): void {
    this.#errors[error.code] = (this.#errors[error.code] ?? 0) + 1
    named(this.node.logger, 'P2P').debug(`${error.code} ${error.message}`)
    this.emit('error', error, peer === undefined ? this.localInfo() : 'surface' in peer ? peer.surface : peer)
  }

  /** This node as a peer would see it. */
  localInfo(): PeerInfo {
    return { peerId: this.node.id, publicKey: this.node.publicKey, addresses: this.#doorway.peerAddresses(), state: PeerState.CONNECTED, lastSeen: this.node.clock.now(), protocols: this.node.vocabulary.list() }
  }

  /** A listener of the application threw: its own fault, told on `error` unless that is what threw. */
  protected listenerFailed(error: unknown): void {
    named(this.node.logger, 'PeerManager').error(`a listener failed: ${textOf(error)}`)
  }

  #take(record: PeerRecord, message: P2PMessage): Promise<void> | undefined {
    if (this.#options.route) return this.#options.route(message, record)
    this.emit('message', message, record.surface)
    return undefined
  }

  /** Whoever is refused from now on is told goodbye. */
  #standingChanged(id: PeerId): void {
    const ban = this.reputation.banOf(id)
    const record = this.table.get(id)
    if (ban !== undefined) {
      if (record) record.wanted = false
      this.#reconnector.stop(id)
      this.report(new P2PError(ban.standing === 'banned' ? ErrorCode.PEER_BANNED : ErrorCode.PEER_DISCOURAGED, `${id} is refused from now on (${ban.code})`, { peerId: id }), record)
    }
    this.#keeper.standingChanged(id)
  }

  #onConnected(record: PeerRecord): void {
    this.#reconnector.stop(record.id)
    this.outreach.connected(record)
    named(this.node.logger, 'PeerManager').info(`Added peer: ${record.link?.remoteAddress ?? record.id} (${record.surface.peerId})`)
    this.emit('connected', record.surface)
  }

  #onDisconnected(record: PeerRecord, reason: DisconnectReason): void {
    named(this.node.logger, 'PeerManager').info(`Removed peer: ${record.surface.peerId} (${reason})`)
    const comesBack = reason === 'timeout' || reason === 'error' || reason === 'shutdown' || reason === 'limit'
    if (comesBack && record.wanted && !this.isClosed && record.hasAddress) this.#reconnector.start(record.id)
    this.outreach.disconnected()
    this.emit('disconnected', record.surface, reason)
  }

  async #prepare(): Promise<void> {
    await Promise.all([this.node.loadCrypto(), this.reputation.load(), this.#doorway.load(), this.outreach.load(), (this.#namesLoaded ??= this.#loadNames())])
    this.#mustBeOpen()
  }

  /** A store that fails once may work the next time. */
  async #loadNames(): Promise<void> {
    try {
      await this.names.load()
    } catch (error) {
      this.#namesLoaded = undefined
      throw error
    }
  }

  #mustBeOpen(undo?: () => void): void {
    if (!this.isClosed) return
    undo?.()
    throw shutDown()
  }
}

function shutDown(): P2PError {
  return new P2PError(ErrorCode.COORDINATOR_SHUT_DOWN, 'this node has been shut down; make a new one')
}

function checkedCount(name: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) throw new RangeError(`${name} must be a number above 0, got ${String(value)}`)
  return value
}

function asP2PError(error: unknown): P2PError {
  if (error instanceof P2PError) return error
  return new P2PError(ErrorCode.TRANSPORT_CHANNEL_BROKEN, textOf(error), { cause: error })
}
