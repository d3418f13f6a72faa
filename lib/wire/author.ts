import type { IClock } from '../contracts/clock.ts'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { IIdentity } from '../contracts/identity.ts'
import type { Limits } from '../contracts/limits.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { toHex } from '../foundation/hex.ts'
import { burstDigest, burstTree } from './burst.ts'
import { borrowWriter, returnWriter, type CborWriter } from './cbor-writer.ts'
import { Auth, frameSize, SIGNATURE_BYTES, WIRE_VERSION } from './frame.ts'
import { FramePool } from './frame-pool.ts'
import { messageHash } from './hashing.ts'
import { SALT_BYTES } from './header-fields.ts'
import { writeHeader, type Header } from './header.ts'
import { PlainlySigned, SignedBurst, SignedInBurst, type Draft, type SignedMessage } from './signed-message.ts'
import { PROOF_BYTES_MAX, SigningQueue, type Waiting } from './signing-queue.ts'

export { wholeBurst, type BurstPlace, type SignedMessage } from './signed-message.ts'

/** What a message is made of; whatever is missing is filled in. */
export interface OutgoingFields {
  type: string
  payload: unknown
  protocol?: string | null | undefined
  /** x-only key, 32 bytes; nobody in particular when left out. */
  to?: Uint8Array | null | undefined
  /** Unix time in milliseconds; now when left out. */
  timestamp?: number | undefined
  messageId?: string | undefined
  inReplyTo?: string | null | undefined
  slot?: string | null | undefined
}

/** Called once, with an error or with the message. */
export type SignedCallback = (error: unknown, signed: SignedMessage | null) => void

export interface AuthorOptions {
  identity: IIdentity
  crypto: () => ICryptoBackend
  /** With `defer`, long runs of signatures let sockets and timers have their turn in between. */
  clock: Pick<IClock, 'now'> & Partial<IClock>
  random: RandomBytes
  network: string
  /** 16 bytes, random at each start of the process. */
  boot: Uint8Array
  limits: Limits
  /** How large a frame of this protocol may be. Left out, the bound is what any protocol may declare. */
  messageBytesMax?: ((protocol: string | null) => number) | undefined
}

/**
 * Makes frames as one node. Messages to be signed that are asked for in one tick, or while a signature is being
 * made, share a signature: that is a burst. A lone one is signed plainly and waits for nothing.
 */
export class Author {
  readonly #options: AuthorOptions
  readonly #publicKey: Uint8Array
  readonly #messageIdPrefix: string
  readonly #queue: SigningQueue
  readonly #pool = new FramePool()
  #messageCount = 0

  constructor(options: AuthorOptions) {
    this.#options = options
    this.#publicKey = options.identity.publicKey.slice()
    this.#messageIdPrefix = `${toHex(options.boot.subarray(0, 4))}-`
    this.#queue = new SigningQueue(options.limits, drafts => this.#signed(drafts), giveWayOn(options.clock))
  }

  /** An id no other message of this author and boot has, unless a caller makes up the same. */
  nextMessageId(): string {
    return this.#messageIdPrefix + (this.#messageCount++).toString(36)
  }

