import type { TRefine, TUnsafe } from 'typebox'

/** How many bytes; both ends included. */
export interface BytesRange {
  min?: number
  max?: number
}

/** The schema of a `Uint8Array`. */
export type TBytes = TRefine<TUnsafe<Uint8Array>>

/**
 * The schema of a `Uint8Array` whose length lies in a range; typebox itself has none. It is
 * `Type.Refine(Type.Unsafe({}), ...)` spelt out: importing typebox for it would cost every user of this package its load time.
 */
export function Bytes(range: BytesRange = {}): TBytes {
  const { min = 0, max = Number.POSITIVE_INFINITY } = range
  const refinement = {
    check: (value: unknown) => value instanceof Uint8Array && value.length >= min && value.length <= max,
    error: () => `must be a Uint8Array of ${min} to ${max} bytes`,
  }
  const hidden = (value: unknown): PropertyDescriptor => ({ value, writable: true, enumerable: false, configurable: true })
  return Object.defineProperties({}, { '~unsafe': hidden(null), '~refine': hidden([refinement]) }) as TBytes
}
