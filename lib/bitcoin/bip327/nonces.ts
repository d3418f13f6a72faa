import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { sumOfPoints } from '../../crypto/sum-of-products.ts'
import { concatBytes } from '../../foundation/bytes.ts'
import { InvalidContribution } from './contribution.ts'
import { POINT_BYTES, type MaybePoint } from './points.ts'

export const NONCE_BYTES = 2 * POINT_BYTES

/** True for a public nonce as BIP327 has it: two points, neither of them infinity. */
export function isPublicNonce(backend: ICryptoBackend, nonce: Uint8Array): boolean {
  return nonce.length === NONCE_BYTES && backend.isPoint(nonce.subarray(0, POINT_BYTES)) && backend.isPoint(nonce.subarray(POINT_BYTES))
}

/** BIP327, NonceAgg: 66 bytes, a half that is infinity as 33 zeros. Throws `InvalidContribution` naming the first nonce that is none. */
export function aggregateNonces(backend: ICryptoBackend, nonces: readonly Uint8Array[]): Uint8Array {
  if (nonces.length === 0) throw new RangeError('expected at least one nonce to aggregate, got none')
  const bad = nonces.findIndex(nonce => !isPublicNonce(backend, nonce))
  if (bad >= 0) throw new InvalidContribution(bad, 'pubnonce')
  return addNonces(backend, nonces)
}

/** The same of nonces that have been looked at (`isPublicNonce`). */
export function addNonces(backend: ICryptoBackend, nonces: readonly Uint8Array[]): Uint8Array {
  const R1 = sumOfPoints(backend, nonces.map(nonce => nonce.subarray(0, POINT_BYTES)))
  const R2 = sumOfPoints(backend, nonces.map(nonce => nonce.subarray(POINT_BYTES)))
  return concatBytes(encoded(R1), encoded(R2))
}

/** BIP327, cpoint_ext, of both halves. Throws `InvalidContribution`. */
export function readAggregateNonce(backend: ICryptoBackend, nonce: Uint8Array): [MaybePoint, MaybePoint] {
  if (nonce.length !== NONCE_BYTES) throw new InvalidContribution(null, 'aggnonce')
  const half = (start: number): MaybePoint => {
    const point = nonce.subarray(start, start + POINT_BYTES)
    if (point.every(byte => byte === 0)) return null
    if (!backend.isPoint(point)) throw new InvalidContribution(null, 'aggnonce')
    return point
  }
  return [half(0), half(POINT_BYTES)]
}

function encoded(point: MaybePoint): Uint8Array {
  return point ?? new Uint8Array(POINT_BYTES)
}
