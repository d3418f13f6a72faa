import type { SigningSession } from '../../bitcoin/bip327/index.ts'

/**
 * Holds one signer's key: what a wallet implements. Nothing else ever sees the secret, nor a secret nonce.
 */
export interface IMuSig2Signer {
  /** Compressed, 33 bytes: as it stands in the list of signers. */
  readonly publicKey: Uint8Array
  /** BIP340 signature of a 32-byte digest by this key: proves to the members that it is held here. The digests are tagged; none is a transaction's. */
  prove(digest: Uint8Array): Promise<Uint8Array>
  /** SHA-256 of the compressed point secret * point (33 bytes in), as `IIdentity.ecdh`: opens invitations. */
  ecdh(point: Uint8Array): Promise<Uint8Array>
  /**
   * BIP327, NonceGen. The secret half stays with the signer, in memory alone: a store, a backup or a second process that brings it back
   * would sign with it twice, and give the key away.
   */
  nonce(inputs: MuSig2NonceInputs): Promise<IMuSig2Nonce>
}

export interface MuSig2NonceInputs {
  /** x-only, 32 bytes, tweaks applied. */
  readonly aggregateKey: Uint8Array
  readonly message: Uint8Array
  /** The session's id and the signer's index: mixed in. */
  readonly extra: Uint8Array
}

/** One nonce, good for one signature. Disposing drops it. */
export interface IMuSig2Nonce extends Disposable {
  /** 66 bytes. */
  readonly publicNonce: Uint8Array
  /** BIP327, Sign, as the signer at `index`. Rejects with ERR_MUSIG2_NONCE_SPENT the second time, whatever came of the first. */
  sign(session: SigningSession, index: number): Promise<Uint8Array>
}
