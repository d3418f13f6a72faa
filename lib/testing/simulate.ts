import type { Fault } from './fault-schedule.ts'
import type { Seed } from './sim-random.ts'
import { SimulationError } from './simulation-error.ts'
import type { SimulationOptions } from './simulation-options.ts'
import { Simulation } from './simulation.ts'

/** What is played in a world: adds nodes, lets time pass, and throws when something is not as it should be. */
export type Scenario = (sim: Simulation) => Promise<void>

export interface SimulateOptions extends SimulationOptions {
  /** How often a failing run may be played again to find out which faults it needs. 20 by default; 0 shrinks nothing. */
  shrinkRunsMax?: number
  /** The command that plays this again, for the failure's message: `seed => \`SEED=${seed} npm test -- my.test.ts\``. */
  replay?: (seed: Seed, onlyFaults: readonly number[] | undefined) => string
}

/** What a run came to. */
export interface SimulationResult {
  hash: string
  events: number
  /** Virtual milliseconds. */
  elapsedMs: number
  faults: readonly Fault[]
}

const SHRINK_RUNS_MAX = 20

/**
 * Plays a scenario in a world of its own and shuts it down. A failure is played again with fewer and fewer faults; the SimulationError
 * that is thrown names the seed, the faults that were needed, and how to see it again.
 */
export async function simulate(options: SimulateOptions, scenario: Scenario): Promise<SimulationResult> {
  const first = await play(options, scenario)
  if (!('error' in first)) return first
  const shrunk = await shrink({ ...options, failure: first.error }, scenario)
  throw withCommand(shrunk, options)
}

/**
 * Leaves faults out of a failing run while it keeps failing, in at most `shrinkRunsMax` runs: first all of them, then it looks for the half,
 * quarter and so on that is enough, or that can be spared (Zeller's ddmin). Any failure counts, since one cause shows in many ways.
 * Resolves to the failure with the fewest faults that was met.
 */
export async function shrink({ failure, shrinkRunsMax = SHRINK_RUNS_MAX, ...options }: SimulateOptions & { failure: SimulationError }, scenario: Scenario): Promise<SimulationError> {
  let best = failure
  let runs = 0
  const failsWith = async (faults: readonly Fault[]): Promise<boolean> => {
    if (runs++ >= shrinkRunsMax) return false
    const result = await play({ ...options, onlyFaults: faults.map(({ number }) => number) }, scenario)
    if (!('error' in result)) return false
    best = result.error
    return true
  }
  if (best.faults.length === 0 || await failsWith([])) return best
  let parts = 2
  while (best.faults.length > 1 && runs < shrinkRunsMax) {
    const smaller = await firstOf(choices(best.faults, parts), failsWith)
    if (smaller !== undefined) parts = Math.max(2, parts - (smaller.isRest ? 1 : parts))
    else if (parts >= best.faults.length) break
    else parts = Math.min(2 * parts, best.faults.length)
  }
  return best
}

/** Each part of so many, then each rest without one of them. */
function choices(faults: readonly Fault[], parts: number): { faults: readonly Fault[]; isRest: boolean }[] {
  const size = Math.ceil(faults.length / parts)
  const cut = Array.from({ length: Math.ceil(faults.length / size) }, (_, index) => faults.slice(index * size, (index + 1) * size))
  const rests = parts === 2 ? [] : cut.map(part => ({ faults: faults.filter(fault => !part.includes(fault)), isRest: true })).reverse()
  return [...cut.map(part => ({ faults: part, isRest: false })), ...rests]
}

async function firstOf<C extends { faults: readonly Fault[] }>(all: readonly C[], holds: (faults: readonly Fault[]) => Promise<boolean>): Promise<C | undefined> {
  for (const choice of all) if (await holds(choice.faults)) return choice
  return undefined
}

async function play(options: SimulationOptions, scenario: Scenario): Promise<SimulationResult | { error: SimulationError }> {
  const sim = new Simulation(options)
  try {
    await scenario(sim)
    await sim.shutdown()
    return { hash: sim.hash(), events: sim.events, elapsedMs: sim.nowMs, faults: sim.faults }
  } catch (error) {
    return { error: error instanceof SimulationError ? error : sim.error(error instanceof Error ? error.message : String(error), error) }
  }
}

function withCommand(error: SimulationError, { replay }: SimulateOptions): SimulationError {
  if (replay) error.message += `\n  replay: ${replay(error.seed, error.onlyFaults)}`
  return error
}
