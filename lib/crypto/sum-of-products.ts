import { pippenger } from '@noble/curves/abstract/curve.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import { fromBig, toBig } from './internal.ts'

/** Sums over many public points, which one backend does point by point and JavaScript far faster together. */

type CurvePoint = InstanceType<typeof secp256k1.Point>

/** Below this many terms a multi-scalar multiplication costs more than it spares. */
const TOGETHER_MIN = 3

/**
 * scalars[0] * points[0] + ..., as a compressed point, or null for infinity. Points must be valid (`backend.isPoint`), scalars
 * below n; both are public: the time depends on them. Throws RangeError for lists of different lengths, and something or other for what is no point.
 */
export function sumOfProducts(backend: ICryptoBackend, points: readonly Uint8Array[], scalars: readonly bigint[]): Uint8Array | null {
  if (points.length !== scalars.length) throw new RangeError(`expected as many scalars as points, got ${scalars.length} and ${points.length}`)
  if (backend.curve === 'noble' && points.length >= TOGETHER_MIN) {
    const terms = points.map(point => secp256k1.Point.fromBytes(point))
    return compressed(pippenger(secp256k1.Point, terms, scalars as bigint[]))
  }
  let sum: Uint8Array | null = null
  points.forEach((point, index) => {
    const scalar = scalars[index]!
    if (scalar === 0n) return
    const product = scalar === 1n && backend.isPoint(point) ? point : backend.pointMultiply(point, fromBig(scalar))
    if (product === null) throw new RangeError(`expected a compressed point at ${index}`)
    sum = sum === null ? product : backend.pointAdd(sum, product)
  })
  return sum
}

/** points[0] + points[1] + ..., likewise. */
export function sumOfPoints(backend: ICryptoBackend, points: readonly Uint8Array[]): Uint8Array | null {
  if (backend.curve === 'noble') {
    return compressed(points.reduce<CurvePoint>((sum, point) => sum.add(secp256k1.Point.fromBytes(point)), secp256k1.Point.ZERO))
  }
  let sum: Uint8Array | null = null
  for (const point of points) sum = sum === null ? point : backend.pointAdd(sum, point)
  return sum
}

/** `scalar` times the generator, or null for 0. The scalar is public. */
export function baseProduct(backend: ICryptoBackend, scalar: bigint): Uint8Array | null {
  return scalar === 0n ? null : backend.publicKeyOf(fromBig(scalar))
}

/** The number a scalar of 32 bytes says, unreduced. */
export const scalarOf = toBig

function compressed(point: CurvePoint): Uint8Array | null {
  return point.is0() ? null : point.toBytes(true)
}
