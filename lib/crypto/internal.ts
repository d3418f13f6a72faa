/** What the files of this room share: the curve's numbers, and bytes to bigint and back. */

/** The field's prime: coordinates are below it (SEC 2, secp256k1). */
export const FIELD = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn
/** The group's order: scalars are below it. */
export const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

const LIMB = 0xffff_ffff_ffff_ffffn

/** The big-endian number in 32 bytes. */
export function toBig(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32)
  const high = view.getBigUint64(0) << 64n | view.getBigUint64(8)
  return high << 128n | view.getBigUint64(16) << 64n | view.getBigUint64(24)
}

/** A number below 2^256 as 32 big-endian bytes. */
export function fromBig(number: bigint): Uint8Array {
  const bytes = new Uint8Array(32)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, number >> 192n)
  view.setBigUint64(8, number >> 128n & LIMB)
  view.setBigUint64(16, number >> 64n & LIMB)
  view.setBigUint64(24, number & LIMB)
  return bytes
}

const ORDER_BYTES = fromBig(ORDER)

/** True for 32 bytes that say a number in 1..n-1. Takes the same time for all of them: it reads secrets. */
export function isScalar(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false
  let borrow = 0
  let any = 0
  for (let index = 31; index >= 0; index--) {
    any |= bytes[index]!
    borrow = (bytes[index]! - ORDER_BYTES[index]! - borrow) >>> 31
  }
  return any !== 0 && borrow === 1
}

/** Throws RangeError unless `secret` is a scalar in 1..n-1. The message never shows it. */
export function requireScalar(secret: Uint8Array): void {
  if (!isScalar(secret)) throw new RangeError('expected a secret of 32 bytes that says a number from 1 to n - 1')
}

/** Throws RangeError unless `bytes` has that many. */
export function requireLength(name: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError(`expected ${length} bytes of ${name}, got ${bytes.length}`)
}

/** Lengths of ChaCha20's inputs (RFC 8439, section 2.4), which are the caller's to get right. */
export function requireCipherInputs(key: Uint8Array, nonce: Uint8Array): void {
  requireLength('key', key, 32)
  requireLength('nonce', nonce, 12)
}

/** Throws RangeError unless `length` is a whole number of bytes. */
export function requireSize(length: number): void {
  if (!Number.isSafeInteger(length) || length < 0) throw new RangeError(`expected a number of bytes, got ${String(length)}`)
}

/** The compressed point with this x and an even Y, if there is one: SEC 1's prefix is all that lift_x adds. */
export function evenPoint(x: Uint8Array): Uint8Array {
  const point = new Uint8Array(33)
  point[0] = 2
  point.set(x, 1)
  return point
}

/** SEC 1 compresses an even Y to 02 and an odd one to 03. */
export function hasEvenY(point: Uint8Array): boolean {
  return point[0] === 2
}

/** Same bytes. Not constant time: for public data. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

/** One array holding the parts in order. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  let size = 0
  for (const part of parts) size += part.length
  const whole = new Uint8Array(size)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Overwrites secrets that are no longer needed. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0)
}
