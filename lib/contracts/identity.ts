/** Holds the node's key. A hardware or remote signer fits; nothing else ever sees the secret. */
export interface IIdentity {
  /** 32-byte x-only secp256k1 key (BIP340). */
  readonly publicKey: Uint8Array
  sign(digest: Uint8Array): Promise<Uint8Array>
  /** SHA-256 of the compressed point secret * publicKey (33 bytes in), as BOLT 8; the static key is the even-y lift. */
  ecdh(publicKey: Uint8Array): Promise<Uint8Array>
}
