import { createServer, type IncomingMessage, type Server } from 'node:http'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { NodeChainSource, satsOf } from '../../lib/bitcoin/chain-source-node.ts'
import { EsploraChainSource } from '../../lib/bitcoin/esplora-chain.ts'
import { BitcoinNodeRpc } from '../../lib/bitcoin/node-rpc.ts'

const TXID = 'ab'.repeat(32)
const SCRIPT = `5120${'01'.repeat(32)}`

async function serve(answer: (request: IncomingMessage, body: string) => { status?: number; body: string }): Promise<{ url: string } & AsyncDisposable> {
  const server: Server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => { body += chunk.toString() })
    request.on('end', () => {
      const { status = 200, body: text } = answer(request, body)
      response.writeHead(status).end(text)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise(resolve => {
      server.closeAllConnections()
      server.close(() => resolve())
    }),
  }
}

const codeOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'no error', (error: { code?: string; name: string }) => error.code ?? error.name)

const chains = suite('chain sources')

chains('an Esplora-style API tells of coins, their depth, and what is spent', async () => {
  const paths: string[] = []
  const tx = { vin: [{ txid: 'cd'.repeat(32), vout: 3, is_coinbase: false }], vout: [{ value: 5_000, scriptpubkey: SCRIPT }], status: { confirmed: true, block_height: 95 } }
  await using server = await serve(({ url = '', method }, body) => {
    paths.push(`${method} ${url}`)
    if (url === `/api/tx/${TXID}`) return { body: JSON.stringify(tx) }
    if (url === `/api/tx/${TXID}/outspend/0`) return { body: '{"spent":false}' }
    if (url === '/api/blocks/tip/height') return { body: '100' }
    if (url === '/api/blocks/tip/hash') return { body: '00'.repeat(32) }
    if (url === '/api/tx' && body === '0102') return { body: TXID }
    if (url === '/api/tx') return { status: 400, body: 'sendrawtransaction RPC error: bad-txns' }
    return { status: 404, body: 'not found' }
  })
  const chain = new EsploraChainSource({ url: `${server.url}/api/` })
  const coin = (await chain.getTxOut(TXID, 0))!
  assert.equal([coin.amount, coin.confirmations, coin.coinbase, coin.script.length], [5_000n, 6, false, 34])
  assert.is(await chain.getTxOut(TXID, 1), null)
  assert.is(await chain.getTxOut('00'.repeat(32), 0), null)
  assert.is(await chain.confirmationsOf(TXID), 6)
  assert.equal(await chain.spentBy(TXID), [`${'cd'.repeat(32)}:3`])
  assert.is(await chain.broadcast(Uint8Array.of(1, 2)), TXID)
  assert.is(await codeOf(chain.broadcast(Uint8Array.of(9))), 'ERR_CHAIN_REJECTED')
  assert.is((await chain.tip()).height, 100)
  assert.is(await codeOf(chain.getTxOut('../../etc', 0)), 'RangeError', 'nothing but a txid goes into a path')
  assert.ok(paths.every(path => !path.includes('etc')))
})

chains('a spent coin is none, and an API that says nonsense is not believed', async () => {
  let answer: (url: string) => { status?: number; body: string } = () => ({ body: '{"spent":true}' })
  await using server = await serve(({ url = '' }) => answer(url))
  const chain = new EsploraChainSource({ url: server.url, timeoutMs: 2_000 })
  const tx = (value: unknown): string => JSON.stringify({ vin: [{}], vout: [{ value, scriptpubkey: SCRIPT }], status: { confirmed: false } })
  answer = url => ({ body: url.includes('outspend') ? '{"spent":true}' : tx(1) })
  assert.is(await chain.getTxOut(TXID, 0), null)
  answer = url => ({ body: url.includes('outspend') ? '{"spent":false}' : tx(1.5) })
  assert.is(await codeOf(chain.getTxOut(TXID, 0)), 'ERR_CHAIN_UNREACHABLE')
  answer = () => ({ body: 'hello' })
  assert.is(await codeOf(chain.tip()), 'ERR_CHAIN_UNREACHABLE')
  answer = () => ({ status: 500, body: '' })
  assert.is(await codeOf(chain.confirmationsOf(TXID)), 'ERR_CHAIN_UNREACHABLE')
  await server[Symbol.asyncDispose]()
  assert.is(await codeOf(chain.tip()), 'ERR_CHAIN_UNREACHABLE')
  assert.throws(() => new EsploraChainSource({ url: 'ftp://example.org' }), /http/)
})

chains('one\'s own node tells the same by RPC', async () => {
  const known: Record<string, (params: unknown[]) => unknown> = {
    gettxout: ([txid]) => (txid === TXID ? { bestblock: '', confirmations: 3, value: 0.1 + 0.2, scriptPubKey: { hex: SCRIPT, type: '' }, coinbase: true } : null),
    getblockchaininfo: () => ({ blocks: 7, bestblockhash: 'ee'.repeat(32) }),
    sendrawtransaction: ([hex]) => (hex === '01' ? TXID : { error: hex === '02' ? { code: -27, message: 'already' } : { code: -26, message: 'min relay fee not met' } }),
    decoderawtransaction: () => ({ txid: TXID }),
    getrawtransaction: ([txid]) => (txid === TXID ? { confirmations: 4, vin: [{ txid: 'cd'.repeat(32), vout: 1 }, { coinbase: '' }] } : { error: { code: -5, message: 'not found' } }),
    getmempoolentry: () => ({ error: { code: -5, message: 'not in mempool' } }),
  }
  await using server = await serve((_, body) => {
    const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: unknown[] }
    const result = known[method]!(params) as { error?: unknown } | null
    return { body: JSON.stringify(result !== null && typeof result === 'object' && 'error' in result ? { id, result: null, error: result.error } : { id, result, error: null }) }
  })
  const chain = new NodeChainSource(new BitcoinNodeRpc({ url: server.url }))
  const coin = (await chain.getTxOut(TXID, 0))!
  assert.equal([coin.amount, coin.confirmations, coin.coinbase], [30_000_000n, 3, true])
  assert.is(await chain.getTxOut('00'.repeat(32), 0), null)
  assert.equal(await chain.tip(), { height: 7, hash: 'ee'.repeat(32) })
  assert.is(await chain.broadcast(Uint8Array.of(1)), TXID)
  assert.is(await chain.broadcast(Uint8Array.of(2)), TXID, 'one that is in the chain already is no error')
  assert.is(await codeOf(chain.broadcast(Uint8Array.of(3))), 'ERR_CHAIN_REJECTED')
  assert.is(await chain.confirmationsOf(TXID), 4)
  assert.is(await chain.confirmationsOf('00'.repeat(32)), null)
  assert.equal(await chain.spentBy(TXID), [`${'cd'.repeat(32)}:1`])
  for (const bad of [-1, Number.NaN, '1', 21_000_001]) assert.throws(() => satsOf(bad), /amount of bitcoin/)
  assert.is(satsOf(20_999_999.9769), 2_099_999_997_690_000n)
})

chains.run()
