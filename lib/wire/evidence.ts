import { aloneFrame, type BurstMessage, type BurstProof } from './burst.ts'
import { parseFrame, type Frame } from './frame.ts'

/** What stands behind a signed message. The bytes are the wire's own: read them, copy them, do not write to them. */
export interface Evidence {
  /** x-only key. */
  readonly author: Uint8Array
  readonly boot: Uint8Array
  /** SHA-256. Two headers of one author, boot, protocol and slot with different payload hashes are equivocation. */
  readonly payloadHash: Uint8Array
  readonly header: Uint8Array
  /** The message in the form that proves itself alone. */
  readonly frame: Uint8Array
  /** Of the frame: a signature, or the signature of a burst, count, index and path. */
  readonly proof: Uint8Array
}

/** Evidence that came as a frame of its own. */
export class FrameEvidence implements Evidence {
  readonly boot: Uint8Array
  readonly payloadHash: Uint8Array
  readonly #frame: Frame

  /** `frame` must belong to nobody else. */
  constructor(frame: Frame, boot: Uint8Array, payloadHash: Uint8Array) {
    this.#frame = frame
    this.boot = boot
    this.payloadHash = payloadHash
  }

  get author(): Uint8Array {
    return this.#frame.author
  }

  get header(): Uint8Array {
    return this.#frame.header
  }

  get frame(): Uint8Array {
    return this.#frame.bytes
  }

  get proof(): Uint8Array {
    return this.#frame.proof
  }
}

/** Evidence that came within a whole burst, of which it keeps what concerns this message. Its frame is made when somebody asks. */
export class BurstEvidence implements Evidence {
  readonly boot: Uint8Array
  readonly payloadHash: Uint8Array
  readonly #proof: BurstProof
  readonly #message: BurstMessage
  #frame: Frame | undefined

  /** The bytes of `proof` and `message` must belong to nobody else. */
  constructor(proof: BurstProof, message: BurstMessage, boot: Uint8Array, payloadHash: Uint8Array) {
    this.#proof = proof
    this.#message = message
    this.boot = boot
    this.payloadHash = payloadHash
  }

  get author(): Uint8Array {
    return this.#proof.author
  }

  get header(): Uint8Array {
    return this.#message.header
  }

  get frame(): Uint8Array {
    return this.#alone().bytes
  }

  get proof(): Uint8Array {
    return this.#alone().proof
  }

  #alone(): Frame {
    if (this.#frame === undefined) {
      const bytes = aloneFrame(this.#proof, this.#message)
      this.#frame = parseFrame(bytes, bytes.length)
    }
    return this.#frame
  }
}
