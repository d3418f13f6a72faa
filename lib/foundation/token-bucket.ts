import type { IClock } from '../contracts/clock.ts'
import type { ILimiter } from '../contracts/limiter.ts'

/** Thousandths of a point added up are off by this much at most: it must not make anybody wait. */
const ROUNDING = 1e-9

/**
 * One budget: refills steadily, holds at most `burst`. A request larger than the burst is served
 * from a full bucket and leaves a debt, so that nothing waits for ever.
 */
export class TokenBucket {
  readonly #clock: Pick<IClock, 'elapsedMs'>
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #refilledAtMs: number

  constructor(clock: Pick<IClock, 'elapsedMs'>, perSecond: number, burst: number) {
    this.#clock = clock
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#tokens = burst
    this.#refilledAtMs = clock.elapsedMs()
  }

  /** 0 when `points` were taken; else nothing was taken, and how many milliseconds until they could be. */
  take(points = 1): number {
    this.#refill()
    const needed = Math.min(points, this.#burst)
    if (this.#tokens >= needed - ROUNDING) {
      this.#tokens -= points
      return 0
    }
    return this.#wholeMs(needed - this.#tokens)
  }

  /** Takes `points` in any case; what it returns is how long to rest before the next, 0 when still in budget. */
  spend(points = 1): number {
    this.#refill()
    this.#tokens -= points
    return this.#tokens >= -ROUNDING ? 0 : this.#wholeMs(-this.#tokens)
  }

  /** True when nothing has been spent that has not come back. */
  get full(): boolean {
    this.#refill()
    return this.#tokens >= this.#burst - ROUNDING
  }

  #wholeMs(points: number): number {
    return Math.max(1, Math.ceil(points / this.#perMs - ROUNDING))
  }

  #refill(): void {
    const nowMs = this.#clock.elapsedMs()
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#refilledAtMs) * this.#perMs)
    this.#refilledAtMs = nowMs
  }
}

export interface KeyedLimiterOptions {
  clock: Pick<IClock, 'elapsedMs'>
  perSecond: number
  burst: number
  /** Keys held at once; beyond it, full buckets are dropped, then new keys are refused for `1 / perSecond`. */
  keysMax: number
}

/** A bucket for each key on the injected clock: the default `ILimiter`, and the one of the simulator. */
export class TokenBucketLimiter implements ILimiter {
  readonly #options: KeyedLimiterOptions
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(options: KeyedLimiterOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#buckets.size
  }

  take(key: string, points = 1): number {
    const bucket = this.#buckets.get(key) ?? this.#open(key)
    return bucket === undefined ? Math.ceil(1000 / this.#options.perSecond) : bucket.take(points)
  }

  #open(key: string): TokenBucket | undefined {
    const { clock, perSecond, burst, keysMax } = this.#options
    if (this.#buckets.size >= keysMax) this.#dropFull()
    if (this.#buckets.size >= keysMax) return undefined
    const bucket = new TokenBucket(clock, perSecond, burst)
    this.#buckets.set(key, bucket)
    return bucket
  }

  /** A full bucket says no more than none at all. */
  #dropFull(): void {
    for (const [key, bucket] of this.#buckets) if (bucket.full) this.#buckets.delete(key)
  }
}
