import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { ascii, concat, EMPTY } from './bytes.ts'
import { dh, newKeyPair, sha256, type KeyPair } from './keys.ts'

/** docs/wire.md, sections 3 and 4. */

export type Pattern = 'XK' | 'XX'
export const patternByte = (pattern: Pattern): number => (pattern === 'XK' ? 0 : 1)

const KEY_USES_MAX = 1_000

function hkdf(salt: Uint8Array, x: Uint8Array): [Uint8Array, Uint8Array] {
  const both = new Uint8Array(hkdfSync('sha256', x, salt, EMPTY, 64))
  return [both.slice(0, 32), both.slice(32)]
}

/** docs/wire.md, section 11; `target` and `claimed` are x-only keys, of which the second is the one that is told. */
export function sealEnvelope(target: Uint8Array, inner: Uint8Array, { oneTime = newKeyPair(), claimed = target } = {}): Uint8Array {
  const head = concat(Uint8Array.of(0x80), oneTime.point)
  const [k] = hkdf(ascii('peerweft/envelope'), dh(oneTime, concat(Uint8Array.of(2), target)))
  return concat(head, aeadSeal(k, 0, concat(head, claimed), inner))
}

function nonceOf(n: number): Uint8Array {
  const nonce = new Uint8Array(12)
  new DataView(nonce.buffer).setUint32(4, n, true)
  return nonce
}

function aeadSeal(key: Uint8Array, n: number, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('chacha20-poly1305', key, nonceOf(n), { authTagLength: 16 })
  cipher.setAAD(ad, { plaintextLength: plaintext.length })
  return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
}

function aeadOpen(key: Uint8Array, n: number, ad: Uint8Array, sealed: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('chacha20-poly1305', key, nonceOf(n), { authTagLength: 16 })
  decipher.setAAD(ad, { plaintextLength: sealed.length - 16 })
  decipher.setAuthTag(sealed.subarray(-16))
  return concat(decipher.update(sealed.subarray(0, -16)), decipher.final())
}

/** One direction of a link: section 4. */
export class Cipher {
  key: Uint8Array
  chain: Uint8Array
  n = 0

  constructor(key: Uint8Array, chain: Uint8Array) {
    this.key = key
    this.chain = chain
  }

  seal(plaintext: Uint8Array): Uint8Array {
    return this.#used(aeadSeal(this.key, this.n, EMPTY, plaintext))
  }

  /** Throws for a frame that does not open. */
  open(sealed: Uint8Array): Uint8Array {
    return this.#used(aeadOpen(this.key, this.n, EMPTY, sealed))
  }

  #used(bytes: Uint8Array): Uint8Array {
    if (++this.n === KEY_USES_MAX) {
      [this.chain, this.key] = hkdf(this.chain, this.key)
      this.n = 0
    }
    return bytes
  }
}

export interface Keys { sealing: Cipher; opening: Cipher }

export interface NoiseOptions {
  pattern: Pattern
  network: string
  key: KeyPair
  /** What stands in act two or three instead of the key's own point. */
  claimedPoint?: Uint8Array | undefined
  ephemeral?: KeyPair | undefined
}

class Symmetric {
  readonly pattern: Pattern
  readonly key: KeyPair
  readonly e: KeyPair
  protected readonly claimed: Uint8Array
  protected h: Uint8Array
  protected ck: Uint8Array
  #k: Uint8Array | undefined
  #n = 0

  constructor({ pattern, network, key, claimedPoint, ephemeral }: NoiseOptions, listener: Uint8Array | undefined) {
    this.pattern = pattern
    this.key = key
    this.claimed = claimedPoint ?? key.point
    this.e = ephemeral ?? newKeyPair()
    this.h = sha256(ascii(`Noise_${pattern}_secp256k1_ChaChaPoly_SHA256`))
    this.ck = this.h
    this.mixHash(concat(ascii('peerweft'), Uint8Array.of(1), ascii(network)))
    if (pattern === 'XK') this.mixHash(concat(Uint8Array.of(2), listener!))
  }

  protected get byte(): Uint8Array {
    return Uint8Array.of(patternByte(this.pattern))
  }

