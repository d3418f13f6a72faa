import type { ProtocolContext } from '../../contracts/protocol.ts'
import { draw } from '../../protocol-kit/draw.ts'

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
