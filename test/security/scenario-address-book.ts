import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { P2PCoordinator, WebSocketTransport } from '../../lib/index.ts'
import type { RunOptions } from '../bench/command.ts'
import type { Row } from '../bench/report.ts'
import { residentMiB } from '../hostile/fed-link.ts'
import { within } from '../hostile/second/bytes.ts'
import { hostile } from '../scenarios/hostile.ts'
import type { CrowdOrders, CrowdReport } from './crowd-actor.ts'
import { EclipseWorld, type EclipseOptions, type EclipseResult } from './eclipse-world.ts'

/** The bars P1 to P4 and P10 of the design. */
export const ADDRESS_BOOK_ROWS = ['P1 eclipsed', 'P1 at least three honest', 'P2 eclipsed', 'P3 dials answered', 'P3 dial p99', 'P3 memory', 'P4 event loop p99', 'P4 lost', 'P10 heap per link'] as const

interface Sizes { worlds: number; calmHours: number; attackHours: number; restarts: number; seconds: number; links: number }

const FULL: Sizes = { worlds: 4, calmHours: 24, attackHours: 48, restarts: 50, seconds: 60, links: 300 }
const QUICK: Sizes = { worlds: 1, calmHours: 8, attackHours: 12, restarts: 12, seconds: 6, links: 60 }

const MEASURES: { rows: readonly string[]; measure(sizes: Sizes, options: RunOptions): Promise<Row[]> }[] = [
  { rows: ['P1 eclipsed', 'P1 at least three honest'], measure: eclipseFromFewPlaces },
  { rows: ['P2 eclipsed'], measure: eclipseFromManyPlaces },
  { rows: ['P3 dials answered', 'P3 dial p99', 'P3 memory'], measure: crowdOfIdlers },
  { rows: ['P4 event loop p99', 'P4 lost'], measure: handshakeFlood },
  { rows: ['P10 heap per link'], measure: idleLinks },
]

export async function rows(options: RunOptions): Promise<Row[]> {
  const sizes = options.quick ? QUICK : FULL
  const found: Row[] = []
  for (const { rows: names, measure } of MEASURES) {
    if (!names.some(name => options.rows.includes(name))) continue
    options.progress(`measuring ${names.join(', ')}`)
    found.push(...(await measure(sizes, options)).filter(({ row }) => options.rows.includes(row)))
  }
  return found
}

function atMost(row: string, unit: string, ours: number, bar: number, extra: Record<string, unknown> = {}): Row {
  return { row, unit, ours, peer: null, ratio: null, bar, holds: ours <= bar, ...extra }
}

function atLeast(row: string, unit: string, ours: number, bar: number, extra: Record<string, unknown> = {}): Row {
  return { row, unit, ours, peer: null, ratio: null, bar, holds: ours >= bar, ...extra }
}

// P1 and P2: the real book and the real choice, under virtual time.

type Attack = Pick<EclipseOptions, 'attackGroups' | 'hostsPerGroup'>

export async function eclipses(attack: Attack, { worlds, calmHours, attackHours, restarts }: Pick<Sizes, 'worlds' | 'calmHours' | 'attackHours' | 'restarts'>, without: EclipseOptions['without'] = [], progress: (text: string) => void = () => {}): Promise<EclipseResult[]> {
  const results = []
  for (let seed = 1; seed <= worlds; seed++) {
    const result = await new EclipseWorld({ ...attack, seed, honest: 1_000, calmHours, attackHours, restarts, outboundTarget: 12, without }).run()
    progress(`  seed ${seed}: ${JSON.stringify({ ...result, honestLinks: result.honestLinks.join(' ') })}`)
    results.push(result)
  }
  return results
}

/** What a campaign comes to: the share of restarts, and what the book had come to. */
export function shares(results: readonly EclipseResult[]): { restarts: number; eclipsed: number; atLeastThree: number } {
  const sum = (key: 'restarts' | 'eclipsed' | 'atLeastThree'): number => results.reduce((total, result) => total + result[key], 0)
  return { restarts: sum('restarts'), eclipsed: sum('eclipsed') / sum('restarts'), atLeastThree: sum('atLeastThree') / sum('restarts') }
}

export const FEW_PLACES: Attack = { attackGroups: 32, hostsPerGroup: 254 }
export const MANY_PLACES: Attack = { attackGroups: 4_600, hostsPerGroup: 1 }

async function eclipseFromFewPlaces(sizes: Sizes, { progress }: RunOptions): Promise<Row[]> {
  const { restarts, eclipsed, atLeastThree } = shares(await eclipses(FEW_PLACES, sizes, [], progress))
  return [
    atMost('P1 eclipsed', '% of restarts', 100 * eclipsed, 0, { samples: restarts }),
    atLeast('P1 at least three honest', '% of restarts', 100 * atLeastThree, 98, { samples: restarts }),
  ]
}

