import { fromHex, toHex } from '../../foundation/hex.ts'

/** The field of secp256k1's x-coordinates: an output key is an element of it, and so is all that the DC-net adds up. */

/** SEC 2, secp256k1: p = 2^256 - 2^32 - 977. */
export const P = 2n ** 256n - 2n ** 32n - 977n
export const ELEMENT_BYTES = 32

/** The representative in 0..p-1. */
export function mod(value: bigint): bigint {
  const rest = value % P
  return rest < 0n ? rest + P : rest
}

/** base^exponent for an exponent of at least 0. Time depends on both: for values that are, or will be, public. */
export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = mod(base)
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = result * square % P
    square = square * square % P
  }
  return result
}

/** 1/value by the extended Euclidean algorithm. Throws RangeError for 0. */
export function inverse(value: bigint): bigint {
  let [a, b] = [mod(value), P]
  if (a === 0n) throw new RangeError('0 has no inverse')
  let [x, y] = [1n, 0n]
  while (a > 1n) {
    const quotient = b / a
    ;[a, b] = [b % a, a]
    ;[x, y] = [y - quotient * x, x]
  }
  return mod(x)
}

/** True where x^3 + 7 is a square: x is the x-coordinate of a point, so that somebody can hold its key (BIP340, lift_x). */
export function isLiftable(x: bigint): boolean {
  if (x < 0n || x >= P) return false
  const square = (x * x % P * x + 7n) % P
  // p = 3 mod 4; -7 is no cube, so 0 does not come up, and Euler's criterion decides.
  return power(square, (P - 1n) / 2n) === 1n
}

/** Big-endian bytes as a number, however large. */
export function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x0${toHex(bytes)}`)
}

/** 32 bytes, big-endian, of a number in 0..2^256-1. Throws RangeError for another. */
export function toElement(value: bigint): Uint8Array {
  const text = value.toString(16)
  if (value < 0n || text.length > 2 * ELEMENT_BYTES) throw new RangeError('expected a number of at most 256 bits')
  return fromHex(text.padStart(2 * ELEMENT_BYTES, '0'))
}

/** The elements that stand one after the other, or null where one is not below p or bytes are left over. */
export function readElements(bytes: Uint8Array): bigint[] | null {
  if (bytes.length % ELEMENT_BYTES !== 0) return null
  const elements: bigint[] = []
  for (let at = 0; at < bytes.length; at += ELEMENT_BYTES) {
    const element = toNumber(bytes.subarray(at, at + ELEMENT_BYTES))
    if (element >= P) return null
    elements.push(element)
  }
  return elements
}

/** The opposite of `readElements`. */
export function writeElements(elements: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(elements.length * ELEMENT_BYTES)
  elements.forEach((element, index) => bytes.set(toElement(element), index * ELEMENT_BYTES))
  return bytes
}
