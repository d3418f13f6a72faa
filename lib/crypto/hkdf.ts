import type { ICryptoBackend } from '../contracts/crypto.ts'
import { join, wipe } from './internal.ts'

const FIRST = Uint8Array.of(1)
const SECOND = Uint8Array.of(2)

/** HKDF-SHA-256 (RFC 5869) with an empty info and two outputs of 32 bytes, as Noise and BOLT 8 use it. */
export function hkdf2(backend: Pick<ICryptoBackend, 'hmacSha256'>, salt: Uint8Array, ikm: Uint8Array): [Uint8Array, Uint8Array] {
  const extracted = backend.hmacSha256(salt, ikm)
  const first = backend.hmacSha256(extracted, FIRST)
  const seed = join(first, SECOND)
  const second = backend.hmacSha256(extracted, seed)
  wipe(extracted, seed)
  return [first, second]
}
