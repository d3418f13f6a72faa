// One of several processes that gossip over real sockets. Run by processes.ts, which speaks to it by `process.send`.
import { P2PCoordinator } from '../../../../lib/p2p-coordinator.ts'
import { Gossip } from '../../../../lib/protocols/gossip/index.node.ts'
import { WebSocketTransport } from '../../../../lib/transports/websocket.node.ts'

/** What the parent says. */
export type Order =
  | { readonly kind: 'connect'; readonly addresses: readonly string[] }
  | { readonly kind: 'publish'; readonly text: string }
  | { readonly kind: 'report' }
/** What the process says. */
export type Report =
  | { readonly kind: 'ready'; readonly address: string }
  | { readonly kind: 'published' | 'connected' }
  | { readonly kind: 'heard'; readonly texts: readonly string[]; readonly twice: number }

const heard = new Set<string>()
let twice = 0
const gossip = new Gossip()
const node = new P2PCoordinator({ transports: [new WebSocketTransport()] })
node.registerProtocol(gossip)
node.subscribe<string>('processes', text => {
  if (heard.has(text)) twice++
  heard.add(text)
})
const tell = (report: Report): void => void process.send!(report)

process.on('message', (order: Order) => void obey(order))
process.on('disconnect', () => process.exit())

async function obey(order: Order): Promise<void> {
  if (order.kind === 'connect') {
    for (const address of order.addresses) await node.connectToPeer(address).catch(() => {})
    tell({ kind: 'connected' })
  } else if (order.kind === 'publish') {
    heard.add(order.text)
    await node.publish('processes', order.text)
    tell({ kind: 'published' })
  } else tell({ kind: 'heard', texts: [...heard], twice })
}

tell({ kind: 'ready', address: (await node.listen('ws://127.0.0.1:0')).address })
