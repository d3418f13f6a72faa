// js-libp2p's gossipsub (StrictSign) over WebSocket + Noise + yamux, all nodes in one process.
// node libp2p-gossip.mjs saturate --nodes 16 --extra 3 --window 32 --batch 16 | paced --nodes 16 --extra 3 --rate 20
import './node-20.mjs'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { paced, saturate } from './gossip-load.mjs'
import { run, sleep } from './measure.mjs'

const TOPIC = 'bench'

// As shipped a listener takes 5 dials a second from one host, which here would measure that limit.
const connectionManager = {
  maxConnections: 5_000, inboundConnectionThreshold: Infinity, maxIncomingPendingConnections: Infinity, maxParallelDials: 200, maxDialQueueLength: 20_000,
}
// Every peer here is 127.0.0.1, which the default score would punish.
const scoreParams = { IPColocationFactorWhitelist: new Set(['127.0.0.1']) }

async function makeTown(count) {
  const nodes = []
  for (let i = 0; i < count; i++) {
    nodes.push(await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
      transports: [webSockets()], connectionEncrypters: [noise()], streamMuxers: [yamux()],
      connectionManager, connectionMonitor: { enabled: false },
      services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, scoreParams }) },
    }))
  }
  return {
    nodes: nodes.map(({ services: { pubsub } }) => ({
      publish: data => pubsub.publish(TOPIC, data),
      hear(listener) {
        pubsub.addEventListener('message', ({ detail }) => {
          if (detail.type !== 'signed') throw new Error('a message that is not signed')
          listener(detail.data)
        })
        pubsub.subscribe(TOPIC)
      },
    })),
    link: (a, b) => nodes[a].dial(nodes[b].getMultiaddrs()[0]),
    async ready() {
      const least = Math.min(4, count - 1)
      while (nodes.some(({ services: { pubsub } }) => pubsub.getMeshPeers(TOPIC).length < least)) await sleep(50)
    },
  }
}

await run({
  saturate: { dial: (_hello, _ask, options) => saturate(makeTown, options) },
  paced: { dial: (_hello, _ask, options) => paced(makeTown, options) },
})
