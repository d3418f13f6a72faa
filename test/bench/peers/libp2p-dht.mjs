// js-libp2p's kad-dht over WebSocket + Noise + yamux, all nodes in one process.
// node libp2p-dht.mjs network --nodes 20 --ops 30
import './node-20.mjs'
import { parseArgs } from 'node:util'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { median, sleep } from './dht-load.mjs'

const { values } = parseArgs({ allowPositionals: true, options: { nodes: { type: 'string', default: '20' }, ops: { type: 'string', default: '30' }, seconds: { type: 'string' } } })
const count = Number(values.nodes)
const ops = Number(values.ops)
/** Tables count as full when they no longer grow, or after so long. */
const READY_MS_MAX = 12_000
const BUDGET_MS = 40_000

// As shipped a listener takes 5 dials a second from one host, which here would measure that limit.
const connectionManager = { maxConnections: 5_000, inboundConnectionThreshold: Infinity, maxIncomingPendingConnections: Infinity, maxParallelDials: 200, maxDialQueueLength: 20_000 }
// At 100 nodes the periodic self-queries alone keep the processor busy for longer than a run may last.
const quiet = count > 50 ? { querySelfInterval: 3_600_000, initialQuerySelfInterval: 3_600_000, allowQueryWithZeroPeers: true } : {}

const nodes = []
for (let index = 0; index < count; index++) {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
    transports: [webSockets()], connectionEncrypters: [noise()], streamMuxers: [yamux()],
    connectionManager, connectionMonitor: { enabled: false },
    services: {
      identify: identify(), ping: ping(),
      dht: kadDHT({ protocol: '/bench/kad/1.0.0', clientMode: false, validators: { bench: async () => {} }, selectors: { bench: () => 0 }, peerInfoMapper: passthroughMapper, ...quiet }),
    },
  })
  await node.services.dht.setMode('server')
  nodes.push(node)
}
const startedAt = performance.now()
const extra = count > 50 ? 5 : 3
for (let index = 0; index < count; index++) {
  await nodes[index].dial(nodes[(index + 1) % count].getMultiaddrs()[0])
  for (let more = 1; more <= extra; more++) {
    const other = (index * 31 + more * 17) % count
    if (other !== index) await nodes[index].dial(nodes[other].getMultiaddrs()[0])
  }
}
let before = -1
while (performance.now() - startedAt < READY_MS_MAX) {
  await sleep(1_000)
  const size = nodes.reduce((sum, node) => sum + node.services.dht.routingTable.size, 0) / count
  if (Math.abs(size - before) < 0.5) break
  before = size
}
const readyMs = performance.now() - startedAt

const puts = []
const gets = []
const questions = []
let found = 0
const budgetEnds = performance.now() + BUDGET_MS
for (let index = 0; index < ops && performance.now() < budgetEnds; index++) {
  const key = new TextEncoder().encode(`/bench/key-${index}`)
  const value = new TextEncoder().encode(`value-${index}`.padEnd(256, 'x'))
  let at = performance.now()
  for await (const _ of nodes[(index * 7) % count].services.dht.put(key, value)) { /* until it is done */ }
  puts.push(performance.now() - at)
  at = performance.now()
  let asked = 0
  for await (const event of nodes[(index * 13 + 5) % count].services.dht.get(key)) {
    if (event.name === 'SEND_QUERY') asked++
    if (event.name === 'VALUE') {
      found++
      break
    }
  }
  gets.push(performance.now() - at)
  questions.push(asked)
}
console.log(JSON.stringify({ nodes: count, ops: gets.length, readyMs, put: median(puts), get: median(gets), messages: median(questions), found: found / gets.length }))
process.exit(0)
