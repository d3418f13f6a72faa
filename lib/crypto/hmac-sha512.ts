import { hmac } from '@noble/hashes/hmac.js'
import { sha512 } from '@noble/hashes/sha2.js'

/** HMAC-SHA-512 (RFC 4231), 64 bytes: what BIP32 derives by. In JavaScript on every platform; a derivation is rare. */
export function hmacSha512(key: Uint8Array, data: Uint8Array): Uint8Array {
  return hmac(sha512, key, data)
}
