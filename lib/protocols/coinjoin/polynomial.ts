import { inverse, mod, P } from './field.ts'

/** Coefficients from the constant upwards, each in 0..p-1, the last one not 0; the zero polynomial is empty. */
export type Polynomial = readonly bigint[]

export function degreeOf(f: Polynomial): number {
  return f.length - 1
}

/** Without zeros at the top. */
export function trimmed(f: bigint[]): Polynomial {
  while (f.length > 0 && f[f.length - 1] === 0n) f.pop()
  return f
}

export function subtract(f: Polynomial, g: Polynomial): Polynomial {
  return trimmed(Array.from({ length: Math.max(f.length, g.length) }, (_, i) => mod((f[i] ?? 0n) - (g[i] ?? 0n))))
}

/** The same roots, with 1 as the top coefficient. */
export function monic(f: Polynomial): Polynomial {
  const top = f[f.length - 1]
  if (top === undefined || top === 1n) return f
  const scale = inverse(top)
  return f.map(coefficient => coefficient * scale % P)
}

/** The product of x - root over all roots. */
export function fromRoots(roots: readonly bigint[]): Polynomial {
  let f: bigint[] = [1n]
  for (const root of roots) {
    const next = [mod(-root * f[0]!)]
    for (let i = 1; i < f.length; i++) next.push(mod(f[i - 1]! - root * f[i]!))
    next.push(f[f.length - 1]!)
    f = next
  }
  return f
}

/** `rest` after division by a monic f; `rest` may hold sums not yet reduced, and is used up. */
function reduce(rest: bigint[], f: Polynomial): Polynomial {
  const degree = degreeOf(f)
  for (let top = rest.length - 1; top >= degree; top--) {
    const lead = mod(rest[top]!)
    if (lead !== 0n) for (let i = 0; i < degree; i++) rest[top - degree + i]! -= lead * f[i]!
  }
  rest.length = Math.min(rest.length, degree)
  return trimmed(rest.map(mod))
}

/** a mod f for a monic f. */
export function remainder(a: Polynomial, f: Polynomial): Polynomial {
  return reduce([...a], f)
}

/** a^2 mod f for a monic f. Sums are reduced once for each coefficient, not once for each product: half the time. */
export function squareModulo(a: Polynomial, f: Polynomial): Polynomial {
  if (a.length === 0) return []
  const sums = new Array<bigint>(2 * a.length - 1).fill(0n)
  for (let i = 0; i < a.length; i++) {
    const left = a[i]!
    sums[2 * i]! += left * left
    const twice = left << 1n
    for (let j = i + 1; j < a.length; j++) sums[i + j]! += twice * a[j]!
  }
  return reduce(sums.map(sum => sum % P), f)
}

/** a * (x + shift) mod f for a monic f. */
export function timesShifted(a: Polynomial, shift: bigint, f: Polynomial): Polynomial {
  const product = a.map(coefficient => coefficient * shift)
  product.push(0n)
  a.forEach((coefficient, i) => { product[i + 1]! += coefficient })
  return reduce(product, f)
}

/** The monic greatest common divisor. */
export function gcd(f: Polynomial, g: Polynomial): Polynomial {
  let [a, b] = [f, g]
  while (b.length > 0) {
    const divisor = monic(b)
    ;[a, b] = [divisor, remainder(a, divisor)]
  }
  return monic(a)
}

/** f / divisor for a monic divisor that divides f. */
export function quotient(f: Polynomial, divisor: Polynomial): Polynomial {
  const rest = [...f]
  const degree = degreeOf(divisor)
  const result = new Array<bigint>(Math.max(0, f.length - degree)).fill(0n)
  for (let top = rest.length - 1; top >= degree; top--) {
    const lead = mod(rest[top]!)
    result[top - degree] = lead
    for (let i = 0; i <= degree; i++) rest[top - degree + i]! -= lead * divisor[i]!
  }
  return trimmed(result)
}

export function equal(f: Polynomial, g: Polynomial): boolean {
  return f.length === g.length && f.every((coefficient, i) => coefficient === g[i])
}
