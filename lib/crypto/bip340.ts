import type { ICryptoBackend } from '../contracts/crypto.ts'
import { evenPoint, FIELD, fromBig, hasEvenY, join, ORDER, sameBytes, toBig } from './internal.ts'
import { taggedHash } from './tagged-hash.ts'

/** BIP340 verification out of other operations, for backends whose library has none or none for every input. */

export type Hasher = Pick<ICryptoBackend, 'sha256'>
export type PointOperations = Pick<ICryptoBackend, 'isPoint' | 'pointAdd' | 'pointMultiply' | 'publicKeyOf'>

/**
 * ECDSA key recovery (SEC 1, 4.1.6): for signature (r, s), message m and recovery id 0 or 2, with X the even-Y
 * point of x = r (id 0) or x = r + n (id 2), returns r^-1 (s X - m G) compressed; null for infinity or when there is no X.
 */
export type Recover = (signature: Uint8Array, recoveryId: 0 | 2, message: Uint8Array) => Uint8Array | null

/** What BIP340 Verify knows after its checks of range: R must be s G - e P, with x(R) = r and an even Y. */
export interface Claim {
  readonly r: Uint8Array
  readonly s: bigint
  readonly e: bigint
  readonly px: bigint
}

/**
 * BIP340 Verify up to e; null where a length or range refuses. Also refuses s = 0, as noble does: it needs k = -e d,
 * where e is a hash of k G, so nobody can make such a signature, and all backends answer alike.
 */
export function readClaim(hasher: Hasher, signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): Claim | null {
  if (signature.length !== 64 || publicKey.length !== 32) return null
  const r = signature.subarray(0, 32)
  const s = toBig(signature.subarray(32))
  const px = toBig(publicKey)
  if (toBig(r) >= FIELD || s === 0n || s >= ORDER || px >= FIELD) return null
  const e = toBig(taggedHash(hasher, 'BIP0340/challenge', r, publicKey, message)) % ORDER
  return { r, s, e, px }
}

/**
 * One key recovery instead of two products and a sum. Recovery gives Q = r^-1 (s X - m G) for any r, s and m we like.
 * With X = P (so r = x(P)), s = -e x(P) and m = -s x(P) that is Q = s G - e P, the R that BIP340 asks for.
 * Exact for every input: P off the curve and R at infinity make the recovery fail; an x(P) of n or more takes
 * recovery id 2; and where recovery refuses a zero (x(P) = n, which is on the curve, or e = 0) we go by parts.
 */
export function verifyByRecovery(recover: Recover, curve: PointOperations, claim: Claim): boolean {
  const x = claim.px % ORDER
  if (x === 0n || claim.e === 0n) return verifyByParts(curve, claim)
  const minusX = ORDER - x
  const signature = join(fromBig(x), fromBig(claim.e * minusX % ORDER))
  const R = recover(signature, claim.px < ORDER ? 0 : 2, fromBig(claim.s * minusX % ORDER))
  return isTheR(R, claim)
}

/** s G - e P as it is written: about three times the work of a verification. */
export function verifyByParts(curve: PointOperations, claim: Claim): boolean {
  const P = evenPoint(fromBig(claim.px))
  if (!curve.isPoint(P)) return false
  const sG = curve.publicKeyOf(fromBig(claim.s))
  if (claim.e === 0n) return isTheR(sG, claim)
  const minusEP = curve.pointMultiply(P, fromBig(ORDER - claim.e))
  return minusEP !== null && isTheR(curve.pointAdd(sG, minusEP), claim)
}

/** BIP340 Verify: fail if R is infinite, has an odd Y, or another x than r. */
function isTheR(R: Uint8Array | null, claim: Claim): boolean {
  return R !== null && hasEvenY(R) && sameBytes(R.subarray(1), claim.r)
}
