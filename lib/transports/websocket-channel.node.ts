import type { Duplex } from 'node:stream'
import { WebSocket, type RawData } from 'ws'
import type { DisconnectReason } from '../contracts/peer.ts'
import { deferOn } from '../foundation/clock.ts'
import { ChannelBase, type ChannelSetup } from './channel-base.ts'
import { closeCodeOf, closeReasonOf } from './close-codes.ts'
import { FrameWatch } from './frame-watch.ts'
import { channelBroken, frameTooLarge, reasonOf } from './transport-error.ts'

const SEND_OPTIONS = Object.freeze({ binary: true, compress: false })

/** The longest header a WebSocket frame can have: 2 bytes, 8 of length, 4 of mask (RFC 6455, section 5.2). */
const HEADER_BYTES_MAX = 14
/** What a frame costs besides its bytes, when sends are counted between two turns of the event loop. */
const FRAME_COST_BYTES = 64
const CONTROL_WINDOW_MS = 10_000

/** Whoever is closed for one of these may take his time to answer: we do not wait for it. */
const UNTRUSTED: ReadonlySet<DisconnectReason> = new Set(['misbehaviour', 'timeout', 'limit', 'error'])

/** One WebSocket of the `ws` package as a channel. The socket is open when it is made. */
export class WebSocketChannel extends ChannelBase {
  readonly #socket: WebSocket
  readonly #raw: Duplex
  readonly #watch: FrameWatch
  readonly #partialOverheadMax: number
  readonly #gone: Promise<void>
  #sentThisTurn = 0
  #controlFrames = 0
  #controlWindowMs = -Infinity

  constructor(socket: WebSocket, raw: Duplex, setup: ChannelSetup, onGone?: () => void) {
    super(setup)
    this.#socket = socket
    this.#raw = raw
    this.#partialOverheadMax = setup.limits.fragmentsMax * HEADER_BYTES_MAX
    this.#watch = new FrameWatch(setup.clock, setup.limits.frameTimeoutMs, this.#onLate)
    socket.on('message', this.#onMessage)
    socket.on('ping', this.#onControl)
    socket.on('pong', this.#onControl)
    socket.on('error', this.#onError)
    // After the parser's own listener, so that the frames of a read have been seen before its bytes are counted.
    raw.on('data', this.#onRead)
    this.#gone = new Promise(resolve => {
      socket.once('close', code => {
        this.#onClose(code)
        onGone?.()
        resolve()
      })
    })
  }

  protected override get writable(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  protected write(frame: Uint8Array): boolean {
    const full = this.#socket.bufferedAmount + frame.length > this.limits.sendBytesHigh
    this.#socket.send(frame, SEND_OPTIONS, full ? this.#onWritten : undefined)
    return !full && !this.#turnIsOver(frame)
  }

  /** A system that takes everything at once would let a sending loop keep out all reading: every so often it has to wait a turn. */
  #turnIsOver(frame: Uint8Array): boolean {
    this.#sentThisTurn += frame.length + FRAME_COST_BYTES
    if (this.#sentThisTurn < this.limits.sendBytesHigh) return false
    this.#sentThisTurn = 0
    deferOn(this.clock, this.#onWritten)
    return true
  }

  protected holdReading(hold: boolean): void {
    if (hold) {
      this.#watch.hold()
      this.#socket.pause()
    } else {
      this.#socket.resume()
    }
  }

  /** `ws` destroys the socket when what is queued, and the answer to the goodbye, take longer than `closeTimeoutMs`. */
  protected shut(reason: DisconnectReason): Promise<void> {
    if (UNTRUSTED.has(reason)) return this.#cutOff(reason)
    this.#socket.resume()
    this.#socket.close(closeCodeOf(reason))
    return this.#gone
  }

  /** Says why, and is gone without reading another byte. */
  #cutOff(reason: DisconnectReason): Promise<void> {
    this.#socket.pause()
    this.#socket.close(closeCodeOf(reason))
    this.#raw.end(() => this.#raw.destroy())
    return this.#gone
  }

  readonly #onWritten = (error?: Error | null): void => {
    if (!error && this.#socket.bufferedAmount < this.limits.sendBytesHigh) this.tellRoom()
  }

  readonly #onMessage = (data: RawData, isBinary: boolean): void => {
    if (!isBinary) return this.breakOff(channelBroken(this.remoteAddress, 'expected bytes, got text'))
    // `ws` hands on a Buffer unless told otherwise. A plain view of it: a Buffer's slice would share where an array's copies.
    const { buffer, byteOffset, length } = data as Buffer
    this.#watch.whole()
    this.receive(new Uint8Array(buffer, byteOffset, length))
  }

  readonly #onRead = (bytes: Uint8Array): void => {
    const partialBytes = this.#watch.read(bytes.length)
    if (partialBytes > this.frameBytesMax + this.#partialOverheadMax) {
      this.breakOff(frameTooLarge(this.remoteAddress, undefined, this.frameBytesMax))
    }
  }

  /** Pings are answered by `ws`; we send none, so pongs are counted with them. */
  readonly #onControl = (data: Uint8Array): void => {
    this.#watch.control(data.length + (this.direction === 'inbound' ? 6 : 2))
    const nowMs = this.clock.elapsedMs()
    if (nowMs - this.#controlWindowMs >= CONTROL_WINDOW_MS) {
      this.#controlWindowMs = nowMs
      this.#controlFrames = 0
    }
    if (++this.#controlFrames <= this.limits.pingsPerTenSeconds) return
    this.breakOff(channelBroken(this.remoteAddress, `expected at most ${this.limits.pingsPerTenSeconds} pings in ten seconds, got more`))
  }

  readonly #onLate = (): void => {
    this.breakOff(channelBroken(this.remoteAddress, `a frame was still unfinished after ${this.limits.frameTimeoutMs} ms`))
  }

  /** The parser refused what came, or the socket failed. */
  readonly #onError = (error: Error & { code?: string }): void => {
    const tooLarge = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
    this.breakOff(tooLarge
      ? frameTooLarge(this.remoteAddress, undefined, this.limits.channelFrameBytesMax)
      : channelBroken(this.remoteAddress, reasonOf(error), error))
  }

  #onClose(code: number): void {
    this.#watch[Symbol.dispose]()
    const reason = closeReasonOf(code)
    if (reason === undefined) this.fail(channelBroken(this.remoteAddress, `the socket ended without a goodbye (${code})`))
    else this.finish(reason)
  }
}
