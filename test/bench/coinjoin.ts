import { monitorEventLoopDelay } from 'node:perf_hooks'
import { play } from '../../examples/07-coinjoin-round/play.ts'
import { loadWasmBackend } from '../../lib/crypto/wasm.ts'
import { systemClock } from '../../lib/foundation/clock.ts'
import { mod, toNumber } from '../../lib/protocols/coinjoin/field.ts'
import { addVectors, polynomialOf, powersOf } from '../../lib/protocols/coinjoin/power-sums.ts'
import { areRoots, findRoots } from '../../lib/protocols/coinjoin/roots.ts'
import { runSliced } from '../../lib/protocols/coinjoin/slices.ts'
import { PHASES } from '../../lib/protocols/coinjoin/words.ts'
import { MixTown } from '../protocols/coinjoin/support/town.ts'
import { seededRandom } from '../support/seeded-random.ts'
import type { Outcome, RunOptions, Task } from './command.ts'
import { describeMachine, machineLines } from './machine.ts'
import type { Row } from './report.ts'

const ROWS = ['five processes, pure JS', 'five processes, fast', 'fifty in one process', 'payload of a run', 'frames of a run', 'roots of fifty', 'loop delay'] as const

/** Seconds and bytes that the design promises; `null` is printed and not judged. */
const SECONDS_PURE_MAX = 3
const SECONDS_FAST_MAX = 1
const SECONDS_FIFTY_MAX = 15
const LOOP_DELAY_MS_MAX = 50
const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin']

export const coinjoin: Task = {
  about: 'CoinJoin: five processes from roster to transaction, fifty in one, bytes of a run, the search for roots',
  rows: ROWS,
  rounds: 3,
  async run(options: RunOptions): Promise<Outcome> {
    const wants = (...rows: readonly string[]): boolean => rows.some(row => options.rows.includes(row))
    const rows: Row[] = []
    if (wants(ROWS[0])) rows.push(await fiveProcesses(ROWS[0], 'noble', SECONDS_PURE_MAX, options))
    if (wants(ROWS[1])) rows.push(await fiveProcesses(ROWS[1], 'auto', SECONDS_FAST_MAX, options))
    if (wants(ROWS[2], ROWS[3], ROWS[4])) rows.push(...await oneProcess(options))
    if (wants(ROWS[5], ROWS[6])) rows.push(...await roots(options))
    return { rows: rows.filter(({ row }) => options.rows.includes(row)), heading: machineLines(describeMachine(), {}) }
  },
}

/** From the epoch's boundary, when the roster is fixed, to the whole transaction, in each process. */
async function fiveProcesses(row: string, backend: 'auto' | 'noble', bar: number, { rounds, progress }: RunOptions): Promise<Row> {
  const seconds: number[] = []
  let curve = ''
  for (let round = 0; round < rounds; round++) {
    progress(`${row}: ${round + 1} of ${rounds}`)
    const played = await play({ names: NAMES, backend, say: () => {} })
    seconds.push(...played.elapsedMs.map(ms => ms / 1_000))
    curve = played.curve
  }
  return atMost(row, 's, p50', quantile(seconds, 0.5), bar, { samples: seconds.length, max: Math.max(...seconds), curve })
}

/** Whole coordinators on a simulated network and virtual time: what is measured is this one process's work. */
async function oneProcess({ quick, progress }: RunOptions): Promise<Row[]> {
  const peers = quick ? 5 : 50
  progress(`${peers} coordinators in one process`)
  await using town = await MixTown.open({ peers, crypto: await loadWasmBackend() })
  await town.join()
  // Links are made in the ten seconds before the boundary.
  await town.sim.runUntil(() => town.citizens[0]!.round!.progress.phase !== 'roster', { withinMs: 120_000 })
  const [startedMs, cpu] = [performance.now(), process.cpuUsage()]
  await town.end()
  const seconds = (performance.now() - startedMs) / 1_000
  const failed = town.citizens.flatMap(({ error }) => error?.message ?? [])
  if (failed.length > 0) throw new Error(`the round of ${peers} failed: ${failed[0]}`)
  const { session } = town.citizens[0]!.round!.member!
  const words = PHASES.map(phase => session!.run!.heard(phase, session!.run!.index)!)
  const payload = words.reduce((sum, { body }) => sum + body.length, 0)
  const frames = words.reduce((sum, { frame }) => sum + frame.length, 0)
  return [
    { ...atMost(ROWS[2], 's', seconds, SECONDS_FIFTY_MAX, { samples: peers, cpuSeconds: process.cpuUsage(cpu).user / 1e6 }), ...(quick ? { note: `${peers} peers` } : {}) },
    atMost(ROWS[3], 'bytes', payload, 400 + 32 * peers, { samples: words.length, peers }),
    { row: ROWS[4], unit: 'bytes beside', ours: frames - payload, peer: null, ratio: null, bar: null, holds: true, samples: words.length },
  ]
}

/** The search for fifty roots, and how long the event loop waits meanwhile. */
async function roots({ rounds, progress }: RunOptions): Promise<Row[]> {
  const random = seededRandom('roots')
  const draw = (): bigint => mod(toNumber(random(48)))
  const found: number[] = []
  const checked: number[] = []
  const loop = monitorEventLoopDelay({ resolution: 1 })
  for (let round = 0; round < Math.max(3, rounds); round++) {
    progress(`roots of fifty: ${round + 1}`)
    const messages = Array.from({ length: 50 }, draw)
    const polynomial = polynomialOf(addVectors(messages.map(message => powersOf(message, 50)), 50))
    loop.enable()
    const startedMs = performance.now()
    const result = await runSliced(findRoots(polynomial, draw), systemClock, new AbortController().signal)
    found.push(performance.now() - startedMs)
    loop.disable()
    const checkedMs = performance.now()
    if (result === null || !areRoots(polynomial, result)) throw new Error('the roots of fifty were not found')
    checked.push(performance.now() - checkedMs)
  }
  return [
    { row: ROWS[5], unit: 'ms', ours: quantile(found, 0.5), peer: null, ratio: null, bar: null, holds: true, samples: found.length, checkMs: quantile(checked, 0.5) },
    atMost(ROWS[6], 'ms, p99', loop.percentile(99) / 1e6, LOOP_DELAY_MS_MAX, { samples: loop.count, max: loop.max / 1e6 }),
  ]
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!
}

function atMost(row: string, unit: string, ours: number, bar: number, extra: Record<string, unknown>): Row {
  return { row, unit, ours, peer: null, ratio: null, bar, holds: ours <= bar, ...extra }
}
