import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { ORDER, toBig } from '../../crypto/internal.ts'
import { taggedHash } from '../../crypto/tagged-hash.ts'

/** A compressed point, or null for infinity. */
export type MaybePoint = Uint8Array | null

export { ORDER, toBig }
export { fromBig } from '../../crypto/internal.ts'

export const POINT_BYTES = 33

/** BIP327's int(hash_tag(...)) mod n. */
export function hashToScalar(backend: ICryptoBackend, tag: string, ...parts: readonly Uint8Array[]): bigint {
  return toBig(taggedHash(backend, tag, ...parts)) % ORDER
}

/** A compressed point begins with 02 where its y is even. */
export function isEven(point: Uint8Array): boolean {
  return point[0] === 2
}

/** -P. */
export function negated(point: Uint8Array): Uint8Array {
  const negative = point.slice()
  negative[0]! ^= 1
  return negative
}

export function addPoints(backend: ICryptoBackend, a: MaybePoint, b: MaybePoint): MaybePoint {
  if (a === null) return b
  if (b === null) return a
  return backend.pointAdd(a, b)
}

export function mod(number: bigint): bigint {
  const rest = number % ORDER
  return rest < 0n ? rest + ORDER : rest
}
