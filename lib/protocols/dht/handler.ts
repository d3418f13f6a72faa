import { ErrorCode, P2PError } from '../../contracts/errors.ts'
import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import type { PeerInfo } from '../../contracts/peer.ts'
import type { ProtocolContext, Receivers, Responders } from '../../contracts/protocol.ts'
import type { IResourceDirectory } from '../../contracts/resources.ts'
import { baseBackend } from '../../crypto/select.ts'
import { toHex } from '../../foundation/hex.ts'
import { ProtocolHandler } from '../../protocol-kit/protocol-handler.ts'
import { textOf } from '../../foundation/error-text.ts'
import { Answerer } from './answerer.ts'
import { Asker } from './asker.ts'
import { Core } from './core.ts'
import { dhtProtocol, type DhtProtocol } from './definition.ts'
import { Directory } from './directory.ts'
import { Keeper } from './keeper.ts'
import { placeOf } from './netgroup.ts'
import type { DhtOptions, DhtStats } from './options.ts'
import { OwnRecords } from './own-records.ts'
import { dhtParameters, type DhtParameters } from './parameters.ts'
import { Positions, type Hasher } from './position.ts'
import { Reader } from './reader.ts'
import type { Stored } from './record.ts'
import { RoleOfDirectory } from './role.ts'
import { Searches } from './searches.ts'
import { Changes } from './watching.ts'
import { Writer } from './writer.ts'

/** The parts of one registered node. */
export interface Running {
  readonly core: Core
  readonly answerer: Answerer
  readonly asker: Asker
  readonly searches: Searches
  readonly writer: Writer
  readonly reader: Reader
  readonly own: OwnRecords
  readonly changes: Changes
  readonly keeper: Keeper
  readonly directory: Directory
}

/** Our own address record is signed anew at most this often. */
const RECORD_MS = 60_000

/** Announce anywhere, find it everywhere: a distributed hash table that plays the `resources` role. */
export class Dht extends ProtocolHandler<DhtProtocol> {
  readonly resources: IResourceDirectory
  readonly #options: DhtOptions
  readonly #parameters: DhtParameters
  readonly #hasher: Hasher
  #running: Running | undefined
  #record: { signedAtMs: number; frame: Promise<Uint8Array> } | undefined

  protected readonly receive: Receivers<DhtProtocol> = {
    here: ({ serves, record }, from) => this.#takeHere(serves, record, from),
    changed: ({ target, frame }, from) => this.running.changes.told(target, frame, from.peerId),
  }
  protected override readonly answer: Responders<DhtProtocol> = {
    find: (ask, from) => this.running.answerer.find(ask, direct(from)),
    put: (ask, from) => this.running.answerer.put(ask, direct(from)),
    list: ask => this.running.answerer.list(ask),
    fetch: ask => this.running.answerer.fetch(ask),
    where: ask => this.running.answerer.where(ask),
    watch: ({ target }, from) => ({ forMs: this.running.core.watchers.add(toHex(target), from.peerId, this.context.clock.elapsedMs()) }),
    carry: (carried, from) => this.running.asker.carry(carried, from.peerId),
  }

  /** Throws RangeError for parameters that cannot work. */
  constructor(options: DhtOptions = {}) {
    super(dhtProtocol)
    this.#options = options
    this.#parameters = dhtParameters(options.parameters)
    this.#hasher = options.hasher ?? baseBackend()
    this.resources = new RoleOfDirectory(() => this.running.directory)
  }

