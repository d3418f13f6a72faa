import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { IClock } from '../contracts/clock.ts'
import type { IChannel, IListener, ListenOptions } from '../contracts/transport.ts'
import { AsyncQueue } from '../foundation/async-queue.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { createServer, PendingSockets, refuse, type ServerTls } from './http-server.node.ts'
import { GREETING_HEADER, greetingText } from './greeting.ts'
import { listenFailed, quoted, reasonOf } from './transport-error.ts'
import type { TransportLimits } from './transport-limits.ts'
import { refusalOf, remoteAddressOf, type UpgradeRules } from './upgrade-rules.node.ts'
import { WebSocketChannel } from './websocket-channel.node.ts'
import { socketOptions } from './websocket-options.node.ts'

export interface ListenerSetup {
  clock: IClock
  limits: TransportLimits
  tls: ServerTls | undefined
  allowedOrigins: ReadonlySet<string> | undefined
  admit: ((remoteAddress: string) => boolean | Promise<boolean>) | undefined
  trustProxy: boolean
}

/** Binds the address; resolves when it is bound. Throws ERR_TRANSPORT_LISTEN_FAILED. */
export async function listenOn(address: string, setup: ListenerSetup, options?: ListenOptions): Promise<IListener> {
  const url = listenUrl(address)
  if (url.protocol === 'wss:' && !setup.tls) throw listenFailed(address, 'expected tls.key and tls.cert in the transport\'s options')
  const server = createServer(setup.limits, url.protocol === 'wss:' ? setup.tls : undefined)
  try {
    await withDeadline(setup.clock, options, () => bound(server, address, url), { what: `listening on ${quoted(address)}` })
  } catch (error) {
    server.close()
    throw error
  }
  return new WebSocketListener(server, url, setup, options?.greet)
}

class WebSocketListener implements IListener {
  readonly address: string
  readonly #setup: ListenerSetup
  readonly #server: Server
  readonly #upgrades: WebSocketServer
  readonly #rules: UpgradeRules
  readonly #pending: PendingSockets
  readonly #greet: (() => Uint8Array) | undefined
  readonly #greetings = new WeakMap<IncomingMessage, Uint8Array>()
  readonly #open = new Set<IChannel>()
  readonly #queue: AsyncQueue<IChannel>
  #closing: Promise<void> | undefined

  constructor(server: Server, url: URL, setup: ListenerSetup, greet?: () => Uint8Array) {
    this.address = addressOf(url, server)
    this.#setup = setup
    this.#greet = greet
    this.#server = server
    this.#rules = { path: url.pathname, allowedOrigins: setup.allowedOrigins }
    this.#pending = new PendingSockets(server, setup.limits.socketsPendingMax)
    this.#queue = new AsyncQueue({ countHigh: setup.limits.channelsPendingMax })
    this.#upgrades = new WebSocketServer({ ...socketOptions(setup.limits), noServer: true, clientTracking: false })
    this.#upgrades.on('headers', (headers, request) => this.#addGreeting(headers, request))
    server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket as Socket, head))
    // A socket that cannot be accepted, for want of file descriptors say, must not end the program.
    server.on('error', () => {})
  }

  get channels(): AsyncIterable<IChannel> {
    return this.#queue
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#queue.clear()
    this.#queue.end()
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#upgrades.close()
    this.#pending.destroyAll()
    await Promise.all([...this.#open].map(channel => channel.close('shutdown')))
    await closed
  }

  /** Cheap refusals first. From here on no timer of the HTTP server watches the socket. */
  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy())
    try {
      const remoteAddress = remoteAddressOf(request, new URL(this.address).protocol, this.#setup.trustProxy)
      const status = refusalOf(request, this.#rules) ?? this.#fullness() ?? await this.#judged(remoteAddress) ?? this.#fullness()
      if (status !== undefined) return refuse(socket, status)
      this.#pending.remove(socket)
      this.#upgrades.handleUpgrade(request, socket, head, opened => this.#accept(opened, socket, remoteAddress, this.#greetings.get(request)))
    } catch {
      socket.destroy()
    }
  }

  #fullness(): number | undefined {
    return this.#queue.full || this.#open.size >= this.#setup.limits.channelsMax ? 503 : undefined
  }

  /** What the owner says of this address; it may take as long as a request may. */
  async #judged(remoteAddress: string): Promise<number | undefined> {
    const { admit, clock, limits } = this.#setup
    if (!admit) return undefined
    const admitted = await withDeadline(clock, { timeoutMs: limits.requestTimeoutMs }, async () => admit(remoteAddress), { what: 'admit' })
    return admitted ? undefined : 403
  }

  /** `ws` asks as it writes its answer. */
  #addGreeting(headers: string[], request: IncomingMessage): void {
    if (this.#greet === undefined) return
    const greeting = this.#greet()
    headers.push(`${GREETING_HEADER}: ${greetingText(greeting)}`)
    this.#greetings.set(request, greeting)
  }

  #accept(opened: WebSocket, socket: Duplex, remoteAddress: string, greeting: Uint8Array | undefined): void {
    const { clock, limits } = this.#setup
    const channel: IChannel = new WebSocketChannel(opened, socket, { direction: 'inbound', remoteAddress, clock, limits, greeting }, () => {
      this.#open.delete(channel)
    })
    this.#open.add(channel)
    this.#queue.push(channel)
  }
}

function listenUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol !== 'ws:' && url?.protocol !== 'wss:') throw listenFailed(address, 'expected an address such as ws://127.0.0.1:8080')
  return url
}

function bound(server: Server, address: string, url: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', error => reject(listenFailed(address, reasonOf(error), error)))
    server.listen(portOf(url), url.hostname.replace(/^\[|\]$/g, ''), resolve)
  })
}

/** URL leaves out the port where it is the scheme's own. */
function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'wss:' ? 443 : 80
}

/** The host as given, since a certificate names it, and the port that was really bound. */
function addressOf({ protocol, hostname, pathname }: URL, server: Server): string {
  const { port } = server.address() as AddressInfo
  return `${protocol}//${hostname}:${port}${pathname === '/' ? '' : pathname}`
}
