import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { hkdf2 } from '../../crypto/hkdf.ts'
import { EMPTY_BYTES, concatBytes, utf8, wipe } from '../../foundation/bytes.ts'
import { CipherState, NONCE_BYTES, writeNonce } from './cipher-state.ts'

/**
 * Noise 5.2, SymmetricState: what both sides have said so far (h), and the keys that follow from it
 * (ck, k). Two ends that differ in one bit of what they saw cannot open each other's next act.
 */
export class SymmetricState {
  readonly #backend: ICryptoBackend
  #h: Uint8Array
  #ck: Uint8Array
  #k: Uint8Array | undefined
  #n = 0
  #ended = false

  /** `h = H(protocol name)`: our names are longer than a hash, so Noise 5.2 does not pad them. */
  constructor(backend: ICryptoBackend, protocolName: string, prologue: Uint8Array) {
    this.#backend = backend
    this.#h = backend.sha256(utf8(protocolName))
    this.#ck = new Uint8Array(this.#h)
    this.mixHash(prologue)
  }

  mixHash(data: Uint8Array): void {
    this.#h = this.#backend.sha256(concatBytes(this.#h, data))
  }

  /** Takes the secret over: it is wiped once mixed in. */
  mixKey(secret: Uint8Array): void {
    if (this.#ended) wipe(secret)
    this.#assertAlive()
    const [ck, k] = hkdf2(this.#backend, this.#ck, secret)
    wipe(secret, this.#ck, this.#k)
    this.#ck = ck
    this.#k = k
    this.#n = 0
  }

  /** Noise 5.2, EncryptAndHash; before there is a key the plaintext itself. */
  encrypt(plaintext: Uint8Array): Uint8Array {
    this.#assertAlive()
    const sealed = this.#k === undefined ? plaintext : this.#backend.seal(this.#k, this.#takeNonce(), this.#h, plaintext)
    this.mixHash(sealed)
    return sealed
  }

  /** Noise 5.2, DecryptAndHash; null, and the end of this state, for what does not open. */
  decrypt(sealed: Uint8Array): Uint8Array | null {
    this.#assertAlive()
    const plaintext = this.#k === undefined ? sealed : this.#backend.open(this.#k, this.#takeNonce(), this.#h, sealed)
    if (plaintext === null) this.wipe()
    else this.mixHash(sealed)
    return plaintext
  }

  /** Noise 5.2, Split: what the dialler seals with, then what the listener seals with. Ends this state. */
  split(): [CipherState, CipherState] {
    this.#assertAlive()
    const [k1, k2] = hkdf2(this.#backend, this.#ck, EMPTY_BYTES)
    const states: [CipherState, CipherState] = [new CipherState(this.#backend, k1, this.#ck), new CipherState(this.#backend, k2, this.#ck)]
    wipe(k1, k2)
    this.wipe()
    return states
  }

  wipe(): void {
    this.#ended = true
    wipe(this.#ck, this.#k)
  }

  #takeNonce(): Uint8Array {
    return writeNonce(new Uint8Array(NONCE_BYTES), this.#n++)
  }

  /** A wiped key is all zeros, and no key at all would mean plaintext: neither may ever be used. */
  #assertAlive(): void {
    if (this.#ended) throw new Error('this handshake has ended')
  }
}
