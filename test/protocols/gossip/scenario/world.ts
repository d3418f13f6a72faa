import { Gossip, type GossipOptions } from '../../../../lib/protocols/gossip/index.node.ts'
import { BlackHole } from './adversaries.ts'
import { groundOf, type Fidelity, type Ground, type Place } from './ground.ts'

export const TOPIC = 'bar'

export interface WorldOptions {
  nodes: number
  seed: number
  /** Handlers alone by default. */
  fidelity?: Fidelity | undefined
  /** Links of each node, the adversaries' included: the model's 40. */
  degree?: number
  /** Share of every honest node's links that lead to black holes. */
  sybilShare?: number
  gossip?: GossipOptions | undefined
}

/** What became of one publication. */
interface Fate {
  readonly atMs: number
  /** Who should hear it and has not. */
  readonly left: Set<Place>
  readonly heard: Set<Place>
  readonly latencies: number[]
  readonly hops: number[]
  twice: number
}

export interface Figures {
  /** Of all that should have arrived. */
  delivered: number
  twice: number
  hopsP99: number
  hopsMax: number
  p50Ms: number
  p99Ms: number
  maxMs: number
  duplicatesPerDelivery: number
  samples: number
  meshSize: number
  readonly [extra: string]: unknown
}

/** Real handlers in a simulated world, one topic, and a record of who heard what when. */
export class World implements AsyncDisposable {
  readonly ground: Ground
  readonly honest: Place[] = []
  readonly #options: WorldOptions
  readonly #gossip = new Map<Place, Gossip>()
  readonly #fates = new Map<string, Fate>()
  #duplicatesBefore = 0

  private constructor(options: WorldOptions) {
    this.#options = options
    this.ground = groundOf(options.fidelity ?? 'protocol', options.seed)
  }

  /** Everybody is there and linked; no mesh has formed yet. */
  static async make(options: WorldOptions): Promise<World> {
    const world = new World(options)
    const { nodes, degree = 40, sybilShare = 0 } = options
    for (let index = 0; index < nodes; index++) await world.add(`node-${index}`)
    await world.ground.linkAtRandom(Math.min(nodes - 1, Math.round(degree * (1 - sybilShare))))
    if (sybilShare > 0) await world.#addHoles(Math.round(degree * sybilShare))
    return world
  }

  /** One more honest node, with no links yet. */
  async add(name: string): Promise<Place> {
    const gossip = new Gossip(this.#options.gossip)
    const at: { place?: Place } = {}
    gossip.subscribe(TOPIC, (_, item) => this.#hear(at.place!, item.messageId, item.hops))
    const place = at.place = await this.ground.add(name, gossip)
    this.#gossip.set(place, gossip)
    this.honest.push(place)
    return place
  }

  gossipOf(place: Place): Gossip {
    return this.#gossip.get(place)!
  }

  /** Meshes form. */
  async settle(forMs = 5_000): Promise<void> {
    await this.ground.run(forMs)
    this.#duplicatesBefore = this.#duplicates()
  }

  /** From somebody drawn at random, or from a given node; everybody up who is in `expected` should hear it. */
  async publish(body: unknown, from: Place = this.ground.random.pick(this.up), expected: Iterable<Place> = this.up): Promise<void> {
    const left = new Set(expected)
    left.delete(from)
    const atMs = this.ground.nowMs
    const { messageId } = await this.ground.drive(this.gossipOf(from).publish(TOPIC, body))
    this.#fates.set(messageId, { atMs, left, heard: new Set(), latencies: [], hops: [], twice: 0 })
  }

  /** So many, one every `everyMs`, then time for the last to arrive. */
  async publishMany(count: number, { everyMs = 50, body = 'x', graceMs = 5_000, from }: { everyMs?: number; body?: unknown; graceMs?: number; from?: Place } = {}): Promise<void> {
    for (let index = 0; index < count; index++) {
      await this.publish(body, from)
      await this.ground.run(everyMs)
    }
    await this.ground.run(graceMs)
  }

  get up(): Place[] {
    return this.honest.filter(place => place.isUp)
  }

  /** Who went down is not waited for. */
  forget(place: Place): void {
    for (const fate of this.#fates.values()) fate.left.delete(place)
  }

  /** True when nothing is outstanding. */
  get isComplete(): boolean {
    for (const { left } of this.#fates.values()) if (left.size > 0) return false
    return true
  }

  figures(): Figures {
    const fates = [...this.#fates.values()]
    const latencies = fates.flatMap(fate => fate.latencies).sort((a, b) => a - b)
    const hops = fates.flatMap(fate => fate.hops).sort((a, b) => a - b)
    const missing = fates.reduce((sum, { left }) => sum + left.size, 0)
    return {
      delivered: latencies.length / (latencies.length + missing),
      twice: fates.reduce((sum, { twice }) => sum + twice, 0),
      hopsP99: quantile(hops, 0.99), hopsMax: quantile(hops, 1),
      p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99), maxMs: quantile(latencies, 1),
      duplicatesPerDelivery: (this.#duplicates() - this.#duplicatesBefore) / fates.reduce((sum, { heard }) => sum + heard.size, 0),
      samples: latencies.length,
      meshSize: this.up.reduce((sum, place) => sum + this.gossipOf(place).meshOf(TOPIC).length, 0) / this.up.length,
    }
  }

  /** Of all that should have arrived since then, the share that took no longer. */
  shareWithin(ms: number, sinceMs = 0): number {
    let soon = 0
    let all = 0
    for (const { atMs, left, latencies } of this.#fates.values()) {
      if (atMs < sinceMs) continue
      all += left.size + latencies.length
      for (const latency of latencies) if (latency <= ms) soon++
    }
    return soon / all
  }

  counters(): Record<string, number> {
    const sums: Record<string, number> = {}
    for (const place of this.up) for (const [name, count] of Object.entries(this.gossipOf(place).getStats().counters)) sums[name] = (sums[name] ?? 0) + count
    return sums
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ground.shutdown()
  }

  #hear(place: Place, messageId: string, hops: number): void {
    const fate = this.#fates.get(messageId)
    if (fate === undefined) return
    if (fate.heard.has(place)) fate.twice++
    fate.heard.add(place)
    if (!fate.left.delete(place)) return
    fate.latencies.push(this.ground.nowMs - fate.atMs)
    fate.hops.push(hops)
  }

  #duplicates(): number {
    let sum = 0
    for (const place of this.up) sum += this.gossipOf(place).getStats().counters.duplicate ?? 0
    return sum
  }

  /** A hole for every ten honest nodes, each dialling as many of them as it takes. */
  async #addHoles(linksEach: number): Promise<void> {
    const holes: Place[] = []
    for (let index = 0; index < Math.max(linksEach, Math.ceil(this.honest.length / 10)); index++) holes.push(await this.ground.add(`hole-${index}`, new BlackHole(TOPIC)))
    for (const place of this.honest) for (const hole of this.ground.random.shuffled(holes).slice(0, linksEach)) this.ground.link(hole, place)
  }
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
