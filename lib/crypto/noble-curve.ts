import { getPublicKey, hashes, Point, schnorr } from '@noble/secp256k1'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import type { CurvePart } from './compose.ts'
import { evenPoint, fromBig, hasEvenY, isScalar, ORDER, requireLength, requireScalar, toBig, wipe } from './internal.ts'

/** noble-secp256k1 brings no hashes: it signs and verifies with those it is given. This is the one place that does so. */
function wireHashes(): void {
  hashes.sha256 ??= sha256
  hashes.hmacSha256 ??= (key, message) => hmac(sha256, key, message)
}

/** Curve operations in pure JavaScript. */
export function createNobleCurve(digest: ICryptoBackend['sha256']): CurvePart {
  wireHashes()
  return {
    curve: 'noble',
    verify,
    isPoint: point => parsePoint(point) !== null,
    liftX: publicKey => publicKey.length === 32 && parsePoint(evenPoint(publicKey)) !== null ? evenPoint(publicKey) : null,
    pointAdd,
    pointMultiply,
    publicKeyOf(secret) {
      requireScalar(secret)
      return getPublicKey(secret)
    },
    evenSecret,
    sign(message, secret, auxRand) {
      requireScalar(secret)
      requireLength('auxiliary randomness', auxRand, 32)
      // Verifies what it made before it returns, so a fault in between gives nothing away (BIP340, Default Signing).
      return schnorr.sign(message, secret, auxRand)
    },
    ecdh(secret, point) {
      requireScalar(secret)
      const parsed = parsePoint(point)
      if (parsed === null) return null
      const shared = parsed.multiply(toBig(secret)).toBytes()
      const hash = digest(shared)
      wipe(shared)
      return hash
    },
  }
}

function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return schnorr.verify(signature, message, publicKey)
  } catch {
    // noble throws on wrong lengths.
    return false
  }
}

/** noble also reads 65-byte points; we have no use for them, and no other backend shall differ. */
function parsePoint(point: Uint8Array): Point | null {
  if (point.length !== 33) return null
  try {
    return Point.fromBytes(point)
  } catch {
    return null
  }
}

function pointAdd(a: Uint8Array, b: Uint8Array): Uint8Array | null {
  const left = parsePoint(a)
  const right = parsePoint(b)
  if (left === null || right === null) return null
  const sum = left.add(right)
  return sum.is0() ? null : sum.toBytes()
}

function pointMultiply(point: Uint8Array, scalar: Uint8Array): Uint8Array | null {
  if (!isScalar(scalar)) return null
  // The order is prime: a scalar below it times a point is never infinity.
  return parsePoint(point)?.multiplyUnsafe(toBig(scalar)).toBytes() ?? null
}

function evenSecret(secret: Uint8Array): Uint8Array {
  requireScalar(secret)
  return hasEvenY(getPublicKey(secret)) ? Uint8Array.from(secret) : fromBig(ORDER - toBig(secret))
}
