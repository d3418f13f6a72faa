import type { ICryptoBackend } from '../contracts/crypto.ts'
import { evenPoint, fromBig, hasEvenY, isScalar, ORDER, requireCipherInputs, requireLength, requireScalar, requireSize, sameBytes, toBig } from '../crypto/internal.ts'
import { nobleSymmetric } from '../crypto/noble-symmetric.ts'
import { compareBytes, utf8 } from '../foundation/bytes.ts'
import { standInCipher, standInHash } from './stand-in-mixing.ts'
import type { Seed } from './sim-random.ts'

/** What `getStats().crypto` shows of it, so that nobody takes a simulated node for a real one. */
export const STAND_IN = 'stand-in-for-simulation-only'

const TAG_BYTES = 16
const WORDS = {
  point: utf8('point'), shared: utf8('shared'), nonce: utf8('nonce'), signature: utf8('signature'), tag: utf8('tag'), stream: utf8('stream'),
} as const

/**
 * A backend that behaves like the real ones and protects nothing: whoever knows the seed can forge everything.
 * Hashing is real; keys, signatures, agreement and sealing are mixed by `stand-in-mixing.ts`, about
 * a thousand times faster than the curve in JavaScript.
 *
 * What holds as with the real ones: who accepts and refuses what (half of all 32-byte strings are keys, a secret and
 * its negative share one, lengths and ranges are checked alike), both ends agree on a secret, one changed bit
 * fails a signature or a seal, a signature depends on its auxiliary randomness. What does not: there is no algebra, so
 * `pointAdd` and `pointMultiply` throw; protocols that compute with points run on a real backend.
 */
export function simCrypto(seed: Seed = 0): ICryptoBackend {
  const world = utf8(`${seed}`)
  const hash = (word: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array => standInHash([world, word, ...parts])

  function publicKeyOf(secret: Uint8Array): Uint8Array {
    requireScalar(secret)
    const negative = negated(secret)
    const isLess = compareBytes(secret, negative) < 0
    const point = new Uint8Array(33)
    point[0] = isLess ? 2 : 3
    point.set(hash(WORDS.point, isLess ? secret : negative), 1)
    point[32]! &= 0xfe
    return point
  }

  const sharedOf = (a: Uint8Array, b: Uint8Array): Uint8Array => {
    const [low, high] = compareBytes(a.subarray(1), b.subarray(1)) < 0 ? [a, b] : [b, a]
    return hash(WORDS.shared, low.subarray(1), high.subarray(1), Uint8Array.of(low[0]! ^ high[0]!))
  }

  const signatureOf = (nonce: Uint8Array, message: Uint8Array, publicKey: Uint8Array): Uint8Array => {
    const signature = new Uint8Array(64)
    signature.set(nonce)
    signature.set(hash(WORDS.signature, nonce, message, publicKey), 32)
    return signature
  }

  const tagOf = (key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, sealed: Uint8Array): Uint8Array =>
    standInHash([WORDS.tag, key, nonce, associatedData, sealed]).subarray(0, TAG_BYTES)

  return Object.freeze({
    name: STAND_IN,
    curve: STAND_IN,
    symmetric: STAND_IN,
    sha256: nobleSymmetric.sha256,
    hmacSha256: nobleSymmetric.hmacSha256,

    verify: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => signature.length === 64 && isKey(publicKey)
      && sameBytes(signature, signatureOf(signature.subarray(0, 32), message, publicKey)),
    isPoint,
    liftX: (publicKey: Uint8Array) => isKey(publicKey) ? evenPoint(publicKey) : null,
    pointAdd: () => noAlgebra('pointAdd'),
    pointMultiply: () => noAlgebra('pointMultiply'),

    publicKeyOf,
    evenSecret: (secret: Uint8Array) => hasEvenY(publicKeyOf(secret)) ? Uint8Array.from(secret) : negated(secret),
    sign(message: Uint8Array, secret: Uint8Array, auxRand: Uint8Array): Uint8Array {
      requireLength('auxiliary randomness', auxRand, 32)
      const publicKey = publicKeyOf(secret).subarray(1)
      return signatureOf(hash(WORDS.nonce, auxRand, message, publicKey), message, publicKey)
    },
    ecdh(secret: Uint8Array, point: Uint8Array): Uint8Array | null {
      requireScalar(secret)
      return isPoint(point) ? sharedOf(publicKeyOf(secret), point) : null
    },

    seal(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array {
      requireCipherInputs(key, nonce)
      const hidden = standInCipher([WORDS.stream, key, nonce], plaintext)
      const sealed = new Uint8Array(hidden.length + TAG_BYTES)
      sealed.set(hidden)
      sealed.set(tagOf(key, nonce, associatedData, hidden), hidden.length)
      return sealed
    },
    open(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, sealed: Uint8Array): Uint8Array | null {
      requireCipherInputs(key, nonce)
      if (sealed.length < TAG_BYTES) return null
      const hidden = sealed.subarray(0, sealed.length - TAG_BYTES)
      const fits = sameBytes(tagOf(key, nonce, associatedData, hidden), sealed.subarray(hidden.length))
      return fits ? standInCipher([WORDS.stream, key, nonce], hidden) : null
    },
    stream(key: Uint8Array, nonce: Uint8Array, length: number): Uint8Array {
      requireCipherInputs(key, nonce)
      requireSize(length)
      return standInCipher([WORDS.stream, key, nonce], new Uint8Array(length))
    },
  })
}

/** As on the curve, about every second number is the x of a point. */
function isKey(x: Uint8Array): boolean {
  return x.length === 32 && (x[31]! & 1) === 0
}

function isPoint(point: Uint8Array): boolean {
  return point.length === 33 && (point[0] === 2 || point[0] === 3) && isKey(point.subarray(1))
}

function negated(secret: Uint8Array): Uint8Array {
  return isScalar(secret) ? fromBig(ORDER - toBig(secret)) : secret
}

function noAlgebra(operation: string): never {
  throw new Error(`the simulator's stand-in has no algebra: ${operation} needs a real backend, so run this with { crypto: 'noble' }`)
}
