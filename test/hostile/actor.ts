import { randomBytes } from 'node:crypto'
import { P2PCoordinator } from '../../lib/index.ts'
import { Client, nextFrame } from './client.ts'
import { Probe } from './stage.ts'
import { concat, unhex } from './second/bytes.ts'
import { newStaticKey } from './second/keys.ts'
import { Dialler } from './second/noise.ts'
import { wsPipe } from './second/pipes.ts'
import { Kind, part } from './second/wire.ts'

/**
 * One of the people of the hostile scenario in a process of their own, so that what is measured is bob's patience and
 * not a shared event loop: `alice` asks one question after another, mallory floods with messages or with handshakes.
 */
export type Role = 'alice' | 'messages' | 'handshakes' | 'stalled-reader'

export interface Orders {
  role: Role
  url: string
  /** Bob's. */
  id: string
  /** As if from here, where bob's listener trusts its proxy. */
  address: string
  /** For handshakes: so many a second. */
  perSecond: number
}

export type Report =
  | { kind: 'ready' }
  /** Milliseconds of each question alice asked since she was last asked for them, and how many were not answered. */
  | { kind: 'latencies'; ms: number[]; failed: number; lost: number }
  | { kind: 'sent'; count: number }

const tell = (report: Report): void => void process.send?.(report)

if (process.send !== undefined) {
  process.once('message', (orders: Orders) => void begin(orders))
  process.once('disconnect', () => process.exit(0))
}

async function begin(orders: Orders): Promise<void> {
  if (orders.role === 'alice') await ask(orders)
  else if (orders.role === 'messages') await floodMessages(orders)
  else if (orders.role === 'handshakes') floodHandshakes(orders)
  else await readNothing(orders)
}

async function ask({ url, id }: Orders): Promise<void> {
  const alice = new P2PCoordinator({ reconnect: false })
  const probe = new Probe()
  alice.registerProtocol(probe)
  let lost = 0
  alice.on('disconnected', () => { lost++ })
  await alice.connectToPeer(`${url}#${id}`)
  await probe.ask(id, 0)
  let ms: number[] = []
  let failed = 0
  process.on('message', () => {
    tell({ kind: 'latencies', ms, failed, lost })
    ms = []
    failed = 0
  })
  tell({ kind: 'ready' })
  for (let n = 1; lost === 0; n++) {
    const startedAt = performance.now()
    try {
      await probe.ask(id, n, 5_000)
      ms.push(performance.now() - startedAt)
    } catch {
      failed++
    }
    // A question every few milliseconds, as from somebody with other things to do.
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** As fast as the socket takes them: 300 messages to a sealed frame. */
async function floodMessages({ url, id, address }: Orders): Promise<void> {
  const client = await Client.dial(url, { id, socket: { headers: { 'X-Forwarded-For': address } } })
  const socket = (client.pipe as unknown as { socket: { bufferedAmount: number } }).socket
  const { author } = client
  tell({ kind: 'ready' })
  while (client.isOpen) {
    client.send(...Array.from({ length: 300 }, (_, n) => part(Kind.MESSAGE, author.plain(author.say({ n }, { protocol: 'probe', type: 'hop' })))))
    while (socket.bufferedAmount > 1 << 20 && client.isOpen) await new Promise(resolve => setTimeout(resolve, 1))
    await new Promise(resolve => setImmediate(resolve))
  }
}

/** The same act one again and again: it costs her nothing, and bob a curve product; then junk as act three. */
function floodHandshakes({ url, id, address, perSecond }: Orders): void {
  const actOne = new Dialler({ pattern: 'XK', network: 'peerweft', key: newStaticKey(), listener: unhex(id) }).actOne()
  const junk = concat(Uint8Array.of(0), new Uint8Array(randomBytes(200)))
  const one = async (): Promise<void> => {
    const pipe = await wsPipe(url, { headers: { 'X-Forwarded-For': address } })
    pipe.send(actOne)
    await nextFrame(pipe, 'act two')
    pipe.send(junk)
    await pipe.ended
  }
  const startedAt = performance.now()
  let begun = 0
  setInterval(() => {
    for (const due = (performance.now() - startedAt) * perSecond / 1_000; begun < due; begun++) void one().catch(() => {})
  }, 5)
  tell({ kind: 'ready' })
}

async function readNothing({ url, id }: Orders): Promise<void> {
  const client = await Client.dial(url, { id })
  client.pipe.stall!(true)
  tell({ kind: 'ready' })
}
