import { fork, type ChildProcess } from 'node:child_process'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { P2PCoordinator, WebSocketTransport } from '../../lib/index.ts'
import type { Outcome, RunOptions, Task } from '../bench/command.ts'
import type { Row } from '../bench/report.ts'
import { chooseBackend } from '../../lib/crypto/select.node.ts'
import { residentMiB } from '../hostile/fed-link.ts'
import { mutateFrames } from '../hostile/mutations.ts'
import { replayFrames } from '../hostile/replays.ts'
import { until, within } from '../hostile/second/bytes.ts'
import { tcpPipe } from '../hostile/second/pipes.ts'
import { Probe } from '../hostile/stage.ts'
import type { Orders, Report, Role } from '../hostile/actor.ts'
import { mutateHandshakes } from '../support/mutate-handshakes.ts'

/** The bars P4 to P7 of the design, and what a flood costs an honest peer. */

interface Sizes { frames: number; realFrames: number; handshakes: number; replays: number; offeredMiB: number; abandoned: number; secondsEach: number }

const FULL: Sizes = { frames: 950_000, realFrames: 50_000, handshakes: 20_000, replays: 1_000_000, offeredMiB: 1_024, abandoned: 1_000, secondsEach: 20 }
const QUICK: Sizes = { frames: 4_000, realFrames: 200, handshakes: 100, replays: 2_000, offeredMiB: 64, abandoned: 100, secondsEach: 2 }

const HANDSHAKES_PER_SECOND = 500
/** What a campaign may add to resident memory between a tenth of the way and its end: the collector's own slack. */
const RSS_GROWTH_MIB_MAX = 24
/** P4: the event loop, and so every honest peer, waits no longer. */
const WAIT_MS_MAX = 100
/** P3: a crowd of strangers may cost this much memory. */
const CROWD_MIB_MAX = 64
/** P7: what may be held for a peer that reads nothing. */
const HELD_MIB_MAX = 4

type Measure = (sizes: Sizes, options: RunOptions) => Promise<Row[]>

/** Each measures some rows at once; they run in this order. */
const MEASURES: { rows: readonly string[]; measure: Measure }[] = [
  { rows: ['frames accepted', 'frames missed', 'frames crashed', 'frames memory'], measure: mutatedFrames },
  { rows: ['handshakes accepted', 'handshakes crashed'], measure: mutatedHandshakes },
  { rows: ['replays accepted'], measure: replays },
  { rows: ['stalled reader held'], measure: stalledReader },
  { rows: ['abandoned memory'], measure: abandonedConnections },
  { rows: ['quiet p99', 'messages p99', 'handshakes p99', 'alice lost'], measure: (sizes, options) => floods('private', sizes, options) },
  { rows: ['public messages p99', 'public handshakes p99', 'public alice lost'], measure: (sizes, options) => floods('public', sizes, options) },
]

export const hostile: Task = {
  about: 'a million mutated frames, 20,000 mutated handshakes, a million replays, floods',
  rows: MEASURES.flatMap(({ rows }) => rows),
  rounds: 1,
  async run(options: RunOptions): Promise<Outcome> {
    const sizes = options.quick ? QUICK : FULL
    const rows: Row[] = []
    for (const { rows: names, measure } of MEASURES) {
      if (!names.some(name => options.rows.includes(name))) continue
      options.progress(`measuring ${names.join(', ')}`)
      rows.push(...(await measure(sizes, options)).filter(row => options.rows.includes(row.row)))
    }
    const { backend } = await chooseBackend('auto')
    return { rows, heading: [`hostile: node ${process.version}, curve ${backend.curve}, symmetric ${backend.symmetric}, ${JSON.stringify(sizes)}`] }
  },
}

/** A row that holds where the figure is no more than the bar. */
function atMost(row: string, unit: string, ours: number, bar: number | null, extra: Record<string, unknown> = {}): Row {
  return { row, unit, ours, peer: null, ratio: null, bar, holds: bar === null || ours <= bar, ...extra }
}

