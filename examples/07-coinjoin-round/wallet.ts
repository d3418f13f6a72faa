/** One wallet in a process of its own: told by its parent what to do, it says what happens. Run by ../07-coinjoin-round.ts. */
import { P2PCoordinator } from '../../lib/index.ts'
import { chooseBackend } from '../../lib/crypto/select.node.ts'
import { systemClock } from '../../lib/foundation/clock.ts'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { CoinJoin, EsploraChainSource, SmallWallet, type Coin, type RoundAnnouncement } from '../../lib/protocols/coinjoin/index.node.ts'
import { cheating, type CheatName } from './cheats.ts'

export interface Orders { chainUrl: string; cheat: CheatName | undefined; backend: 'auto' | 'noble'; softMs: number; hardMs: number }
export interface Join { clockAheadMs: number; contacts: string[]; coin: { txid: string; vout: number; amount: string; script: string }; announcement: RoundAnnouncement }
export type Told =
  | { kind: 'ready'; id: string; address: string; script: string; curve: string }
  | { kind: 'phase'; phase: string; run: number; peers: number; atMs: number }
  | { kind: 'excluded'; why: string; isMe: boolean }
  | { kind: 'done'; txid: string; peers: number; fee: string; output: string; transaction: string | null }
  | { kind: 'failed'; why: string }

const tell = (told: Told): void => void process.send!(told)
const next = <T>(): Promise<T> => new Promise(resolve => process.once('message', resolve as (message: unknown) => void))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const { chainUrl, cheat, backend, softMs, hardMs } = await next<Orders>()
let clockAheadMs = 0
const { backend: crypto } = await chooseBackend(backend)
const seed = globalThis.crypto.getRandomValues(new Uint8Array(32))
const ownWallet = new SmallWallet({ seed, crypto, store: new MemoryStore() })
const options = { chain: new EsploraChainSource({ url: chainUrl }), crypto, timing: { softMs, hardMs, signMs: hardMs } }
const { handler, wallet } = cheat === undefined ? { handler: new CoinJoin(options), wallet: ownWallet } : cheating(cheat, options, ownWallet)

await using node = new P2PCoordinator({ backend, clock: { ...systemClock, now: () => Date.now() + clockAheadMs } })
// Whoever does not hear errors of strangers misses nothing; a real wallet shows them in its log.
node.on('error', () => {})
node.registerProtocol(handler)
const { address } = await node.listen('ws://127.0.0.1:0')
const joining = next<Join>()
tell({ kind: 'ready', id: node.id, address, script: hex(await ownWallet.receive()), curve: crypto.curve })

const { contacts, coin: given, announcement, ...ahead } = await joining
clockAheadMs = ahead.clockAheadMs
for (const contact of contacts) await node.connectToPeer(contact)
const coin: Coin = { txid: given.txid, vout: given.vout, amount: BigInt(given.amount), script: Uint8Array.from(Buffer.from(given.script, 'hex')) }
ownWallet.addCoin(coin)
const over = next<'stop'>()
const round = await handler.joinRound(announcement, { inputs: [coin], wallet, maxFee: 5_000 })
round.on('phase', ({ phase, run, peers }) => tell({ kind: 'phase', phase, run, peers, atMs: performance.timeOrigin + performance.now() }))
round.on('excluded', cause => tell({ kind: 'excluded', why: cause.kind === 'fault' ? cause.fault : cause.kind, isMe: cause.blamed.includes(round.member!.id) }))
await round.done.then(
  ({ txid, peers, fee, outputKey, transaction }) => tell({ kind: 'done', txid, peers, fee: String(fee), output: `5120${hex(outputKey)}`, transaction: transaction && hex(transaction) }),
  (error: Error) => tell({ kind: 'failed', why: error.message }),
)
await over
process.disconnect()
