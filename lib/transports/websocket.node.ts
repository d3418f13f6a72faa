import type { TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import type { IClock } from '../contracts/clock.ts'
import type { IChannel, IListener, ITransport } from '../contracts/transport.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { systemClock } from '../foundation/clock.ts'
import { withDeadline } from '../foundation/deadline.ts'
import type { ServerTls } from './http-server.node.ts'
import { SUBPROTOCOL } from './subprotocol.ts'
import { dialFailed, quoted, reasonOf } from './transport-error.ts'
import { transportLimitsFrom, type TransportLimits } from './transport-limits.ts'
import { WebSocketChannel } from './websocket-channel.node.ts'
import { listenOn } from './websocket-listener.node.ts'
import { socketOptions } from './websocket-options.node.ts'

export { TransportError } from './transport-error.ts'
export type { TransportLimits } from './transport-limits.ts'

/** PEM texts or bytes. TLS hides traffic from bystanders; who answers is proven by the channel's own handshake. */
export interface WebSocketTls {
  /** For listening on `wss:`. */
  key?: string | Uint8Array | undefined
  /** For listening on `wss:`. */
  cert?: string | Uint8Array | undefined
  /** For dialling: authorities to trust instead of the system's. */
  ca?: string | readonly string[] | undefined
  /** For dialling; true unless a certificate is pinned. */
  rejectUnauthorized?: boolean | undefined
  /** For dialling: the name to expect in the certificate, where it is not the host of the address. */
  servername?: string | undefined
  /** For dialling `wss:`: the one certificate to accept, whoever signed it, as the hex of its SHA-256. */
  pinSha256?: string | undefined
}

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

/** WebSockets in Node: `ws:` and `wss:`, dialling and listening. */
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
  dial(address: string, options?: WaitOptions): Promise<IChannel> {
    return withDeadline(this.#clock, options, signal => this.#open(address, signal), {
      defaultTimeoutMs: this.#limits.dialTimeoutMs,
      what: `dialling ${quoted(address)}`,
    })
  }

  /** Port 0 picks a free one; `address` of the listener says which. Throws ERR_TRANSPORT_LISTEN_FAILED. */
  listen(address: string, options?: WaitOptions): Promise<IListener> {
    const { tls, allowedOrigins, admit, trustProxy = false } = this.#options
    return listenOn(address, {
      clock: this.#clock,
      limits: this.#limits,
      tls: serverTls(tls),
      allowedOrigins: allowedOrigins && new Set(allowedOrigins),
      admit,
      trustProxy,
    }, options)
  }

  #open(address: string, signal: AbortSignal): Promise<IChannel> {
    return new Promise((resolve, reject) => {
      const socket = this.#socketTo(address)
      const giveUp = (): void => socket.terminate()
      signal.addEventListener('abort', giveUp)
      let raw: TLSSocket
      socket.on('upgrade', response => {
        raw = response.socket as TLSSocket
        const stranger = certificateFault(raw, this.#options.tls?.pinSha256)
        if (stranger === undefined) return
        reject(dialFailed(address, stranger))
        socket.terminate()
      })
      socket.on('error', error => reject(dialFailed(address, reasonOf(error), error)))
      socket.once('open', () => {
        signal.removeEventListener('abort', giveUp)
        // In the same tick: the first frames may have come with the answer.
        resolve(new WebSocketChannel(socket, raw, { direction: 'outbound', remoteAddress: address, clock: this.#clock, limits: this.#limits }))
      })
    })
  }

  #socketTo(address: string): WebSocket {
    if (!/^wss?:\/\//i.test(address)) throw dialFailed(address, 'expected an address such as ws://127.0.0.1:8080')
    try {
      return new WebSocket(address, SUBPROTOCOL, {
        ...socketOptions(this.#limits),
        ...clientTls(this.#options.tls),
        ...(this.#options.randomMask === true ? {} : { generateMask: zeroMask }),
      })
    } catch (error) {
      throw dialFailed(address, reasonOf(error), error)
    }
  }
}

/** `ws` then leaves both masking and unmasking out. */
const zeroMask = (mask: Uint8Array): void => void mask.fill(0)

function serverTls({ key, cert }: WebSocketTls = {}): ServerTls | undefined {
  return key === undefined || cert === undefined ? undefined : { key, cert }
}

/** Only what was given: an undefined would stand over Node's default. */
function clientTls({ ca, servername, pinSha256, rejectUnauthorized = pinSha256 === undefined }: WebSocketTls = {}) {
  return {
    rejectUnauthorized,
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(servername === undefined ? {} : { servername }),
  }
}

/** What is wrong with the other side's certificate, where there is one and one is pinned. Nothing secret has been sent yet. */
function certificateFault(socket: TLSSocket, pinSha256: string | undefined): string | undefined {
  if (pinSha256 === undefined || !socket.encrypted) return undefined
  const plainHex = (hex: string): string => hex.replaceAll(':', '').toLowerCase()
  const got = plainHex(socket.getPeerCertificate().fingerprint256 ?? '')
  return got === plainHex(pinSha256) ? undefined : `expected the pinned certificate, got ${got || 'none'}`
}
