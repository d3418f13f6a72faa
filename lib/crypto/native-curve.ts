import type { ICryptoBackend } from '../contracts/crypto.ts'
import { readClaim, verifyByRecovery, type Recover } from './bip340.ts'
import type { CurvePart } from './compose.ts'
import { evenPoint, hasEvenY, isScalar, join, requireLength, requireScalar, wipe } from './internal.ts'
import { tagPrefix, taggedHash } from './tagged-hash.ts'

/** What we use of `secp256k1/bindings` 5.x: libsecp256k1 as a native addon. The privateKey operations write into their first argument. */
export interface Secp256k1Bindings {
  privateKeyVerify(secret: Uint8Array): boolean
  privateKeyNegate(secret: Uint8Array): Uint8Array
  privateKeyTweakAdd(secret: Uint8Array, tweak: Uint8Array): Uint8Array
  privateKeyTweakMul(secret: Uint8Array, tweak: Uint8Array): Uint8Array
  publicKeyVerify(point: Uint8Array): boolean
  publicKeyCreate(secret: Uint8Array): Uint8Array
  publicKeyCombine(points: Uint8Array[]): Uint8Array
  publicKeyTweakMul(point: Uint8Array, scalar: Uint8Array): Uint8Array
  ecdsaRecover(signature: Uint8Array, recoveryId: number, message: Uint8Array): Uint8Array
  ecdh(point: Uint8Array, secret: Uint8Array): Uint8Array
  contextRandomize(seed: Uint8Array | null): void
}

/** Curve operations by the native addon, which knows ECDSA only: BIP340 is built from its parts. */
export function createNativeCurve(addon: Secp256k1Bindings, base: ICryptoBackend): CurvePart {
  const isPoint = (point: Uint8Array): boolean => point.length === 33 && addon.publicKeyVerify(point)
  const recover: Recover = (signature, recoveryId, message) => orNull(() => addon.ecdsaRecover(signature, recoveryId, message))

  const pointAdd = (a: Uint8Array, b: Uint8Array): Uint8Array | null =>
    // Infinity is the one sum of points it throws for.
    isPoint(a) && isPoint(b) ? orNull(() => addon.publicKeyCombine([a, b])) : null

  const pointMultiply = (point: Uint8Array, scalar: Uint8Array): Uint8Array | null =>
    isPoint(point) && isScalar(scalar) ? addon.publicKeyTweakMul(point, scalar) : null

  function publicKeyOf(secret: Uint8Array): Uint8Array {
    requireScalar(secret)
    return addon.publicKeyCreate(secret)
  }

  const operations = { isPoint, pointAdd, pointMultiply, publicKeyOf }
  return {
    ...operations,
    curve: 'native',
    verify(signature, message, publicKey) {
      const claim = readClaim(base, signature, message, publicKey)
      return claim !== null && verifyByRecovery(recover, operations, claim)
    },
    liftX(publicKey) {
      if (publicKey.length !== 32) return null
      const point = evenPoint(publicKey)
      return addon.publicKeyVerify(point) ? point : null
    },
    evenSecret: secret => withEvenY(addon, secret, publicKeyOf(secret)),
    sign(message, secret, auxRand) {
      requireScalar(secret)
      requireLength('auxiliary randomness', auxRand, 32)
      return signByParts(addon, base, message, secret, auxRand) ?? base.sign(message, secret, auxRand)
    },
    ecdh(secret, point) {
      requireScalar(secret)
      // Its own hash is SHA-256 of the compressed point, which is what BOLT 8 asks for.
      return isPoint(point) ? addon.ecdh(point, secret) : null
    },
  }
}

/** The addon throws where libsecp256k1 answers no. */
function orNull(operation: () => Uint8Array): Uint8Array | null {
  try {
    return operation()
  } catch {
    return null
  }
}

/** A new array: the secret, or its negative where its point has an odd Y. */
function withEvenY(addon: Secp256k1Bindings, secret: Uint8Array, point: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(secret)
  return hasEvenY(point) ? copy : addon.privateKeyNegate(copy)
}

/**
 * BIP340 Default Signing, in its letters, on constant-time primitives. Null where the nonce or the challenge is 0 or at
 * least n (once in 2^127): the addon has no reduction, and the base backend finishes.
 */
function signByParts(addon: Secp256k1Bindings, base: ICryptoBackend, message: Uint8Array, secret: Uint8Array, auxRand: Uint8Array): Uint8Array | null {
  const P = addon.publicKeyCreate(secret)
  const px = P.subarray(1)
  const d = withEvenY(addon, secret, P)
  const rand = nonceOf(base, d, px, message, auxRand)
  let k: Uint8Array | undefined
  try {
    if (!addon.privateKeyVerify(rand)) return null
    const R = addon.publicKeyCreate(rand)
    k = withEvenY(addon, rand, R)
    const e = taggedHash(base, 'BIP0340/challenge', R.subarray(1), px, message)
    if (!addon.privateKeyVerify(e)) return null
    // d becomes e d, then s = k + e d.
    const s = addon.privateKeyTweakAdd(addon.privateKeyTweakMul(d, e), k)
    return join(R.subarray(1), s)
  } finally {
    wipe(d, rand)
    if (k !== undefined) wipe(k)
  }
}

/** rand = hash_nonce(t || bytes(P) || m), where t = d xor hash_aux(a). */
function nonceOf(base: ICryptoBackend, d: Uint8Array, px: Uint8Array, message: Uint8Array, auxRand: Uint8Array): Uint8Array {
  const t = taggedHash(base, 'BIP0340/aux', auxRand)
  for (let index = 0; index < 32; index++) t[index]! ^= d[index]!
  const preimage = join(tagPrefix(base, 'BIP0340/nonce'), t, px, message)
  const rand = base.sha256(preimage)
  wipe(t, preimage)
  return rand
}
