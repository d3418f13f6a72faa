/** One node of the demo, in a process of its own. It does what the main process asks over the IPC channel. */
import { P2PCoordinator, P2PError, type PeerId } from '../../lib/index.ts'
import { parseBootstrap, PeerExchange } from '../../lib/protocols/exchange/index.ts'
import { Gossip } from '../../lib/protocols/gossip/index.node.ts'
import { Relay } from '../../lib/protocols/relay/index.node.ts'
import { Talk } from './protocols.ts'

const name = process.argv[2] ?? 'nobody'
const coordinator = new P2PCoordinator({ peerId: name })
const talk = new Talk()
const relay = new Relay()
const exchange = new PeerExchange({ bootstrap: parseBootstrap(process.env['BOOTSTRAP_PEERS']).map(({ url }) => url) })
for (const protocol of [talk, new Gossip(), relay, exchange]) coordinator.registerProtocol(protocol)

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
