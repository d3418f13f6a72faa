/** One node of the demo, in a process of its own. It does what the main process asks over the IPC channel. */
import { P2PCoordinator, P2PError, systemClock, type PeerId } from '../../lib/index.ts'
import { chooseBackend } from '../../lib/crypto/select.node.ts'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { CoinJoin, EsploraChainSource, SmallWallet, type Round } from '../../lib/protocols/coinjoin/index.node.ts'
import { Dht } from '../../lib/protocols/dht/index.node.ts'
import { parseBootstrap, PeerExchange } from '../../lib/protocols/exchange/index.ts'
import { Gossip } from '../../lib/protocols/gossip/index.node.ts'
import { MuSig2 } from '../../lib/protocols/musig2/index.node.ts'
import { Relay } from '../../lib/protocols/relay/index.node.ts'
import { Talk } from './protocols.ts'

const name = process.argv[2] ?? 'nobody'
let clockAheadMs = 0
const coordinator = new P2PCoordinator({ peerId: name, clock: { ...systemClock, now: () => Date.now() + clockAheadMs } })
const talk = new Talk()
const relay = new Relay()
const exchange = new PeerExchange({ bootstrap: parseBootstrap(process.env['BOOTSTRAP_PEERS']).map(({ url }) => url) })
const { backend: crypto } = await chooseBackend('auto')
const draw = (): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(32))
const musig2 = new MuSig2({ keys: draw(), network: 'regtest' })
const wallet = new SmallWallet({ seed: draw(), crypto, store: new MemoryStore() })
const coinjoin = new CoinJoin({ crypto, wallet, chain: new EsploraChainSource({ url: process.env['CHAIN_URL'] ?? 'http://127.0.0.1:1' }) })
for (const protocol of [talk, new Gossip(), relay, exchange, new Dht(), musig2, coinjoin]) coordinator.registerProtocol(protocol)

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
// What a wallet would put before its user: a transaction it can read, at a fee it can bear.
musig2.onRequest(request => request.psbt !== undefined && request.psbt.feeSats < 2_000n ? request.approve() : request.decline('not at this fee'))
let round: Round | undefined

const NEWS = 'news'
const news: { text: string; author: PeerId; hops: number; ms: number; saidAtMs: number }[] = []
coordinator.subscribe<string>(NEWS, (text, { from, hops, timestamp }) => {
  news.push({ text, author: from, hops, ms: Date.now() - timestamp, saidAtMs: timestamp })
})
const whispers: { text: unknown; from: PeerId }[] = []
coordinator.on('message', ({ type, payload }, from) => {
  if (type === 'whisper') whispers.push({ text: payload, from: from.peerId })
})

/** Each returns what the main process is to know. */
const commands = {
  async listen() {
    const { address } = await coordinator.listen('ws://127.0.0.1:0')
    return { id: coordinator.id, address, crypto: coordinator.getStats().crypto }
  },
  async join(address: string) {
    const { peerId } = await coordinator.connectToPeer(address)
    return { peerId }
  },
  peers() {
    return coordinator.getConnectedPeers().map(peer => peer.peerId)
  },
  async greet(text: string) {
    await talk.greet(name, text)
  },
  heard() {
    return { greetings: talk.greetings, numbers: talk.numbers, sum: talk.sum, errors: coordinator.getStats().peers.errors }
  },
  async square(to: PeerId, number: number) {
    const before = performance.now()
    const result = await talk.square(to, number)
    return { result, ms: performance.now() - before }
  },
  async count(to: PeerId, count: number) {
    const before = performance.now()
    await talk.count(to, count)
    return { ms: performance.now() - before }
  },
  async cut(ids: PeerId[]) {
    // Or it would look for others at once.
    exchange.setOutboundTarget(0)
    await Promise.all(ids.map(id => coordinator.disconnectFromPeer(id)))
  },
  async publish(text: string) {
    await coordinator.publish(NEWS, text)
  },
  news() {
    return news.map(({ saidAtMs, ...each }) => ({ ...each, ageMs: Date.now() - saidAtMs }))
  },
  async whisper(to: PeerId, text: string, route: 'direct' | 'any') {
    const before = performance.now()
    const code = await coordinator.sendTo(to, { type: 'whisper', payload: text }, { route }).then(() => undefined, (error: unknown) => error instanceof P2PError ? error.code : String(error))
    return { code, ms: performance.now() - before }
  },
  whispers() {
    return { whispers, carried: relay.getStats().counters['carried'] ?? 0 }
  },
  /** Announces a round of CoinJoin as a resource, and returns its id. */
  async openRound(denomination: number, epochSeconds: number) {
    const { id } = await coinjoin.announceRound({ denomination, network: 'regtest', minPeers: 5, epochSeconds, expiry: Math.floor(Date.now() / 1_000) + 600 })
    return id
  },
  /** Rounds in the directory that wait and have at least this denomination. */
  async findRounds(denominationMin: number) {
    const found = await coordinator.discoverResources<{ denomination: number }>('coinjoin-round', { denomination: { gte: denominationMin }, status: 'waiting' })
    return found.map(({ resourceId, creatorPeerId, data: { denomination } }) => ({ id: resourceId, by: creatorPeerId, denomination }))
  },
  signingKey() {
    return hex(musig2.publicKeys[0]!)
  },
  /** The taproot output that these keys own together. */
  together(keys: string[]) {
    const signers = keys.map(bytes)
    const { publicKey, address } = musig2.aggregate(signers, [{ kind: 'taproot' }])
    return { internalKey: hex(musig2.aggregate(signers).publicKey), publicKey: hex(publicKey), address }
  },
  async sign(keys: string[], psbt: string, description: string) {
    const before = performance.now()
    const { signature } = await musig2.sign({ signers: keys.map(bytes), psbt: bytes(psbt), description, timeoutMs: 30_000 })
    return { signature: hex(signature), ms: performance.now() - before }
  },
  /** Where a coin for this node's wallet may be sent. */
  async receive() {
    return hex(await wallet.receive())
  },
  /** For a round that should not have to wait: this node lives a few seconds in the future from now on. */
  setClockAhead(ms: number) {
    clockAheadMs = ms
  },
  async mix(roundId: string, coin: { txid: string; vout: number; amount: string; script: string }) {
    const mine = { txid: coin.txid, vout: coin.vout, amount: BigInt(coin.amount), script: bytes(coin.script) }
    wallet.addCoin(mine)
    round = await coinjoin.joinRound(roundId, { inputs: [mine], maxFee: 5_000 })
    // Whoever is told of its end asks for it later.
    round.done.catch(() => {})
  },
  /** Waits for the end of the round that this node mixes in. */
  async mixed() {
    const { txid, peers, fee, outputKey } = await round!.done
    return { txid, peers, fee: String(fee), outputKey: hex(outputKey) }
  },
  async stop() {
    await coordinator.shutdown()
  },
}

export type Commands = typeof commands
export type Request = { id: number; command: keyof Commands; args: unknown[] }
export type Response = { id: number; result?: unknown; error?: string }

process.on('message', (request: Request) => void answer(request))
process.on('disconnect', () => void coordinator.shutdown())

async function answer({ id, command, args }: Request): Promise<void> {
  let response: Response
  try {
    const run = commands[command] as (...args: unknown[]) => unknown
    response = { id, result: await run(...args) }
  } catch (error) {
    response = { id, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
  process.send?.(response)
  if (command === 'stop') process.disconnect()
}
