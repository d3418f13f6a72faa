import type { Outcome, RunOptions, Task } from '../../../bench/command.ts'
import { describeMachine, machineLines } from '../../../bench/machine.ts'
import { COLUMNS, type Row } from '../../../bench/report.ts'
import { badPuts, churn, enumeration, flood, found, lookups, targeted, type Bar, type BarOptions } from './bars.ts'

/** One measurement, at one size: the rows it gives, and how many samples it rests on in full and for a quick look. */
interface Plan {
  readonly n: number
  readonly samples: number
  readonly quick: number
  readonly rows: readonly string[]
  run(options: BarOptions): Promise<Bar | Bar[]>
}

const SIZES = [100, 1_000, 10_000] as const
const at = (n: number): string => `n=${n}`

function plansFor(n: number): Plan[] {
  const samples = n === 10_000 ? 1_000 : 3_000
  const quick = 100
  const of = (rows: readonly string[], run: Plan['run']): Plan => ({ n, samples, quick, rows: rows.map(row => `${row} ${at(n)}`), run })
  return [
    of(['D1', 'D2', 'D3'], lookups),
    of(['D4', 'D4 with retry'], options => found('D4', options, { liars: 0.2, first: 0.995, retry: 0.9999 })),
    of(['D5', 'D5 with retry'], options => found('D5', options, { liars: 0.3, first: 0.99, retry: 0.999 })),
    of(['D6'], options => found('D6', options, { vanish: 0.5, first: 0.999, messagesMax: 60 })),
    of(['D7', 'D7 with retry'], options => found('D7', options, { liars: 0.3, vanish: 0.5, first: 0.98, retry: 0.995 })),
  ]
}

const HOURS = 24

const PLANS: readonly Plan[] = [
  ...SIZES.flatMap(plansFor),
  { n: 1_000, samples: 250, quick: 25, rows: ['D8 45 in 10'], run: options => targeted(options, { ids: 45, groups: 10, wanted: 0.999 }) },
  { n: 1_000, samples: 250, quick: 25, rows: ['D8 200 in 50'], run: options => targeted(options, { ids: 200, groups: 50, wanted: 0.99 }) },
  { n: 1_000, samples: 250, quick: 25, rows: ['D8 200 in 200'], run: options => targeted(options, { ids: 200, groups: 200, wanted: 0.85 }) },
  { n: 100, samples: 3_000, quick: 50, rows: ['D9 found', 'D9 stale'], run: options => churn(options, options.samples < 1_000 ? 1 : HOURS) },
  { n: 3, samples: 100_000, quick: 1_000, rows: ['D10'], run: badPuts },
  { n: 1_000, samples: 5_000, quick: 200, rows: ['D11 listed', 'D11 load'], run: enumeration },
  { n: 100, samples: 100_000, quick: 10_000, rows: ['D12 honest', 'D12 held'], run: flood },
]

/** D1 to D12 of the design, each figure beside its bar. Of several seeds the worst counts; `--rounds 1` plays one seed alone. */
export const dhtScenario: Task = {
  about: 'D1 to D12: lookups, liars, crashes, targeted ids, churn, bad puts, enumeration, floods; real handlers at 100, 1,000 and 10,000',
  rows: PLANS.flatMap(({ rows }) => rows),
  rounds: 3,
  async run({ rows: wanted, rounds, quick, progress }: RunOptions): Promise<Outcome> {
    const rows: Row[] = []
    for (const plan of PLANS) {
      if (!plan.rows.some(row => wanted.includes(row))) continue
      const runs: Bar[][] = []
      let error: string | undefined
      try {
        for (let seed = 1; seed <= rounds; seed++) {
          runs.push([await plan.run({ n: plan.n, seed, samples: quick ? plan.quick : plan.samples })].flat())
          progress(`seed ${seed}: ${runs.at(-1)!.map(({ bar, ours, holds }) => `${bar} ${Number(ours.toPrecision(5))}${holds ? '' : ' (MISSES)'}`).join(', ')} n=${plan.n}`)
        }
      } catch (cause) {
        error = cause instanceof Error ? cause.message : String(cause)
        progress(`${plan.rows.join(', ')} failed: ${error}`)
      }
      rows.push(...plan.rows.map((row, index) => judge(row, runs.flatMap(run => run[index] ?? []), runs.length, plan.n, error)).filter(({ row }) => wanted.includes(row)))
    }
    return {
      rows, columns: [COLUMNS.row, COLUMNS.unit, COLUMNS.ours, COLUMNS.bar, { title: 'samples', cell: row => String(row.samples) }, COLUMNS.holds],
      heading: [machineLines(describeMachine(), {})[0]!, `dht: ${rounds} seeds, the worst of them is shown; links are laid as upkeep keeps them, protocol fidelity`],
    }
  },
}

/** A figure that one seed did not come to is one that does not hold. */
function judge(row: string, bars: readonly Bar[], runs: number, n: number, error: string | undefined): Row {
  const worst = bars.reduce<Bar | undefined>((a, b) => (a === undefined || (b.better === 'more' ? b.ours < a.ours : b.ours > a.ours) ? b : a), undefined)
  const missing = error ?? (worst === undefined || bars.length < runs ? 'no figure' : undefined)
  return {
    row, unit: row.startsWith('D1 ') || row.startsWith('D2') || row.startsWith('D3') ? 'mean' : 'share or count', ours: worst?.ours ?? null, peer: null, ratio: null, bar: worst?.wanted ?? null,
    holds: missing === undefined && bars.every(({ holds }) => holds),
    n, samples: bars.reduce((sum, { samples }) => sum + samples, 0), seeds: bars.map(({ ours }) => ours), details: bars.map(({ extra }) => extra),
    ...(missing === undefined ? {} : { error: missing }),
  }
}
