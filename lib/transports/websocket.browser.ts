import type { IClock } from '../contracts/clock.ts'
import { ErrorCode } from '../contracts/errors.ts'
import type { IChannel, ITransport } from '../contracts/transport.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { systemClock } from '../foundation/clock.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { SUBPROTOCOL } from './subprotocol.ts'
import { dialFailed, quoted, reasonOf, TransportError } from './transport-error.ts'
import { transportLimitsFrom, type TransportLimits } from './transport-limits.ts'
import { BrowserWebSocketChannel } from './websocket-channel.browser.ts'

export { TransportError } from './transport-error.ts'
export type { TransportLimits } from './transport-limits.ts'

export interface BrowserWebSocketOptions {
  clock?: IClock | undefined
  /** A whole `Limits` may be given: what concerns sockets is taken from it. */
  limits?: Partial<TransportLimits> | undefined
  /** Stands in for the platform's own `WebSocket`. */
  WebSocket?: typeof WebSocket | undefined
}

/**
 * WebSockets by the platform's own class: browsers, workers, Node from 22. It dials and cannot listen. A
 * platform cannot be asked to stop reading: a reader that falls `unreadBytesMax` behind loses its channel.
 */
export class WebSocketTransport implements ITransport<'websocket'> {
  readonly name = 'websocket'
  readonly schemes: readonly string[] = ['ws:', 'wss:']
  readonly #WebSocket: typeof WebSocket | undefined
  readonly #clock: IClock
  readonly #limits: TransportLimits

  constructor({ clock = systemClock, limits, WebSocket = globalThis.WebSocket }: BrowserWebSocketOptions = {}) {
    this.#WebSocket = WebSocket
    this.#clock = clock
    this.#limits = transportLimitsFrom(limits)
  }

  /** Throws ERR_TRANSPORT_DIAL_FAILED, and ERR_TRANSPORT_NOT_AVAILABLE where the platform has no WebSocket. */
  dial(address: string, options?: WaitOptions): Promise<IChannel> {
    return withDeadline(this.#clock, options, signal => this.#open(address, signal), {
      defaultTimeoutMs: this.#limits.dialTimeoutMs,
      what: `dialling ${quoted(address)}`,
    })
  }

  #open(address: string, signal: AbortSignal): Promise<IChannel> {
    return new Promise((resolve, reject) => {
      const socket = this.#socketTo(address)
      socket.binaryType = 'arraybuffer'
      const giveUp = (): void => socket.close()
      signal.addEventListener('abort', giveUp)
      socket.addEventListener('error', () => reject(dialFailed(address, 'no WebSocket opened there')))
      socket.addEventListener('close', () => reject(dialFailed(address, 'it closed while opening')))
      socket.addEventListener('open', () => {
        signal.removeEventListener('abort', giveUp)
        resolve(new BrowserWebSocketChannel(socket, { direction: 'outbound', remoteAddress: address, clock: this.#clock, limits: this.#limits }))
      }, { once: true })
    })
  }

  #socketTo(address: string): WebSocket {
    if (!this.#WebSocket) throw new TransportError(ErrorCode.TRANSPORT_NOT_AVAILABLE, 'this platform has no WebSocket of its own')
    if (!/^wss?:\/\//i.test(address)) throw dialFailed(address, 'expected an address such as wss://example.org')
    try {
      return new this.#WebSocket(address, SUBPROTOCOL)
    } catch (error) {
      throw dialFailed(address, reasonOf(error), error)
    }
  }
}
