import { nonceGen, Session } from '@scure/btc-signer/musig2.js'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { P2PError } from '../../contracts/errors.ts'
import { platformRandom } from '../../crypto/platform-random.ts'
import { wipe } from '../../foundation/bytes.ts'
import { isEven } from './points.ts'
import { verifyPartial, type SigningSession } from './signing-session.ts'

/**
 * The two steps that touch secrets, done by @scure/btc-signer. What it needs of the public side is handed to it: computed by itself it would
 * aggregate the keys anew for every signature, which takes a quarter of a second at a hundred signers.
 */

declare const unpredictable: unique symbol
/** 32 bytes that nobody can foresee. Branded, so that a seeded generator does not get here by mistake: a nonce that can be foreseen gives the key away. */
export type SecretRandom = ((length: number) => Uint8Array) & { readonly [unpredictable]: true }

/** The platform's generator. */
export const secretRandom = platformRandom as SecretRandom

/** BIP327, NonceGen: all that is known is mixed in, so that even a broken generator gives no nonce twice. */
export interface NonceInputs {
  /** 33 bytes. */
  readonly publicKey: Uint8Array
  /** 32 bytes. */
  readonly secret: Uint8Array
  /** x-only, tweaks applied. */
  readonly aggregateKey: Uint8Array
  readonly message: Uint8Array
  /** Whatever else makes this use unlike every other: a session's id and a counter. */
  readonly extra: Uint8Array
  readonly random?: SecretRandom | undefined
}

/** A secret nonce that signs once: signing takes it away, whatever comes of it. In a private field, which nothing prints, copies or serialises. */
export class SecretNonce implements Disposable {
  /** 66 bytes. */
  readonly publicNonce: Uint8Array
  #secret: Uint8Array | null

  private constructor(publicNonce: Uint8Array, secret: Uint8Array) {
    this.publicNonce = publicNonce
    this.#secret = secret
  }

  static generate({ publicKey, secret, aggregateKey, message, extra, random = secretRandom }: NonceInputs): SecretNonce {
    const rand = random(32)
    try {
      const nonces = nonceGen(publicKey, secret, aggregateKey, message, extra, rand)
      return new SecretNonce(nonces.public, nonces.secret)
    } finally {
      wipe(rand)
    }
  }

  /** False once it has signed or was dropped. */
  get isLeft(): boolean {
    return this.#secret !== null
  }

  /**
   * BIP327, Sign: 32 bytes, verified before they are given out. Throws ERR_MUSIG2_NONCE_SPENT the second time, and RangeError where the secret
   * is not that of the signer at `index`; the nonce is gone in any case.
   */
  sign(backend: ICryptoBackend, session: SigningSession, index: number, secret: Uint8Array): Uint8Array {
    const taken = this.#secret
    this.#secret = null
    if (taken === null) throw new P2PError('ERR_MUSIG2_NONCE_SPENT', 'this secret nonce has signed or was dropped: a second use would give the key away; begin another session')
    try {
      return signOnce(backend, session, index, taken, this.publicNonce, secret)
    } finally {
      wipe(taken)
    }
  }

  [Symbol.dispose](): void {
    wipe(this.#secret ?? undefined)
    this.#secret = null
  }
}

/** BIP327, Sign, with a secret nonce as bytes: for vectors; `SecretNonce` is for use. Overwrites the nonce. */
export function signOnce(backend: ICryptoBackend, session: SigningSession, index: number, secretNonce: Uint8Array, publicNonce: Uint8Array, secret: Uint8Array): Uint8Array {
  const partial = prepared(session).sign(secretNonce, secret, true)
  // A fault in between, or a library that is not the one this was written for, gives nothing away.
  if (!verifyPartial(backend, session, index, publicNonce, partial)) throw new RangeError(`the partial signature does not verify for signer ${index}: expected the secret of that key`)
  return partial
}

/** The library's session with its values filled in, instead of computed: what `Session.sign` reads in 2.4.1, which is pinned. */
function prepared({ aggregate, aggregateNonce, b, R, e }: SigningSession): Session {
  const yOf = (point: Uint8Array): { y: bigint } => ({ y: isEven(point) ? 0n : 1n })
  const { keys, gAcc, tweakAcc, listHash, secondKey, point } = aggregate
  const values = { aggNonce: aggregateNonce, publicKeys: keys, Q: yOf(point), gAcc, tweakAcc, b, R: yOf(R), e, tweaks: [], isXonly: [], L: listHash, secondKey }
  return Object.assign(Object.create(Session.prototype) as Session, values)
}
