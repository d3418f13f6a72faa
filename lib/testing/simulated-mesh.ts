import { drawScalar } from '../crypto/draw-scalar.ts'
import type { P2PError } from '../contracts/errors.ts'
import type { P2PMessage, PeerId } from '../contracts/message.ts'
import type { DisconnectReason, PeerInfo } from '../contracts/peer.ts'
import type { IProtocolHandler } from '../contracts/protocol.ts'
import type { IStore } from '../contracts/store.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { loadPayloadChecker } from '../protocol-kit/payload-check.ts'
import { decodeCbor, encodeCbor } from '../wire/cbor.ts'
import { EventLog } from './event-log.ts'
import { PERFECT_LINK, transitMs, type LinkQuality } from './link-quality.ts'
import { MeshFrames } from './mesh-frames.ts'
import { MeshDials } from './mesh-dials.ts'
import { MeshLink, MeshTimes, type MeshWay } from './mesh-link.ts'
import type { MeshMessage } from './mesh-message.ts'
import { MeshNode, type MeshWorld } from './mesh-node.ts'
import { MeshTransit } from './mesh-transit.ts'
import type { NodeClock } from './node-clock.ts'
import { Happening } from './sim-event.ts'
import { addressOf } from './sim-host.ts'
import { SimRandom, type Seed } from './sim-random.ts'
import { simCrypto } from './stand-in-crypto.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface SimulatedMeshOptions {
  seed?: Seed
  /** One way, drawn once for each link from this range. 25 to 150 ms by default. */
  latencyMs?: number | readonly [min: number, max: number]
  /** How links are besides; `lossRate` delays, `vanishRate` loses messages. Perfect by default. There is no bandwidth here. */
  quality?: Partial<Omit<LinkQuality, 'latencyMs'>>
  /**
   * Sends every payload through the real codec, so that nobody sees another's objects. True by default; for thousands of nodes false: then
   * payloads and verified frames are shared by reference and must not be changed.
   */
  codec?: boolean
  /** Links of one node that are not short-lived. 50 by default. */
  maxConnections?: number
  /** How long it takes until the peers of a node that crashed are told. 100 ms by default: its system resets their sockets. */
  noticedAfterMs?: number
  /** What is hashed and can be read: see EventLog. */
  keepEvents?: number
  /** Unix time in milliseconds at which the world begins. */
  startMs?: number
}

const SHUTDOWN_MS_MAX = 60_000

/**
 * Thousands of real handlers over a simulated context, without wire, links or sockets: what a protocol's rules do at the size of a network.
 * Messages take their time and may be lost, clocks may be wrong, nodes come and go; one heap of events, one seed.
 */
export class SimulatedMesh implements MeshWorld, AsyncDisposable {
  readonly seed: Seed
  readonly clock: VirtualClock
  /** For what a scenario itself wants to draw. */
  readonly random: SimRandom
  readonly frames: MeshFrames
  readonly codec: boolean
  /** Told of each error that a handler reports or causes. */
  onError: ((node: MeshNode, error: P2PError) => void) | undefined
  readonly #log: EventLog
  readonly #root: SimRandom
  readonly #options: SimulatedMeshOptions
  readonly #latencyMs: readonly [number, number]
  readonly #backend: ReturnType<typeof simCrypto>
  readonly #nodes: MeshNode[] = []
  readonly #byId = new Map<PeerId, MeshNode>()
  readonly #byAddress = new Map<string, MeshNode>()
  readonly #transit = new MeshTransit<MeshWay<MeshNode>>()
  readonly #times = new MeshTimes()
  readonly #dials: MeshDials
  #quality: LinkQuality
  #groups: Map<MeshNode, number> | undefined
  #parted: MeshLink<MeshNode>[] = []
  #ways = 0
  #sent = 0
  #delivered = 0
  #vanished = 0
  #ready: Promise<void> | undefined

