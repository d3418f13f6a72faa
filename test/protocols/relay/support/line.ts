import type { P2PError } from '../../../../lib/contracts/errors.ts'
import type { P2PMessage } from '../../../../lib/contracts/message.ts'
import { Relay, type RelayOptions } from '../../../../lib/protocols/relay/index.ts'
import { Simulation, type SimNode, type SimulationOptions } from '../../../../lib/testing/index.ts'

/** `limits.restartGraceMs`: a key that may have run before takes nothing relayed that is older. */
const RESTART_GRACE_MS = 30_000

/** What an application on a node heard. */
export interface Ear {
  readonly messages: { message: P2PMessage; from: string }[]
  readonly errors: P2PError[]
}

/** A world of nodes that relay. */
export class RelayWorld implements AsyncDisposable {
  readonly sim: Simulation
  readonly ears = new Map<SimNode, Ear>()

  constructor(options: SimulationOptions = {}) {
    this.sim = new Simulation({ seed: 7, latencyMs: [10, 40], ...options })
  }

  async add(name: string, options: RelayOptions = {}, make = (): Relay => new Relay(options)): Promise<SimNode> {
    const ear: Ear = { messages: [], errors: [] }
    const node = await this.sim.addNode(name, {
      protocols: () => [make()],
      config: { network: 'private' },
      onStart: ({ coordinator }) => {
        coordinator.on('message', (message, from) => void ear.messages.push({ message, from: from.peerId }))
        coordinator.on('error', error => void ear.errors.push(error))
      },
    })
    this.ears.set(node, ear)
    return node
  }

  async addAll(count: number): Promise<SimNode[]> {
    const nodes: SimNode[] = []
    for (let index = 0; index < count; index++) nodes.push(await this.add(`node-${index}`))
    return nodes
  }

  /** Links each with the next, and waits until what is relayed can be told from what was said before the start. */
  async line(nodes: readonly SimNode[]): Promise<void> {
    for (const [index, node] of nodes.slice(1).entries()) await this.sim.connect(nodes[index]!, node)
    await this.sim.run({ forMs: RESTART_GRACE_MS })
  }

  async ring(nodes: readonly SimNode[]): Promise<void> {
    await this.line(nodes)
    await this.sim.connect(nodes.at(-1)!, nodes[0]!)
  }

  ear(node: SimNode): Ear {
    return this.ears.get(node)!
  }

  payloads(node: SimNode): unknown[] {
    return this.ear(node).messages.map(({ message }) => message.payload)
  }

  relay(node: SimNode): Relay {
    return node.handler(Relay)
  }

  /** Sends by whatever way there is; resolves or rejects as the coordinator does. */
  async send(from: SimNode, to: SimNode, payload: unknown, timeoutMs?: number): Promise<void> {
    await this.sim.clock.drive(from.coordinator.sendTo(to.id, { type: 'note', payload }, { route: 'any', ...(timeoutMs === undefined ? {} : { timeoutMs }) }), { withinMs: 60_000 })
  }

  /** How often any node counted something. */
  counted(reason: string): number {
    return this.sim.nodes.filter(node => node.isUp).reduce((sum, node) => sum + (this.relay(node).getStats().counters[reason] ?? 0), 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sim.shutdown()
  }
}

/** What a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return await promise.then(() => { throw new Error('it resolved') }, (error: Error) => error)
}
