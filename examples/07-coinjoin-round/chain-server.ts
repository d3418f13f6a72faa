import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MemoryChain } from '../../lib/protocols/coinjoin/index.node.ts'

/** A made-up chain, told over HTTP in Esplora's way: what the wallets' processes share. A real wallet asks its own node. */
export async function serveChain(chain: MemoryChain): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => { body += chunk.toString() })
    request.on('end', () => {
      answer(chain, request.url ?? '', body).then(
        text => response.writeHead(text === null ? 404 : 200).end(text ?? 'not found'),
        (error: unknown) => response.writeHead(400).end(error instanceof Error ? error.message : String(error)),
      )
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** More outputs than a round of fifty has. */
const OUTPUTS_MAX = 128

async function answer(chain: MemoryChain, url: string, body: string): Promise<string | null> {
  if (url === '/tx') return await chain.broadcast(Uint8Array.from(Buffer.from(body, 'hex')))
  const { height, hash } = await chain.tip()
  if (url === '/blocks/tip/height') return String(height)
  if (url === '/blocks/tip/hash') return hash
  const [, , txid = '', rest, index] = url.split('/')
  if (rest === 'outspend') return JSON.stringify({ spent: await chain.getTxOut(txid, Number(index)) === null })
  const confirmations = await chain.confirmationsOf(txid)
  if (confirmations === null) return null
  const vout: unknown[] = []
  for (let at = 0; at < OUTPUTS_MAX; at++) {
    const coin = await chain.getTxOut(txid, at)
    vout.push(coin === null ? { value: 0, scriptpubkey: '' } : { value: Number(coin.amount), scriptpubkey: Buffer.from(coin.script).toString('hex') })
  }
  const vin = (await chain.spentBy(txid) ?? []).map(outpoint => ({ txid: outpoint.slice(0, 64), vout: Number(outpoint.slice(65)) }))
  return JSON.stringify({ vin, vout, status: confirmations === 0 ? { confirmed: false } : { confirmed: true, block_height: height - confirmations + 1 } })
}
