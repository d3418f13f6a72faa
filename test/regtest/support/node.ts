import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCookie } from '../../../lib/bitcoin/node-cookie.node.ts'
import { BitcoinNodeRpc } from '../../../lib/bitcoin/node-rpc.ts'

const START_MS_MAX = 30_000
const STOP_MS_MAX = 15_000
/** Coins of a block may be spent a hundred blocks later. */
const MATURE_BLOCKS = 101
const WALLET = 'peerweft-regtest'

/** A node on regtest with a wallet that has coins. */
export interface RegtestNode {
  readonly rpc: BitcoinNodeRpc
  /** The same, with its wallet. */
  readonly wallet: BitcoinNodeRpc
  readonly version: string
  /** Mines blocks, to an address of the wallet unless it is told otherwise. Resolves with their hashes. */
  mine(blocks: number, address?: string): Promise<string[]>
  /** Pays to an address and mines it. Resolves with the output that did. */
  fund(address: string, amountSats: bigint): Promise<{ txid: string; vout: number; amountSats: bigint; scriptHex: string }>
  stop(): Promise<void>
}

/** A private node in a directory of its own, on free ports, which `stop` ends by its process id. */
export async function startNode(program: string): Promise<RegtestNode> {
  const dir = mkdtempSync(join(tmpdir(), 'regtest-'))
  const [rpcPort] = await freePorts(1)
  const child = spawn(program, [
    `-datadir=${dir}`, '-regtest', '-server=1', '-listen=0', '-dnsseed=0', '-fixedseeds=0', `-rpcport=${rpcPort}`, '-rpcbind=127.0.0.1', '-rpcallowip=127.0.0.1', '-fallbackfee=0.0001', '-txindex=1', '-printtoconsole=0',
  ], { stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2_000)))
  const exited = once(child, 'exit')
  const end = async (): Promise<void> => {
    if (child.exitCode === null) {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      child.kill('SIGTERM')
      await exited
      clearTimeout(timer)
    }
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    const rpc = new BitcoinNodeRpc({ url: `http://127.0.0.1:${rpcPort}`, credentials: readCookie(join(dir, 'regtest', '.cookie')) })
    await ready(rpc, () => { if (child.exitCode !== null) throw new Error(`${program} ended with code ${child.exitCode}: ${complaint}`) })
    return await prepared(rpc, end)
  } catch (error) {
    await end()
    throw error
  }
}

/** A node that somebody else runs. Refuses one that is not on regtest. */
export async function attachNode(url: string): Promise<RegtestNode> {
  const rpc = new BitcoinNodeRpc({ url })
  const { chain } = await rpc.call('getblockchaininfo')
  if (chain !== 'regtest') throw new Error(`the node at ${rpc.url} is on ${chain}; these tests mine and spend, so they run on regtest alone`)
  return await prepared(rpc, async () => {})
}

async function ready(rpc: BitcoinNodeRpc, check: () => void): Promise<void> {
  const deadlineMs = performance.now() + START_MS_MAX
  for (;;) {
    check()
    try {
      await rpc.call('getblockchaininfo')
      return
    } catch (error) {
      // The cookie is not there yet, nobody listens yet, or it is loading.
      if (performance.now() > deadlineMs) throw error
      await sleep(100)
    }
  }
}

async function prepared(rpc: BitcoinNodeRpc, stop: () => Promise<void>): Promise<RegtestNode> {
  const loaded = await rpc.call<string[]>('listwallets')
  if (!loaded.includes(WALLET)) await rpc.call('createwallet', [WALLET]).catch(async () => await rpc.call('loadwallet', [WALLET]))
  const wallet = rpc.at(`/wallet/${WALLET}`)
  const own = await wallet.call('getnewaddress')
  const mine = async (blocks: number, address = own): Promise<string[]> => await rpc.call('generatetoaddress', [blocks, address], { timeoutMs: 60_000 })
  if (await wallet.call<number>('getbalance') < 10) await mine(MATURE_BLOCKS)
  const { subversion } = await rpc.call<{ subversion: string }>('getnetworkinfo')
  return {
    rpc, wallet, version: subversion, mine, stop,
    async fund(address, amountSats) {
      const txid = await wallet.call('sendtoaddress', [address, Number(amountSats) / 1e8])
      await mine(1)
      const transaction = await rpc.call<{ vout: { n: number; value: number; scriptPubKey: { address?: string; hex: string } }[] }>('getrawtransaction', [txid, true])
      const output = transaction.vout.find(({ scriptPubKey }) => scriptPubKey.address === address)
      if (output === undefined || BigInt(Math.round(output.value * 1e8)) !== amountSats) throw new Error(`no output of ${amountSats} satoshis to ${address} in ${txid}`)
      return { txid, vout: output.n, amountSats, scriptHex: output.scriptPubKey.hex }
    },
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return server
  }))
  const ports = servers.map(server => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
  return ports
}
