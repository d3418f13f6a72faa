import { Point } from '@noble/secp256k1'
import { sha256 } from '@noble/hashes/sha2.js'
import { FIELD, fromBig, isScalar, ORDER, toBig } from '../../../lib/crypto/internal.ts'
import type { Secp256k1Bindings } from '../../../lib/crypto/native-curve.ts'

/**
 * The native addon's functions on noble, so that what we build on them is tested where the addon is not
 * installed. It throws, answers and writes into its arguments as the addon does.
 */
export function fakeBindings(): Secp256k1Bindings {
  return {
    contextRandomize() {},
    privateKeyVerify: isScalar,
    privateKeyNegate: secret => put(secret, (ORDER - toBig(secret)) % ORDER),
    privateKeyTweakAdd: (secret, tweak) => put(secret, scalar((toBig(secret) + below(tweak)) % ORDER)),
    privateKeyTweakMul: (secret, tweak) => put(secret, scalar(toBig(secret) * scalar(below(tweak)) % ORDER)),
    publicKeyVerify(point) {
      try {
        Point.fromBytes(point)
        return true
      } catch {
        return false
      }
    },
    publicKeyCreate: secret => Point.BASE.multiply(scalar(below(secret))).toBytes(),
    publicKeyCombine: points => points.map(point => Point.fromBytes(point)).reduce((sum, point) => sum.add(point)).toBytes(),
    publicKeyTweakMul: (point, tweak) => Point.fromBytes(point).multiply(scalar(below(tweak))).toBytes(),
    ecdsaRecover,
    ecdh: (point, secret) => sha256(Point.fromBytes(point).multiply(scalar(below(secret))).toBytes()),
  }
}

/** SEC 1, 4.1.6, with libsecp256k1's refusals: r or s of zero, overflow, no such point, infinity. */
function ecdsaRecover(signature: Uint8Array, recoveryId: number, message: Uint8Array): Uint8Array {
  const r = scalar(below(signature.subarray(0, 32)))
  const s = scalar(below(signature.subarray(32)))
  const x = recoveryId & 2 ? r + ORDER : r
  if (x >= FIELD) throw new Error('Public key could not be recover')
  const X = Point.fromBytes(Uint8Array.of(2 + (recoveryId & 1), ...fromBig(x)))
  const inverse = power(r, ORDER - 2n)
  const minusM = (ORDER - toBig(message) % ORDER) % ORDER
  return X.multiplyUnsafe(s * inverse % ORDER).add(Point.BASE.multiplyUnsafe(minusM * inverse % ORDER)).toBytes()
}

function below(bytes: Uint8Array): bigint {
  if (bytes.length !== 32) throw new Error('Expected 32 bytes')
  const number = toBig(bytes)
  if (number >= ORDER) throw new Error('out of range')
  return number
}

function scalar(number: bigint): bigint {
  if (number === 0n) throw new Error('zero')
  return number
}

function put(target: Uint8Array, number: bigint): Uint8Array {
  target.set(fromBig(number))
  return target
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let factor = base, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = result * factor % ORDER
    factor = factor * factor % ORDER
  }
  return result
}
