import type { P2PConfig } from '../../lib/coordinator/config.ts'
import type { P2PError } from '../../lib/contracts/errors.ts'
import type { P2PMessage } from '../../lib/contracts/message.ts'
import type { DisconnectReason, PeerInfo } from '../../lib/contracts/peer.ts'
import { P2PCoordinator } from '../../lib/p2p-coordinator.ts'
import { MemoryHub, MemoryTransport } from '../../lib/transports/memory.ts'
import { TurnClock } from './turn-clock.ts'
import { until } from './until.ts'

/** Everything a coordinator said, in order. */
export interface Diary {
  connected: string[]
  disconnected: [string, DisconnectReason][]
  messages: { message: P2PMessage; from: PeerInfo }[]
  errors: { error: P2PError; peer: PeerInfo }[]
}

/** A coordinator, what it said, and where it listens. */
export interface Resident {
  node: P2PCoordinator
  diary: Diary
  /** Empty for one that does not listen. */
  address: string
}

/** Coordinators that reach each other through one hub, on a clock that stands still until the test moves it. */
export class Town implements AsyncDisposable {
  readonly hub = new MemoryHub()
  readonly clock = new TurnClock()
  readonly #residents: P2PCoordinator[] = []

  transport(): MemoryTransport {
    return new MemoryTransport({ hub: this.hub, clock: this.clock })
  }

  /** One that dials but does not listen. Strangers' keys cost nothing here unless a test says so: nobody would wait for a million hashes. */
  guest(name: string, config: P2PConfig = {}): Resident {
    const node = new P2PCoordinator({ peerId: name, transports: [this.transport()], clock: this.clock, sybilCost: false, ...config })
    this.#residents.push(node)
    return { node, diary: diaryOf(node), address: '' }
  }

  /** One that listens under `memory:name`. */
  async resident(name: string, config: P2PConfig = {}): Promise<Resident> {
    const guest = this.guest(name, config)
    const { address } = await guest.node.listen(`memory:${name}`)
    return { ...guest, address }
  }

  /** Two that listen, alice connected to bob under his name. */
  async pair(configs: { alice?: P2PConfig; bob?: P2PConfig } = {}): Promise<{ alice: Resident; bob: Resident }> {
    const alice = await this.resident('alice', configs.alice)
    const bob = await this.resident('bob', configs.bob)
    await meet(alice, bob)
    return { alice, bob }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closing = Promise.all(this.#residents.map(node => node.shutdown()))
    // A goodbye that nobody answers ends by the clock.
    let closed = false
    void closing.then(() => (closed = true), () => (closed = true))
    await until(() => {
      this.clock.advance(1_000)
      return closed
    }, 'the town to close')
    await closing
  }
}

/** `a` connects to `b` and calls it by its name; both have heard of it when this resolves. */
export async function meet(a: Resident, b: Resident): Promise<PeerInfo> {
  const peer = await a.node.connectToPeer({ peerId: b.node.peerId, addresses: { memory: b.address }, state: 'disconnected', lastSeen: 0 })
  await until(() => b.node.isConnected(a.node.id), `${b.node.peerId} to see ${a.node.peerId}`)
  return peer
}

export function diaryOf(node: P2PCoordinator): Diary {
  const diary: Diary = { connected: [], disconnected: [], messages: [], errors: [] }
  node.on('connected', peer => void diary.connected.push(peer.peerId))
  node.on('disconnected', (peer, reason) => void diary.disconnected.push([peer.peerId, reason]))
  node.on('message', (message, from) => void diary.messages.push({ message, from }))
  node.on('error', (error, peer) => void diary.errors.push({ error, peer }))
  return diary
}

/** The codes of the errors it spoke of, in order. */
export function codesIn(diary: Diary): string[] {
  return diary.errors.map(({ error }) => error.code)
}

/** The payloads of the plain messages it heard, in order. */
export function payloadsIn(diary: Diary): unknown[] {
  return diary.messages.map(({ message }) => message.payload)
}