  protected mixHash(bytes: Uint8Array): Uint8Array {
    this.h = sha256(this.h, bytes)
    return bytes
  }

  protected mixKey(secret: Uint8Array): void {
    [this.ck, this.#k] = hkdf(this.ck, secret)
    this.#n = 0
  }

  protected encrypt(plaintext: Uint8Array): Uint8Array {
    return this.mixHash(this.#k === undefined ? plaintext : aeadSeal(this.#k, this.#n++, this.h, plaintext))
  }

  protected decrypt(sealed: Uint8Array): Uint8Array {
    const plaintext = this.#k === undefined ? sealed : aeadOpen(this.#k, this.#n++, this.h, sealed)
    this.mixHash(sealed)
    return plaintext
  }

  /** k1 is what the dialler seals with. */
  protected split(): [Cipher, Cipher] {
    const [k1, k2] = hkdf(this.ck, EMPTY)
    return [new Cipher(k1, this.ck), new Cipher(k2, this.ck)]
  }
}

/** The dialler. */
export class Dialler extends Symmetric {
  /** The listener's x-only key: given for XK, learned in act two for XX. */
  listener: Uint8Array | undefined
  #remoteE: Uint8Array = EMPTY

  constructor(options: NoiseOptions & { listener?: Uint8Array | undefined }) {
    super(options, options.listener)
    this.listener = options.listener
  }

  actOne(): Uint8Array {
    this.mixHash(this.e.point)
    if (this.pattern === 'XK') this.mixKey(dh(this.e, concat(Uint8Array.of(2), this.listener!)))
    return concat(this.byte, this.e.point, this.encrypt(EMPTY))
  }

  /** Throws where the tag does not open. */
  actTwo(act: Uint8Array): void {
    if (act[0] !== patternByte(this.pattern)) throw new Error(`act two of pattern ${act[0]}`)
    this.#remoteE = this.mixHash(act.slice(1, 34))
    this.mixKey(dh(this.e, this.#remoteE))
    if (this.pattern === 'XX') {
      const s = this.decrypt(act.slice(34, 83))
      this.listener = s.slice(1)
      this.mixKey(dh(this.e, s))
    }
    this.decrypt(act.slice(this.pattern === 'XX' ? 83 : 34))
  }

  actThree(hello: Uint8Array): Uint8Array {
    const s = this.encrypt(this.claimed)
    this.mixKey(dh(this.key, this.#remoteE))
    return concat(this.byte, s, this.encrypt(hello))
  }

  keys(): Keys {
    const [sealing, opening] = this.split()
    return { sealing, opening }
  }
}

/** The listener. */
export class Listener extends Symmetric {
  /** The dialler's x-only key, after act three. */
  dialler: Uint8Array | undefined
  #remoteE: Uint8Array = EMPTY

  constructor(options: NoiseOptions) {
    super(options, options.key.point.slice(1))
  }

  actOne(act: Uint8Array): void {
    if (act[0] !== patternByte(this.pattern)) throw new Error(`act one of pattern ${act[0]}`)
    this.#remoteE = this.mixHash(act.slice(1, 34))
    if (this.pattern === 'XK') this.mixKey(dh(this.key, this.#remoteE))
    this.decrypt(act.slice(34))
  }

  actTwo(): Uint8Array {
    this.mixHash(this.e.point)
    this.mixKey(dh(this.e, this.#remoteE))
    const s = this.pattern === 'XX' ? this.encrypt(this.claimed) : EMPTY
    if (this.pattern === 'XX') this.mixKey(dh(this.key, this.#remoteE))
    return concat(this.byte, this.e.point, s, this.encrypt(EMPTY))
  }

  /** The dialler's hello. */
  actThree(act: Uint8Array): Uint8Array {
    const s = this.decrypt(act.slice(1, 50))
    this.dialler = s.slice(1)
    this.mixKey(dh(this.e, s))
    return this.decrypt(act.slice(50))
  }

  keys(): Keys {
    const [opening, sealing] = this.split()
    return { sealing, opening }
  }
}