  constructor(options: SimulatedMeshOptions = {}) {
    const { seed = 1, latencyMs = [25, 150], quality = {}, codec = true, keepEvents = 200, startMs } = options
    this.#options = options
    this.seed = seed
    this.codec = codec
    this.#root = new SimRandom(seed)
    this.random = this.#root.fork('scenario')
    this.#log = new EventLog({ keep: keepEvents })
    this.clock = new VirtualClock(startMs === undefined ? {} : { startMs })
    this.clock.onNumber = place => this.#arrive(place)
    this.#latencyMs = typeof latencyMs === 'number' ? [latencyMs, latencyMs] : latencyMs
    this.#quality = { ...PERFECT_LINK, ...quality, latencyMs: 0 }
    this.#backend = simCrypto(seed)
    this.#dials = new MeshDials({
      maxConnections: options.maxConnections ?? 50,
      meanLatencyMs: (this.#latencyMs[0] + this.#latencyMs[1]) / 2,
      nodeOf: id => this.#byId.get(id),
      nodeAt: address => this.#byAddress.get(address),
      isCut: (a, b) => this.#isCut(a, b),
      link: (dialler, listener, how) => this.link(dialler, listener, how),
    })
    this.frames = new MeshFrames(this.#backend, 'simulation', !codec)
  }

  /** Virtual milliseconds since the world began. */
  get nowMs(): number {
    return this.clock.elapsedMs()
  }

  /** In the order in which they were added, also those that are gone. */
  get nodes(): readonly MeshNode[] {
    return this.#nodes
  }

