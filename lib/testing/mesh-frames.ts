import type { ICryptoBackend } from '../contracts/crypto.ts'
import type { P2PMessage } from '../contracts/message.ts'
import { fromHex } from '../foundation/hex.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { encodeCbor } from '../wire/cbor.ts'
import { Auth, encodeFrame, messageHash } from '../wire/frame.ts'
import { encodeHeader } from '../wire/header.ts'
import { Intake } from '../wire/intake.ts'
import type { Said } from './mesh-message.ts'
import type { SimRandom } from './sim-random.ts'
import { fingerprint } from './stand-in-mixing.ts'

/** Whoever signs. */
export interface FrameAuthor {
  readonly publicKey: Uint8Array
  readonly secret: Uint8Array
  readonly boot: Uint8Array
  readonly random: SimRandom
}

const SALT_BYTES = 16
const AUX_BYTES = 32

/**
 * Authors' frames in the wire's own shape, signed by the stand-in. A frame that travels by reference is checked once for all nodes,
 * not once for each: only so can ten thousand of them run on one core.
 */
export class MeshFrames {
  readonly #backend: ICryptoBackend
  readonly #network: string
  readonly #intake: Intake
  readonly #shares: boolean
  /** By identity, with what the bytes looked like then: whoever changes them in place gets no answer from here. */
  readonly #verified = new WeakMap<Uint8Array, { mark: number; message: P2PMessage }>()

  /** `shares`: the message of one and the same array is made once, and handed to all who verify it. */
  constructor(backend: ICryptoBackend, network: string, shares: boolean) {
    this.#backend = backend
    this.#network = network
    this.#shares = shares
    this.#intake = new Intake({
      crypto: () => backend, clock: { now: () => 0, elapsedMs: () => 0 }, limits: DEFAULT_LIMITS, network,
      publicKey: new Uint8Array(32), startedAtMs: 0, mayHaveRunBefore: false,
      leastAuth: () => 'signature', messageBytesMax: () => DEFAULT_LIMITS.largeMessageBytesMax,
    })
  }

  /** Throws ERR_WIRE_UNENCODABLE and ERR_WIRE_FRAME_TOO_LARGE. */
  author({ publicKey, secret, boot, random }: FrameAuthor, said: Said): Uint8Array {
    const header = encodeHeader({
      network: this.#network,
      protocol: said.protocol ?? null,
      type: said.type,
      to: said.to === undefined ? null : fromHex(said.to),
      timestampMs: said.timestamp,
      boot,
      messageId: said.messageId,
      inReplyTo: said.inReplyTo ?? null,
      slot: said.slot ?? null,
      salt: random.bytes(SALT_BYTES),
    })
    const payload = encodeCbor(said.payload)
    const signature = this.#backend.sign(messageHash(this.#backend, publicKey, header, payload), secret, random.bytes(AUX_BYTES))
    return encodeFrame(Auth.SIGNATURE, publicKey, signature, header, payload)
  }

  /** Checks form, proof and network. Throws ERR_WIRE_*. */
  verify(frame: Uint8Array): P2PMessage {
    if (!this.#shares) return this.#intake.verify(frame)
    const mark = fingerprint(frame)
    const known = this.#verified.get(frame)
    if (known?.mark === mark) return known.message
    const message = this.#intake.verify(frame)
    this.#verified.set(frame, { mark, message })
    return message
  }
}
