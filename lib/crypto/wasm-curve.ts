import type { ICryptoBackend } from '../contracts/crypto.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { readClaim, verifyByParts } from './bip340.ts'
import type { CurvePart } from './compose.ts'
import { drawScalar } from './draw-scalar.ts'
import { evenPoint, hasEvenY, isScalar, requireLength, requireScalar, wipe } from './internal.ts'
import { rememberKeys } from './remember-keys.ts'

/** What we use of tiny-secp256k1 2.x: libsecp256k1 compiled to WebAssembly. */
export interface TinySecp256k1 {
  isPointCompressed(point: Uint8Array): boolean
  isXOnlyPoint(x: Uint8Array): boolean
  pointAdd(a: Uint8Array, b: Uint8Array, compressed?: boolean): Uint8Array | null
  pointCompress(point: Uint8Array, compressed?: boolean): Uint8Array
  pointFromScalar(secret: Uint8Array, compressed?: boolean): Uint8Array | null
  pointMultiply(point: Uint8Array, scalar: Uint8Array, compressed?: boolean): Uint8Array | null
  privateNegate(secret: Uint8Array): Uint8Array
  privateSub(secret: Uint8Array, other: Uint8Array): Uint8Array | null
  signSchnorr(hash: Uint8Array, secret: Uint8Array, auxRand?: Uint8Array): Uint8Array
  verifySchnorr(hash: Uint8Array, publicKey: Uint8Array, signature: Uint8Array): boolean
}

/**
 * Curve operations by tiny-secp256k1.
 *
 * Nothing that is not a point may reach its functions, apart from the two that ask. For a bad point they throw out of
 * WebAssembly, which leaves the frame on WebAssembly's own stack: after some 3,000 of them every further
 * call traps, and a stranger's bad keys would have ended all our verification (2.2.4; test/crypto/wasm.test.ts).
 */
export function createWasmCurve(tiny: TinySecp256k1, base: ICryptoBackend, random: RandomBytes): CurvePart {
  // A handshake asks of each of its points two or three times.
  const isKnownPoint = rememberKeys(point => tiny.isPointCompressed(point))
  const isPoint = (point: Uint8Array): boolean => point.length === 33 && isKnownPoint(point)
  const isKey = rememberKeys(key => tiny.isXOnlyPoint(key))

  const pointMultiply = (point: Uint8Array, scalar: Uint8Array): Uint8Array | null =>
    isPoint(point) && isScalar(scalar) ? tiny.pointMultiply(point, scalar) : null

  const pointAdd = (a: Uint8Array, b: Uint8Array): Uint8Array | null =>
    isPoint(a) && isPoint(b) ? tiny.pointAdd(a, b) : null

  function publicKeyOf(secret: Uint8Array): Uint8Array {
    requireScalar(secret)
    return tiny.pointFromScalar(secret)!
  }

  function verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
    if (publicKey.length !== 32 || !isKey(publicKey)) return false
    if (message.length === 32 && fitsTiny(signature)) return tiny.verifySchnorr(message, publicKey, signature)
    const claim = readClaim(base, signature, message, publicKey)
    return claim !== null && verifyByParts({ isPoint, pointAdd, pointMultiply, publicKeyOf }, claim)
  }

  return {
    curve: 'wasm',
    verify,
    isPoint,
    liftX: publicKey => publicKey.length === 32 && isKey(publicKey) ? evenPoint(publicKey) : null,
    pointAdd,
    pointMultiply,
    publicKeyOf,
    evenSecret: secret => hasEvenY(publicKeyOf(secret)) ? Uint8Array.from(secret) : tiny.privateNegate(secret),
    sign(message, secret, auxRand) {
      requireScalar(secret)
      requireLength('auxiliary randomness', auxRand, 32)
      // tiny signs 32 bytes, which is all the wire signs.
      return message.length === 32 ? tiny.signSchnorr(message, secret, auxRand) : base.sign(message, secret, auxRand)
    },
    ecdh(secret, point) {
      requireScalar(secret)
      if (!isPoint(point)) return null
      return hashed(base, blindedMultiply(tiny, random, point, secret))
    },
    ecdhOnce(secret, point) {
      requireScalar(secret)
      return isPoint(point) ? hashed(base, tiny.pointMultiply(point, secret)!) : null
    },
  }
}

/** SHA-256 of a shared point, which is then forgotten. */
function hashed(base: ICryptoBackend, shared: Uint8Array): Uint8Array {
  const hash = base.sha256(shared)
  wipe(shared)
  return hash
}

/** tiny throws where r or s is n or more; BIP340 allows an r up to p - 1. */
function fitsTiny(signature: Uint8Array): boolean {
  return signature.length === 64 && isScalar(signature.subarray(0, 32)) && isScalar(signature.subarray(32))
}

/**
 * secret * point, where tiny has only a multiplication whose time depends on the scalar. So the scalar is split
 * afresh each time, secret = blind + rest, and each of the two factors alone says nothing about the secret. It costs a second
 * product. Uncompressed in between, which spares two square roots.
 */
function blindedMultiply(tiny: TinySecp256k1, random: RandomBytes, point: Uint8Array, secret: Uint8Array): Uint8Array {
  const { blind, rest } = splitScalar(tiny, random, secret)
  const full = tiny.pointCompress(point, false)
  const left = tiny.pointMultiply(full, blind, false)!
  const right = tiny.pointMultiply(full, rest, false)!
  // Not infinity: blind + rest is the secret, which is not 0 mod n. Equal halves are doubled.
  const product = tiny.pointAdd(left, right, true)!
  wipe(blind, rest, left, right)
  return product
}

/** Two scalars in 1..n-1 whose sum mod n is the secret. Draws again where the blind is the secret itself. */
function splitScalar(tiny: TinySecp256k1, random: RandomBytes, secret: Uint8Array): { blind: Uint8Array; rest: Uint8Array } {
  const blind = drawScalar(random)
  const rest = tiny.privateSub(secret, blind)
  return rest === null ? splitScalar(tiny, random, secret) : { blind, rest }
}
