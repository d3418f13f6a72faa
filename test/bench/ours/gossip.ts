// peerweft's gossip over WebSocket on loopback, as ../peers/libp2p-gossip.mjs and libp2p.mjs `publish` have it. Run by ../gossip.ts, which compiles it first.
// gossip pair --size 1024 | saturate --nodes 16 --extra 3 --window 32 --batch 16 | paced --nodes 16 --extra 3 --rate 20
import { paced, saturate, type Town } from '../peers/gossip-load.mjs'
import { Tally, pump, run, sleep, yieldToSockets, type Measure } from '../peers/measure.mjs'
import { peerweft, type Coordinator } from './peerweft.ts'

declare const BUILT_ENTRY: string
const { Gossip } = await import(new URL('protocols/gossip/index.node.js', BUILT_ENTRY).href) as typeof import('../../../lib/protocols/gossip/index.node.ts')

type GossipNode = InstanceType<typeof Gossip>

const TOPIC = 'bench'
/** Handed over before waiting for their receipts, on both sides. */
const BATCH = 64
/** Room for many links; the default of 50 is seed 004's. */
const CONNECTIONS_MAX = 1_000

async function start(): Promise<{ node: Coordinator; gossip: GossipNode; address: string }> {
  const node = new peerweft.P2PCoordinator({ transports: [new peerweft.WebSocketTransport()], maxConnections: CONNECTIONS_MAX })
  const gossip = new Gossip()
  node.registerProtocol(gossip)
  const { address } = await node.listen('ws://127.0.0.1:0')
  return { node, gossip, address }
}

const pair: Measure<string> = {
  async listen({ size }) {
    const { node, address } = await start()
    const tally = new Tally(size)
    node.subscribe<Uint8Array>(TOPIC, body => tally.receive(body))
    return { hello: address, answers: tally.answers() }
  },
  async dial(address, ask, options) {
    const { node, gossip } = await start()
    node.subscribe(TOPIC, () => {})
    await node.connectToPeer(address)
    while (gossip.meshOf(TOPIC).length === 0) await sleep(50)
    await sleep(500)
    const result = await pump(options, async body => {
      await Promise.all(Array.from({ length: BATCH }, () => node.publish(TOPIC, body)))
      await yieldToSockets()
      return BATCH
    }, ask)
    await node.shutdown()
    return result
  },
}

async function makeTown(count: number): Promise<Town> {
  const town: Awaited<ReturnType<typeof start>>[] = []
  for (let index = 0; index < count; index++) town.push(await start())
  return {
    nodes: town.map(({ node }) => ({
      publish: data => node.publish(TOPIC, data),
      hear: listener => void node.subscribe<Uint8Array>(TOPIC, body => listener(body)),
    })),
    link: (a, b) => town[a]!.node.connectToPeer(town[b]!.address),
    async ready() {
      const least = Math.min(4, count - 1)
      while (town.some(({ gossip }) => gossip.meshOf(TOPIC).length < least)) await sleep(50)
    },
  }
}

await run({
  pair,
  saturate: { dial: (_hello, _ask, options) => saturate(makeTown, options) },
  paced: { dial: (_hello, _ask, options) => paced(makeTown, options) },
})
