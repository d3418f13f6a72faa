import { createHash } from 'node:crypto'
import type { RandomBytes } from '../../lib/contracts/random.ts'

/** The same bytes again for the same seed. */
export function seededRandom(seed: number | string): RandomBytes {
  let block = 0
  let pool = Buffer.alloc(0)
  return length => {
    while (pool.length < length) pool = Buffer.concat([pool, createHash('sha256').update(`${seed}/${block++}`).digest()])
    const bytes = new Uint8Array(pool.subarray(0, length))
    pool = pool.subarray(length)
    return bytes
  }
}

/** A whole number below `count`. */
export function below(random: RandomBytes, count: number): number {
  const [a, b, c, d] = random(4)
  return (((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0) % count
}
