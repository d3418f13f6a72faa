import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readCookie } from '../../lib/bitcoin/node-cookie.node.ts'
import { ANSWER_BYTES_MAX, BitcoinNodeRpc, NodeRpcError } from '../../lib/bitcoin/node-rpc.ts'
import type { P2PError } from '../../lib/contracts/errors.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/until.ts'

interface Asked { path: string; authorization: string | undefined; body: { id: number; method: string; params: unknown } }

/** A node that answers what a test says, on a free port. */
class FakeNode implements AsyncDisposable {
  readonly asked: Asked[] = []
  readonly #server: Server

  constructor(answer: (asked: Asked) => { status?: number; text: string } | null) {
    this.#server = createServer((request, response) => {
      void bodyOf(request).then(text => {
        const asked: Asked = { path: request.url ?? '', authorization: request.headers.authorization, body: JSON.parse(text) as Asked['body'] }
        this.asked.push(asked)
        const said = answer(asked)
        if (said !== null) response.writeHead(said.status ?? 200).end(said.text)
      })
    })
  }

  static async answering(answer: (asked: Asked) => { status?: number; text: string } | null): Promise<FakeNode> {
    const node = new FakeNode(answer)
    await new Promise<void>(resolve => node.#server.listen(0, '127.0.0.1', resolve))
    return node
  }

  url(credentials = ''): string {
    return `http://${credentials}127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks).toString()
}

const result = (value: unknown) => ({ body }: Asked): { text: string } => ({ text: JSON.stringify({ id: body.id, result: value, error: null }) })

async function failure(promise: Promise<unknown>): Promise<P2PError> {
  return await promise.then(() => assert.unreachable('resolved') as never, (error: P2PError) => error)
}

const rpc = suite('a bitcoin node over JSON-RPC')

rpc('asks with the credentials of the URL and returns the result', async () => {
  await using node = await FakeNode.answering(result(101))
  const client = new BitcoinNodeRpc({ url: node.url('al%40ice:pass%20word@') })
  assert.is(await client.call('getblockcount'), 101)
  assert.is(await client.call('getblockhash', [5]) as unknown, 101)
  assert.equal(node.asked.map(({ body }) => [body.method, body.params]), [['getblockcount', []], ['getblockhash', [5]]])
  assert.is(node.asked[0]!.authorization, `Basic ${Buffer.from('al@ice:pass word').toString('base64')}`)
  assert.not.match(client.url, /alice|pass/)
})

rpc('reads the cookie anew at each call, and keeps the credentials on another path', async () => {
  await using node = await FakeNode.answering(result(null))
  const dir = mkdtempSync(join(tmpdir(), 'cookie-'))
  try {
    const path = join(dir, '.cookie')
    writeFileSync(path, '__cookie__:one\n')
    const client = new BitcoinNodeRpc({ url: node.url(), credentials: readCookie(path) })
    await client.call('getbestblockhash')
    writeFileSync(path, '__cookie__:two')
    await client.at('/wallet/savings').call('getnewaddress')
    assert.equal(node.asked.map(({ authorization, path: asked }) => [Buffer.from(authorization!.slice(6), 'base64').toString(), asked]), [['__cookie__:one', '/'], ['__cookie__:two', '/wallet/savings']])
    await new BitcoinNodeRpc({ url: node.url('u:p@') }).at('/wallet/x').call('getnewaddress')
    assert.is(node.asked[2]!.authorization, `Basic ${btoa('u:p')}`)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

rpc('what the node refuses has its number and its words', async () => {
  await using node = await FakeNode.answering(({ body }) => ({ status: 500, text: JSON.stringify({ id: body.id, result: null, error: { code: -26, message: 'bad-witness' } }) }))
  const error = await failure(new BitcoinNodeRpc({ url: node.url() }).call('sendrawtransaction', ['00']))
  assert.instance(error, NodeRpcError)
  assert.is(error.code, 'ERR_BITCOIN_NODE_REFUSED')
  assert.is((error as NodeRpcError).rpcCode, -26)
  assert.match(error.message, /sendrawtransaction: bad-witness/)
})

rpc('nobody there, unknown credentials, and what is no answer each have their code, and no secret shows', async () => {
  const nobody = await failure(new BitcoinNodeRpc({ url: 'http://alice:hunter2@127.0.0.1:1' }).call('getblockcount'))
  assert.is(nobody.code, 'ERR_BITCOIN_NODE_UNREACHABLE')
  assert.not.match(`${nobody.message} ${String(nobody.cause)}`, /hunter2/)
  await using locked = await FakeNode.answering(() => ({ status: 401, text: '' }))
  assert.is((await failure(new BitcoinNodeRpc({ url: locked.url() }).call('getblockcount'))).code, 'ERR_BITCOIN_NODE_UNREACHABLE')
  for (const text of ['<html>', '7', 'null', '{"id":99,"result":1}']) {
    await using odd = await FakeNode.answering(() => ({ text }))
    assert.is((await failure(new BitcoinNodeRpc({ url: odd.url() }).call('getblockcount'))).code, 'ERR_BITCOIN_NODE_BAD_ANSWER', text)
  }
})

rpc('an answer without end is cut off', async () => {
  const endless = new Response(new ReadableStream({ pull: controller => controller.enqueue(new Uint8Array(1024 * 1024)) }))
  const client = new BitcoinNodeRpc({ url: 'http://127.0.0.1:1', fetch: async () => endless })
  const error = await failure(client.call('getblockcount'))
  assert.is(error.code, 'ERR_BITCOIN_NODE_BAD_ANSWER')
  assert.match(error.message, new RegExp(String(ANSWER_BYTES_MAX)))
})

rpc('a node that says nothing is given up on by the clock, or by the caller', async () => {
  await using node = await FakeNode.answering(() => null)
  const clock = new ManualClock()
  const slow = failure(new BitcoinNodeRpc({ url: node.url(), clock, timeoutMs: 500 }).call('getblockcount'))
  await until(() => node.asked.length === 1, 'the question to arrive')
  clock.advance(500)
  assert.is((await slow).name, 'TimeoutError')
  const controller = new AbortController()
  const cancelled = failure(new BitcoinNodeRpc({ url: node.url() }).call('getblockcount', [], { signal: controller.signal }))
  controller.abort(new Error('not any more'))
  assert.is((await cancelled).message, 'not any more')
})

rpc('a URL of another kind is the caller\'s mistake', () => {
  assert.throws(() => new BitcoinNodeRpc({ url: 'ftp://x' }), /http: or https:, got ftp:/)
  assert.throws(() => new BitcoinNodeRpc({ url: 'node' }))
})

rpc.run()
