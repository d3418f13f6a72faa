import type { ICryptoBackend } from '../contracts/crypto.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { IIdentity } from '../contracts/identity.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { drawScalar } from './draw-scalar.ts'
import { requireLength, sameBytes, wipe } from './internal.ts'
import { platformRandom } from './platform-random.ts'
import { baseBackend } from './select.ts'

export interface IdentityOptions {
  /** 32 bytes, a number from 1 to n - 1. It is copied; a fresh one is drawn when left out. */
  secret?: Uint8Array | undefined
  /** Pure JavaScript until `useBackend` gives it a faster one. */
  backend?: ICryptoBackend | undefined
  /** Makes the key when there is none, and randomizes signatures. The platform's generator by default. */
  random?: RandomBytes | undefined
}

/** An identity whose secret is in this process's memory, in a private field that nothing prints or copies. */
export interface LocalIdentity extends IIdentity, Disposable {
  /** Signs and does ECDH with this backend from now on. Throws ERR_CRYPTO_SELF_TEST_FAILED if it makes another key of the secret. */
  useBackend(backend: ICryptoBackend): void
  /** Overwrites the secret; afterwards `sign` and `ecdh` reject. Safe to call twice. */
  wipe(): void
}

/** Throws RangeError for a secret that is none. The secret is negated to an even-Y point before any use. */
export function createIdentity(options: IdentityOptions = {}): LocalIdentity {
  const random = options.random ?? platformRandom
  const backend = options.backend ?? baseBackend()
  if (options.secret !== undefined) return new SecretHolder(options.secret, backend, random)
  const drawn = generateSecret(random)
  try {
    return new SecretHolder(drawn, backend, random)
  } finally {
    wipe(drawn)
  }
}

/** A new identity that was never written down. */
export function generateIdentity(random: RandomBytes = platformRandom): LocalIdentity {
  return createIdentity({ random })
}

/** Throws RangeError for bytes that are no secret. */
export function identityFromSecret(secret: Uint8Array): LocalIdentity {
  return createIdentity({ secret })
}

/** 32 bytes for a key file: pass them to `createIdentity`, then overwrite them. */
export function generateSecret(random: RandomBytes = platformRandom): Uint8Array {
  return drawScalar(random)
}

class SecretHolder implements LocalIdentity {
  readonly #publicKey: Uint8Array
  readonly #random: RandomBytes
  #backend: ICryptoBackend
  #secret: Uint8Array | null

  constructor(secret: Uint8Array, backend: ICryptoBackend, random: RandomBytes) {
    this.#secret = backend.evenSecret(secret)
    this.#publicKey = backend.publicKeyOf(this.#secret).slice(1)
    this.#backend = backend
    this.#random = random
  }

  /** A copy each time: who writes into it changes nobody's identity. */
  get publicKey(): Uint8Array {
    return this.#publicKey.slice()
  }

  async sign(digest: Uint8Array): Promise<Uint8Array> {
    requireLength('digest', digest, 32)
    return this.#backend.sign(digest, this.#known(), this.#random(32))
  }

  async ecdh(publicKey: Uint8Array): Promise<Uint8Array> {
    const shared = this.#backend.ecdh(this.#known(), publicKey)
    if (shared === null) throw new RangeError('expected a compressed point on the curve, got other bytes')
    return shared
  }

  useBackend(backend: ICryptoBackend): void {
    if (!sameBytes(backend.publicKeyOf(this.#known()).subarray(1), this.#publicKey)) {
      throw new P2PError(ErrorCode.CRYPTO_SELF_TEST_FAILED, `crypto backend ${backend.name} derives another public key from this identity's secret`)
    }
    this.#backend = backend
  }

  wipe(): void {
    if (this.#secret !== null) wipe(this.#secret)
    this.#secret = null
  }

  [Symbol.dispose](): void {
    this.wipe()
  }

  #known(): Uint8Array {
    if (this.#secret === null) throw new RangeError('this identity was wiped: its secret is gone')
    return this.#secret
  }
}
