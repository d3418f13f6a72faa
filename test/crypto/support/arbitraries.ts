import fc from 'fast-check'
import { FIELD, fromBig, ORDER } from '../../../lib/crypto/internal.ts'
import { noble } from './backends.ts'
import { hex } from './bytes.ts'

/** fast-check's byte arrays are views of larger ones; copies make aliasing visible. */
export function bytes(minLength: number, maxLength: number = minLength): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength }).map(array => Uint8Array.from(array))
}

/** Numbers around the edges of the field and the order. */
export const EDGES: readonly bigint[] = [
  0n, 1n, 2n, ORDER - 1n, ORDER, ORDER + 1n, ORDER + 2n, FIELD - ORDER, FIELD - 3n, FIELD - 1n, FIELD, FIELD + 1n, 2n ** 256n - 1n,
]

const edge = fc.constantFrom(...EDGES).map(fromBig)

/** A secret in 1..n-1. */
export const secret: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 5, arbitrary: fc.bigInt({ min: 1n, max: ORDER - 1n }).map(fromBig) },
  { weight: 1, arbitrary: fc.constantFrom(1n, 2n, 3n, ORDER - 2n, ORDER - 1n).map(fromBig) },
)

/** Mostly scalars, and what looks like one: edges and wrong lengths. */
export const scalar: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 3, arbitrary: secret },
  { weight: 2, arbitrary: edge },
  { weight: 1, arbitrary: fc.constantFrom(0, 31, 33).chain(size => bytes(size)) },
)

/** The x of BIP340's vector 5, which no point has. */
export const OFF_CURVE: Uint8Array = hex('eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34')

/** 32 bytes for an x: of a point, at an edge, off the curve, or any. */
export const xOnly: fc.Arbitrary<Uint8Array> = fc.oneof(
  secret.map(value => noble.publicKeyOf(value).slice(1)),
  edge,
  fc.constant(OFF_CURVE),
  bytes(32),
)

const prefixed = fc.tuple(fc.constantFrom(2, 3), xOnly).map(([prefix, x]) => Uint8Array.of(prefix, ...x))

/** Points, and bytes that look like one: edges, no such x, wrong prefixes, wrong lengths, the forms that we do not take. */
export const point: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: secret.map(value => noble.publicKeyOf(value)) },
  { weight: 3, arbitrary: prefixed },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(0, 1, 4, 5, 6, 7), xOnly).map(([prefix, x]) => Uint8Array.of(prefix, ...x)) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 32, 34, 64, 65).chain(size => bytes(size)) },
  { weight: 1, arbitrary: fc.constant(hex(
    '0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8',
  )) },
)

/** A message: mostly a digest, which is what the wire signs. */
export const message: fc.Arbitrary<Uint8Array> = fc.oneof({ weight: 2, arbitrary: bytes(32) }, { weight: 1, arbitrary: bytes(0, 200) })
