import type { IClock } from '../contracts/clock.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import { deferOn } from '../foundation/clock.ts'
import { wholeBurst, type SignedMessage } from '../wire/author.ts'
import { PART_HEAD_BYTES, PartKind, partsSize, writeParts, type Part } from '../wire/parts.ts'

/** One thing waiting to leave: a finished part, or a signed message that may travel with its whole burst. */
type Waiting = { readonly size: number; readonly part?: Part; readonly signed?: SignedMessage; readonly whole?: readonly Waiting[] }

/** The AEAD's tag. */
const TAG_BYTES = 16

export interface OutboxOptions {
  peerId: string
  clock: IClock
  limits: Limits
  /** Seals a plaintext and hands it to the socket; resolves when the socket has room for more. */
  transmit(plaintext: Uint8Array): Promise<void>
  /** The socket failed, or took nothing for `outboxStallMs` while bytes were waiting. */
  onBroken(error: P2PError): void
}

/**
 * What leaves for one peer, in order, packed. An idle link sends at the end of the current step; after
 * that, whatever gathers until the tick is over (or until a full frame's worth has) shares one sealed
 * frame, so that the seal, the socket and the wake-up are paid once for many messages.
 */
export class Outbox {
  readonly #options: OutboxOptions
  #urgent: Part[] = []
  #queue: (Waiting | undefined)[] = []
  /** Entries of `#queue` already sent; the array is cut when they are many. */
  #head = 0
  #bytes = 0
  #sentThisTick = false
  #flushPlanned = false
  #transmitting = false
  #progress = 0
  #stallTimer: Disposable | undefined
  #roomWaiters: (() => void)[] = []
  #idleWaiters: (() => void)[] = []
  #closed: P2PError | undefined
  /** What the last push was refused for, while nothing has left since. */
  #full: P2PError | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Bytes waiting for the socket. */
  get bytes(): number {
    return this.#bytes
  }

  /** For who is about to make something dear of it: throws ERR_PEER_OUTBOX_FULL, or why the link is gone. */
  mustBeOpen(): void {
    const reason = this.#closed ?? this.#full
    if (reason) throw reason
  }

  /** Queues a finished part. Throws ERR_PEER_OUTBOX_FULL, or why the link is gone. */
  pushPart(part: Part): Promise<void> | undefined {
    return this.#push({ size: part.body.length + PART_HEAD_BYTES, part })
  }

  /** Queues a signed message; if its whole burst leaves together it needs no path. */
  pushSigned(signed: SignedMessage): Promise<void> | undefined {
    return this.#push({ size: signed.size + PART_HEAD_BYTES, signed })
  }

  /** Queues parts that are of no use without each other: all of them or none. */
  pushParts(parts: readonly Part[]): Promise<void> | undefined {
    this.#mustHaveRoom(partsSize(parts))
    const whole: Waiting[] = []
    for (const part of parts) whole.push({ size: part.body.length + PART_HEAD_BYTES, part, whole })
    for (const waiting of whole) this.#add(waiting)
    return this.#queued()
  }

