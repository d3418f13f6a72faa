import type { IClock } from '../contracts/clock.ts'
import type { DisconnectReason } from '../contracts/peer.ts'
import type { IChannel } from '../contracts/transport.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { AsyncQueue } from '../foundation/async-queue.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { channelClosed, frameTooLarge } from './transport-error.ts'
import type { TransportLimits } from './transport-limits.ts'

export interface ChannelSetup {
  direction: 'inbound' | 'outbound'
  remoteAddress: string
  clock: IClock
  limits: TransportLimits
  /** What the listener said with its answer. */
  greeting?: Uint8Array | undefined
}

/** Awaited again and again: what `send` returns while there is room. */
const ROOM: Promise<void> = Promise.resolve()

/** An empty frame is not free either. */
const sizeOfFrame = (frame: Uint8Array): number => frame.length + 64

/**
 * What every channel has in common: incoming frames wait in a bounded queue, senders wait for room,
 * and an end is met in order. A transport adds how bytes leave (`write`), how reading is held up
 * (`holdReading`) and how its socket is closed (`shut`).
 */
export abstract class ChannelBase implements IChannel {
  readonly direction: 'inbound' | 'outbound'
  readonly remoteAddress: string
  readonly greeting: Uint8Array | undefined
  protected readonly clock: IClock
  protected readonly limits: TransportLimits
  readonly #unread: AsyncQueue<Uint8Array>
  #frameBytesMax: number
  #closing: Promise<void> | undefined
  #closeReason: DisconnectReason | undefined
  #error: Error | undefined
  #room: { promise: Promise<void>; resolve(): void; reject(error: Error): void } | undefined

  constructor({ direction, remoteAddress, clock, limits, greeting }: ChannelSetup) {
    this.direction = direction
    this.remoteAddress = remoteAddress
    this.greeting = greeting
    this.clock = clock
    this.limits = limits
    this.#frameBytesMax = limits.handshakeFrameBytesMax
    this.#unread = new AsyncQueue({
      sizeOf: sizeOfFrame,
      sizeHigh: limits.unreadBytesHigh,
      countHigh: limits.unreadFramesHigh,
      onRoom: () => this.holdReading(false),
    })
  }

  /** Each may be a view of a larger buffer: copy what you keep for long. */
  get frames(): AsyncIterable<Uint8Array> {
    return this.#unread
  }

  /** Why it ended, once it has: as given to `close` here, or as the other side gave it. */
  get closeReason(): DisconnectReason | undefined {
    return this.#closeReason
  }

  get frameBytesMax(): number {
    return this.#frameBytesMax
  }

  setFrameBytesMax(bytes: number): void {
    if (!(bytes > 0)) throw new RangeError(`a frame limit must be a number above 0, got ${String(bytes)}`)
    this.#frameBytesMax = bytes
  }

  /**
   * Hands a frame on, in the order of calls, and resolves when there is room for the next. The bytes must
   * not change until they have left. Cancelling ends the waiting; the frame still leaves. Rejects with
   * ERR_TRANSPORT_FRAME_TOO_LARGE or ERR_TRANSPORT_CHANNEL_CLOSED.
   */
  send(frame: Uint8Array, options?: WaitOptions): Promise<void> {
    if (this.ended || !this.writable) return Promise.reject(channelClosed(this.remoteAddress, this.#error))
    if (frame.length > this.limits.channelFrameBytesMax) {
      return Promise.reject(frameTooLarge(this.remoteAddress, frame.length, this.limits.channelFrameBytesMax))
    }
    // The cast: a signal's reason may be anything, and is handed on as it is.
    if (options?.signal?.aborted) return Promise.reject(options.signal.reason as Error)
    return this.write(frame) ? ROOM : this.#waitForRoom(options)
  }

  /** Nothing is read or sent after it; what was unread is dropped. Resolves when the socket is gone. */
  close(reason: DisconnectReason = 'local'): Promise<void> {
    if (this.#closing) return this.#closing
    this.#unread.clear()
    this.finish(reason)
    return this.#closing = this.shut(this.#closeReason ?? reason)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** True once it has been closed or has broken. */
  protected get ended(): boolean {
    return this.#closeReason !== undefined
  }

  protected get unreadBytes(): number {
    return this.#unread.size
  }

  /** False where the socket has begun to close before we were told. */
  protected get writable(): boolean {
    return true
  }

  /** Hands the frame to the socket; false when senders should wait until `tellRoom`. */
  protected abstract write(frame: Uint8Array): boolean
  protected abstract holdReading(hold: boolean): void
  /** Closes the socket; resolves when it is gone, whoever closed it. Called once. */
  protected abstract shut(reason: DisconnectReason): Promise<void>

  /** A frame has arrived. */
  protected receive(frame: Uint8Array): void {
    if (this.ended) return
    if (frame.length > this.#frameBytesMax) this.breakOff(frameTooLarge(this.remoteAddress, frame.length, this.#frameBytesMax))
    else if (!this.#unread.push(frame)) this.holdReading(true)
  }

  /** The reader met with half a queue: senders may go on. */
  protected tellRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }

  /** In good order: unread frames are still read, then reading ends. */
  protected finish(reason: DisconnectReason): void {
    if (this.ended) return
    this.#closeReason = reason
    this.#unread.end()
    this.#refuseSenders()
  }

  /** Unread frames are still read, then reading throws `error`. */
  protected fail(error: Error): void {
    if (this.ended) return
    this.#closeReason = 'error'
    this.#error = error
    this.#unread.fail(error)
    this.#refuseSenders()
  }

  /** The other side broke a rule: fails here and closes the socket. */
  protected breakOff(error: Error): void {
    if (this.ended) return
    this.fail(error)
    this.#closing = this.shut('misbehaviour')
  }

  #waitForRoom(options: WaitOptions | undefined): Promise<void> {
    const { promise } = this.#room ??= newRoom()
    if (options?.signal === undefined && options?.timeoutMs === undefined) return promise
    return withDeadline(this.clock, options, () => promise, { what: `sending to ${this.remoteAddress}` })
  }

  #refuseSenders(): void {
    this.#room?.reject(channelClosed(this.remoteAddress, this.#error))
    this.#room = undefined
  }
}

function newRoom(): { promise: Promise<void>; resolve(): void; reject(error: Error): void } {
  let resolve!: () => void
  let reject!: (error: Error) => void
  const promise = new Promise<void>((onRoom, onEnd) => {
    resolve = onRoom
    reject = onEnd
  })
  // Every sender may have stopped waiting.
  promise.catch(() => {})
  return { promise, resolve, reject }
}
