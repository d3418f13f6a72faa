import { connect, type Socket } from 'node:net'
import { P2PCoordinator } from '../../lib/index.ts'

/** Strangers in processes of their own, so that what is measured is bob's patience and memory, not theirs. */
export type CrowdRole = 'idlers' | 'dialler' | 'residents'

export interface CrowdOrders {
  role: CrowdRole
  url: string
  id: string
  /** For idlers: sockets opened a minute. For residents: links. For a dialler: milliseconds between dials. */
  rate: number
}

export type CrowdReport = { kind: 'ready' } | { kind: 'dials'; ms: number[]; failures: string[] } | { kind: 'opened'; count: number; upgraded: number }

const tell = (report: CrowdReport): void => void process.send?.(report)
/** What an idler says, a byte a second: never enough to make a request. */
const DRIBBLE = 'GET / HTTP/1.1\r\nHost: bob.example.org\r\nUpgrade: websocket\r\nX-Padding: '

if (process.send !== undefined) {
  process.once('message', (orders: CrowdOrders) => void begin(orders))
  process.once('disconnect', () => process.exit(0))
}

async function begin(orders: CrowdOrders): Promise<void> {
  if (orders.role === 'idlers') idle(orders)
  else if (orders.role === 'dialler') dial(orders)
  else await reside(orders)
}

/** One in ten upgrades and then says a byte a second of a frame, from one of 32 subnets; the others never finish their headers. */
function idle({ url, rate }: CrowdOrders): void {
  const { hostname, port } = new URL(url)
  const open = new Set<{ socket: Socket; said: number }>()
  let count = 0
  let upgraded = 0
  setInterval(() => {
    for (const idler of open) idler.socket.write(DRIBBLE.charAt(idler.said++ % DRIBBLE.length))
  }, 1_000)
  const startedAt = performance.now()
  setInterval(() => {
    for (const due = (performance.now() - startedAt) * rate / 60_000; count < due; count++) {
      const idler = { socket: connect(Number(port), hostname), said: 0 }
      idler.socket.on('error', () => {}).on('close', () => void open.delete(idler))
      if (count % 10 === 0) {
        upgraded++
        idler.socket.write(`GET / HTTP/1.1\r\nHost: bob\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: peerweft.1\r\nX-Forwarded-For: 198.51.${upgraded % 32}.${upgraded % 250 + 1}\r\n\r\n`)
      }
      open.add(idler)
    }
  }, 10)
  process.on('message', () => tell({ kind: 'opened', count, upgraded }))
  tell({ kind: 'ready' })
}

/** An honest node that links and leaves, again and again. */
function dial({ url, id, rate }: CrowdOrders): void {
  const alice = new P2PCoordinator({ reconnect: false })
  let ms: number[] = []
  let failures: string[] = []
  let isBusy = false
  setInterval(() => {
    if (isBusy) return
    isBusy = true
    const startedAt = performance.now()
    alice.connectToPeer(`${url}#${id}`, { timeoutMs: 5_000 }).then(
      async () => {
        ms.push(performance.now() - startedAt)
        await alice.disconnectFromPeer(id)
      },
      (error: Error & { code?: string }) => void failures.push(error.code ?? error.name),
    ).finally(() => (isBusy = false)).catch(() => {})
  }, rate)
  process.on('message', () => {
    tell({ kind: 'dials', ms, failures })
    ms = []
    failures = []
  })
  tell({ kind: 'ready' })
}

/** Links that are made and then left alone. */
async function reside({ url, id, rate }: CrowdOrders): Promise<void> {
  for (let n = 0; n < rate; n++) await new P2PCoordinator({ reconnect: false }).connectToPeer(`${url}#${id}`)
  tell({ kind: 'ready' })
}
