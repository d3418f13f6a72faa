import { inverse, mod, P } from './field.ts'
import type { Polynomial } from './polynomial.ts'

/** value^1 .. value^count: what one peer hides under its pads. */
export function powersOf(value: bigint, count: number): bigint[] {
  const powers: bigint[] = []
  let power = 1n
  for (let k = 0; k < count; k++) powers.push(power = power * value % P)
  return powers
}

/** The sum of each column: S_k over all peers' vectors. */
export function addVectors(vectors: readonly (readonly bigint[])[], count: number): bigint[] {
  return Array.from({ length: count }, (_, k) => mod(vectors.reduce((sum, vector) => sum + vector[k]!, 0n)))
}

/**
 * Newton's identities: from the power sums S_1..S_N of N values, the monic polynomial whose roots they are.
 * e_0 = 1, e_k = 1/k * sum over t of (-1)^(t-1) e_(k-t) S_t; the coefficient of x^(N-k) is (-1)^k e_k.
 */
export function polynomialOf(sums: readonly bigint[]): Polynomial {
  const e: bigint[] = [1n]
  for (let k = 1; k <= sums.length; k++) {
    let total = 0n
    for (let t = 1; t <= k; t++) {
      const term = e[k - t]! * sums[t - 1]!
      total += t % 2 === 1 ? term : -term
    }
    e.push(mod(mod(total) * inverse(BigInt(k))))
  }
  const count = sums.length
  return Array.from({ length: count + 1 }, (_, degree) => {
    const k = count - degree
    return k % 2 === 0 ? e[k]! : mod(-e[k]!)
  })
}
