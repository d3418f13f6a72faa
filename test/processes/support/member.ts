/** One node in a process of its own: gossip and peer exchange over WebSocket. It does what the test asks over the IPC channel. */
import { P2PCoordinator } from '../../../lib/index.ts'
import { PeerExchange } from '../../../lib/protocols/exchange/index.ts'
import { Gossip } from '../../../lib/protocols/gossip/index.node.ts'

const TOPIC = 'stream'
const [name = '', bootstrap = ''] = process.argv.slice(2)
const gossip = new Gossip()
const exchange = new PeerExchange({ outboundTarget: 4, bootstrap: bootstrap === '' ? [] : [bootstrap] })
const coordinator = new P2PCoordinator({ reconnect: false })
/** How often each was heard, as `name/number`. */
const heard = new Map<string, number>()
let published = 0
let publishing: NodeJS.Timeout | undefined

coordinator.registerProtocol(gossip)
coordinator.registerProtocol(exchange)
coordinator.subscribe<{ by: string; number: number }>(TOPIC, ({ by, number }) => {
  const message = `${by}/${number}`
  heard.set(message, (heard.get(message) ?? 0) + 1)
})

/** Each returns what the test is to know. */
const commands = {
  async listen() {
    const { address } = await coordinator.listen('ws://127.0.0.1:0')
    return { id: coordinator.id, address }
  },
  peers() {
    return { linked: coordinator.getConnectedPeers().map(({ peerId }) => peerId), subscribers: gossip.subscribersOf(TOPIC).length, outbound: exchange.getStats().outbound }
  },
  /** One message each `everyMs`, until it has published `count`. */
  publish({ count, everyMs }: { count: number; everyMs: number }) {
    publishing = setInterval(() => {
      void coordinator.publish(TOPIC, { by: name, number: published++ })
      if (published >= count) clearInterval(publishing)
    }, everyMs)
  },
  published() {
    return published
  },
  heard() {
    return [...heard]
  },
  stats() {
    return { gossip: gossip.getStats(), exchange: exchange.getStats(), errors: coordinator.getStats().peers.errors, mesh: gossip.meshOf(TOPIC).length }
  },
  async stop() {
    clearInterval(publishing)
    await coordinator.shutdown()
  },
}

export type Commands = typeof commands
export interface Request { id: number; command: keyof Commands; args: unknown[] }
export interface Response { id: number; result?: unknown; error?: string }

process.on('message', (request: Request) => void answer(request))
// The test is gone: so is its reason to be here.
process.on('disconnect', () => process.exit(1))

async function answer({ id, command, args }: Request): Promise<void> {
  let response: Response
  try {
    response = { id, result: await (commands[command] as (...args: unknown[]) => unknown)(...args) }
  } catch (error) {
    response = { id, error: String(error) }
  }
  process.send?.(response)
  if (command === 'stop') process.removeAllListeners('disconnect').disconnect()
}
