import { chacha20, chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { SymmetricPart } from './compose.ts'
import { requireCipherInputs, requireSize } from './internal.ts'

/** Bytes of a Poly1305 tag. */
const TAG_BYTES = 16

/** Hashing and the AEAD in pure JavaScript. */
export const nobleSymmetric: SymmetricPart = Object.freeze({
  symmetric: 'noble',
  sha256: (data: Uint8Array) => sha256(data),
  hmacSha256: (key: Uint8Array, data: Uint8Array) => hmac(sha256, key, data),

  seal(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    requireCipherInputs(key, nonce)
    return chacha20poly1305(key, nonce, associatedData).encrypt(plaintext)
  },

  open(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, sealed: Uint8Array): Uint8Array | null {
    requireCipherInputs(key, nonce)
    if (sealed.length < TAG_BYTES) return null
    const cipher = chacha20poly1305(key, nonce, associatedData)
    try {
      return cipher.decrypt(sealed)
    } catch {
      // The lengths are right, so it was the tag.
      return null
    }
  },

  stream(key: Uint8Array, nonce: Uint8Array, length: number): Uint8Array {
    requireCipherInputs(key, nonce)
    requireSize(length)
    return chacha20(key, nonce, new Uint8Array(length))
  },
})
