import type { DisconnectReason } from '../contracts/peer.ts'
import { ChannelBase, type ChannelSetup } from './channel-base.ts'
import { closeCodeOf, closeReasonOf } from './close-codes.ts'
import { channelBroken } from './transport-error.ts'

/** How often a full socket is asked whether it has room again: browsers raise timers to 4 ms anyway, and tell nobody by themselves. */
const ROOM_CHECK_MS = 4

/** WebSocket.OPEN (WebSockets Standard); a stand-in may lack the constants. */
const OPEN = 1

/** One platform WebSocket as a channel. The socket is open when it is made. */
export class BrowserWebSocketChannel extends ChannelBase {
  readonly #socket: WebSocket
  readonly #gone: Promise<void>
  #timer: Disposable | undefined

  constructor(socket: WebSocket, setup: ChannelSetup) {
    super(setup)
    this.#socket = socket
    socket.addEventListener('message', this.#onMessage)
    this.#gone = new Promise(resolve => {
      socket.addEventListener('close', event => {
        this.#onClose(event.code)
        resolve()
      }, { once: true })
    })
  }

  protected override get writable(): boolean {
    return this.#socket.readyState === OPEN
  }

  protected write(frame: Uint8Array): boolean {
    this.#socket.send(frame as Uint8Array<ArrayBuffer>)
    if (this.#socket.bufferedAmount < this.limits.sendBytesHigh) return true
    this.#timer ??= this.clock.schedule(ROOM_CHECK_MS, this.#checkRoom)
    return false
  }

  /** Impossible here: `unreadBytesMax` stands in. */
  protected holdReading(): void {}

  /** The platform may wait long for the other side's goodbye; we wait `closeTimeoutMs`. */
  protected shut(reason: DisconnectReason): Promise<void> {
    this.#socket.close(closeCodeOf(reason))
    return new Promise(resolve => {
      const timer = this.clock.schedule(this.limits.closeTimeoutMs, resolve)
      void this.#gone.then(() => {
        timer[Symbol.dispose]()
        resolve()
      })
    })
  }

  readonly #checkRoom = (): void => {
    this.#timer = undefined
    if (this.#socket.bufferedAmount < this.limits.sendBytesHigh) this.tellRoom()
    else if (!this.ended) this.#timer = this.clock.schedule(ROOM_CHECK_MS, this.#checkRoom)
  }

  readonly #onMessage = ({ data }: MessageEvent<unknown>): void => {
    if (typeof data === 'string') return this.breakOff(channelBroken(this.remoteAddress, 'expected bytes, got text'))
    this.receive(new Uint8Array(data as ArrayBuffer))
    if (this.unreadBytes <= this.limits.unreadBytesMax) return
    this.breakOff(channelBroken(this.remoteAddress, `more than ${this.limits.unreadBytesMax} bytes came and nobody read them`))
  }

  #onClose(code: number): void {
    this.#timer?.[Symbol.dispose]()
    const reason = closeReasonOf(code)
    if (reason === undefined) this.fail(channelBroken(this.remoteAddress, `the socket ended without a goodbye (${code})`))
    else this.finish(reason)
  }
}
