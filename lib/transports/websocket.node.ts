import type { IClock } from '../contracts/clock.ts'
import type { DialOptions, IChannel, IListener, ITransport, ListenOptions } from '../contracts/transport.ts'
import { systemClock } from '../foundation/clock.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { isLocalIp } from '../foundation/local-address.ts'
import type { ServerTls } from './http-server.node.ts'
import { quoted } from './transport-error.ts'
import { transportLimitsFrom, type TransportLimits } from './transport-limits.ts'
import type { WebSocketTls } from './websocket-tls.ts'

export { TransportError } from './transport-error.ts'
export type { TransportLimits } from './transport-limits.ts'
export type { WebSocketTls } from './websocket-tls.ts'

export interface WebSocketOptions {
  clock?: IClock | undefined
  /** A whole `Limits` may be given: what concerns sockets is taken from it. */
  limits?: Partial<TransportLimits> | undefined
  tls?: WebSocketTls | undefined
  /**
   * Dialling: mask frames with random bytes, as RFC 6455 asks of clients (section 5.3). By default the mask is zero:
   * masks keep a web page from choosing the bytes a proxy sees, sealed frames cannot be chosen by anybody, and in
   * JavaScript masking is four fifths of the work of a large frame. Set it to send frames that are not sealed.
   */
  randomMask?: boolean | undefined
  /** Listening: pages that may connect, such as `https://example.org`. By default any page; programs that are no browser always may. */
  allowedOrigins?: readonly string[] | undefined
  /** Listening: asked before a socket is upgraded, with `ws://ip:port`; false refuses it. */
  admit?: ((remoteAddress: string) => boolean | Promise<boolean>) | undefined
  /** Listening: believe the last entry of X-Forwarded-For. Only behind a reverse proxy of your own that writes it. */
  trustProxy?: boolean | undefined
}

/**
 * WebSockets in Node: `ws:` and `wss:`, dialling and listening. The package `ws`, and Node's own HTTP behind it, are loaded
 * with the first socket: they take longer to import than the rest of this library.
 */
export class WebSocketTransport implements ITransport<'websocket'> {
  readonly name = 'websocket'
  readonly schemes: readonly string[] = ['ws:', 'wss:']
  readonly #options: WebSocketOptions
  readonly #clock: IClock
  readonly #limits: TransportLimits

  constructor(options: WebSocketOptions = {}) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#limits = transportLimitsFrom(options.limits)
  }

  /** Throws ERR_TRANSPORT_DIAL_FAILED; gives up after `limits.dialTimeoutMs` unless told otherwise. */
  dial(address: string, options?: DialOptions): Promise<IChannel> {
    const mayReach = options?.refuseLocal ? (ip: string) => !isLocalIp(ip) : undefined
    const setup = { mayReach, clock: this.#clock, limits: this.#limits, tls: this.#options.tls, randomMask: this.#options.randomMask === true }
    return withDeadline(this.#clock, options, signal => dialRoom?.openSocket(address, setup, signal) ?? loadDialRoom().then(({ openSocket }) => {
      signal.throwIfAborted()
      return openSocket(address, setup, signal)
    }), {
      defaultTimeoutMs: this.#limits.dialTimeoutMs,
      what: `dialling ${quoted(address)}`,
    })
  }

  /** Port 0 picks a free one; `address` of the listener says which. Throws ERR_TRANSPORT_LISTEN_FAILED. */
  async listen(address: string, options?: ListenOptions): Promise<IListener> {
    const { listenOn } = await import('./websocket-listener.node.ts')
    const { tls, allowedOrigins, admit, trustProxy = false } = this.#options
    return await listenOn(address, {
      clock: this.#clock,
      limits: this.#limits,
      tls: serverTls(tls),
      allowedOrigins: allowedOrigins && new Set(allowedOrigins),
      admit,
      trustProxy,
    }, options)
  }
}

function serverTls({ key, cert }: WebSocketTls = {}): ServerTls | undefined {
  return key === undefined || cert === undefined ? undefined : { key, cert }
}

const importDialRoom = () => import('./websocket-dial.node.ts')

let dialRoom: Awaited<ReturnType<typeof importDialRoom>> | undefined

/**
 * `ws` and Node's HTTP are loaded by the first dial, so that importing the package stays cheap. The module is
 * kept: an import() that has been answered before still costs a tenth of a dial.
 */
async function loadDialRoom(): ReturnType<typeof importDialRoom> {
  return dialRoom ??= await importDialRoom()
}
