import type { IProtocolHandler } from '../../../../lib/contracts/protocol.ts'
import type { MeshNode } from '../../../../lib/testing/mesh-node.ts'
import type { SimNode } from '../../../../lib/testing/sim-node.ts'
import type { SimRandom } from '../../../../lib/testing/sim-random.ts'
import { SimulatedMesh } from '../../../../lib/testing/simulated-mesh.ts'
import { Simulation } from '../../../../lib/testing/simulation.ts'

/** Handlers over a simulated context, or whole coordinators with wire, links and sealing. */
export type Fidelity = 'protocol' | 'full'

/** One machine of either world. */
export interface Place {
  /** Its key, as others see it. */
  readonly id: string
  readonly name: string
  readonly isUp: boolean
}

/** What a bar needs of the world it is measured in. */
export interface Ground {
  readonly random: SimRandom
  readonly nowMs: number
  /** Whom anybody has charged with something so far, by id. */
  readonly blamed: ReadonlySet<string>
  /** One more machine that runs this handler. */
  add(name: string, handler: IProtocolHandler): Promise<Place>
  /** Begins to link them; whoever is named first dials. */
  link(dialler: Place, listener: Place): void
  /** About so many links for everybody who is there now. */
  linkAtRandom(degree: number): Promise<void>
  crash(place: Place): void
  partition(group: readonly Place[]): void
  heal(): void
  /** From now on lines lose this share: for good in the mesh, to be sent again by the system where there are sockets. */
  lose(rate: number): void
  run(forMs: number): Promise<void>
  /** Resolves to whether it held within that time. */
  runUntil(holds: () => boolean, withinMs: number): Promise<boolean>
  drive<T>(promise: Promise<T>): Promise<T>
  shutdown(): Promise<void>
}

export function groundOf(fidelity: Fidelity, seed: number): Ground {
  return fidelity === 'full' ? new FullGround(seed) : new MeshGround(seed)
}

/** The design's figures: hops of 25 to 150 ms. */
const LATENCY_MS = [25, 150] as const

class MeshGround implements Ground {
  readonly blamed = new Set<string>()
  readonly #mesh: SimulatedMesh

  constructor(seed: number) {
    this.#mesh = new SimulatedMesh({ seed, codec: false, latencyMs: LATENCY_MS })
    this.#mesh.onError = (_, { peerId }) => {
      if (peerId !== undefined) this.blamed.add(peerId)
    }
  }

  get random(): SimRandom {
    return this.#mesh.random
  }

  get nowMs(): number {
    return this.#mesh.nowMs
  }

  async add(name: string, handler: IProtocolHandler): Promise<Place> {
    return this.#mesh.addNode(name, [handler])
  }

  link(dialler: Place, listener: Place): void {
    this.#mesh.link(dialler as MeshNode, listener as MeshNode)
  }

  async linkAtRandom(degree: number): Promise<void> {
    this.#mesh.linkAtRandom({ degree })
  }

  crash(place: Place): void {
    this.#mesh.crash(place as MeshNode)
  }

  partition(group: readonly Place[]): void {
    this.#mesh.partition([group as readonly MeshNode[]])
  }

  heal(): void {
    this.#mesh.heal()
  }

  lose(rate: number): void {
    this.#mesh.setQuality({ vanishRate: rate })
  }

  async run(forMs: number): Promise<void> {
    await this.#mesh.run({ forMs })
  }

  async runUntil(holds: () => boolean, withinMs: number): Promise<boolean> {
    return await this.#mesh.runUntil(holds, { withinMs }).then(() => true, () => false)
  }

  async drive<T>(promise: Promise<T>): Promise<T> {
    return await this.#mesh.drive(promise)
  }

  async shutdown(): Promise<void> {
    await this.#mesh.shutdown()
  }
}

/** More links than the default 50, and no rationing of strangers: everybody here dials everybody within one second. */
const CONFIG = { maxConnections: 500, network: 'private' } as const
/** An application that has lost a link dials again so soon. */
const REDIAL_MS = 1_000

class FullGround implements Ground {
  readonly blamed = new Set<string>()
  readonly #sim: Simulation

  constructor(seed: number) {
    this.#sim = new Simulation({ seed, latencyMs: LATENCY_MS, redialMs: REDIAL_MS, checkEveryMs: 60_000 })
  }

  get random(): SimRandom {
    return this.#sim.random
  }

  get nowMs(): number {
    return this.#sim.nowMs
  }

  async add(name: string, handler: IProtocolHandler): Promise<Place> {
    return await this.#sim.addNode(name, {
      protocols: () => [handler], config: CONFIG,
      onStart: ({ coordinator }) => void coordinator.on('error', ({ peerId }) => { if (peerId !== undefined) this.blamed.add(peerId) }),
    })
  }

  link(dialler: Place, listener: Place): void {
    const from = dialler as SimNode
    from.wishes.add(listener as SimNode)
    from.dial(listener as SimNode).catch(() => {})
  }

  async linkAtRandom(degree: number): Promise<void> {
    await this.#sim.connectAll({ degree })
  }

  crash(place: Place): void {
    this.#sim.crash(place as SimNode)
  }

  partition(group: readonly Place[]): void {
    this.#sim.partition([group as readonly SimNode[]])
  }

  heal(): void {
    this.#sim.heal()
  }

  lose(rate: number): void {
    this.#sim.network.impose({ applies: () => true, quality: { lossRate: rate } })
  }

  async run(forMs: number): Promise<void> {
    await this.#sim.run({ forMs })
  }

  async runUntil(holds: () => boolean, withinMs: number): Promise<boolean> {
    return await this.#sim.runUntil(holds, { withinMs }).then(() => true, () => false)
  }

  async drive<T>(promise: Promise<T>): Promise<T> {
    return await this.#sim.clock.drive(promise)
  }

  async shutdown(): Promise<void> {
    await this.#sim.shutdown()
  }
}
