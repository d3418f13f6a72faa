// hyperdht over UDP, all nodes in one process.
// node hyperdht-dht.mjs network --nodes 20 --ops 30
import { parseArgs } from 'node:util'
import createTestnet from 'hyperdht/testnet.js'
import { median } from './dht-load.mjs'

const { values } = parseArgs({ allowPositionals: true, options: { nodes: { type: 'string', default: '20' }, ops: { type: 'string', default: '30' }, seconds: { type: 'string' } } })
const count = Number(values.nodes)
const ops = Number(values.ops)
const startedAt = performance.now()
const { nodes } = await createTestnet(count)
const readyMs = performance.now() - startedAt
const puts = []
const gets = []
let lost = 0
for (let index = 0; index < ops; index++) {
  let at = performance.now()
  const { hash } = await nodes[(index * 7) % count].immutablePut(Buffer.from(`value-${index}`.padEnd(256, 'x')))
  puts.push(performance.now() - at)
  at = performance.now()
  if (await nodes[(index * 13 + 5) % count].immutableGet(hash) === null) lost++
  gets.push(performance.now() - at)
}
console.log(JSON.stringify({ nodes: count, ops, readyMs, put: median(puts), get: median(gets), lost }))
process.exit(0)
