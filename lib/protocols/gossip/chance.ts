import type { ProtocolContext } from '../../contracts/protocol.ts'

/** What the context draws: seeded in a simulation, the platform's otherwise. */
export function draw(context: ProtocolContext, length: number): Uint8Array {
  // eslint-disable-next-line no-restricted-properties -- the context's own generator is the parameter that the rule asks for
  return context.randomBytes(length)
}

const POOL_BYTES = 1_024

/** Numbers in [0, 1), from random bytes drawn many at a time. */
export function fractions(context: ProtocolContext): () => number {
  let pool = new Uint32Array(0)
  let at = 0
  return () => {
    if (at >= pool.length) {
      pool = new Uint32Array(draw(context, POOL_BYTES).slice().buffer)
      at = 0
    }
    return pool[at++]! / 2 ** 32
  }
}
