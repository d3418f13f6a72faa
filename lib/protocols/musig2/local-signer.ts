import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { platformRandom } from '../../crypto/platform-random.ts'
import { wipe } from '../../foundation/bytes.ts'
import { SecretNonce, secretRandom, type SecretRandom } from '../../bitcoin/bip327/index.ts'
import type { IMuSig2Nonce, IMuSig2Signer, MuSig2NonceInputs } from './signer.ts'

/** A key in this process's memory, in a private field that nothing prints or copies. */
export class LocalSigner implements IMuSig2Signer, Disposable {
  readonly publicKey: Uint8Array
  readonly #backend: () => ICryptoBackend
  readonly #random: SecretRandom
  #secret: Uint8Array | null

  /** Copies the secret. Throws RangeError for bytes that are none. `random` is the platform's generator; nothing seeded fits its type. */
  constructor(secret: Uint8Array, backend: () => ICryptoBackend, random: SecretRandom = secretRandom) {
    this.publicKey = backend().publicKeyOf(secret)
    this.#secret = Uint8Array.from(secret)
    this.#backend = backend
    this.#random = random
  }

  async prove(digest: Uint8Array): Promise<Uint8Array> {
    return this.#backend().sign(digest, this.#known(), platformRandom(32))
  }

  async ecdh(point: Uint8Array): Promise<Uint8Array> {
    const shared = this.#backend().ecdh(this.#known(), point)
    if (shared === null) throw new RangeError('expected a compressed point on the curve, got other bytes')
    return shared
  }

  async nonce({ aggregateKey, message, extra }: MuSig2NonceInputs): Promise<IMuSig2Nonce> {
    const { publicKey } = this
    const nonce = SecretNonce.generate({ publicKey, secret: this.#known(), aggregateKey, message, extra, random: this.#random })
    return {
      publicNonce: nonce.publicNonce,
      sign: async (session, index) => nonce.sign(this.#backend(), session, index, this.#known()),
      [Symbol.dispose]: () => nonce[Symbol.dispose](),
    }
  }

  /** Overwrites the secret; after it everything rejects. */
  [Symbol.dispose](): void {
    wipe(this.#secret ?? undefined)
    this.#secret = null
  }

  #known(): Uint8Array {
    if (this.#secret === null) throw new RangeError('this signer was disposed: its secret is gone')
    return this.#secret
  }
}
