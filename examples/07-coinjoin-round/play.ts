import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createNobleBackend } from '../../lib/crypto/noble.ts'
import { CoinJoin, MemoryChain } from '../../lib/protocols/coinjoin/index.node.ts'
import type { CheatName } from './cheats.ts'
import { serveChain } from './chain-server.ts'
import type { Join, Orders, Told } from './wallet.ts'

export interface PlayOptions {
  names: readonly string[]
  /** Who of them misbehaves, and how. */
  cheat?: { name: string; how: CheatName } | undefined
  backend?: 'auto' | 'noble'
  say(text: string): void
}

export interface Played {
  txid: string
  raw: Uint8Array
  /** By name: what each one's own process knows. */
  results: Map<string, Extract<Told, { kind: 'done' }>>
  excluded: Map<string, string[]>
  coins: Map<string, { txid: string; amount: bigint }>
  /** From the roster's boundary to the transaction, as each honest one saw it, in ms. */
  elapsedMs: number[]
  curve: string
}

/** Sats each output of the mix holds. */
export const DENOMINATION = 1_000_000
/** Requests to take part are gathered for as long, but for the last ten seconds. */
const EPOCH_SECONDS = 20

/** A first phase, and what follows a cheat, may take so long. */
const DEADLINE_MS = 120_000

/** Wallets in processes of their own take part in one round; the parent only has the made-up chain. */
export async function play({ names, cheat, backend = 'auto', say }: PlayOptions): Promise<Played> {
  const chain = new MemoryChain(createNobleBackend())
  const server = await serveChain(chain)
  const wallets = names.map(name => new WalletProcess(name, name === cheat?.name))
  try {
    const ready = await Promise.all(wallets.map(async wallet => {
      wallet.send({ chainUrl: server.url, cheat: wallet.isCheat ? cheat!.how : undefined, backend, softMs: 2_000, hardMs: 6_000 } satisfies Orders)
      return await wallet.until('ready')
    }))
    const announcement = new CoinJoin().describeRound({ denomination: DENOMINATION, network: 'regtest', minPeers: 3, epochSeconds: EPOCH_SECONDS, expiry: Math.floor(Date.now() / 1_000) + 600 })
    say(`round ${announcement.id.slice(0, 8)}: ${DENOMINATION} sats each, at least 3 peers, ${announcement.params.feeRate} sat/vB`)
    // From now on all of them live a few seconds in the future, where an epoch is just beginning: nobody likes to wait for one.
    const clockAheadMs = EPOCH_SECONDS * 1_000 - Date.now() % (EPOCH_SECONDS * 1_000)
    const coins = new Map<string, { txid: string; amount: bigint }>()
    wallets.forEach((wallet, number) => {
      const coin = chain.fund(Uint8Array.from(Buffer.from(ready[number]!.script, 'hex')), BigInt(DENOMINATION + 20_000 + 7_000 * number))
      coins.set(wallet.name, coin)
      say(`${wallet.name.padEnd(7)} process ${wallet.pid}, brings ${coin.amount} sats`)
      wallet.send({ clockAheadMs, announcement, contacts: ready.slice(0, number).map(({ address }) => address), coin: { txid: coin.txid, vout: coin.vout, amount: String(coin.amount), script: ready[number]!.script } } satisfies Join)
    })
    wallets[0]!.on('phase', ({ phase, run, peers }) => say(`  run ${run}: ${phase}, ${peers} peers`))
    const honest = wallets.filter(({ isCheat }) => !isCheat)
    const results = new Map(await Promise.all(honest.map(async wallet => [wallet.name, await wallet.until('done')] as const)))
    const [first] = results.values()
    return {
      txid: first!.txid, raw: chain.rawOf(first!.txid)!, results, coins, curve: ready[0]!.curve,
      excluded: new Map(honest.map(({ name, heard }) => [name, heard.flatMap(told => (told.kind === 'excluded' ? [told.why] : []))])),
      elapsedMs: honest.map(({ heard }) => {
        const at = (phase: string): number => heard.find((told): told is Extract<Told, { kind: 'phase' }> => told.kind === 'phase' && told.phase === phase)!.atMs
        return at('done') - at('ke')
      }),
    }
  } finally {
    await Promise.all(wallets.map(wallet => wallet.stop()))
    server.close()
  }
}

class WalletProcess {
  readonly name: string
  readonly isCheat: boolean
  readonly heard: Told[] = []
  readonly #child: ChildProcess
  readonly #listeners = new Set<() => void>()
  #gone: string | undefined

  constructor(name: string, isCheat: boolean) {
    this.name = name
    this.isCheat = isCheat
    this.#child = fork(fileURLToPath(new URL('./wallet.ts', import.meta.url)), { execArgv: ['--import', import.meta.resolve('tsx')] })
    this.#child.on('message', (told: Told) => {
      this.heard.push(told)
      for (const listener of [...this.#listeners]) listener()
    })
    this.#child.on('exit', code => {
      this.#gone = `${name} ended (${code})`
      for (const listener of [...this.#listeners]) listener()
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  send(message: object | string): void {
    if (this.#gone === undefined) this.#child.send(message)
  }

  on<K extends Told['kind']>(kind: K, listener: (told: Extract<Told, { kind: K }>) => void): void {
    this.#child.on('message', (told: Told) => {
      if (told.kind === kind) listener(told as Extract<Told, { kind: K }>)
    })
  }

  /** The next of its kind that it has told, or tells. */
  until<K extends Told['kind']>(kind: K): Promise<Extract<Told, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error(`${this.name} did not get to '${kind}' in ${DEADLINE_MS} ms`)), DEADLINE_MS)
      const look = (): void => {
        const found = this.heard.find(told => told.kind === kind)
        const failed = this.heard.find(told => told.kind === 'failed')
        if (found === undefined && failed === undefined && this.#gone === undefined) return
        clearTimeout(deadline)
        this.#listeners.delete(look)
        if (found !== undefined) resolve(found as Extract<Told, { kind: K }>)
        else reject(new Error(failed === undefined ? this.#gone : `${this.name}: ${failed.why}`))
      }
      this.#listeners.add(look)
      look()
    })
  }

  async stop(): Promise<void> {
    if (this.#gone !== undefined) return
    const gone = new Promise<void>(resolve => this.#child.once('exit', () => resolve()))
    this.send('stop')
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000)
    await gone
    clearTimeout(killer)
  }
}