  /** The parts, for the facades of this folder and for tests. Throws ERR_PROTOCOL_NOT_REGISTERED. */
  get running(): Running {
    if (this.#running !== undefined) return this.#running
    throw new P2PError(ErrorCode.PROTOCOL_NOT_REGISTERED, 'the DHT is not registered; call coordinator.registerProtocol(dht) first', { protocol: 'dht' })
  }

  getStats(): DhtStats {
    const { core, own, directory } = this.running
    return {
      ...directory.getStats(), announced: own.count, records: core.held.count, bytes: core.held.bytes, keys: core.held.keys,
      contacts: core.table.size, waiting: core.table.waiting, nodesEstimate: core.table.estimate(), serves: core.serves, counters: { ...core.counters },
    }
  }

  // What the house calls.

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    const { mode = 'auto', positions = new Positions(this.#hasher) } = this.#options
    const core = new Core({
      context, parameters: this.#parameters, hasher: this.#hasher, positions, mode,
      ask: (to, type, payload, options) => this.request(to, type, payload, options),
    })
    const running = build(core)
    this.#running = running
    running.answerer.onStored = (target, record) => this.#tellWatchers(target, record)
    running.own.onChange = record => this.#changedHere(record)
    running.keeper.onLook = () => this.#decide()
    this.#guard(running.own.load(), 'what was announced before could not be read')
    this.#guard(running.keeper.start(), 'contacts of before could not be read')
  }

  override async onUnregister(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    if (running === undefined) return
    running.keeper.close()
    running.own.close()
    running.searches.close()
    running.core.close()
    try {
      await running.keeper.save()
    } finally {
      void super.onUnregister()
    }
  }

  async onPeerConnected(peer: PeerInfo): Promise<void> {
    if (peer.protocols?.some(({ name }) => name === dhtProtocol.name) !== true) return
    this.#meet(peer)
    await this.#sayHere([peer.peerId])
  }

  async onPeerDisconnected({ peerId }: PeerInfo): Promise<void> {
    this.running.core.left(peerId)
    this.running.keeper.contactLeft()
  }

  cleanup(): void {
    const { core, own } = this.running
    core.held.sweep(core.nowMs)
    core.watchers.sweep(this.context.clock.elapsedMs())
    own.cleanup()
    this.#decide()
  }

  /** A peer may speak before we have heard that its link stands. */
  override async handleMessage(message: P2PMessage, from: PeerInfo): Promise<void> {
    if (this.#running !== undefined && !this.#running.core.links.has(from.peerId) && message.via === undefined) this.#meet(from)
    await super.handleMessage(message, from)
  }

  // Between the two.

  #decide(): void {
    const { core } = this.running
    if (core.decide()) this.#guard(this.#sayHere([...core.links]), 'peers could not be told')
  }

  #meet(peer: PeerInfo): void {
    this.running.core.met(peer.peerId, this.#placeOf(peer).group)
  }

  #placeOf(peer: PeerInfo) {
    return (this.#options.placeOf ?? placeOf)(peer)
  }

  async #sayHere(peers: readonly PeerId[]): Promise<void> {
    const { core } = this.running
    const { serves } = core
    const record = await this.#ownRecord()
    if (this.#running?.core !== core) return
    // A link that is gone again has told its end already.
    await Promise.all(peers.map(peer => this.send(peer, 'here', { serves, record }).catch(() => core.count('here-unsaid'))))
  }

  /** Signed once for many greetings. */
  #ownRecord(): Promise<Uint8Array> {
    const nowMs = this.context.clock.elapsedMs()
    if (this.#record === undefined || nowMs - this.#record.signedAtMs >= RECORD_MS) this.#record = { signedAtMs: nowMs, frame: this.context.addresses.own() }
    return this.#record.frame
  }

  #takeHere(serves: boolean, record: Uint8Array, from: PeerInfo): void {
    const { core, keeper, own } = this.running
    const { peerId } = from
    core.addresses.set(peerId, record)
    const isNew = core.table.get(peerId) === undefined
    const isContact = serves && core.table.admit({ id: peerId, position: core.positions.of(peerId), outbound: from.direction === 'outbound', ...this.#placeOf(from) })
    if (!serves) core.table.remove(peerId)
    core.greetedBy(peerId)
    if (!isContact || !isNew) return
    keeper.contactCame()
    own.contactCame()
  }

  /** A record was taken here: those who asked hear of it, and so do watches of our own. */
  #tellWatchers(target: Uint8Array, record: Stored): void {
    const { core, changes } = this.running
    changes.changed(target, record)
    for (const peer of core.watchers.of(toHex(target), this.context.clock.elapsedMs())) {
      this.send(peer, 'changed', { target, frame: record.frame }).catch(() => core.count('changes-untold'))
    }
  }

  /** What we announce ourselves, our own watches hear at once. */
  #changedHere(record: Stored): void {
    const { core } = this.running
    this.#tellWatchers(core.targets.item(record.type, record.id).bytes, record)
    for (const set of record.sets) this.#tellWatchers(core.targets.shard(set, 0, 0).bytes, record)
  }

  #guard(work: Promise<void>, what: string): void {
    const { context } = this
    work.catch((error: unknown) => {
      if (!context.signal.aborted) context.report(new P2PError(ErrorCode.PROTOCOL_HANDLER_FAILED, `${what}: ${textOf(error)}`, { protocol: 'dht', cause: error }))
    })
  }
}

function build(core: Core): Running {
  const answerer = new Answerer(core)
  const asker = new Asker(core, answerer)
  const searches = new Searches(core, asker)
  const writer = new Writer(core, asker, searches)
  const reader = new Reader(core, asker, searches)
  const own = new OwnRecords(core, writer)
  const changes = new Changes(core)
  const keeper = new Keeper(core, asker, searches)
  const directory = new Directory(core, own, reader, changes)
  return { core, answerer, asker, searches, writer, reader, own, changes, keeper, directory }
}

function direct({ peerId }: PeerInfo): { id: PeerId; isDirect: boolean } {
  return { id: peerId, isDirect: true }
}