  /** Queues a control part before everything else: bounded by those who call it. */
  pushUrgent(part: Part): void {
    if (this.#closed) return
    this.#urgent.push(part)
    this.#planFlush()
  }

  /** Resolves when nothing is waiting any more, or the link is gone. */
  async idle(): Promise<void> {
    if (this.#closed || (!this.#transmitting && this.#isEmpty())) return
    await new Promise<void>(resolve => this.#idleWaiters.push(resolve))
  }

  /** Ends the outbox; later pushes throw `error`. Returns what had not left, and of what had left in part, the whole. */
  close(error: P2PError): Waiting[] {
    if (this.#closed) return []
    this.#closed = error
    this.#stallTimer?.[Symbol.dispose]()
    const rest = madeWhole(this.#queue.slice(this.#head) as Waiting[])
    this.#queue = []
    this.#urgent = []
    this.#head = 0
    this.#bytes = 0
    this.#wake(this.#roomWaiters)
    this.#wake(this.#idleWaiters)
    return rest
  }

  /** Takes over what another outbox had not sent. */
  adopt(rest: readonly Waiting[]): void {
    for (const waiting of rest) {
      this.#queue.push(waiting)
      this.#bytes += waiting.size
    }
    if (rest.length > 0) this.#planFlush()
  }

  #push(waiting: Waiting): Promise<void> | undefined {
    this.#mustHaveRoom(waiting.size)
    this.#add(waiting)
    return this.#queued()
  }

  #mustHaveRoom(size: number): void {
    if (this.#closed) throw this.#closed
    const { limits, peerId } = this.#options
    if (this.#bytes + size <= limits.outboxBytesMax || this.#bytes === 0) return
    throw this.#full = new P2PError(ErrorCode.PEER_OUTBOX_FULL, `${this.#bytes} bytes already wait for ${peerId}, which reads too slowly; await each send, or send less`, { peerId })
  }

  #add(waiting: Waiting): void {
    this.#queue.push(waiting)
    this.#bytes += waiting.size
  }

  #queued(): Promise<void> | undefined {
    this.#planFlush()
    return this.#bytes > this.#options.limits.outboxBytesHigh ? this.#room() : undefined
  }

  /** Resolves when half of the high-water mark has drained; rejects if the link goes first. */
  #room(): Promise<void> {
    this.#watchForStall()
    return new Promise<void>((resolve, reject) => {
      this.#roomWaiters.push(() => (this.#closed ? reject(this.#closed) : resolve()))
    })
  }

  #planFlush(): void {
    if (this.#transmitting) return
    if (this.#sentThisTick) {
      if (this.#bytes >= this.#options.limits.coalesceBytesMax) void this.#flush()
      return
    }
    if (this.#flushPlanned) return
    this.#flushPlanned = true
    queueMicrotask(() => {
      this.#flushPlanned = false
      if (!this.#transmitting && !this.#closed) void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    this.#transmitting = true
    this.#markTick()
    try {
      do {
        await this.#options.transmit(this.#takeFrame())
        this.#progress++
        if (this.#roomWaiters.length > 0 && this.#bytes <= this.#options.limits.outboxBytesHigh / 2) this.#wake(this.#roomWaiters)
      } while (!this.#isEmpty() && (!this.#sentThisTick || this.#bytes >= this.#options.limits.coalesceBytesMax))
    } catch (error) {
      if (!this.#closed) this.#options.onBroken(asBroken(error, this.#options.peerId))
      return
    } finally {
      this.#transmitting = false
    }
    if (this.#isEmpty()) this.#wake(this.#idleWaiters)
    else if (!this.#sentThisTick) this.#planFlush()
  }

  /** Until the tick ends, more flushes wait for a full frame's worth. */
  #markTick(): void {
    if (this.#sentThisTick) return
    this.#sentThisTick = true
    deferOn(this.#options.clock, () => {
      this.#sentThisTick = false
      if (!this.#isEmpty()) this.#planFlush()
    })
  }

  #isEmpty(): boolean {
    return this.#head === this.#queue.length && this.#urgent.length === 0
  }

  /** The next frame's plaintext: urgent parts, then as many waiting ones as fit in about `coalesceBytesMax`. */
  #takeFrame(): Uint8Array {
    const parts = this.#urgent
    this.#urgent = []
    let size = partsSize(parts)
    while (this.#head < this.#queue.length) {
      const next = this.#queue[this.#head]!
      if (size > 0 && size + next.size > this.#options.limits.coalesceBytesMax) break
      const burst = next.signed && this.#takeBurst(next.signed, size)
      if (burst) parts.push(burst)
      else {
        parts.push(next.part ?? { kind: PartKind.MESSAGE, body: next.signed!.frame })
        this.#drop(1)
      }
      size += burst ? burst.body.length + PART_HEAD_BYTES : next.size
    }
    return writeParts(parts)
  }

  /** The whole burst as one part, when all of it waits here in order and fits into this frame. */
  #takeBurst(first: SignedMessage, size: number): Part | undefined {
    const burst = first.burst
    if (burst === undefined || burst.index !== 0) return undefined
    const members = this.#queue.slice(this.#head, this.#head + burst.count).map(waiting => waiting?.signed)
    if (members.length < burst.count || members.includes(undefined)) return undefined
    const body = wholeBurst(members as SignedMessage[])
    if (body === null || size + body.length + PART_HEAD_BYTES + TAG_BYTES > this.#options.limits.channelFrameBytesMax) return undefined
    this.#drop(burst.count)
    return { kind: PartKind.BURST, body }
  }

  #drop(count: number): void {
    this.#full = undefined
    for (let taken = 0; taken < count; taken++) {
      this.#bytes -= this.#queue[this.#head]!.size
      // What has left is let go, though the queue may never run quite empty.
      this.#queue[this.#head++] = undefined
    }
    if (this.#head === this.#queue.length || this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }

  #wake(waiters: (() => void)[]): void {
    for (const wake of waiters.splice(0)) wake()
  }

  /** One timer while somebody waits for room: a socket that takes nothing for so long will not recover. */
  #watchForStall(): void {
    if (this.#stallTimer) return
    const before = this.#progress
    this.#stallTimer = this.#options.clock.schedule(this.#options.limits.outboxStallMs, () => {
      this.#stallTimer = undefined
      if (this.#closed || this.#roomWaiters.length === 0) return
      if (this.#progress !== before) return this.#watchForStall()
      const { peerId, limits } = this.#options
      this.#options.onBroken(new P2PError(ErrorCode.PEER_STALLED, `${peerId} took nothing for ${limits.outboxStallMs} ms while ${this.#bytes} bytes waited`, { peerId }))
    })
  }
}

/** The pieces of a message that had begun to leave are of no use elsewhere without those that have left. */
function madeWhole(rest: Waiting[]): Waiting[] {
  const begun = rest[0]?.whole
  if (begun === undefined) return rest
  return [...begun, ...rest.filter(waiting => waiting.whole !== begun)]
}

function asBroken(error: unknown, peerId: string): P2PError {
  if (error instanceof P2PError) return error
  return new P2PError(ErrorCode.TRANSPORT_CHANNEL_BROKEN, `the link to ${peerId} broke while sending: ${String(error)}`, { peerId, cause: error })
}
