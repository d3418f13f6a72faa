import { createCipheriv, createDecipheriv, createHmac, hash } from 'node:crypto'
import type { SymmetricPart } from './compose.ts'
import { requireCipherInputs, requireSize } from './internal.ts'

/** Bytes of a Poly1305 tag. */
const TAG_BYTES = 16
const AEAD = 'chacha20-poly1305'
const AEAD_OPTIONS = { authTagLength: TAG_BYTES }

/** Hashing and the AEAD by the OpenSSL that comes with Node. */
export const nodeSymmetric: SymmetricPart = Object.freeze({
  symmetric: 'node',

  sha256(data: Uint8Array): Uint8Array {
    // In one shot (Node 20.12), and as text of one byte a letter: half the time of getting a Buffer.
    const letters = hash('sha256', data, 'binary')
    const digest = new Uint8Array(32)
    for (let index = 0; index < 32; index++) digest[index] = letters.charCodeAt(index)
    return digest
  },

  hmacSha256: (key: Uint8Array, data: Uint8Array) => plain(createHmac('sha256', key).update(data).digest()),

  seal(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    requireCipherInputs(key, nonce)
    const cipher = createCipheriv(AEAD, key, nonce, AEAD_OPTIONS)
    cipher.setAAD(associatedData, { plaintextLength: plaintext.length })
    const body = cipher.update(plaintext)
    cipher.final()
    // Not from Buffer's pool, and not zeroed first: every byte is written below.
    const sealed = Buffer.allocUnsafeSlow(body.length + TAG_BYTES)
    sealed.set(body)
    sealed.set(cipher.getAuthTag(), body.length)
    return plain(sealed)
  },

  open(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, sealed: Uint8Array): Uint8Array | null {
    requireCipherInputs(key, nonce)
    const size = sealed.length - TAG_BYTES
    if (size < 0) return null
    const decipher = createDecipheriv(AEAD, key, nonce, AEAD_OPTIONS)
    decipher.setAAD(associatedData, { plaintextLength: size })
    decipher.setAuthTag(sealed.subarray(size))
    const plaintext = decipher.update(sealed.subarray(0, size))
    try {
      decipher.final()
    } catch {
      // The tag does not fit: what was decrypted is nobody's to see.
      plaintext.fill(0)
      return null
    }
    return plain(plaintext)
  },

  stream(key: Uint8Array, nonce: Uint8Array, length: number): Uint8Array {
    requireCipherInputs(key, nonce)
    requireSize(length)
    // OpenSSL's IV is the block counter, 4 bytes little-endian, then RFC 8439's nonce.
    const iv = new Uint8Array(16)
    iv.set(nonce, 4)
    return plain(createCipheriv('chacha20', key, iv).update(new Uint8Array(length)))
  },
})

/**
 * The same bytes as a plain Uint8Array. A Buffer may be a window on a pool that holds other people's bytes, which
 * `.buffer` would show; such a one is copied.
 */
function plain(buffer: Buffer): Uint8Array {
  return buffer.byteLength === buffer.buffer.byteLength ? new Uint8Array(buffer.buffer) : Uint8Array.from(buffer)
}
