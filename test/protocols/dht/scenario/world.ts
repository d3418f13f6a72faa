import type { PeerId } from '../../../../lib/contracts/message.ts'
import { baseBackend } from '../../../../lib/crypto/select.node.ts'
import { Dht } from '../../../../lib/protocols/dht/index.node.ts'
import type { DhtParameters } from '../../../../lib/protocols/dht/index.node.ts'
import { groupNumber } from '../../../../lib/protocols/dht/netgroup.ts'
import { Positions, positionFrom, sharedBits, type Position } from '../../../../lib/protocols/dht/position.ts'
import type { MeshNode } from '../../../../lib/testing/mesh-node.ts'
import { SimulatedMesh } from '../../../../lib/testing/simulated-mesh.ts'
import { Gang, Liar } from './adversaries.ts'

/** Positions that a scenario may choose, as who grinds keys would. */
export class ChosenPositions extends Positions {
  readonly chosen = new Map<PeerId, Position>()

  protected override make(id: PeerId): Position {
    return this.chosen.get(id) ?? super.make(id)
  }
}

export interface WorldOptions {
  nodes: number
  seed: number
  /** Share of the nodes that lie, at random positions. */
  liars?: number
  parameters?: Partial<DhtParameters>
  /** Links to the nearest nodes, and in each bucket: what a node that has been there for a while keeps. */
  near?: number
  perBucket?: number
}

/** A settled network of real handlers: links are laid as the upkeep would have them, whose own work is measured elsewhere. */
export class World implements AsyncDisposable {
  readonly mesh: SimulatedMesh
  readonly positions = new ChosenPositions(baseBackend())
  readonly honest: MeshNode[] = []
  readonly liars: MeshNode[] = []
  readonly gang = new Gang(this.positions)
  readonly groups = new Map<PeerId, number>()
  readonly #kin = new Set<PeerId>()
  readonly #options: WorldOptions

  constructor(options: WorldOptions) {
    this.#options = options
    const { nodes, seed, liars = 0 } = options
    this.mesh = new SimulatedMesh({ seed, codec: false, maxConnections: 4_000 })
    const lying = Math.round(nodes * liars)
    for (let index = 0; index < nodes - lying; index++) this.addHonest()
    for (let index = 0; index < lying; index++) this.addLiar()
    this.#layLinks([...this.honest, ...this.liars])
  }

  async settle(): Promise<void> {
    await this.mesh.run({ forMs: 2_000 })
  }

  dhtOf(node: MeshNode): Dht {
    return node.handler(Dht)
  }

  addHonest(parameters: Partial<DhtParameters> = {}): MeshNode {
    const dht = new Dht({
      mode: 'server', positions: this.positions, placeOf: ({ peerId }) => ({ group: this.groups.get(peerId) ?? groupNumber(peerId), address: peerId }),
      parameters: { linksWanted: 0, refreshMs: 1e12, ...this.#options.parameters, ...parameters },
    })
    const node = this.mesh.addNode(`node-${this.mesh.nodes.length}`, [dht])
    this.honest.push(node)
    return node
  }

  addLiar(group?: number): MeshNode {
    const node = this.mesh.addNode(`liar-${this.mesh.nodes.length}`, [new Liar(this.gang, this.#kin)])
    this.liars.push(node)
    this.#kin.add(node.id)
    if (group !== undefined) this.groups.set(node.id, group)
    // Chosen positions come first: who is added to the gang has its place already.
    if (group === undefined) this.gang.add(node.id, groupNumber(node.id))
    return node
  }

  get up(): MeshNode[] {
    return this.honest.filter(node => node.isUp)
  }

  pick(): MeshNode {
    return this.mesh.random.pick(this.up)
  }

  randomTarget(): Position {
    return positionFrom(this.mesh.random.bytes(32))
  }

  /** The nearest by XOR among some nodes. */
  nearestTo(target: Position, nodes: readonly MeshNode[], count: number): MeshNode[] {
    return nodes.map(node => ({ node, distance: (this.positions.of(node.id).head ^ target.head) >>> 0 })).sort((a, b) => a.distance - b.distance).slice(0, count).map(({ node }) => node)
  }

  crashHalf(share = 0.5): void {
    for (const node of this.mesh.random.shuffled(this.honest).slice(0, Math.floor(this.honest.length * share))) this.mesh.crash(node)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mesh.shutdown()
  }

  #layLinks(nodes: readonly MeshNode[]): void {
    const { near = 20, perBucket = 8 } = this.#options
    const sorted = nodes.map(node => ({ node, position: this.positions.of(node.id) })).sort((a, b) => a.position.head - b.position.head)
    sorted.forEach(({ node, position }, index) => {
      // By XOR the nearest are among the next in order, but for a few across a border.
      const window = sorted.slice(Math.max(0, index - near * 4), index + near * 4 + 1).filter(other => other.node !== node)
      const nearest = window.sort((a, b) => ((a.position.head ^ position.head) >>> 0) - ((b.position.head ^ position.head) >>> 0)).slice(0, near)
      for (const other of nearest) this.mesh.link(node, other.node)
      const buckets = Math.ceil(Math.log2(nodes.length / near)) + 1
      for (let bucket = 0; bucket < buckets; bucket++) for (const other of this.#inBucket(sorted, position, bucket, perBucket)) this.mesh.link(node, other)
    })
  }

  #inBucket(sorted: readonly { node: MeshNode; position: Position }[], own: Position, bucket: number, count: number): MeshNode[] {
    const size = 2 ** (31 - bucket)
    const first = lowerBound(sorted, (((own.head ^ size) >>> 0) - (((own.head ^ size) >>> 0) % size)))
    const last = lowerBound(sorted, (((own.head ^ size) >>> 0) - (((own.head ^ size) >>> 0) % size)) + size)
    const picked: MeshNode[] = []
    for (let tries = 0; tries < count && last > first; tries++) {
      const { node, position } = sorted[first + this.mesh.random.below(last - first)]!
      if (sharedBits(own, position) === bucket) picked.push(node)
    }
    return picked
  }
}

function lowerBound(sorted: readonly { position: Position }[], head: number): number {
  let low = 0
  for (let high = sorted.length; low < high;) {
    const middle = (low + high) >> 1
    if (sorted[middle]!.position.head < head) low = middle + 1
    else high = middle
  }
  return low
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
