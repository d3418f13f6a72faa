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
  /** The command that plays one seed again, for the failure's message: `seed => \`SEED=${seed} npm test -- my.test.ts\``. */
  replay?: (seed: Seed, dropFaults: readonly number[]) => string
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
 * Drops faults from a failing run while it keeps failing: all of them, then halves, quarters and so on, in at most `shrinkRunsMax`
 * runs. Any failure counts, since one cause shows in many ways. Resolves to the failure with the fewest faults that was met.
 */
export async function shrink({ failure, shrinkRunsMax = SHRINK_RUNS_MAX, ...options }: SimulateOptions & { failure: SimulationError }, scenario: Scenario): Promise<SimulationError> {
  let best = failure
  let runs = 0
  const failsWithout = async (dropped: readonly Fault[]): Promise<boolean> => {
    runs++
    const dropFaults = [...best.dropFaults, ...dropped.map(({ number }) => number)]
    const result = await play({ ...options, dropFaults }, scenario)
    if (!('error' in result)) return false
    best = result.error
    return true
  }
  if (best.faults.length === 0 || shrinkRunsMax === 0 || await failsWithout(best.faults)) return best
  for (let size = Math.ceil(best.faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    // Late faults first: what failed early needed none of them.
    for (let end = best.faults.length; end > 0 && runs < shrinkRunsMax; end -= size) {
      await failsWithout(best.faults.slice(Math.max(0, end - size), end))
    }
  }
  return best
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
  if (replay) error.message += `\n  replay: ${replay(error.seed, error.dropFaults)}`
  return error
}
