import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { ErrorCode, P2PError } from '../../contracts/errors.ts'
import { hkdf2 } from '../../crypto/hkdf.ts'
import { EMPTY_BYTES, wipe } from '../../foundation/bytes.ts'

/** BOLT 8, Lightning Message Key Rotation: a key serves this many times, then the next is derived from it. */
export const KEY_USES_MAX = 1_000
/** Poly1305, at the end of every sealed frame. */
export const TAG_BYTES = 16
export const NONCE_BYTES = 12

/**
 * One direction of a link: seals, or opens, frame after frame. Frames open in the order in which
 * they were sealed and no other; the first that does not ends the state for good.
 */
export class CipherState {
  readonly #backend: ICryptoBackend
  // Written in place before each use, so that the hot path allocates nothing: no backend keeps it.
  readonly #nonce = new Uint8Array(NONCE_BYTES)
  #key: Uint8Array
  #chainingKey: Uint8Array
  #uses = 0
  #ended = false

  /** Copies both keys; wiping the originals is the caller's duty. */
  constructor(backend: ICryptoBackend, key: Uint8Array, chainingKey: Uint8Array) {
    this.#backend = backend
    this.#key = new Uint8Array(key)
    this.#chainingKey = new Uint8Array(chainingKey)
  }

  /** Ciphertext and tag. Throws ERR_PEER_NOT_CONNECTED once wiped: zeros would be a key known to all. */
  seal(plaintext: Uint8Array): Uint8Array {
    if (this.#ended) throw new P2PError(ErrorCode.PEER_NOT_CONNECTED, 'the link has ended: nothing is sealed any more')
    const sealed = this.#backend.seal(this.#key, this.#takeNonce(), EMPTY_BYTES, plaintext)
    this.#rotateWhenDue()
    return sealed
  }

  /** The plaintext, or null for a frame that is not the next one, unchanged; from then on null for every frame. */
  open(sealed: Uint8Array): Uint8Array | null {
    if (this.#ended) return null
    const plaintext = sealed.length < TAG_BYTES ? null : this.#backend.open(this.#key, this.#takeNonce(), EMPTY_BYTES, sealed)
    if (plaintext === null) this.wipe()
    else this.#rotateWhenDue()
    return plaintext
  }

  wipe(): void {
    this.#ended = true
    wipe(this.#key, this.#chainingKey)
  }

  /** Counts before the nonce is used: were the backend to throw, it would still never serve twice. */
  #takeNonce(): Uint8Array {
    return writeNonce(this.#nonce, this.#uses++)
  }

  /** BOLT 8: `ck, k = HKDF(ck, k)`. The old pair goes at once, so that past frames stay closed whoever gets the new. */
  #rotateWhenDue(): void {
    if (this.#uses < KEY_USES_MAX) return
    const [chainingKey, key] = hkdf2(this.#backend, this.#chainingKey, this.#key)
    wipe(this.#key, this.#chainingKey)
    this.#chainingKey = chainingKey
    this.#key = key
    this.#uses = 0
  }
}

/** Noise 12.3, ChaChaPoly: 4 zero bytes, then n as 8 bytes little-endian; n stays below 2^32 here. */
export function writeNonce(nonce: Uint8Array, n: number): Uint8Array {
  nonce[4] = n
  nonce[5] = n >>> 8
  nonce[6] = n >>> 16
  nonce[7] = n >>> 24
  return nonce
}