async function mutatedFrames({ frames, realFrames }: Sizes, { progress }: RunOptions): Promise<Row[]> {
  const tell = (what: string) => (done: number): void => progress(`  ${done} frames with ${what} signatures`)
  const standIn = await mutateFrames({ frames, seed: 20_260_101, signatures: 'stand-in', progress: tell('stand-in') })
  const real = await mutateFrames({ frames: realFrames, seed: 20_260_102, signatures: 'real', progress: tell('real') })
  const of = (key: 'accepted' | 'missed' | 'crashed' | 'frames' | 'taken' | 'links'): number => standIn[key] + real[key]
  const samples = { samples: of('frames'), withRealSignatures: real.frames, taken: of('taken'), links: of('links'), firstFault: standIn.firstFault ?? real.firstFault }
  const { rssStartMiB, rssEndMiB } = standIn
  return [
    atMost('frames accepted', 'messages', of('accepted'), 0, samples),
    atMost('frames missed', 'messages', of('missed'), 0, samples),
    atMost('frames crashed', 'frames', of('crashed'), 0, samples),
    atMost('frames memory', 'MiB grown', rssEndMiB - rssStartMiB, RSS_GROWTH_MIB_MAX, { rssStartMiB, rssEndMiB }),
  ]
}

async function mutatedHandshakes({ handshakes }: Sizes): Promise<Row[]> {
  const { accepted, crashed, hung, firstFault, handshakes: samples } = await mutateHandshakes({ count: handshakes, seed: 20_260_103 })
  return [
    atMost('handshakes accepted', 'handshakes', accepted, 0, { samples, firstFault }),
    atMost('handshakes crashed', 'handshakes', crashed + hung, 0, { samples, firstFault }),
  ]
}

async function replays({ replays: count }: Sizes): Promise<Row[]> {
  const { accepted, crashed, taken, refused, replays: samples } = await replayFrames({ replays: count, seed: 20_260_104 })
  return [atMost('replays accepted', 'messages', accepted + crashed, 0, { samples, taken, refused })]
}

/** P7. Bob offers to a peer in another process that reads nothing, until he is told to stop. */
async function stalledReader({ offeredMiB }: Sizes): Promise<Row[]> {
  await using bob = new P2PCoordinator({ reconnect: false })
  const { address } = await bob.listen('ws://127.0.0.1:0')
  await using mallory = await Actor.start('stalled-reader', address, bob.id)
  await mallory.ready
  await until(() => bob.getConnectedPeers().length === 1, 'mallory is linked')
  const { peerId } = bob.getConnectedPeers()[0]!
  // Buffers of the socket among it; `external` holds what `arrayBuffers` does, and more.
  const held = (): number => process.memoryUsage().external / 2 ** 20
  residentMiB()
  const before = held()
  const payload = new Uint8Array(64 * 1024)
  let offered = 0
  let refused = 0
  let heldMiB = 0
  const codes = new Set<string>()
  while (offered < offeredMiB * 2 ** 20 && bob.isConnected(peerId)) {
    offered += payload.length
    bob.sendTo(peerId, { type: 'bulk', payload }).catch((error: { code: string }) => {
      refused++
      codes.add(error.code)
    })
    if (offered % (1 << 20) !== 0) continue
    await new Promise(resolve => setImmediate(resolve))
    if (refused === 0 || offered % (16 << 20) !== 0) continue
    residentMiB()
    heldMiB = Math.max(heldMiB, held() - before)
  }
  await until(() => !bob.isConnected(peerId), 'the peer that reads nothing is cut', 40_000)
  const cutFor = bob.getStats().peers.errors['ERR_PEER_STALLED'] === 1 ? 'ERR_PEER_STALLED' : 'something else'
  const row = atMost('stalled reader held', 'MiB', heldMiB, HELD_MIB_MAX, { offeredMiB: offered / 2 ** 20, refused, codes: [...codes], cutFor })
  return [{ ...row, holds: row.holds && cutFor === 'ERR_PEER_STALLED' }]
}

async function abandonedConnections({ abandoned }: Sizes): Promise<Row[]> {
  await using bob = new P2PCoordinator({ reconnect: false })
  const { address } = await bob.listen('ws://127.0.0.1:0')
  const before = residentMiB()
  for (let batch = 0; batch < abandoned / 100; batch++) {
    const pipes = await Promise.all(Array.from({ length: 100 }, () => tcpPipe(address)))
    for (const pipe of pipes) pipe.destroy()
  }
  await until(() => bob.getStats().peers.pendingHandshakes === 0, 'no handshake is pending')
  return [atMost('abandoned memory', 'MiB grown', residentMiB() - before, CROWD_MIB_MAX, { samples: abandoned })]
}

