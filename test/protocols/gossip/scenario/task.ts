import type { Outcome, RunOptions, Task } from '../../../bench/command.ts'
import { describeMachine, machineLines } from '../../../bench/machine.ts'
import { COLUMNS, type Row } from '../../../bench/report.ts'
import { holds, type Check, type Measured } from './check.ts'
import { PLANS, type Plan } from './plans.ts'

const SEEDS = [1, 2, 3] as const

const rowOf = (plan: Plan, what: string): string => `${plan.name}: ${what}`

/** G1 to G11 of the design, each figure beside its bar. Of several seeds the worst counts; `--rounds 1` plays one seed alone. */
export const gossipScenario: Task = {
  about: 'G1 to G11: whole coordinators at 100, handlers at 1,000 and 10,000, adversaries, a soak, real processes',
  rows: PLANS.flatMap(plan => plan.checks.map(what => rowOf(plan, what))),
  rounds: SEEDS.length,
  async run({ rows: wanted, rounds, quick, progress }: RunOptions): Promise<Outcome> {
    const rows: Row[] = []
    for (const plan of PLANS) {
      const names = plan.checks.map(what => rowOf(plan, what)).filter(name => wanted.includes(name))
      if (names.length === 0) continue
      const runs: Measured[] = []
      const began = performance.now()
      let error: string | undefined
      try {
        for (const seed of seedsFor(rounds)) {
          runs.push(await plan.run(seed, quick))
          progress(`${plan.name} (${plan.fidelity}), seed ${seed}: ${runs.at(-1)!.checks.map(inWords).join(', ')}; ${Math.round((performance.now() - began) / 1_000)} s`)
        }
      } catch (cause) {
        error = cause instanceof Error ? cause.message : String(cause)
        progress(`${plan.name} failed: ${error}`)
      }
      rows.push(...plan.checks.map(what => judge(plan, what, runs, error)).filter(({ row }) => names.includes(row)))
    }
    return {
      rows, columns: [COLUMNS.row, COLUMNS.unit, COLUMNS.ours, COLUMNS.bar, COLUMNS.holds],
      heading: [machineLines(describeMachine(), {})[0]!, `gossip: seeds ${seedsFor(rounds).join(', ')}; the worst of them is shown`],
    }
  },
}

function seedsFor(rounds: number): number[] {
  return Array.from({ length: rounds }, (_, index) => SEEDS[index] ?? index + 1)
}

/** A figure that one run did not come to is one that does not hold. */
function judge({ name, fidelity }: Plan, what: string, runs: readonly Measured[], error: string | undefined): Row {
  const checks = runs.flatMap(run => run.checks.filter(check => check.what === what))
  const worst = checks.reduce<Check | undefined>((a, b) => (a === undefined || isWorse(b, a) ? b : a), undefined)
  const missing = error ?? (checks.length < runs.length || worst === undefined ? `no figure for '${what}'` : undefined)
  return {
    row: `${name}: ${what}`, unit: worst?.unit ?? '-', ours: worst?.ours ?? null, peer: null, ratio: null, bar: worst?.bar ?? null,
    holds: missing === undefined && checks.every(holds),
    fidelity, seeds: checks.map(({ ours }) => ours), samples: runs.reduce((sum, { samples }) => sum + samples, 0),
    ...(missing === undefined ? {} : { error: missing }),
  }
}

/** What is no number at all is the worst there is. */
function isWorse(a: Check, b: Check): boolean {
  if (Number.isNaN(a.ours) || Number.isNaN(b.ours)) return Number.isNaN(a.ours)
  return a.better === 'less' ? a.ours > b.ours : a.ours < b.ours
}

function inWords(check: Check): string {
  return `${check.what} ${Number(check.ours.toPrecision(5))} ${check.unit}${holds(check) ? '' : ` (MISSES ${check.bar})`}`
}
