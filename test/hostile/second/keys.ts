import { createECDH, createHash, randomBytes } from 'node:crypto'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { getSharedSecret, hashes, schnorr } from '@noble/secp256k1'
import { concat, hex, uint } from './bytes.ts'

/** docs/wire.md, section 1 and the tagged hashes, on node:crypto and noble. */

hashes.sha256 = message => nobleSha256(message)
hashes.hmacSha256 = (key, message) => hmac(nobleSha256, key, message)

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

/** BIP340: the hash of x under a tag in ASCII. */
export function tagged(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const prefix = sha256(Buffer.from(tag, 'ascii'))
  return sha256(prefix, prefix, ...parts)
}

/** The compressed point of a secret. */
export function pointOf(secret: Uint8Array): Uint8Array {
  const ecdh = createECDH('secp256k1')
  ecdh.setPrivateKey(secret)
  return new Uint8Array(ecdh.getPublicKey(null, 'compressed'))
}

export interface KeyPair {
  readonly secret: Uint8Array
  /** 33 bytes, compressed. */
  readonly point: Uint8Array
}

export function newKeyPair(): KeyPair {
  for (;;) {
    const secret = new Uint8Array(randomBytes(32))
    const value = toNumber(secret)
    if (value > 0n && value < ORDER) return { secret, point: pointOf(secret) }
  }
}

/** A node's key: the secret negated, where needed, so that its point has an even Y. */
export function newStaticKey(): KeyPair {
  const drawn = newKeyPair()
  return drawn.point[0] === 2 ? drawn : negated(drawn)
}

export function negated({ secret }: KeyPair): KeyPair {
  const other = uint(ORDER - toNumber(secret), 32)
  return { secret: other, point: pointOf(other) }
}

export const idOf = (key: KeyPair): string => hex(key.point.subarray(1))

/** SHA-256 of the compressed product, as in BOLT 8. */
export function dh({ secret }: KeyPair, point: Uint8Array): Uint8Array {
  return sha256(getSharedSecret(secret, point, true))
}

/** BIP340 Sign; the two multiplications by OpenSSL, which is ten times faster than JavaScript. */
export function sign(key: KeyPair, digest: Uint8Array): Uint8Array {
  const even = key.point[0] === 2 ? key : negated(key)
  const d = toNumber(even.secret)
  const x = even.point.subarray(1)
  const mask = tagged('BIP0340/aux', new Uint8Array(randomBytes(32)))
  const t = uint(d ^ toNumber(mask), 32)
  const drawn = toNumber(tagged('BIP0340/nonce', t, x, digest)) % ORDER
  const R = pointOf(uint(drawn, 32))
  const k = R[0] === 2 ? drawn : ORDER - drawn
  const e = toNumber(tagged('BIP0340/challenge', R.subarray(1), x, digest)) % ORDER
  return concat(R.subarray(1), uint((k + e * d) % ORDER, 32))
}

export function verify(signature: Uint8Array, digest: Uint8Array, author: Uint8Array): boolean {
  return schnorr.verify(signature, digest, author)
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${hex(bytes)}`)
}

/** A key whose id sorts before, or after, another's. */
export function newStaticKeyWhere(fits: (id: string) => boolean): KeyPair {
  for (;;) {
    const key = newStaticKey()
    if (fits(idOf(key))) return key
  }
}