  /**
   * A frame that the link itself vouches for, to be sent soon: it shares memory with others. Throws ERR_WIRE_UNENCODABLE, naming the field or the place in the
   * payload, and ERR_WIRE_FRAME_TOO_LARGE.
   */
  channelFrame(message: OutgoingFields): Uint8Array {
    const header = this.#header(message)
    const writer = borrowWriter()
    try {
      writer.byte(WIRE_VERSION)
      writer.byte(Auth.CHANNEL)
      writer.raw(this.#publicKey)
      writer.uint16(0)
      const headerStart = writer.at
      this.#write(writer, header, message.payload, headerStart)
      this.#checkSize(writer.at, header)
      return this.#pool.copy(writer.bytes, writer.at)
    } finally {
      returnWriter(writer)
    }
  }

  /**
   * Signs the message and calls `done` once: in a later microtask with the message, or with what went wrong, which
   * may be at once. That can be ERR_WIRE_UNENCODABLE, ERR_WIRE_FRAME_TOO_LARGE, ERR_PEER_OUTBOX_FULL when too many wait
   * for a signature, the signer's own error, or the reason given to `close`. Those of one burst are called one after
   * another in the order of asking, with nothing between, so that all can leave together.
   */
  sign(message: OutgoingFields, done: SignedCallback): void {
    try {
      this.#queue.push(this.#draft(message, done))
    } catch (error) {
      done(error, null)
    }
  }

  /** Fails what waits for a signature, and all that is asked for later, with `reason`. */
  close(reason: unknown): void {
    this.#queue.close(reason)
  }

  #draft(message: OutgoingFields, done: SignedCallback): Waiting {
    const header = this.#header(message)
    const writer = borrowWriter()
    try {
      const headerSize = this.#write(writer, header, message.payload)
      this.#checkSize(frameSize(SIGNATURE_BYTES, 0, writer.at), header)
      const both = writer.take()
      return {
        messageId: header.messageId,
        header: both.subarray(0, headerSize),
        payload: both.subarray(headerSize),
        mayShare: frameSize(PROOF_BYTES_MAX, 0, both.length) <= this.#options.limits.messageBytesMax,
        done,
      }
    } finally {
      returnWriter(writer)
    }
  }

  /** Appends header and payload; returns the header's size, and notes it before `headerStart` if that is given. */
  #write(writer: CborWriter, header: Header, payload: unknown, headerStart = 0): number {
    writeHeader(writer, header, this.#options.limits)
    const size = writer.at - headerStart
    if (headerStart > 0) {
      writer.bytes[headerStart - 2] = size >>> 8
      writer.bytes[headerStart - 1] = size
    }
    writer.value(payload, this.#options.limits)
    return size
  }

  #header(message: OutgoingFields): Header {
    const { clock, random, network, boot } = this.#options
    return {
      network,
      protocol: message.protocol ?? null,
      type: message.type,
      to: message.to ?? null,
      timestampMs: message.timestamp ?? clock.now(),
      boot,
      messageId: message.messageId ?? this.nextMessageId(),
      inReplyTo: message.inReplyTo ?? null,
      slot: message.slot ?? null,
      salt: random(SALT_BYTES),
    }
  }

  #checkSize(size: number, { protocol, type }: Header): void {
    const { limits, messageBytesMax } = this.#options
    const bytesMax = messageBytesMax === undefined ? limits.largeMessageBytesMax : messageBytesMax(protocol)
    if (size <= bytesMax) return
    const text = `expected a message of at most ${bytesMax} bytes as a frame, got ${size} of ${JSON.stringify(type)} in ${protocol ?? 'no protocol'}`
    throw new P2PError(ErrorCode.WIRE_FRAME_TOO_LARGE, text, { protocol: protocol ?? undefined })
  }

  /** One signature for all of them. */
  async #signed(drafts: readonly Draft[]): Promise<SignedMessage[]> {
    const { crypto, network } = this.#options
    const author = this.#publicKey
    const hashes = drafts.map(({ header, payload }) => messageHash(crypto(), author, header, payload))
    if (drafts.length === 1) return [new PlainlySigned(drafts[0]!, author, await this.#sign(hashes[0]!))]
    const tree = burstTree(crypto(), hashes)
    const signature = await this.#sign(burstDigest(crypto(), network, drafts.length, tree.root))
    const burst = new SignedBurst(author, signature, drafts, tree)
    return drafts.map((_, index) => new SignedInBurst(burst, index))
  }

  async #sign(digest: Uint8Array): Promise<Uint8Array> {
    const signature = await this.#options.identity.sign(digest)
    if (signature.length === SIGNATURE_BYTES) return signature
    throw new P2PError(ErrorCode.WIRE_BAD_SIGNATURE, `expected a signature of ${SIGNATURE_BYTES} bytes from our own signer, got ${signature.length}`)
  }
}

/** Only by a clock that knows when a tick is over: one that is stepped by hand might never step. */
function giveWayOn(clock: Partial<IClock>): (() => Promise<void>) | undefined {
  return clock.defer === undefined ? undefined : () => new Promise(resolve => clock.defer!(resolve))
}
