import type { Outcome, RunOptions, Task } from './command.ts'
import { describeMachine, machineLines } from './machine.ts'
import { compileOurs } from './prepare.ts'
import { measure } from './programs.ts'
import { COLUMNS, figure, type Row } from './report.ts'

const STEP_TIMEOUT_MS = 240_000

interface Plan { row: string; unit: string; bar: number; field: string; args: string; times: number; quickTimes: number }

/** Bars of the design; "fast" is the fastest backend this machine has, which each row names. */
const PLANS: readonly Plan[] = [
  { row: '3-of-3', unit: 'p50 ms', bar: 60, field: 'p50', args: 'sessions --signers 3 --backend auto', times: 40, quickTimes: 5 },
  { row: '3-of-3-js', unit: 'p50 ms', bar: 250, field: 'p50', args: 'sessions --signers 3 --backend noble', times: 25, quickTimes: 3 },
  { row: '10-of-10', unit: 'p50 ms', bar: 500, field: 'p50', args: 'sessions --signers 10 --backend auto', times: 15, quickTimes: 2 },
  { row: '100-signers', unit: 'CPU s', bar: 20, field: 'cpuS', args: 'mesh --signers 100 --backend auto', times: 1, quickTimes: 1 },
  { row: 'aggregate-100-js', unit: 'p50 ms', bar: 60, field: 'p50', args: 'aggregate --signers 100 --backend noble', times: 30, quickTimes: 5 },
]

/** From a request to a signature that every signer has verified. */
export const musig2: Task = {
  about: 'MuSig2: 3-of-3 and 10-of-10 over loopback WebSockets, 100 signers in the simulator, key aggregation',
  rows: PLANS.map(({ row }) => row),
  rounds: 1,
  async run({ rows, rounds, quick, progress }: RunOptions): Promise<Outcome> {
    const file = await compileOurs('musig2')
    const measured: Row[] = []
    for (const plan of PLANS.filter(({ row }) => rows.includes(row))) {
      progress(`measuring ${plan.row}`)
      measured.push(await rowOf(plan, file, rounds, quick))
    }
    return {
      heading: [...machineLines(describeMachine(), {}), 'all signers in one process, each with its own coordinator and sockets; medians'],
      rows: measured, columns: [COLUMNS.row, COLUMNS.unit, COLUMNS.ours, COLUMNS.bar, COLUMNS.holds, { title: 'CPU ms', cell: row => figure(row.cpuMs) }, { title: 'backend', cell: row => String(row.backend ?? '-') }],
    }
  },
}

async function rowOf({ row, unit, bar, field, args, times, quickTimes }: Plan, file: string, rounds: number, quick: boolean): Promise<Row> {
  const nothing = { row, unit, peer: null, ratio: null, bar }
  try {
    const runs = []
    for (let round = 0; round < rounds; round++) runs.push(await measure(file, [...args.split(' '), '--times', String(quick ? quickTimes : times)], STEP_TIMEOUT_MS))
    const figures = runs.map(run => run[field] as number).sort((a, b) => a - b)
    const ours = figures[Math.floor(figures.length / 2)]!
    return { ...nothing, ours, holds: ours <= bar, backend: runs[0]!.backend, cpuMs: runs[0]!.cpuMs ?? null, samples: runs.reduce((sum, run) => sum + (run.samples as number), 0) }
  } catch (error) {
    return { ...nothing, ours: null, holds: false, error: error instanceof Error ? error.message : String(error) }
  }
}
