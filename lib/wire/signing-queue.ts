import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import { BURST_HEAD_BYTES, MESSAGE_HEAD_BYTES } from './burst.ts'
import { BURST_COUNT_MAX, BURST_PROOF_BYTES } from './frame.ts'
import { pathLength } from './merkle.ts'
import type { Draft, SignedMessage } from './signed-message.ts'

/** A message that waits for its signature. */
export interface Waiting extends Draft {
  /** False for one so large that the longer proof of a burst would make its frame too large. */
  readonly mayShare: boolean
  readonly done: (error: unknown, signed: SignedMessage | null) => void
}

/** The longest proof: that of the first message in the largest burst. */
export const PROOF_BYTES_MAX = BURST_PROOF_BYTES + 32 * pathLength(0, BURST_COUNT_MAX)
/** A whole burst has to fit into one sealed frame of 128 KiB, with some room for other parts. */
const BURST_BYTES_MAX = 112_640
/** The slowest signer in the table (345 a second) empties this in a fifth of a second. */
const WAITING_MAX = 4_096
/** Signed in a row before sockets and timers get their turn: some milliseconds by the fast backends. */
const SIGNATURES_IN_A_ROW_MAX = 16

/**
 * Gathers what is to be signed while the tick lasts or a signature is being made, and has it signed burst by burst,
 * in order.
 */
export class SigningQueue {
  readonly #limits: Pick<Limits, 'burstMessagesMax' | 'channelFrameBytesMax' | 'outboxBytesMax'>
  readonly #sign: (drafts: readonly Draft[]) => Promise<SignedMessage[]>
  readonly #giveWay: () => Promise<void>
  #inARow = 0
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #inHand: Waiting[] = []
  #running = false
  #closed: { reason: unknown } | undefined

  /** `giveWay` resolves once the tick is over: a signer in this process never leaves it by itself. */
  constructor(
    limits: Pick<Limits, 'burstMessagesMax' | 'channelFrameBytesMax' | 'outboxBytesMax'>,
    sign: (drafts: readonly Draft[]) => Promise<SignedMessage[]>,
    giveWay: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#limits = limits
    this.#sign = sign
    this.#giveWay = giveWay
  }

  /** Throws ERR_PEER_OUTBOX_FULL, or the reason the queue was closed for. */
  push(message: Waiting): void {
    if (this.#closed) throw this.#closed.reason
    if (this.#waiting.length >= WAITING_MAX || this.#waitingBytes >= this.#limits.outboxBytesMax) {
      throw new P2PError(ErrorCode.PEER_OUTBOX_FULL, `${this.#waiting.length} messages of ${this.#waitingBytes} bytes already wait to be signed; await each send, or send less`)
    }
    this.#waiting.push(message)
    this.#waitingBytes += sizeOf(message)
    if (this.#running) return
    this.#running = true
    queueMicrotask(() => void this.#run())
  }

  close(reason: unknown): void {
    if (this.#closed) return
    this.#closed = { reason }
    const all = [...this.#inHand, ...this.#waiting]
    this.#inHand = []
    this.#waiting = []
    this.#waitingBytes = 0
    callAll(all, message => message.done(reason, null))
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (this.#inARow++ < SIGNATURES_IN_A_ROW_MAX) await this.#signNext()
      else await this.#rest()
    }
    this.#running = false
  }

  async #rest(): Promise<void> {
    this.#inARow = 0
    await this.#giveWay()
  }

  async #signNext(): Promise<void> {
    this.#inHand = this.#takeBurst()
    let signed: SignedMessage[]
    try {
      signed = await this.#sign(this.#inHand)
    } catch (error) {
      return callAll(this.#takeInHand(), message => message.done(error, null))
    }
    callAll(this.#takeInHand(), (message, index) => message.done(null, signed[index]!))
  }

  /** Empty if the queue was closed meanwhile. */
  #takeInHand(): Waiting[] {
    const inHand = this.#inHand
    this.#inHand = []
    return inHand
  }

  /** As many as may share a signature, from the front. */
  #takeBurst(): Waiting[] {
    const countMax = this.#waiting[0]!.mayShare ? Math.min(this.#limits.burstMessagesMax, BURST_COUNT_MAX) : 1
    const bytesMax = Math.min(BURST_BYTES_MAX, this.#limits.channelFrameBytesMax)
    let count = 1
    let size = BURST_HEAD_BYTES + sizeOf(this.#waiting[0]!)
    for (; count < countMax && count < this.#waiting.length; count++) {
      const next = this.#waiting[count]!
      size += sizeOf(next)
      if (!next.mayShare || size > bytesMax) break
    }
    const burst = this.#waiting.splice(0, count)
    for (const message of burst) this.#waitingBytes -= sizeOf(message)
    return burst
  }
}

/** What a message takes in a whole burst. */
function sizeOf({ header, payload }: Draft): number {
  return MESSAGE_HEAD_BYTES + header.length + payload.length
}

/** Every one is called, though one of them throws: that is a bug of its caller's and surfaces as one, without stopping the others. */
function callAll(messages: readonly Waiting[], call: (message: Waiting, index: number) => void): void {
  messages.forEach((message, index) => {
    try {
      call(message, index)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  })
}
