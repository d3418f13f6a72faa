import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { baseProduct, sumOfProducts } from '../../crypto/sum-of-products.ts'
import { concatBytes, equalBytes } from '../../foundation/bytes.ts'
import { InvalidContribution } from './contribution.ts'
import type { AggregateKey } from './key-aggregation.ts'
import { isPublicNonce, readAggregateNonce } from './nonces.ts'
import { addPoints, fromBig, hashToScalar, isEven, mod, negated, ORDER, POINT_BYTES, toBig } from './points.ts'

/** The x of the generator (SEC 2), whose y is even: what BIP327 goes on with where the nonces add up to infinity, so that the cheater shows. */
const G = Uint8Array.from('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'.match(/../g)!, digits => Number.parseInt(digits, 16))

/** BIP327's session context with its values computed once; everything in it is public. */
export interface SigningSession {
  readonly aggregate: AggregateKey
  /** 66 bytes. */
  readonly aggregateNonce: Uint8Array
  readonly message: Uint8Array
  /** The nonces' coefficient. */
  readonly b: bigint
  /** R, compressed: 33 bytes. */
  readonly R: Uint8Array
  /** BIP340's challenge. */
  readonly e: bigint
}

/** BIP327, GetSessionValues. Throws `InvalidContribution` for an aggregate nonce that is none. */
export function signingSession(backend: ICryptoBackend, aggregate: AggregateKey, aggregateNonce: Uint8Array, message: Uint8Array): SigningSession {
  const [R1, R2] = readAggregateNonce(backend, aggregateNonce)
  const b = hashToScalar(backend, 'MuSig/noncecoef', aggregateNonce, aggregate.publicKey, message)
  const bR2 = R2 === null || b === 0n ? null : backend.pointMultiply(R2, fromBig(b))
  const R = addPoints(backend, R1, bR2) ?? G
  const e = hashToScalar(backend, 'BIP0340/challenge', R.subarray(1), aggregate.publicKey, message)
  return { aggregate, aggregateNonce, message, b, R, e }
}

/**
 * BIP327, PartialSigVerifyInternal, for the signer at `index`. False for what is not a partial signature over exactly this session. Throws
 * `InvalidContribution` where the signer's own public nonce is none.
 */
export function verifyPartial(backend: ICryptoBackend, session: SigningSession, index: number, publicNonce: Uint8Array, partial: Uint8Array): boolean {
  const { aggregate, b, R, e } = session
  if (!isPublicNonce(backend, publicNonce)) throw new InvalidContribution(index, 'pubnonce')
  const key = aggregate.keys[index]
  const coefficient = aggregate.coefficients[index]
  if (key === undefined || coefficient === undefined) throw new RangeError(`expected the index of one of ${aggregate.keys.length} signers, got ${index}`)
  if (partial.length !== 32) return false
  const s = toBig(partial)
  if (s >= ORDER) return false
  const [R1, R2] = [publicNonce.subarray(0, POINT_BYTES), publicNonce.subarray(POINT_BYTES)]
  const sign = isEven(R) ? 1n : ORDER - 1n
  const g = mod((isEven(aggregate.point) ? 1n : ORDER - 1n) * aggregate.gAcc)
  // Re* + e a g' P, with Re* = +-(R1 + b R2).
  const right = sumOfProducts(backend, [isEven(R) ? R1 : negated(R1), R2, key], [1n, mod(sign * b), mod(e * coefficient * g)])
  const left = baseProduct(backend, s)
  return left === null || right === null ? left === right : equalBytes(left, right)
}

/** BIP327, PartialSigAgg: 64 bytes, to be verified as a BIP340 signature. Throws `InvalidContribution` naming the first that is not a number below n. */
export function aggregatePartials(session: SigningSession, partials: readonly Uint8Array[]): Uint8Array {
  const { aggregate, R, e } = session
  if (partials.length !== aggregate.keys.length) throw new RangeError(`expected ${aggregate.keys.length} partial signatures, got ${partials.length}`)
  let s = 0n
  partials.forEach((partial, index) => {
    const si = partial.length === 32 ? toBig(partial) : ORDER
    if (si >= ORDER) throw new InvalidContribution(index, 'psig')
    s += si
  })
  const g = isEven(aggregate.point) ? 1n : ORDER - 1n
  return concatBytes(R.subarray(1), fromBig(mod(s + e * g * aggregate.tweakAcc)))
}
