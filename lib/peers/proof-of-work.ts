import type { IClock } from '../contracts/clock.ts'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import type { RandomBytes } from '../contracts/random.ts'
import type { ISybilCost, SybilClaim } from '../contracts/sybil-cost.ts'
import { taggedHash } from '../crypto/tagged-hash.ts'
import { utf8 } from '../foundation/bytes.ts'
import { deferOn } from '../foundation/clock.ts'

export interface ProofOfWorkOptions {
  crypto: () => Pick<ICryptoBackend, 'sha256'>
  clock: IClock
  /** Where to begin to look, so that two who look for one key share the work. */
  random: RandomBytes
}

/** docs/wire.md, section 13. */
const TAG = 'peerweft/work'
const VERSION = 1
const NONCE_BYTES = 8
const HASH_BYTES = 32
/** Others get their turn after so long, or so many hashes where the clock stands still. */
const SLICE_MS = 4
const SLICE_HASHES = 4_096
/** Between looks at the clock. */
const STRIDE = 128

/** Leading zero bits of SHA-256 over the key, the network and a nonce: 20 of them take a million hashes to find, two to check. */
export class ProofOfWork implements ISybilCost {
  readonly name = 'sha256'
  readonly #options: ProofOfWorkOptions

  constructor(options: ProofOfWorkOptions) {
    this.#options = options
  }

  levelOf(claim: SybilClaim, proof: Uint8Array): number {
    if (proof.length !== 1 + NONCE_BYTES || proof[0] !== VERSION) return 0
    const input = this.#inputFor(claim)
    input.set(proof.subarray(1), HASH_BYTES)
    return leadingZeroBits(this.#options.crypto().sha256(input))
  }

  async pay(claim: SybilClaim, level: number, { signal }: { signal: AbortSignal }): Promise<Uint8Array> {
    const input = this.#inputFor(claim)
    input.set(this.#options.random(NONCE_BYTES), HASH_BYTES)
    for (;;) {
      signal.throwIfAborted()
      if (this.#slice(input, level)) return proofFrom(input)
      await new Promise<void>(resolve => deferOn(this.#options.clock, resolve))
    }
  }

  /** True when the nonce in `input` is one. */
  #slice(input: Uint8Array, level: number): boolean {
    const { crypto, clock } = this.#options
    const backend = crypto()
    const endMs = clock.elapsedMs() + SLICE_MS
    for (let count = 0; count < SLICE_HASHES; count++) {
      if (leadingZeroBits(backend.sha256(input)) >= level) return true
      next(input)
      if (count % STRIDE === 0 && clock.elapsedMs() >= endMs) break
    }
    return false
  }

  #inputFor({ publicKey, network }: SybilClaim): Uint8Array {
    const input = new Uint8Array(HASH_BYTES + NONCE_BYTES)
    input.set(taggedHash(this.#options.crypto(), TAG, publicKey, utf8(network)))
    return input
  }
}

function proofFrom(input: Uint8Array): Uint8Array {
  const proof = new Uint8Array(1 + NONCE_BYTES)
  proof[0] = VERSION
  proof.set(input.subarray(HASH_BYTES), 1)
  return proof
}

/** Counts the nonce up, its last byte first. */
function next(input: Uint8Array): void {
  for (let index = input.length - 1; index >= HASH_BYTES; index--) {
    input[index]!++
    if (input[index] !== 0) return
  }
}

function leadingZeroBits(hash: Uint8Array): number {
  for (let index = 0; index < hash.length; index++) if (hash[index] !== 0) return 8 * index + Math.clz32(hash[index]!) - 24
  return 8 * hash.length
}
