import { createServer as createHttpServer, STATUS_CODES, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TransportLimits } from './transport-limits.ts'

export interface ServerTls {
  key: string | Uint8Array
  cert: string | Uint8Array
}

/**
 * Node's HTTP server with its patience cut down: by default it waits a minute for headers, two for a TLS
 * handshake, and looks only every half minute. It answers no page.
 */
export function createServer(limits: TransportLimits, tls: ServerTls | undefined): Server {
  const options = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.timeoutCheckMs,
    maxHeaderSize: limits.headersBytesMax,
  }
  const server = tls
    ? createHttpsServer({ ...options, key: asBuffer(tls.key), cert: asBuffer(tls.cert), handshakeTimeout: limits.headersTimeoutMs }, answerPlainRequest)
    : createHttpServer(options, answerPlainRequest)
  server.maxHeadersCount = limits.headersMax
  server.maxConnections = limits.channelsMax + limits.socketsPendingMax
  return server
}

const answerPlainRequest: RequestListener = (_request, response) => {
  response.writeHead(426, { Connection: 'close', Upgrade: 'websocket', 'Content-Length': 0 }).end()
}

/** Answers with a status and hangs up. */
export function refuse(socket: Duplex, status: number): void {
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/**
 * The sockets that have connected and not upgraded. The oldest gives way to a new one beyond the bound, so
 * that a crowd of silent sockets cannot keep an honest one out.
 */
export class PendingSockets {
  readonly #sockets = new Map<string, Socket>()
  readonly #countMax: number

  constructor(server: Server, countMax: number) {
    this.#countMax = countMax
    server.on('connection', (socket: Socket) => this.#add(socket))
  }

  get count(): number {
    return this.#sockets.size
  }

  /** Has upgraded. A TLS socket is known by its ends, being another object than the socket below it. */
  remove(socket: Socket): void {
    this.#sockets.delete(endsOf(socket))
  }

  destroyAll(): void {
    for (const socket of this.#sockets.values()) socket.destroy()
  }

  #add(socket: Socket): void {
    const ends = endsOf(socket)
    this.#sockets.set(ends, socket)
    socket.once('close', () => {
      if (this.#sockets.get(ends) === socket) this.#sockets.delete(ends)
    })
    if (this.#sockets.size > this.#countMax) this.#dropOldest()
  }

  #dropOldest(): void {
    for (const [ends, socket] of this.#sockets) {
      this.#sockets.delete(ends)
      socket.destroy()
      return
    }
  }
}

function endsOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`
}

function asBuffer(pem: string | Uint8Array): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem)
}
