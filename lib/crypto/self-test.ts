import type { ICryptoBackend } from '../contracts/crypto.ts'
import { KNOWN } from './known-answers.ts'
import { fromBig, ORDER, sameBytes } from './internal.ts'

type Check = readonly [operation: string, passes: (backend: ICryptoBackend) => boolean]

/** Hashing and the cipher: microseconds each. */
const SYMMETRIC: readonly Check[] = [
  ['sha256', backend => is(backend.sha256(KNOWN.text), KNOWN.textHash)],
  ['hmacSha256', backend => is(backend.hmacSha256(KNOWN.macKey, KNOWN.macText), KNOWN.mac)],
  ['seal', backend => is(backend.seal(KNOWN.sealKey, KNOWN.sealNonce, KNOWN.sealData, KNOWN.plaintext), KNOWN.sealed)],
  ['open', backend => is(backend.open(KNOWN.sealKey, KNOWN.sealNonce, KNOWN.sealData, KNOWN.sealed), KNOWN.plaintext)],
  ['open', backend => backend.open(KNOWN.sealKey, KNOWN.sealNonce, KNOWN.sealData, flipped(KNOWN.sealed)) === null],
  ['open', backend => backend.open(KNOWN.sealKey, KNOWN.sealNonce, flipped(KNOWN.sealData), KNOWN.sealed) === null],
  ['stream', backend => is(backend.stream(ZERO, KNOWN.streamNonce, KNOWN.stream.length), KNOWN.stream)],
]

/** The curve: about 2 ms in WebAssembly, 20 ms in JavaScript. */
const CURVE: readonly Check[] = [
  ['isPoint', backend => backend.isPoint(KNOWN.oddPoint)],
  ['isPoint', backend => !backend.isPoint(point(2, KNOWN.offCurve))],
  ['liftX', backend => is(backend.liftX(KNOWN.signer), point(2, KNOWN.signer))],
  ['liftX', backend => backend.liftX(KNOWN.offCurve) === null],
  ['publicKeyOf', backend => is(backend.publicKeyOf(KNOWN.secret), point(2, KNOWN.signer))],
  ['publicKeyOf', backend => refuses(() => backend.publicKeyOf(ZERO))],
  ['evenSecret', backend => is(backend.evenSecret(KNOWN.oddSecret), fromBig(ORDER - KNOWN.oddSecretNumber))],
  ['evenSecret', backend => is(backend.evenSecret(KNOWN.secret), KNOWN.secret)],
  ['pointAdd', backend => is(backend.pointAdd(KNOWN.generator, KNOWN.generator), KNOWN.twice)],
  ['pointAdd', backend => backend.pointAdd(KNOWN.generator, point(3, KNOWN.generator.subarray(1))) === null],
  ['pointMultiply', backend => is(backend.pointMultiply(KNOWN.generator, KNOWN.secret), point(2, KNOWN.signer))],
  ['pointMultiply', backend => backend.pointMultiply(KNOWN.generator, ZERO) === null],
  ['sign', backend => is(backend.sign(KNOWN.message, KNOWN.secret, KNOWN.auxRand), KNOWN.signature)],
  ['verify', backend => backend.verify(KNOWN.signature, KNOWN.message, KNOWN.signer)],
  ['verify', backend => !backend.verify(flipped(KNOWN.signature), KNOWN.message, KNOWN.signer)],
  ['verify', backend => !backend.verify(KNOWN.signature, flipped(KNOWN.message), KNOWN.signer)],
  ['verify', backend => !backend.verify(KNOWN.signature, KNOWN.message, KNOWN.offCurve)],
  ['ecdh', backend => is(backend.ecdh(KNOWN.ecdhSecret, KNOWN.ecdhPoint), KNOWN.ecdhHash)],
  ['ecdh', backend => backend.ecdh(KNOWN.ecdhSecret, point(2, KNOWN.offCurve)) === null],
  ['ecdhOnce', backend => !backend.ecdhOnce || is(backend.ecdhOnce(KNOWN.ecdhSecret, KNOWN.ecdhPoint), KNOWN.ecdhHash)],
  ['ecdhOnce', backend => !backend.ecdhOnce || backend.ecdhOnce(KNOWN.ecdhSecret, point(2, KNOWN.offCurve)) === null],
]

const ZERO = new Uint8Array(32)

/**
 * The first operation whose known answer the backend gets wrong, or null. An engine, an addon or a build of OpenSSL may
 * be broken or may lack a cipher; it must show here, not as a forged signature accepted.
 */
export function failedOperation(backend: ICryptoBackend, part: 'all' | 'symmetric' = 'all'): string | null {
  for (const [operation, passes] of part === 'all' ? [...SYMMETRIC, ...CURVE] : SYMMETRIC) {
    if (!holds(() => passes(backend))) return operation
  }
  return null
}

function holds(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}

function refuses(operation: () => unknown): boolean {
  try {
    operation()
    return false
  } catch (error) {
    return error instanceof RangeError
  }
}

function is(answer: Uint8Array | null, expected: Uint8Array): boolean {
  return answer !== null && sameBytes(answer, expected)
}

/** The same with the lowest bit of the last byte changed: in a tag or in s, both of which end their bytes. */
function flipped(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[changed.length - 1]! ^= 1
  return changed
}

function point(prefix: 2 | 3, x: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(33)
  bytes[0] = prefix
  bytes.set(x, 1)
  return bytes
}
