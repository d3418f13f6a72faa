import Type from 'typebox'

/** How many bytes; both ends included. */
export interface BytesRange {
  min?: number
  max?: number
}

/** The schema of a `Uint8Array` whose length lies in a range; typebox itself has none. */
export function Bytes(range: BytesRange = {}) {
  const { min = 0, max = Number.POSITIVE_INFINITY } = range
  return Type.Refine(
    Type.Unsafe<Uint8Array>({}),
    value => value instanceof Uint8Array && value.length >= min && value.length <= max,
    () => `must be a Uint8Array of ${min} to ${max} bytes`,
  )
}
