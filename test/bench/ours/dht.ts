// peerweft's DHT over WebSocket on loopback, all nodes in one process, as ../peers/libp2p-dht.mjs and hyperdht-dht.mjs have it. Run by ../dht.ts, which compiles it first.
// dht --nodes 20 --ops 30
import { parseArgs } from 'node:util'
import { median, sleep } from '../peers/dht-load.mjs'
import { peerweft } from './peerweft.ts'

declare const BUILT_ENTRY: string
const { Dht, WebDht } = await import(new URL('protocols/dht/index.node.js', BUILT_ENTRY).href) as typeof import('../../../lib/protocols/dht/index.node.ts')

const { values } = parseArgs({ allowPositionals: true, options: { nodes: { type: 'string', default: '20' }, ops: { type: 'string', default: '30' }, seconds: { type: 'string' } } })
const count = Number(values.nodes)
const ops = Number(values.ops)
const READY_MS_MAX = 60_000
/** Questions under way at once on the one node whose rate is measured. */
const WINDOW = 16
const RATE_MS = 3_000

const town: { node: InstanceType<typeof peerweft.P2PCoordinator>; dht: InstanceType<typeof Dht>; table: InstanceType<typeof WebDht>; address: string }[] = []
for (let index = 0; index < count; index++) {
  const node = new peerweft.P2PCoordinator({ transports: [new peerweft.WebSocketTransport()], maxConnections: 60 })
  const dht = new Dht()
  node.registerProtocol(dht)
  const { address } = await node.listen('ws://127.0.0.1:0')
  town.push({ node, dht, table: new WebDht(dht), address })
}

// Ready: everybody has been told one address, and knows as many as a table of this size wants.
const startedAt = performance.now()
const wanted = Math.min(count - 1, 20)
for (const [index, { node }] of town.entries()) if (index > 0) await node.connectToPeer(town[Math.floor(index / 2)]!.address)
while (town.some(({ dht }) => dht.getStats().contacts < wanted) && performance.now() - startedAt < READY_MS_MAX) await sleep(20)
const readyMs = performance.now() - startedAt

const asked = (): number => town.reduce((sum, { dht }) => sum + (dht.getStats().counters['asked'] ?? 0), 0)
const puts: number[] = []
const gets: number[] = []
const questions: number[] = []
let lost = 0
for (let index = 0; index < ops; index++) {
  const writer = town[(index * 7) % count]!
  const reader = town[(index * 13 + 5) % count]!
  const value = `value-${index}`.padEnd(256, 'x')
  let at = performance.now()
  await writer.table.dhtPut(`key-${index}`, value)
  puts.push(performance.now() - at)
  const before = asked()
  at = performance.now()
  if (await reader.table.dhtGet(`key-${index}`) !== value) lost++
  gets.push(performance.now() - at)
  questions.push(asked() - before)
}

const one = town[count >> 1]!
let queries = 0
const endsAt = performance.now() + RATE_MS
await Promise.all(Array.from({ length: WINDOW }, async (_, lane) => {
  while (performance.now() < endsAt) {
    if (await one.table.dhtGet(`key-${(lane + queries) % ops}`) === null) lost++
    queries++
  }
}))
console.log(JSON.stringify({
  nodes: count, ops, readyMs, put: median(puts), get: median(gets), messages: median(questions), queriesPerSecond: queries / (RATE_MS / 1_000), lost,
  contacts: town.reduce((sum, { dht }) => sum + dht.getStats().contacts, 0) / count,
}))
process.exit(lost === 0 ? 0 : 1)
