// peerweft between two processes over WebSocket on loopback. Run by ../direct.ts, which compiles it first.
// direct dial | round-trip | one-way --size 1024 --auth channel | heap | floor-rate | floor-connections
import { PeerState, type PeerInfo } from '../../../lib/contracts/peer.ts'
import type { PeerId } from '../../../lib/contracts/message.ts'
import {
  Tally, heapPerConnection, memoryAnswers, pump, run, timeDials, timeRoundTrips, yieldToSockets,
  type Measure, type Options,
} from '../peers/measure.mjs'
import { BenchHandler } from './bench-protocol.ts'
import { peerweft, type Coordinator } from './peerweft.ts'

/** What the dialler is told: with the id, every dial is one to a known key (XK). */
interface Hello { peerId: PeerId; address: string }

/** Room for the rows that hold many links; the default of 50 is seed 004's. */
const CONNECTIONS_MAX = 1_000
/** Messages handed over before waiting for all their receipts and letting the sockets work. */
const batchOf = (size: number): number => Math.min(64, Math.max(1, Math.floor((1 << 20) / size)))

function start(handler?: BenchHandler): Coordinator {
  const coordinator = new peerweft.P2PCoordinator({
    transports: [new peerweft.WebSocketTransport()],
    maxConnections: CONNECTIONS_MAX,
  })
  if (handler !== undefined) coordinator.registerProtocol(handler)
  return coordinator
}

async function listen(coordinator: Coordinator): Promise<Hello> {
  const { address } = await coordinator.listen('ws://127.0.0.1:0')
  return { peerId: coordinator.peerId, address }
}

const known = ({ peerId, address }: Hello): PeerInfo =>
  ({ peerId, addresses: { websocket: address }, state: PeerState.DISCONNECTED, lastSeen: 0 })

const dial: Measure<Hello> = {
  async listen({ auth }) {
    return { hello: await listen(start(new BenchHandler(auth))) }
  },
  async dial(hello, _ask, { auth }) {
    const coordinator = start(new BenchHandler(auth))
    const result = await timeDials(async () => {
      await coordinator.connectToPeer(known(hello))
      return () => coordinator.disconnectFromPeer(hello.peerId)
    })
    await coordinator.shutdown()
    return result
  },
}

const roundTrip: Measure<Hello> = {
  async listen({ auth }) {
    return { hello: await listen(start(new BenchHandler(auth))) }
  },
  async dial(hello, _ask, { auth, size }) {
    const handler = new BenchHandler(auth)
    const coordinator = start(handler)
    await coordinator.connectToPeer(known(hello))
    const body = new Uint8Array(size).fill(7)
    const result = await timeRoundTrips(async () => {
      if ((await handler.echo(hello.peerId, body)).length !== size) throw new Error('the echo has another size')
    })
    await coordinator.shutdown()
    return result
  },
}

const oneWay: Measure<Hello> = {
  async listen({ auth, size }) {
    const tally = new Tally(size)
    const hello = await listen(start(new BenchHandler(auth, body => tally.receive(body))))
    return { hello, answers: tally.answers() }
  },
  async dial(hello, ask, options) {
    const handler = new BenchHandler(options.auth)
    const coordinator = start(handler)
    await coordinator.connectToPeer(known(hello))
    const result = await pump(options, inBatches(options, body => handler.item(hello.peerId, body)), ask)
    await coordinator.shutdown()
    return result
  },
}

/** A send resolves when its peer's queue has room again, so waiting for a batch is the backpressure. */
function inBatches({ size }: Options, sendOne: (body: Uint8Array) => Promise<unknown>): (body: Uint8Array) => Promise<number> {
  const batch = batchOf(size)
  return async (body) => {
    await Promise.all(Array.from({ length: batch }, () => sendOne(body)))
    await yieldToSockets()
    return batch
  }
}

const heap: Measure<Hello> = {
  async listen({ auth }) {
    const coordinator = start(new BenchHandler(auth))
    return { hello: await listen(coordinator), answers: memoryAnswers(() => coordinator.getConnectedPeers().length) }
  },
  async dial(hello, ask, options) {
    const diallers: Coordinator[] = []
    const result = await heapPerConnection(options, async () => {
      const coordinator = start(new BenchHandler(options.auth))
      await coordinator.connectToPeer(known(hello))
      diallers.push(coordinator)
    }, ask)
    await Promise.all(diallers.map(coordinator => coordinator.shutdown()))
    return result
  },
}

/** Seed 004's way of sending: a plain application message, signed by default, with no plugin. */
const floorRate: Measure<Hello> = {
  async listen({ size }) {
    const tally = new Tally(size)
    const coordinator = start()
    coordinator.on('message', message => tally.receive((message.payload as { body: Uint8Array }).body))
    return { hello: await listen(coordinator), answers: tally.answers() }
  },
  async dial(hello, ask, options) {
    const coordinator = start()
    await coordinator.connectToPeer(known(hello))
    const sendOne = (body: Uint8Array) => coordinator.sendTo(hello.peerId, { type: 'item', payload: { body } })
    const result = await pump(options, inBatches(options, sendOne), ask)
    await coordinator.shutdown()
    return result
  },
}

/** Many peers at once, each asking in turn: how many of them are connected and had every answer. */
const floorConnections: Measure<Hello> = {
  async listen({ auth }) {
    const coordinator = start(new BenchHandler(auth))
    return { hello: await listen(coordinator), answers: { connections: () => coordinator.getConnectedPeers().length } }
  },
  async dial(hello, ask, { auth, size, count }) {
    const body = new Uint8Array(size).fill(7)
    const peers = Array.from({ length: count }, () => {
      const handler = new BenchHandler(auth)
      return { handler, coordinator: start(handler) }
    })
    for (const { coordinator } of peers) await coordinator.connectToPeer(known(hello))
    const began = performance.now()
    const served = await Promise.all(peers.map(async ({ handler }) => {
      for (let i = 0; i < 50; i++) if ((await handler.echo(hello.peerId, body)).length !== size) return false
      return true
    }))
    const seconds = (performance.now() - began) / 1_000
    const connections = Math.min(served.filter(Boolean).length, Number(await ask('connections')))
    await Promise.all(peers.map(({ coordinator }) => coordinator.shutdown()))
    return { connections, requestsPerSecond: count * 50 / seconds }
  },
}

await run({
  dial, 'round-trip': roundTrip, 'one-way': oneWay, heap, 'floor-rate': floorRate, 'floor-connections': floorConnections,
})
