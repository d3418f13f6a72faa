import type { Fault } from './fault-schedule.ts'
import type { Seed } from './sim-random.ts'

export interface SimulationErrorDetails {
  seed: Seed
  /** Virtual time at which it showed. */
  atMs: number
  faults: readonly Fault[]
  /** As the option of that name. */
  onlyFaults: readonly number[] | undefined
  /** The latest events, oldest first. */
  tail: readonly string[]
  cause?: unknown
}

/** Lines of a failure that are printed; all of them are in the error's fields. */
const FAULTS_SHOWN = 30
const EVENTS_SHOWN = 30

/** A run that failed, with all that is needed to see it again. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError'
  readonly seed: Seed
  readonly atMs: number
  readonly faults: readonly Fault[]
  readonly onlyFaults: readonly number[] | undefined
  readonly tail: readonly string[]
  /** What failed, without the story around it. */
  readonly what: string

  constructor(what: string, details: SimulationErrorDetails) {
    super(told(what, details), details.cause === undefined ? undefined : { cause: details.cause })
    this.what = what
    this.seed = details.seed
    this.atMs = details.atMs
    this.faults = details.faults
    this.onlyFaults = details.onlyFaults
    this.tail = details.tail
  }

  /** One line that makes the same happen again, as options of `new Simulation`. */
  get replay(): string {
    return replayOf(this)
  }
}

export function replayOf({ seed, onlyFaults }: Pick<SimulationErrorDetails, 'seed' | 'onlyFaults'>): string {
  const only = onlyFaults === undefined ? '' : `, onlyFaults: [${onlyFaults.join(', ')}]`
  return `{ seed: ${JSON.stringify(seed)}${only} }`
}

function told(what: string, details: SimulationErrorDetails): string {
  const { faults, tail, atMs } = details
  return [
    `${what} (after ${Math.round(atMs)} ms of virtual time)`,
    `  again with ${replayOf(details)}`,
    ...(faults.length === 0 ? [] : [`  ${faults.length} faults:`, ...latest(faults.map(line), FAULTS_SHOWN)]),
    ...(tail.length === 0 ? [] : ['  latest events:', ...latest(tail, EVENTS_SHOWN)]),
  ].join('\n')
}

function line({ number, fromMs, untilMs, kind, what }: Fault): string {
  return `#${number} ${Math.round(fromMs)}-${Math.round(untilMs)} ms ${kind}: ${what}`
}

function latest(lines: readonly string[], count: number): string[] {
  const shown = lines.slice(-count).map(text => `    ${text}`)
  return lines.length > count ? [`    (${lines.length - count} before these)`, ...shown] : shown
}
