import type { P2PMessage } from '../../../lib/contracts/message.ts'
import type { PeerInfo } from '../../../lib/contracts/peer.ts'
import type { IProtocolHandler, ProtocolContext } from '../../../lib/contracts/protocol.ts'
import { SimulatedMesh } from '../../../lib/testing/simulated-mesh.ts'

/** Hands every number on to all its peers, once: what a mesh carries at the most. */
export class Flood implements IProtocolHandler {
  readonly protocolName = 'test/flood'
  readonly seen = new Set<number>()
  #context: ProtocolContext | undefined

  onRegister(context: ProtocolContext): void {
    this.#context = context
  }

  async handleMessage({ payload }: P2PMessage, from: PeerInfo): Promise<void> {
    this.take((payload as { number: number }).number, from.peerId)
  }

  take(number: number, from?: string): void {
    if (this.seen.has(number)) return
    this.seen.add(number)
    void this.#context!.broadcast({ type: 'number', payload: { number } }, from === undefined ? {} : { except: [from] })
  }
}

export interface FloodFigures {
  delivered: number
  /** Everybody got every number. */
  complete: boolean
  hash: string
}

/** A mesh of that size, and `items` numbers flooded through it, one after the other. */
export class FloodedMesh {
  readonly mesh: SimulatedMesh
  readonly #items: number

  constructor({ nodes, degree, items, codec = false, seed = 1 }: { nodes: number; degree: number; items: number; codec?: boolean; seed?: number }) {
    this.mesh = new SimulatedMesh({ seed, codec, maxConnections: degree + 10, keepEvents: 0 })
    this.#items = items
    this.mesh.addNodes(nodes, () => [new Flood()])
    this.mesh.linkAtRandom({ degree })
  }

  async run(): Promise<FloodFigures> {
    const { mesh } = this
    await mesh.run({ forMs: 1 })
    for (let number = 0; number < this.#items; number++) mesh.at(100 + number * 1_000, () => mesh.nodes[(number * 7_919) % mesh.nodes.length]!.handler(Flood).take(number))
    await mesh.run({ forMs: this.#items * 1_000 + 3_000 })
    return { delivered: mesh.stats.delivered, complete: mesh.nodes.every(node => node.handler(Flood).seen.size === this.#items), hash: mesh.hash() }
  }
}
