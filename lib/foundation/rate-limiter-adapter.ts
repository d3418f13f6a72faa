import type { ILimiter } from '../contracts/limiter.ts'

/** The part of a `rate-limiter-flexible` limiter that we use; any of its stores fits, Redis included. */
export interface FlexibleLimiter {
  consume(key: string, points?: number): Promise<unknown>
}

/**
 * Puts a `rate-limiter-flexible` limiter behind `ILimiter`, for dials, handshakes, quotas and HTTP
 * on real nodes. `keysMax` bounds the keys we ask about within one window of `windowMs`, since the library bounds none.
 */
export function flexibleLimiter(limiter: FlexibleLimiter, options: { keysMax: number; windowMs: number; elapsedMs: () => number }): ILimiter {
  let keys = new Set<string>()
  let windowEndMs = options.elapsedMs() + options.windowMs
  const admit = (key: string): number => {
    const nowMs = options.elapsedMs()
    if (nowMs >= windowEndMs) {
      keys = new Set()
      windowEndMs = nowMs + options.windowMs
    }
    if (keys.has(key) || keys.size < options.keysMax) {
      keys.add(key)
      return 0
    }
    return Math.max(1, Math.ceil(windowEndMs - nowMs))
  }
  return {
    get size() {
      return keys.size
    },
    async take(key, points = 1) {
      const refusedMs = admit(key)
      if (refusedMs > 0) return refusedMs
      try {
        await limiter.consume(key, points)
        return 0
      } catch (refusal) {
        return waitOf(refusal)
      }
    },
  }
}

/** The library refuses by rejecting with a plain object; anything else is its store failing, which is passed on. */
function waitOf(refusal: unknown): number {
  if (typeof refusal === 'object' && refusal !== null && 'msBeforeNext' in refusal) {
    return Math.max(1, Math.ceil(Number(refusal.msBeforeNext)))
  }
  throw refusal
}
