import { g5, g6, g7 } from './attacks.ts'
import { g1, g10, g2, g3, g4, g8Churn, g8Loss, g9 } from './bars.ts'
import type { BarOptions, Measured } from './check.ts'
import type { Fidelity } from './ground.ts'
import { processes } from './processes.ts'
import { g11 } from './soak.ts'

/** One condition, measured with each seed. */
export interface Plan {
  readonly name: string
  readonly fidelity: Fidelity | 'processes'
  readonly checks: readonly string[]
  run(seed: number, quick: boolean): Promise<Measured>
}

interface Kind {
  readonly name: string
  readonly checks: readonly string[]
  readonly run: (options: BarOptions) => Promise<Measured>
}

const ARRIVAL = ['delivered', 'twice', 'hops p99', 'p99'] as const

/** At any size. */
const KINDS: readonly Kind[] = [
  { name: 'G1', checks: ARRIVAL, run: g1 },
  { name: 'G2 under 1 KiB', checks: ['delivered', 'duplicates'], run: options => g2(options, 'small') },
  { name: 'G2 4 KiB', checks: ['delivered', 'duplicates'], run: options => g2(options, 'middle') },
  { name: 'G2 32 KiB', checks: ['delivered', 'duplicates', 'p99'], run: options => g2(options, 'large') },
  { name: 'G3 20% Sybils', checks: ['delivered', 'hops p99'], run: options => g3(options, 0.2) },
  { name: 'G3 33% Sybils', checks: ['delivered', 'hops p99'], run: options => g3(options, 0.33) },
  { name: 'G4 50% Sybils', checks: ['delivered', 'p99'], run: g4 },
  { name: 'G8 20% loss', checks: ['delivered'], run: g8Loss },
  { name: 'G8 churn', checks: ['delivered', 'twice'], run: g8Churn },
  { name: 'G9', checks: ['delivered', 'twice', 'healed'], run: g9 },
  { name: 'G10', checks: ['delivered', 'forgeries checked', 'victims reached', 'p99 beside calm'], run: g10 },
]

/** At the size of the attack alone. */
const ATTACKS: readonly Kind[] = [
  { name: 'G5', checks: ['delivered', 'p99'], run: g5 },
  { name: 'G6', checks: ['delivered', 'honest in mesh', 'until then'], run: g6 },
  { name: 'G7', checks: ['delivered', 'slowest'], run: g7 },
]

const WHOLE = 100
const MANY = 1_000
const MOST = 10_000

function plan({ name, checks, run }: Kind, n: number, fidelity: Fidelity): Plan {
  return { name: `${name} n=${n}`, fidelity, checks, run: (seed, quick) => run({ n, seed, fidelity, ...(quick ? { messages: 15 } : {}) }) }
}

/** Everything the design asks for: whole coordinators at 100, handlers at 1,000, and at 10,000 where it is quiet. */
export const PLANS: readonly Plan[] = [
  ...KINDS.map(kind => plan(kind, WHOLE, 'full')),
  ...KINDS.map(kind => plan(kind, MANY, 'protocol')),
  ...ATTACKS.map(kind => plan(kind, MANY, 'protocol')),
  plan(KINDS[0]!, MOST, 'protocol'),
  {
    name: 'G11 n=32', fidelity: 'protocol', checks: ['delivered', 'twice', 'resident grown', 'in use grown', 'seen set'],
    run: (seed, quick) => g11({ n: 32, seed, ...(quick ? { busyMinutes: 2, quietHours: 1, seenMs: 30_000 } : {}) }),
  },
  {
    name: '20 processes 5 killed', fidelity: 'processes', checks: ['delivered', 'twice'],
    run: seed => processes({ processes: 20, killed: 5, messages: 200, seed }),
  },
]
