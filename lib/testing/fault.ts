import type { SimNetwork } from './sim-network.ts'
import type { SimNode } from './sim-node.ts'
import type { SimRandom } from './sim-random.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What a fault may lay hands on. */
export interface FaultWorld {
  readonly clock: VirtualClock
  readonly network: SimNetwork
  /** All of them, up or down, in the order in which they were added. */
  readonly nodes: readonly SimNode[]
  crash(node: SimNode, how?: { power?: boolean; torn?: boolean }): void
  /** Starts a node that is down; harmless for one that is up. */
  restart(node: SimNode): void
  /** Lets something asynchronous go on beside everything else; what it rejects with is noted, not thrown. */
  beside(work: () => Promise<void>): void
}

/** A fault that has begun. */
export interface FaultEffect {
  /** What was done to whom: for the log, and for whoever reads why a run failed. */
  readonly what: string
  /** Makes it good, as far as it can be. */
  end?(): void
}

export interface FaultKindSpec {
  /** How long it lasts, in milliseconds. */
  readonly forMs: readonly [min: number, max: number]
  /** Undefined where there is nothing to break at the moment. */
  begin(world: FaultWorld, random: SimRandom): FaultEffect | undefined
}
