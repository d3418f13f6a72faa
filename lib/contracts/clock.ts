/** Time as an input: real in production, stepped by hand in tests and in the simulator. */
export interface IClock {
  /** Unix time in milliseconds; may jump. */
  now(): number
  /** Monotonic milliseconds since some start: what timers and timeouts are measured by. */
  elapsedMs(): number
  /** Runs once after `delayMs`; disposing cancels. */
  schedule(delayMs: number, run: () => void): Disposable
  /**
   * Runs once as soon as the current tick's input has been handled, before any timer. Cheaper than
   * `schedule(0)`; a clock without it is asked for `schedule(0)` instead.
   */
  defer?(run: () => void): void
}
