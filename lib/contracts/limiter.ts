/** Spends points of a key's budget. A token bucket on the injected clock by default; rate-limiter-flexible is an adapter. */
export interface ILimiter {
  /** 0 when allowed, else how many milliseconds until it would be. */
  take(key: string, points?: number): number | Promise<number>
  /** Keys held now; bounded by construction. */
  readonly size: number
}
