/**
 * The mathematics behind the wire and the channel, behind one interface so that pure JavaScript,
 * WebAssembly and native code can stand in for each other. All of them accept and refuse the same
 * inputs: a property test holds them to it, and each passes a self-test before it is used.
 *
 * Lengths are in bytes. Points are 33-byte compressed; x-only keys and scalars are 32 bytes.
 */
export interface ICryptoBackend {
  /** The name `getStats()` shows: `noble`, `wasm` or `node`. */
  readonly name: string
  /** Where curve operations run: `noble`, `wasm` or `native`. */
  readonly curve: string
  /** Where hashing and the AEAD run: `noble` or `node`. */
  readonly symmetric: string

  /** SHA-256 (FIPS 180-4). */
  sha256(data: Uint8Array): Uint8Array
  /** HMAC-SHA-256 (RFC 2104). */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array

  // Operations on public data: they need not take constant time, and never throw on bytes from outside.

  /** BIP340 Verify, of messages of any length. False for anything that is not a valid signature, wrong lengths included. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  /** True for a 33-byte compressed point on the curve. */
  isPoint(point: Uint8Array): boolean
  /** BIP340 lift_x: the even-Y point, or null where x is not on the curve. */
  liftX(publicKey: Uint8Array): Uint8Array | null
  /** a + b, or null for infinity or an invalid point. */
  pointAdd(a: Uint8Array, b: Uint8Array): Uint8Array | null
  /** scalar * point for a public scalar, or null for infinity, an invalid point or scalar. */
  pointMultiply(point: Uint8Array, scalar: Uint8Array): Uint8Array | null

  // Operations on secrets: constant time where the backend has such an operation. They throw
  // RangeError for a secret that is not a scalar in 1..n-1.

  /** The compressed point of a secret. */
  publicKeyOf(secret: Uint8Array): Uint8Array
  /** The secret or its negative, whichever has an even-Y point. */
  evenSecret(secret: Uint8Array): Uint8Array
  /** BIP340 Sign, of messages of any length (32 bytes is the fast one), with 32 bytes of auxiliary randomness. */
  sign(message: Uint8Array, secret: Uint8Array, auxRand: Uint8Array): Uint8Array
  /** SHA-256 of the compressed point secret * point (BOLT 8), or null for an invalid point. */
  ecdh(secret: Uint8Array, point: Uint8Array): Uint8Array | null

  /**
   * The same as `ecdh` for a secret that lives for one handshake and is then forgotten. It may be faster, and take a time that
   * depends on the secret: nobody can measure the same secret often enough. Without it `ecdh` is used.
   */
  ecdhOnce?(secret: Uint8Array, point: Uint8Array): Uint8Array | null

  // ChaCha20-Poly1305 (RFC 8439): 32-byte key, 12-byte nonce, 16-byte tag at the end. A key or a nonce of
  // another length is the caller's mistake, a RangeError.

  /** Returns ciphertext || tag. */
  seal(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array
  /** Returns the plaintext, or null when the tag does not fit or there is no room for one. */
  open(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array, sealed: Uint8Array): Uint8Array | null
  /** The ChaCha20 keystream from counter 0. */
  stream(key: Uint8Array, nonce: Uint8Array, length: number): Uint8Array
}
