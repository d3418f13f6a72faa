import { isLiftable, P } from './field.ts'
import { degreeOf, equal, fromRoots, gcd, monic, quotient, remainder, squareModulo, subtract, timesShifted, type Polynomial } from './polynomial.ts'

/** A computation that can be interrupted: it yields about every millisecond and returns its result. */
export type Sliced<T> = Generator<undefined, T, undefined>

/** Draws a field element, or something near enough: 2^-128 away from even. */
export type DrawElement = () => bigint

/** (p - 1) / 2: what an element is raised to to see whether it is a square. */
const HALF = (P - 1n) / 2n
const HALF_BITS = HALF.toString(2)
/** Each shift splits off about half of the roots; sixty in vain happen once in 2^60. */
const SHIFTS_MAX = 60

/**
 * The roots of a monic polynomial, ascending, if it has as many distinct ones as its degree; else null, found out before any search.
 * Cantor-Zassenhaus with (p-1)/2: first x^p = x mod f says "N distinct roots", and its half-way point x^((p-1)/2) is the first split.
 */
export function* findRoots(f: Polynomial, draw: DrawElement): Sliced<bigint[] | null> {
  if (degreeOf(f) === 0) return []
  const half = yield* halfPower(0n, f)
  const whole = timesShifted(squareModulo(half, f), 0n, f)
  if (!equal(whole, remainder([0n, 1n], f))) return null
  const roots: bigint[] = []
  yield* split(f, half, draw, roots)
  return roots.sort((a, b) => (a < b ? -1 : 1))
}

/** f has distinct roots only; `half` is (x + a)^((p-1)/2) mod f for some a. */
function* split(f: Polynomial, half: Polynomial | undefined, draw: DrawElement, roots: bigint[]): Sliced<void> {
  if (degreeOf(f) <= 1) {
    if (degreeOf(f) === 1) roots.push(f[0] === 0n ? 0n : P - f[0]!)
    return
  }
  let power = half
  for (let shifts = 0; shifts < SHIFTS_MAX; shifts++) {
    power ??= yield* halfPower(draw(), f)
    const part = gcd(f, subtract(power, [1n]))
    yield
    if (degreeOf(part) > 0 && degreeOf(part) < degreeOf(f)) {
      yield* split(part, undefined, draw, roots)
      yield* split(monic(quotient(f, part)), undefined, draw, roots)
      return
    }
    power = undefined
  }
  throw new RangeError(`expected random elements, got none that splits a polynomial of degree ${degreeOf(f)} in ${SHIFTS_MAX} draws`)
}

/** (x + shift)^((p-1)/2) mod f, from the exponent's highest bit down. */
function* halfPower(shift: bigint, f: Polynomial): Sliced<Polynomial> {
  let power = remainder([shift, 1n], f)
  for (let bit = 1; bit < HALF_BITS.length; bit++) {
    power = squareModulo(power, f)
    if (HALF_BITS[bit] === '1') power = timesShifted(power, shift, f)
    yield
  }
  return power
}

/** True when the list is what `findRoots` would return: distinct values below p, ascending, whose product polynomial is f. */
export function areRoots(f: Polynomial, values: readonly bigint[]): boolean {
  if (values.length !== degreeOf(f)) return false
  if (values.some((value, index) => value < 0n || value >= P || (index > 0 && value <= values[index - 1]!))) return false
  return equal(fromRoots(values), f)
}

/** True when every root is the x-coordinate of a point. */
export function areOutputKeys(roots: readonly bigint[]): boolean {
  return roots.every(isLiftable)
}
