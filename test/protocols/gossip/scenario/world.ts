import { Gossip, type GossipOptions } from '../../../../lib/protocols/gossip/index.node.ts'
import type { MeshNode } from '../../../../lib/testing/mesh-node.ts'
import { SimulatedMesh } from '../../../../lib/testing/simulated-mesh.ts'
import { BlackHole } from './adversaries.ts'

export const TOPIC = 'bar'

export interface WorldOptions {
  nodes: number
  seed: number
  /** Links of each node, the adversaries' included: the model's 40. */
  degree?: number
  /** Share of every honest node's links that lead to black holes. */
  sybilShare?: number
  gossip?: GossipOptions
}

/** What became of one publication. */
interface Fate {
  readonly atMs: number
  /** Who should hear it and has not. */
  readonly left: Set<MeshNode>
  readonly heard: Set<MeshNode>
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

/** Real handlers over the simulated context, one topic, and a record of who heard what when. */
export class World implements AsyncDisposable {
  readonly mesh: SimulatedMesh
  readonly honest: MeshNode[] = []
  readonly holes: MeshNode[] = []
  readonly #options: WorldOptions
  readonly #gossip = new Map<MeshNode, Gossip>()
  readonly #fates = new Map<string, Fate>()
  #duplicatesBefore = 0

  constructor(options: WorldOptions) {
    this.#options = options
    const { nodes, seed, degree = 40, sybilShare = 0 } = options
    this.mesh = new SimulatedMesh({ seed, codec: false })
    for (let index = 0; index < nodes; index++) this.add(`node-${index}`)
    this.mesh.linkAtRandom({ degree: Math.min(nodes - 1, Math.round(degree * (1 - sybilShare))) })
    if (sybilShare > 0) this.#addHoles(Math.round(degree * sybilShare))
  }

  /** One more honest node, with no links yet. */
  add(name: string): MeshNode {
    const gossip = new Gossip(this.#options.gossip)
    const node = this.mesh.addNode(name, [gossip])
    gossip.subscribe(TOPIC, (_, item) => this.#hear(node, item.messageId, item.hops))
    this.#gossip.set(node, gossip)
    this.honest.push(node)
    return node
  }

  gossipOf(node: MeshNode): Gossip {
    return this.#gossip.get(node)!
  }

  /** Meshes form. */
  async settle(forMs = 5_000): Promise<void> {
    await this.mesh.run({ forMs })
    this.#duplicatesBefore = this.#duplicates()
  }

  /** From somebody drawn at random, or from a given node; everybody up who is in `expected` should hear it. */
  async publish(body: unknown, from: MeshNode = this.mesh.random.pick(this.up), expected: Iterable<MeshNode> = this.up): Promise<void> {
    const left = new Set(expected)
    left.delete(from)
    const atMs = this.mesh.nowMs
    const { messageId } = await this.mesh.drive(this.gossipOf(from).publish(TOPIC, body))
    this.#fates.set(messageId, { atMs, left, heard: new Set(), latencies: [], hops: [], twice: 0 })
  }

  /** So many, one every `everyMs`, then time for the last to arrive. */
  async publishMany(count: number, { everyMs = 50, body = 'x', graceMs = 5_000 }: { everyMs?: number; body?: unknown; graceMs?: number } = {}): Promise<void> {
    for (let index = 0; index < count; index++) {
      await this.publish(body)
      await this.mesh.run({ forMs: everyMs })
    }
    await this.mesh.run({ forMs: graceMs })
  }

  get up(): MeshNode[] {
    return this.honest.filter(node => node.isUp)
  }

  /** Who went down is not waited for. */
  forget(node: MeshNode): void {
    for (const fate of this.#fates.values()) fate.left.delete(node)
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
      meshSize: this.up.reduce((sum, node) => sum + this.gossipOf(node).meshOf(TOPIC).length, 0) / this.up.length,
    }
  }

  counters(): Record<string, number> {
    const sums: Record<string, number> = {}
    for (const node of this.up) for (const [name, count] of Object.entries(this.gossipOf(node).getStats().counters)) sums[name] = (sums[name] ?? 0) + count
    return sums
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mesh.shutdown()
  }

  #hear(node: MeshNode, messageId: string, hops: number): void {
    const fate = this.#fates.get(messageId)
    if (fate === undefined) return
    if (fate.heard.has(node)) fate.twice++
    fate.heard.add(node)
    if (!fate.left.delete(node)) return
    fate.latencies.push(this.mesh.nowMs - fate.atMs)
    fate.hops.push(hops)
  }

  #duplicates(): number {
    let sum = 0
    for (const node of this.up) sum += this.gossipOf(node).getStats().counters.duplicate ?? 0
    return sum
  }

  /** A hole for every ten honest nodes, each dialling as many of them as it takes. */
  #addHoles(linksEach: number): void {
    const holes = this.mesh.addNodes(Math.max(linksEach, Math.ceil(this.honest.length / 10)), () => [new BlackHole(TOPIC)])
    this.holes.push(...holes)
    for (const node of this.honest) for (const hole of this.mesh.random.shuffled(holes).slice(0, linksEach)) this.mesh.link(hole, node)
  }
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
