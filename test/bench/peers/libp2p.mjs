// js-libp2p over WebSocket + Noise + yamux, two processes on loopback.
// node libp2p.mjs dial | round-trip | one-way --size 1024 | publish | heap   (heap with --expose-gc)
import './node-20.mjs'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { lpStream } from '@libp2p/utils'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { Tally, heapPerConnection, memoryAnswers, pump, run, sleep, timeDials, timeRoundTrips, yieldToSockets } from './measure.mjs'

const ECHO = '/bench/echo/1'
const SINK = '/bench/sink/1'
const TOPIC = 'bench'

// As shipped a listener takes 5 dials a second from one host, which here would measure that limit.
const connectionManager = {
  maxConnections: 5_000,
  inboundConnectionThreshold: Infinity,
  maxIncomingPendingConnections: Infinity,
  maxParallelDials: 200,
  maxDialQueueLength: 20_000,
}

const start = ({ listen, services = {} }) => createLibp2p({
  addresses: { listen: listen ? ['/ip4/127.0.0.1/tcp/0/ws'] : [] },
  transports: [webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionManager,
  connectionMonitor: { enabled: false },
  services,
})
const addressOf = (node) => node.getMultiaddrs()[0].toString()

const dial = {
  async listen() {
    return { hello: addressOf(await start({ listen: true })) }
  },
  async dial(address) {
    const node = await start({ listen: false })
    const target = multiaddr(address)
    return timeDials(async () => {
      const connection = await node.dial(target)
      return () => connection.close()
    })
  },
}

/** Messages with their boundaries, by the library's own length-prefixed stream. */
const roundTrip = {
  async listen() {
    const node = await start({ listen: true })
    await node.handle(ECHO, async (stream) => {
      const messages = lpStream(stream)
      try {
        for (;;) await messages.write(await messages.read())
      } catch { /* the dialler hung up */ }
    })
    return { hello: addressOf(node) }
  },
  async dial(address, _ask, { size }) {
    const node = await start({ listen: false })
    const messages = lpStream(await (await node.dial(multiaddr(address))).newStream(ECHO))
    const body = new Uint8Array(size).fill(7)
    return timeRoundTrips(async () => {
      await messages.write(body)
      if ((await messages.read()).byteLength !== size) throw new Error('the echo has another size')
    })
  },
}

const oneWay = {
  async listen({ size }) {
    const node = await start({ listen: true })
    const tally = new Tally(size)
    await node.handle(SINK, async (stream) => {
      const messages = lpStream(stream)
      try {
        for (;;) tally.receive((await messages.read()).subarray())
      } catch { /* the dialler hung up */ }
    })
    return { hello: addressOf(node), answers: tally.answers() }
  },
  async dial(address, ask, options) {
    const node = await start({ listen: false })
    const stream = await (await node.dial(multiaddr(address))).newStream(SINK)
    const messages = lpStream(stream)
    return pump(options, async (body) => {
      await messages.write(body)
      // Not stream.onDrain(): in @libp2p/utils 7.4.1 it resolves at once after a stream's first drain.
      if (stream.writableNeedsDrain) await new Promise(resolve => stream.addEventListener('drain', resolve, { once: true }))
      return 1
    }, ask)
  },
}

/** Signed messages, as libp2p has them: gossipsub with StrictSign between two nodes. */
const publish = {
  async listen({ size }) {
    const node = await startPubSub()
    const tally = new Tally(size)
    node.services.pubsub.addEventListener('message', event => tally.receive(event.detail.data))
    node.services.pubsub.subscribe(TOPIC)
    return { hello: addressOf(node), answers: tally.answers() }
  },
  async dial(address, ask, options) {
    const node = await startPubSub()
    node.services.pubsub.subscribe(TOPIC)
    await node.dial(multiaddr(address))
    while (node.services.pubsub.getMeshPeers(TOPIC).length === 0) await sleep(50)
    await sleep(500)
    return pump(options, async (body) => {
      for (let i = 0; i < 64; i++) await node.services.pubsub.publish(TOPIC, body)
      await yieldToSockets()
      return 64
    }, ask)
  },
}
// The topic's mesh forms only once identify has told each side what the other speaks.
const startPubSub = () => start({
  listen: true,
  services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
})

const heap = {
  async listen() {
    const node = await start({ listen: true })
    return { hello: addressOf(node), answers: memoryAnswers(() => node.getConnections().length) }
  },
  async dial(address, ask, options) {
    const held = []
    return heapPerConnection(options, async () => {
      const node = await start({ listen: false })
      await node.dial(multiaddr(address))
      held.push(node)
    }, ask)
  },
}

await run({ dial, 'round-trip': roundTrip, 'one-way': oneWay, publish, heap })
