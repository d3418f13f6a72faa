// How fast whole coordinators gossip in one process: `node --import tsx .../one-process.ts [nodes] [extra] [window] [seconds] [size]`.
// The work of the shared benchmark's c-gossip.mjs: random publishers, so many items under way, all of them delivered everywhere.
import { P2PCoordinator } from '../../../../lib/p2p-coordinator.ts'
import { Gossip } from '../../../../lib/protocols/gossip/index.node.ts'
import { loadPayloadChecker } from '../../../../lib/protocol-kit/payload-check.ts'
import { SimRandom } from '../../../../lib/testing/sim-random.ts'
import { MemoryHub, MemoryTransport } from '../../../../lib/transports/memory.ts'
import { WebSocketTransport } from '../../../../lib/transports/websocket.node.ts'

const [nodes = 16, extra = 3, window = 16, seconds = 5, size = 1_024] = process.argv.slice(2).map(Number)
/** Published by one node at once: as many as one event brings to an application. */
const batch = Number(process.env.BATCH ?? 1)
const overSockets = process.env.SOCKETS === '1'
const random = new SimRandom(7)
await loadPayloadChecker()

const hub = new MemoryHub()
const town: { node: P2PCoordinator; gossip: Gossip; address: string }[] = []
const pending = new Map<number, { left: number; done: () => void }>()
const latencies: number[] = []
let delivered = 0
for (let index = 0; index < nodes; index++) {
  const gossip = new Gossip()
  const node = new P2PCoordinator({ transports: [overSockets ? new WebSocketTransport() : new MemoryTransport({ hub })], network: 'private', maxConnections: 200 })
  node.registerProtocol(gossip)
  node.subscribe('bench', (payload: unknown) => {
    const view = new DataView((payload as Uint8Array).buffer, (payload as Uint8Array).byteOffset)
    delivered++
    latencies.push(performance.now() - view.getFloat64(4))
    const waiting = pending.get(view.getUint32(0))
    if (waiting === undefined || --waiting.left > 0) return
    pending.delete(view.getUint32(0))
    waiting.done()
  })
  const { address } = await node.listen(overSockets ? 'ws://127.0.0.1:0' : `memory:node-${index}`)
  town.push({ node, gossip, address })
}
const linked = new Set<string>()
async function link(a: number, b: number): Promise<void> {
  const name = [a, b].sort((x, y) => x - y).join('-')
  if (a === b || linked.has(name)) return
  linked.add(name)
  await town[a]!.node.connectToPeer(town[b]!.address)
}
for (let index = 0; index < nodes; index++) {
  await link(index, (index + 1) % nodes)
  for (let count = 0; count < extra; count++) await link(index, random.below(nodes))
}
await new Promise(resolve => setTimeout(resolve, 2_500))
const degree = town.reduce((sum, { gossip }) => sum + gossip.meshOf('bench').length, 0) / nodes

let id = 0
async function publish(): Promise<void> {
  const { node } = random.pick(town)
  await Promise.all(Array.from({ length: batch }, () => publishOne(node)))
}
async function publishOne(node: P2PCoordinator): Promise<void> {
  const body = new Uint8Array(size)
  const view = new DataView(body.buffer)
  const own = id++
  view.setUint32(0, own)
  view.setFloat64(4, performance.now())
  const done = new Promise<void>(resolve => pending.set(own, { left: nodes - 1, done: resolve }))
  await node.publish('bench', body)
  await Promise.race([done, new Promise(resolve => setTimeout(resolve, 5_000).unref())])
}
async function run(ms: number): Promise<void> {
  const end = performance.now() + ms
  await Promise.all(Array.from({ length: window }, async () => {
    while (performance.now() < end) await publish()
  }))
}
await run(1_500)
latencies.length = 0
delivered = 0
const before = id
const cpu = process.cpuUsage()
const start = performance.now()
await run(seconds * 1_000)
const took = (performance.now() - start) / 1_000
const { user, system } = process.cpuUsage(cpu)
latencies.sort((a, b) => a - b)
const stats = town.map(({ gossip }) => gossip.getStats())
const sum = (name: string): number => stats.reduce((total, { counters }) => total + (counters[name] ?? 0), 0)
console.log(JSON.stringify({
  nodes, window, size, links: linked.size, meshDegree: degree, published: Math.round((id - before) / took), deliveriesPerSecond: Math.round(delivered / took),
  ratio: delivered / ((id - before) * (nodes - 1)), p50Ms: latencies[latencies.length >> 1], p99Ms: latencies[Math.floor(latencies.length * 0.99)],
  cpuMsPerDelivery: (user + system) / 1_000 / delivered, duplicatesPerDelivery: sum('duplicate') / stats.reduce((total, { seen }) => total + seen, 0), crypto: town[0]!.node.getStats().crypto.curve,
  counters: Object.fromEntries([...new Set(stats.flatMap(({ counters }) => Object.keys(counters)))].map(name => [name, sum(name)])),
  pushesDropped: stats.reduce((total, { pushesDropped }) => total + pushesDropped, 0), refused: town[0]!.node.getStats().refused,
}))
await Promise.all(town.map(({ node }) => node.shutdown()))
