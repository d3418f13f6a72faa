import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { isScalar } from './internal.ts'

/** A good generator misses once in 2^128 draws, so eight misses in a row are not bad luck. */
const DRAWS_MAX = 8

/**
 * A random scalar in 1..n-1. Throws ERR_CRYPTO_SELF_TEST_FAILED when the generator cannot give one:
 * a source of zeros must not become a key. The caller may overwrite what it gets: random bytes are fresh each time.
 */
export function drawScalar(random: RandomBytes): Uint8Array {
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const scalar = random(32)
    if (isScalar(scalar)) return scalar
  }
  throw new P2PError(ErrorCode.CRYPTO_SELF_TEST_FAILED, `expected random bytes that make a secret, got none in ${DRAWS_MAX} draws`)
}
