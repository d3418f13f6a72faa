import type { IClock } from '../contracts/clock.ts'

/** A wall clock is slewed by this much without notice; what is remembered lasts twice as long as it must. */
const TOLERANCE_MS = 1_000
/** A larger step back is a correction of a clock that was badly wrong; nobody honest has stamped messages with that time. */
const STEP_BACK_MS_MAX = 3_600_000

/**
 * The time by which seen messages are forgotten. It stands still for as long as the wall clock was set back: until the wall has
 * passed that time again, a message stamped then would be taken for a fresh one.
 */
export class ReplayClock {
  readonly #clock: Pick<IClock, 'now' | 'elapsedMs'>
  #wallMs: number
  #monotonicMs: number
  #owedMs = 0
  #ownMs = 0

  constructor(clock: Pick<IClock, 'now' | 'elapsedMs'>) {
    this.#clock = clock
    this.#wallMs = clock.now()
    this.#monotonicMs = clock.elapsedMs()
  }

  elapsedMs(): number {
    const wallMs = this.#clock.now()
    const monotonicMs = this.#clock.elapsedMs()
    const passedMs = monotonicMs - this.#monotonicMs
    const stepBackMs = passedMs - (wallMs - this.#wallMs)
    if (stepBackMs > TOLERANCE_MS) this.#owedMs = Math.min(STEP_BACK_MS_MAX, this.#owedMs + stepBackMs)
    const stoodStillMs = Math.min(this.#owedMs, passedMs)
    this.#owedMs -= stoodStillMs
    this.#ownMs += passedMs - stoodStillMs
    this.#wallMs = wallMs
    this.#monotonicMs = monotonicMs
    return this.#ownMs
  }
}
