import type { P2PConfig } from '../../../../lib/coordinator/config.ts'
import type { P2PError } from '../../../../lib/contracts/errors.ts'
import { PeerExchange, type ExchangeOptions } from '../../../../lib/protocols/exchange/index.ts'
import { Simulation, type SimNode, type SimulationOptions } from '../../../../lib/testing/index.ts'

/** A world of nodes that exchange peers. Where it is told nothing else it is a private one, as loopback is. */
export class ExchangeWorld implements AsyncDisposable {
  readonly sim: Simulation
  readonly errors = new Map<string, P2PError[]>()
  readonly found = new Map<string, string[]>()

  constructor(options: SimulationOptions = {}) {
    this.sim = new Simulation({ seed: 11, latencyMs: [10, 40], ...options })
  }

  async add(name: string, options: ExchangeOptions = {}, config: P2PConfig = {}): Promise<SimNode> {
    const errors: P2PError[] = []
    const found: string[] = []
    this.errors.set(name, errors)
    this.found.set(name, found)
    return await this.sim.addNode(name, {
      protocols: () => {
        const exchange = new PeerExchange(options)
        exchange.events.on('peerFound', ({ peerId }) => void found.push(peerId))
        return [exchange]
      },
      config: { network: 'private', ...config },
      onStart: ({ coordinator }) => void coordinator.on('error', error => void errors.push(error)),
    })
  }

  /** Nodes that know the address of the first and nothing else. */
  async addAll(count: number, options: ExchangeOptions = {}, config: P2PConfig = {}): Promise<SimNode[]> {
    const first = await this.add('node-0', options, config)
    const nodes = [first]
    for (let index = 1; index < count; index++) nodes.push(await this.add(`node-${index}`, { ...options, bootstrap: [first.address] }, config))
    return nodes
  }

  exchange(node: SimNode): PeerExchange {
    return node.handler(PeerExchange)
  }

  degreeOf(node: SimNode): number {
    return node.coordinator.getConnectedPeers().length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sim.shutdown()
  }
}

/** True when each can be reached from the first over links. */
export function areOne(nodes: readonly SimNode[]): boolean {
  const byId = new Map(nodes.map(node => [node.id, node]))
  const reached = new Set<SimNode>()
  const queue = [nodes[0]!]
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    if (reached.has(node)) continue
    reached.add(node)
    for (const { peerId } of node.coordinator.getConnectedPeers()) {
      const next = byId.get(peerId)
      if (next) queue.push(next)
    }
  }
  return reached.size === nodes.length
}
