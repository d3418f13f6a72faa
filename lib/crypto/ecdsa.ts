import { verify } from '@noble/secp256k1'

/**
 * ECDSA over a 32-byte digest, as Bitcoin's scripts check it: a compact 64-byte signature with low s (BIP146) by a compressed
 * key. False for anything else. Public data only.
 */
export function verifyEcdsa(signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64 || digest.length !== 32 || publicKey.length !== 33) return false
  try {
    return verify(signature, digest, publicKey, { prehash: false, lowS: true })
  } catch {
    return false
  }
}
