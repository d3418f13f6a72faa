import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto'
import { Point } from '@noble/secp256k1'

/**
 * The Noise Protocol Framework, revision 34, read off its text: patterns as lists of tokens, nothing
 * shared with lib. Slow and plain, to hold lib's handshake against, byte for byte.
 */

type Token = 'e' | 's' | 'ee' | 'es' | 'se'

/** Noise 7.5: `<- s` comes before XK's first message. */
const MESSAGES: Record<'XK' | 'XX', Token[][]> = {
  XK: [['e', 'es'], ['e', 'ee'], ['s', 'se']],
  XX: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']],
}

export interface KeyPair { secret: Uint8Array; point: Uint8Array }

export function keyPair(secret: Uint8Array): KeyPair {
  return { secret, point: Point.BASE.multiply(number(secret)).toBytes(true) }
}

/** All three messages of a handshake (with docs/wire.md's leading byte), and the keys both ends share after it. */
export function referenceHandshake(
  { pattern, prologue, hello, initiator, responder }:
  { pattern: 'XK' | 'XX'; prologue: Uint8Array; hello: Uint8Array; initiator: { s: KeyPair; e: KeyPair }; responder: { s: KeyPair; e: KeyPair } },
): { acts: Uint8Array[]; k1: Uint8Array; k2: Uint8Array; ck: Uint8Array } {
  let h = hash(Buffer.from(`Noise_${pattern}_secp256k1_ChaChaPoly_SHA256`))
  let ck: Uint8Array = h
  let k: Uint8Array | undefined
  let n = 0
  const mixHash = (data: Uint8Array): void => { h = hash(h, data) }
  const mixKey = (ikm: Uint8Array): void => { [ck, k] = hkdf(ck, ikm); n = 0 }
  const encrypt = (plaintext: Uint8Array): Uint8Array => {
    const sealed = k ? aead(k, n++, h, plaintext) : plaintext
    mixHash(sealed)
    return sealed
  }
  mixHash(prologue)
  if (pattern === 'XK') mixHash(responder.s.point)

  const acts = MESSAGES[pattern].map((tokens, index) => {
    const speaker = index === 1 ? responder : initiator
    const parts: Uint8Array[] = [Uint8Array.of(pattern === 'XK' ? 0 : 1)]
    for (const token of tokens) {
      if (token === 'e') { parts.push(speaker.e.point); mixHash(speaker.e.point) }
      else if (token === 's') parts.push(encrypt(speaker.s.point))
      else mixKey(dh(initiator[token[0] as 'e' | 's'], responder[token[1] as 'e' | 's']))
    }
    parts.push(encrypt(index === 2 ? hello : new Uint8Array(0)))
    return Uint8Array.from(Buffer.concat(parts))
  })
  const [k1, k2] = hkdf(ck, new Uint8Array(0))
  return { acts, k1, k2, ck }
}

/** What the reference seals with a key for the n-th time. */
export function aead(key: Uint8Array, n: number, associatedData: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce(n), { authTagLength: 16 })
  cipher.setAAD(associatedData, { plaintextLength: plaintext.length })
  return Uint8Array.from(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]))
}

/** The plaintext; throws where the tag does not fit. */
export function unaead(key: Uint8Array, n: number, sealed: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce(n), { authTagLength: 16 })
  decipher.setAuthTag(sealed.subarray(-16))
  return Uint8Array.from(Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]))
}

function nonce(n: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeBigUInt64LE(BigInt(n), 4)
  return bytes
}

function dh(ours: KeyPair, theirs: KeyPair): Uint8Array {
  return hash(Point.fromBytes(theirs.point).multiply(number(ours.secret)).toBytes(true))
}

function hash(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(Buffer.concat(parts)).digest())
}

function hkdf(salt: Uint8Array, ikm: Uint8Array): [Uint8Array, Uint8Array] {
  const out = new Uint8Array(hkdfSync('sha256', ikm, salt, new Uint8Array(0), 64))
  return [out.slice(0, 32), out.slice(32)]
}

function number(secret: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(secret).toString('hex')}`)
}
