import type { IClock } from '../../lib/contracts/clock.ts'

/** A clock that stands still until a test moves it. */
export class ManualClock implements IClock {
  #elapsedMs = 0
  readonly #startMs: number
  readonly #timers = new Set<{ dueMs: number; run: () => void }>()

  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs
  }

  /** Timers that have neither run nor been disposed. */
  get timers(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#startMs + this.#elapsedMs
  }

  elapsedMs(): number {
    return this.#elapsedMs
  }

  schedule(delayMs: number, run: () => void): Disposable {
    const timer = { dueMs: this.#elapsedMs + delayMs, run }
    this.#timers.add(timer)
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) }
  }

  /** Moves on, running what falls due in the order in which it does. */
  advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms
    for (let timer = this.#nextUntil(untilMs); timer !== undefined; timer = this.#nextUntil(untilMs)) {
      this.#timers.delete(timer)
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs)
      timer.run()
    }
    this.#elapsedMs = untilMs
  }

  #nextUntil(untilMs: number): { dueMs: number; run: () => void } | undefined {
    return [...this.#timers].filter(timer => timer.dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0]
  }
}