/** Alice's questions, quiet and under two floods, bob alone in this process. */
async function floods(network: 'private' | 'public', { secondsEach }: Sizes, { progress }: RunOptions): Promise<Row[]> {
  await using bob = new P2PCoordinator({ network, sybilCost: false, reconnect: false, transports: [new WebSocketTransport({ trustProxy: true })] })
  bob.registerProtocol(new Probe())
  const { address } = await bob.listen('ws://127.0.0.1:0')
  await using alice = await Actor.start('alice', address, bob.id)
  await alice.ready

  const loop = monitorEventLoopDelay({ resolution: 5 })
  loop.enable()
  const during = async (role?: Role): Promise<Latencies> => {
    await using mallory = role === undefined ? undefined : await Actor.start(role, address, bob.id)
    await mallory?.ready
    await alice.latencies()
    loop.reset()
    await new Promise(resolve => setTimeout(resolve, secondsEach * 1_000))
    const figures = { ...await alice.latencies(), eventLoopP99: loop.percentile(99) / 1e6, eventLoopMax: loop.max / 1e6 }
    progress(`  ${network}, ${role ?? 'quiet'}: p50 ${figures.p50.toFixed(2)} ms, p99 ${figures.p99.toFixed(2)} ms of ${figures.samples}, the event loop waits ${figures.eventLoopP99.toFixed(0)} ms (p99), ${figures.eventLoopMax.toFixed(0)} ms (most); bob has told of ${JSON.stringify(bob.getStats().peers.errors)}`)
    return figures
  }
  const quiet = await during()
  const messages = await during('messages')
  const handshakes = await during('handshakes')
  loop.disable()
  const lost = [quiet, messages, handshakes].reduce((sum, figures) => sum + figures.lost + figures.failed, 0)
  const name = (text: string): string => (network === 'public' ? `public ${text}` : text)
  return [
    ...(network === 'private' ? [atMost('quiet p99', 'ms', quiet.p99, null, { ...quiet })] : []),
    atMost(name('messages p99'), 'ms', messages.p99, WAIT_MS_MAX, { ...messages }),
    atMost(name('handshakes p99'), 'ms', handshakes.p99, WAIT_MS_MAX, { ...handshakes, perSecond: HANDSHAKES_PER_SECOND }),
    atMost(name('alice lost'), 'answers', lost, 0),
  ]
}

interface Latencies { p50: number; p99: number; max: number; samples: number; failed: number; lost: number; eventLoopP99?: number; eventLoopMax?: number }

/** Somebody in another process. */
class Actor implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly ready: Promise<void>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.ready = within(this.#next(report => report.kind === 'ready').then(() => {}), 'another process to be ready', 20_000)
  }

  static async start(role: Role, url: string, id: string): Promise<Actor> {
    const child = fork(fileURLToPath(new URL('../hostile/actor.ts', import.meta.url)), { execArgv: ['--import', import.meta.resolve('tsx')] })
    const actor = new Actor(child)
    const orders: Orders = { role, url, id, address: '203.0.113.66', perSecond: HANDSHAKES_PER_SECOND }
    child.send(orders)
    return actor
  }

  async latencies(): Promise<Latencies> {
    const answer = this.#next(report => report.kind === 'latencies')
    this.#child.send('latencies')
    const report = await within(answer, 'alice\'s figures', 10_000)
    if (report.kind !== 'latencies') throw new Error('expected latencies')
    const sorted = report.ms.toSorted((a, b) => a - b)
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Infinity
    return { p50: at(0.5), p99: at(0.99), max: at(1), samples: sorted.length, failed: report.failed, lost: report.lost }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    const gone = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill()
    await gone
  }

  #next(fits: (report: Report) => boolean): Promise<Report> {
    return new Promise((resolve, reject) => {
      const onMessage = (report: Report): void => {
        if (!fits(report)) return
        this.#child.off('message', onMessage as never)
        this.#child.off('exit', onExit)
        resolve(report)
      }
      const onExit = (code: number | null): void => reject(new Error(`another process ended early (${code})`))
      this.#child.on('message', onMessage as never)
      this.#child.once('exit', onExit)
    })
  }
}
