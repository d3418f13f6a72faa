import type { RandomBytes } from '../contracts/random.ts'

/** `getRandomValues` fills at most this many bytes a call (Web Cryptography API). */
const FILL_BYTES_MAX = 65_536

/** Bytes from the platform's cryptographic generator. */
export const secureRandom: RandomBytes = length => {
  const bytes = new Uint8Array(length)
  for (let offset = 0; offset < length; offset += FILL_BYTES_MAX) {
    globalThis.crypto.getRandomValues(bytes.subarray(offset, offset + FILL_BYTES_MAX))
  }
  return bytes
}

const POOL_BYTES = 4096

/**
 * Serves small requests from one larger draw: a draw from the platform costs microseconds whatever
 * its size. For salts and ids, which are public; keys are drawn directly.
 */
export function pooledRandom(random: RandomBytes): RandomBytes {
  let pool = new Uint8Array(0)
  let used = 0
  return length => {
    if (length > POOL_BYTES / 4) return random(length)
    if (used + length > pool.length) {
      pool = random(POOL_BYTES).slice()
      used = 0
    }
    used += length
    return pool.slice(used - length, used)
  }
}

/** A number in [0, 1) from 48 random bits: for jitter and sampling, never for secrets. */
export function randomFraction(random: RandomBytes): number {
  const bytes = random(6)
  let value = 0
  for (const byte of bytes) value = value * 256 + byte
  return value / 2 ** 48
}
