import type { CurvePart, Operations } from './compose.ts'

/**
 * `fast` until WebAssembly traps, then `slow` for good: a trap leaves the instance's memory as it happened to be, and
 * nothing it says later can be believed. No input known to us makes it trap; slower is better than dead if one does.
 */
export function untilTrapped(fast: CurvePart, slow: Operations<CurvePart>): CurvePart {
  let trapped = false
  const guard = <Name extends keyof Operations<CurvePart>>(name: Name): CurvePart[Name] => {
    type Call = (...args: unknown[]) => unknown
    const quick = fast[name] as Call
    // Only `ecdhOnce` may be missing, and `ecdh` says the same.
    const safe = (slow[name] ?? slow.ecdh) as Call
    const guarded: Call = (...args) => {
      if (trapped) return safe(...args)
      try {
        return quick(...args)
      } catch (error) {
        if (!(error instanceof WebAssembly.RuntimeError)) throw error
        trapped = true
        return safe(...args)
      }
    }
    return guarded as CurvePart[Name]
  }
  return {
    curve: fast.curve,
    verify: guard('verify'),
    isPoint: guard('isPoint'),
    liftX: guard('liftX'),
    pointAdd: guard('pointAdd'),
    pointMultiply: guard('pointMultiply'),
    publicKeyOf: guard('publicKeyOf'),
    evenSecret: guard('evenSecret'),
    sign: guard('sign'),
    ecdh: guard('ecdh'),
    ...(fast.ecdhOnce === undefined ? {} : { ecdhOnce: guard('ecdhOnce') as NonNullable<CurvePart['ecdhOnce']> }),
  }
}