  /** Messages so far; vanished ones are those that the lines lost for good. */
  get stats(): { sent: number; delivered: number; vanished: number } {
    return { sent: this.#sent, delivered: this.#delivered, vanished: this.#vanished }
  }

  /** How links are from now on. */
  setQuality(quality: Partial<Omit<LinkQuality, 'latencyMs'>>): void {
    this.#quality = { ...this.#quality, ...quality }
  }

  // Nodes and links.

  /** A node that runs these handlers. */
  addNode(name: string, handlers: readonly IProtocolHandler[], { skewMs = 0, store }: { skewMs?: number; store?: IStore } = {}): MeshNode {
    const index = this.#nodes.length
    const random = this.#root.fork(`node ${index}`)
    const secret = this.#backend.evenSecret(drawScalar(random.bytes))
    const node = new MeshNode(this, { name, index, random, secret, publicKey: this.#backend.publicKeyOf(secret).slice(1), skewMs, address: `sim://${addressOf(index)}:4000`, store })
    this.#nodes.push(node)
    this.#byId.set(node.id, node)
    this.#byAddress.set(node.address, node)
    for (const handler of handlers) node.register(handler)
    return node
  }

  /** So many of a kind, called `node-0` and so on. */
  addNodes(count: number, handlersOf: (index: number) => readonly IProtocolHandler[]): MeshNode[] {
    return Array.from({ length: count }, (_, index) => this.addNode(`node-${this.#nodes.length}`, handlersOf(index)))
  }

  /** A link that the first has dialled; both are told when time passes. Nothing happens where there is one. */
  link(dialler: MeshNode, listener: MeshNode, { shortLived = false }: { shortLived?: boolean } = {}): void {
    if (dialler === listener || dialler.links.has(listener.id)) return
    const latencyMs = this.#root.fork(`link ${Math.min(dialler.index, listener.index)} ${Math.max(dialler.index, listener.index)}`).between(...(this.#latencyMs as [number, number]))
    const link = new MeshLink(dialler, listener, this.#ways, shortLived)
    this.#times.setLatency(this.#ways++, latencyMs)
    this.#times.setLatency(this.#ways++, latencyMs)
    for (const end of [dialler, listener]) {
      end.links.set(link.other(end).id, link)
      this.clock.post(new Happening(() => { if (link.isOpenAt(end)) end.linked(link) }), 0, end.clock.pace)
    }
    if (shortLived) this.#dropWhenIdle(link)
    this.#log.note('link', this.nowMs, dialler.index, listener.index)
  }

  /** Links every node with about `degree` others, half of them dialled by itself; all can be reached from all. */
  linkAtRandom({ degree }: { degree: number }): void {
    const random = this.#root.fork('links')
    const order = random.shuffled(this.#nodes.filter(node => node.isUp))
    order.slice(1).forEach((node, index) => this.link(node, order[index]!))
    for (const node of order) {
      for (let tries = 0; node.links.size < degree && tries < 3 * degree; tries++) {
        const other = random.pick(order)
        if (other.links.size < degree) this.link(node, other)
      }
    }
  }

  /** It stops without a word; its peers are told after `noticedAfterMs`. */
  crash(node: MeshNode): void {
    if (!node.isUp) return
    this.#log.note('crash', this.nowMs, node.index)
    node.isUp = false
    node.clock.end()
    for (const link of [...node.links.values()]) this.#breakFrom(node, link, this.#options.noticedAfterMs ?? 100)
    this.#forget(node)
  }

  /** It leaves in good order. */
  async stop(node: MeshNode): Promise<void> {
    if (!node.isUp) return
    await node.unregisterAll()
    for (const link of [...node.links.values()]) this.hangUp(node, link, 'shutdown')
    node.isUp = false
    node.clock.end()
    this.#forget(node)
  }

  /** Links between the groups break, and nobody there can be dialled; nodes in no group are a group as well. `heal` puts the links back. */
  partition(groups: readonly (readonly MeshNode[])[]): void {
    this.#groups = new Map(groups.flatMap((nodes, index) => nodes.map(node => [node, index] as const)))
    this.#log.note('partition', this.nowMs, groups.length)
    for (const node of this.#nodes) {
      for (const link of [...node.links.values()]) {
        if (link.dialler !== node || !this.#isCut(link.dialler, link.listener)) continue
        this.#parted.push(link)
        for (const end of [link.dialler, link.listener]) end.unlinked(link, 'timeout')
      }
    }
  }

  heal(): void {
    this.#groups = undefined
    this.#log.note('heal', this.nowMs, 0)
    for (const { dialler, listener } of this.#parted.splice(0)) if (dialler.isUp && listener.isUp) this.link(dialler, listener)
  }

  /** Has something done at a moment of virtual time, counted from the beginning. */
  at(timeMs: number, run: () => void): void {
    this.clock.schedule(timeMs - this.nowMs, run)
  }

  // Time.

  async run({ forMs }: { forMs: number }): Promise<void> {
    await this.#prepare()
    await this.clock.run({ forMs })
  }

  /** Throws Error when the predicate does not hold within that time. */
  async runUntil(predicate: () => boolean, { withinMs, what = String(predicate) }: { withinMs: number; what?: string }): Promise<void> {
    await this.#prepare()
    if (!await this.clock.runUntil(predicate, { withinMs })) throw new Error(`not within ${withinMs} ms, in the mesh of seed ${JSON.stringify(this.seed)}: ${what}`)
  }

  /** Lets time pass until the promise settles. */
  async drive<T>(promise: PromiseLike<T>, options?: { withinMs?: number }): Promise<T> {
    await this.#prepare()
    return await this.clock.drive(promise, options)
  }

  /** All leave in good order. Throws Error when one leaves a timer behind. */
  async shutdown(): Promise<void> {
    const timersOf = new Map<MeshNode, number>()
    await this.drive(Promise.all(this.#nodes.filter(node => node.isUp).map(async node => {
      await node.unregisterAll()
      timersOf.set(node, node.clock.timers)
      await this.stop(node)
    })), { withinMs: SHUTDOWN_MS_MAX })
    const left = [...timersOf].find(([, timers]) => timers > 0)
    if (left) throw new Error(`${left[0].name} has shut down and left ${left[1]} timers`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }

  log(text: string): void {
    this.#log.note('log', this.nowMs, 0, 0, text)
  }

  /** SHA-256 of every message delivered, link and fault, as hex: the same for the same seed. */
  hash(): string {
    return this.#log.hash()
  }

  tail(count?: number): string[] {
    return this.#log.tail(count)
  }

  // What nodes ask of their world.

  /** @internal */
  clockFor(name: string, skewMs: number): NodeClock {
    return this.clock.clockFor(name, { skewMs })
  }

  /** @internal */
  carry(from: MeshNode, ways: readonly MeshWay<MeshNode>[], message: MeshMessage, except: readonly (MeshWay<MeshNode> | undefined)[] = []): void {
    const nowMs = this.clock.elapsedMs()
    if (this.codec) message.encoded = encodeCbor(message.payload)
    for (const way of ways) {
      if (except.length > 0 && except.includes(way)) continue
      this.#sent++
      if (from.random.chance(this.#quality.vanishRate)) {
        this.#vanished++
        continue
      }
      const arrivalMs = this.#times.arrival(way.index, nowMs, transitMs(this.#quality, from.random))
      this.clock.postNumber(this.#transit.put(way, message), arrivalMs - nowMs)
    }
  }

  #arrive(place: number): void {
    const way = this.#transit.wayIn(place)
    const { to } = way
    const nowMs = this.clock.elapsedMs()
    if (this.clock.disturbed && to.pace.stalledUntilMs > nowMs && !to.pace.ended) return this.clock.postNumber(place, to.pace.stalledUntilMs - nowMs)
    const message = this.#transit.messageIn(place)
    this.#transit.clear(place)
    if (!way.isOpen) return
    this.#delivered++
    this.#log.note('message', nowMs, way.index, message.encoded?.length ?? 0)
    to.receive(message.encoded === undefined ? message : message.with(decodeCbor(message.encoded)), way.sender, this.clock.disturbed ? to.clock.now() : this.clock.now())
  }

  /** @internal */
  dial(from: MeshNode, peer: PeerInfo | PeerId, options: WaitOptions & { shortLived?: boolean }): Promise<PeerInfo> {
    return this.#dials.dial(from, peer, options)
  }

  /** @internal */
  hangUp(from: MeshNode, link: MeshLink<MeshNode>, reason: DisconnectReason): void {
    const to = link.other(from)
    from.unlinked(link, reason)
    const arrivalMs = this.#times.arrival(link.wayTo(to).index, this.nowMs, 0)
    this.clock.post(new Happening(() => { if (link.isOpenAt(to)) to.unlinked(link, reason === 'local' ? 'remote' : reason) }), arrivalMs - this.nowMs, to.clock.pace)
    this.#log.note('unlink', this.nowMs, from.index, to.index)
  }

  /** @internal */
  knownTo(node: MeshNode): Iterable<MeshNode> {
    return this.#dials.knownTo(node)
  }

  /** @internal */
  introduce(node: MeshNode, record: P2PMessage): boolean {
    return this.#dials.introduce(node, record)
  }

  /** @internal */
  spawn(parent: MeshNode, handler: IProtocolHandler, store: IStore): AsyncDisposable {
    const child = this.addNode(`${parent.name}'s ephemeral ${this.#nodes.length}`, [handler], { skewMs: parent.clock.skewMs, store })
    return { [Symbol.asyncDispose]: () => this.stop(child) }
  }

  /** @internal */
  reported(node: MeshNode, error: P2PError): void {
    this.#log.note('error', this.nowMs, node.index, 0, error.code)
    this.onError?.(node, error)
  }

  // Inside.

  /** Loaded in the middle of a run it would be waited for in real time, which differs from run to run. */
  #prepare(): Promise<void> {
    return (this.#ready ??= loadPayloadChecker())
  }

  #isCut(a: MeshNode, b: MeshNode): boolean {
    return this.#groups !== undefined && this.#groups.get(a) !== this.#groups.get(b)
  }

  /** Messages are not timed one by one: whether a link of a lookup was used, its last arrivals say. */
  #dropWhenIdle(link: MeshLink<MeshNode>): void {
    const idleMsMax = DEFAULT_LIMITS.shortLivedIdleMsMax
    this.clock.schedule(idleMsMax, () => {
      if (!link.shortLived || !link.isOpenAt(link.dialler)) return
      const usedAtMs = Math.max(this.#times.latestArrival(link.toDialler.index), this.#times.latestArrival(link.toListener.index))
      if (this.nowMs - usedAtMs >= idleMsMax) this.hangUp(link.dialler, link, 'local')
      else this.#dropWhenIdle(link)
    })
  }

  #breakFrom(node: MeshNode, link: MeshLink<MeshNode>, afterMs: number): void {
    const peer = link.other(node)
    link.closeAt(node)
    this.clock.post(new Happening(() => { if (link.isOpenAt(peer)) peer.unlinked(link, 'error') }), afterMs, peer.clock.pace)
  }

  #forget(node: MeshNode): void {
    this.#byAddress.delete(node.address)
    this.#dials.forget(node)
  }
}