async function eclipseFromManyPlaces(sizes: Sizes, { progress }: RunOptions): Promise<Row[]> {
  const { restarts, eclipsed, atLeastThree } = shares(await eclipses(MANY_PLACES, sizes, [], progress))
  return [atMost('P2 eclipsed', '% of restarts', 100 * eclipsed, 1, { samples: restarts, atLeastThreePercent: 100 * atLeastThree })]
}

// P3, P4 and P10: real sockets, everybody but bob in another process.

const IDLERS_PER_MINUTE = 10_000
/** Slower than a subnet's handshakes are rationed: the honest node is one, and does not hurry. */
const DIAL_MS = 700

async function crowdOfIdlers({ seconds }: Sizes, { progress }: RunOptions): Promise<Row[]> {
  // Sockets are what is measured: that a stranger's key has to have cost something is another row's.
  await using bob = new P2PCoordinator({ network: 'public', sybilCost: false, reconnect: false, transports: [new WebSocketTransport({ trustProxy: true })] })
  const { address: url } = await bob.listen('ws://127.0.0.1:0')
  await using alice = await Other.start({ role: 'dialler', url, id: bob.id, rate: DIAL_MS })
  await pause(2_000)
  await alice.ask('dials')
  const before = residentMiB()
  await using idlers = await Other.start({ role: 'idlers', url, id: bob.id, rate: IDLERS_PER_MINUTE })
  await pause(seconds * 1_000)
  const { ms, failures } = await alice.ask('dials')
  const grownMiB = residentMiB() - before
  const { count, upgraded } = await idlers.ask('opened')
  const sorted = ms.toSorted((a, b) => a - b)
  const p99 = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? Infinity
  progress(`  ${count} sockets, ${upgraded} of them upgraded; ${ms.length} dials, failed: ${failures.join(' ') || 'none'}; ${JSON.stringify(bob.getStats().peers.errors)}`)
  const extra = { sockets: count, upgraded, samples: ms.length + failures.length, failures }
  return [
    atLeast('P3 dials answered', '%', 100 * ms.length / Math.max(1, ms.length + failures.length), 99, extra),
    atMost('P3 dial p99', 'ms', p99, 2_000, extra),
    atMost('P3 memory', 'MiB grown', grownMiB, 64, extra),
  ]
}

/** The flood itself is the hostile scenario's, on a public network. */
async function handshakeFlood(_sizes: Sizes, options: RunOptions): Promise<Row[]> {
  const { rows: measured } = await hostile.run({ ...options, rows: ['public handshakes p99', 'public alice lost'] })
  const flood = measured.find(({ row }) => row === 'public handshakes p99')!
  const lost = measured.find(({ row }) => row === 'public alice lost')!
  return [
    atMost('P4 event loop p99', 'ms', flood['eventLoopP99'] as number, 100, { aliceP99: flood.ours, samples: flood['samples'], perSecond: flood['perSecond'] }),
    atMost('P4 lost', 'answers', lost.ours!, 0),
  ]
}

async function idleLinks({ links }: Sizes): Promise<Row[]> {
  await using bob = new P2PCoordinator({ network: 'private', reconnect: false, maxConnections: links + 20 })
  const { address: url } = await bob.listen('ws://127.0.0.1:0')
  const held = (): number => {
    residentMiB()
    const { heapUsed, external } = process.memoryUsage()
    return (heapUsed + external) / 1024
  }
  // The first few bring in what is loaded once.
  await using first = await Other.start({ role: 'residents', url, id: bob.id, rate: 10 })
  await first.ready
  await pause(500)
  const before = held()
  await using others = await Other.start({ role: 'residents', url, id: bob.id, rate: links })
  await others.ready
  await pause(500)
  const perLinkKiB = (held() - before) / links
  const connected = bob.getConnectedPeers().length
  const row = atMost('P10 heap per link', 'KiB', perLinkKiB, 36, { samples: links, connected })
  return [{ ...row, holds: row.holds && connected === links + 10 }]
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Somebody in another process. */
class Other implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly ready: Promise<unknown>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.ready = within(once(child, 'message'), 'another process to be ready', 120_000)
  }

  static async start(orders: CrowdOrders): Promise<Other> {
    const child = fork(fileURLToPath(new URL('./crowd-actor.ts', import.meta.url)), { execArgv: ['--import', import.meta.resolve('tsx')] })
    const other = new Other(child)
    child.send(orders)
    await other.ready
    return other
  }

  async ask<K extends CrowdReport['kind']>(kind: K): Promise<Extract<CrowdReport, { kind: K }>> {
    const answer = once(this.#child, 'message')
    this.#child.send(kind)
    const [report] = await within(answer, `${kind} from another process`, 20_000) as [CrowdReport]
    if (report.kind !== kind) throw new Error(`expected ${kind}, got ${report.kind}`)
    return report as Extract<CrowdReport, { kind: K }>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill()
    await gone
  }
}
