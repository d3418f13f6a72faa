import fc from 'fast-check'

export const bytes = (min: number, max = min): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: min, maxLength: max })

/** Text of whole code points, so that UTF-8 can hold it. */
export const text = (maxLength = 40): fc.Arbitrary<string> => fc.string({ unit: 'binary', maxLength })

/** Text of 1 to `bytesMax` bytes. */
export const name = (bytesMax: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'binary', minLength: 1, maxLength: bytesMax }).filter(value => Buffer.byteLength(value) <= bytesMax)

const leaf = fc.oneof(
  fc.integer(), fc.maxSafeInteger(), fc.double(), fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
  text(), fc.string({ maxLength: 80 }), bytes(0, 80), fc.boolean(), fc.constant(null), fc.constant(undefined),
)
const key = text(30).filter(candidate => candidate !== '__proto__')

/** Whatever a payload may be. */
export const payload: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
})).value

/** One change to some bytes: a flipped bit, another byte, a cut, an insertion, a removal, two parts swapped. */
export type Mutation = (original: Uint8Array) => Uint8Array

export const mutation: fc.Arbitrary<Mutation> = fc.tuple(fc.nat(5), fc.nat(), fc.nat(), fc.nat(255)).map(([kind, a, b, byte]) => original => {
  const size = original.length
  if (size === 0) return Uint8Array.of(byte)
  const at = a % size
  const mutated = original.slice()
  switch (kind) {
    case 0: mutated[at]! ^= 1 << (b % 8); return mutated
    case 1: mutated[at] = byte; return mutated
    case 2: return mutated.subarray(0, at)
    case 3: return Uint8Array.of(...original.subarray(0, at), byte, ...original.subarray(at))
    case 4: return Uint8Array.of(...original.subarray(0, at), ...original.subarray(at + 1 + (b % 4)))
    default: return Uint8Array.of(...original.subarray(at), ...original.subarray(0, at))
  }
})
