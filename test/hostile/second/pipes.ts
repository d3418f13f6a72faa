import { createHash, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { WebSocket, WebSocketServer, type ClientOptions } from 'ws'
import { concat, EMPTY, Inbox, readUint, uint, within } from './bytes.ts'

/** docs/wire.md, section 2: whole frames over a WebSocket, by `ws` or byte by byte over TCP. */

export const SUBPROTOCOL = 'peerweft.1'

/** How a pipe ended; `code` is the WebSocket's, 1006 where nobody said goodbye. */
export interface Ending { code: number; text: string }

export interface Pipe {
  send(frame: Uint8Array): void
  /** The other end's frames, in order. */
  readonly inbox: Inbox<Uint8Array>
  readonly ended: Promise<Ending>
  readonly isOpen: boolean
  close(): void
  /** No goodbye. */
  destroy(): void
  /** Takes nothing more from the socket, or goes on. */
  stall?(stalled: boolean): void
}

export class WsPipe implements Pipe {
  readonly inbox = new Inbox<Uint8Array>()
  readonly ended: Promise<Ending>
  readonly socket: WebSocket

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => this.inbox.push(new Uint8Array(data)))
    socket.on('error', () => {})
    this.ended = new Promise(resolve => socket.once('close', (code, text) => {
      this.inbox.end()
      resolve({ code, text: text.toString() })
    }))
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN
  }

  send(frame: Uint8Array): void {
    if (this.isOpen) this.socket.send(frame)
  }

  close(): void {
    this.socket.close()
  }

  destroy(): void {
    this.socket.terminate()
  }

  stall(stalled: boolean): void {
    if (stalled) this.socket.pause()
    else this.socket.resume()
  }
}

/** Dials with `ws`. Rejects with the status where the upgrade is refused. */
export function wsPipe(url: string, options: ClientOptions = {}, subprotocols: string[] = [SUBPROTOCOL]): Promise<WsPipe> {
  const socket = new WebSocket(url, subprotocols, { perMessageDeflate: false, maxPayload: 1 << 20, ...options })
  const pipe = new WsPipe(socket)
  return within(new Promise<WsPipe>((resolve, reject) => {
    socket.once('open', () => resolve(pipe))
    socket.once('unexpected-response', (_request, response) => {
      reject(new Error(`HTTP ${response.statusCode}`))
      response.destroy()
    })
    socket.once('error', reject)
  }), `a WebSocket to ${url}`)
}

/** Listens with `ws`; each socket that comes is handed to `onPipe`. */
export async function listenWs(onPipe: (pipe: WsPipe) => void): Promise<{ url: string; close(): Promise<void> }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => SUBPROTOCOL, perMessageDeflate: false, maxPayload: 1 << 20 })
  await new Promise(resolve => server.once('listening', resolve))
  server.on('connection', socket => onPipe(new WsPipe(socket)))
  const address = server.address() as { port: number }
  return {
    url: `ws://127.0.0.1:${address.port}`,
    close: () => new Promise(resolve => {
      for (const socket of server.clients) socket.terminate()
      server.close(() => resolve())
    }),
  }
}

export const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const

export interface WsFrameOptions {
  opcode?: number
  /** Whether the message ends here. */
  fin?: boolean
  /** The bit by which compression is told. */
  rsv1?: boolean
  mask?: boolean
  /** What the header says of the length. */
  length?: number
}

/** One WebSocket frame as a client writes it: RFC 6455, section 5.2. */
export function wsFrame(payload: Uint8Array, { opcode = Opcode.BINARY, fin = true, rsv1 = false, mask = true, length = payload.length }: WsFrameOptions = {}): Uint8Array {
  const first = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode
  const size = length < 126 ? uint(length, 1) : length < 65_536 ? concat(uint(126, 1), uint(length, 2)) : concat(uint(127, 1), uint(length, 8))
  size[0] = size[0]! | (mask ? 0x80 : 0)
  if (!mask) return concat(uint(first, 1), size, payload)
  const key = new Uint8Array(randomBytes(4))
  return concat(uint(first, 1), size, key, payload.map((byte, index) => byte ^ key[index % 4]!))
}

/** A WebSocket over a bare TCP socket: what is written goes out as it is. */
export class TcpPipe implements Pipe {
  readonly inbox = new Inbox<Uint8Array>()
  readonly ended: Promise<Ending>
  readonly socket: Socket
  /** How frames of `send` are cut into writes. */
  write: (bytes: Uint8Array) => void
  isOpen = true
  #unread: Uint8Array = EMPTY
  #closeCode = 1006

  /** `read` is what came behind the answer to the upgrade. */
  constructor(socket: Socket, read: Uint8Array = EMPTY) {
    this.socket = socket
    this.write = bytes => void socket.write(bytes)
    this.#take(read)
    socket.on('data', data => this.#take(data))
    socket.on('error', () => {})
    this.ended = new Promise(resolve => socket.once('close', () => {
      this.isOpen = false
      this.inbox.end()
      resolve({ code: this.#closeCode, text: '' })
    }))
  }

  send(frame: Uint8Array): void {
    this.write(wsFrame(frame))
  }

  close(): void {
    this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }

  #take(data: Uint8Array): void {
    this.#unread = concat(this.#unread, data)
    for (;;) {
      const bytes = this.#unread
      if (bytes.length < 2) return
      const short = bytes[1]! & 0x7f
      const tail = short === 126 ? 2 : short === 127 ? 8 : 0
      if (bytes.length < 2 + tail) return
      const length = tail === 0 ? short : readUint(bytes, 2, tail)
      const end = 2 + tail + length
      if (bytes.length < end) return
      this.#frame(bytes[0]! & 15, bytes.slice(2 + tail, end))
      this.#unread = bytes.slice(end)
    }
  }

  #frame(opcode: number, payload: Uint8Array): void {
    if (opcode === Opcode.BINARY) this.inbox.push(payload)
    if (opcode !== Opcode.CLOSE) return
    this.#closeCode = payload.length >= 2 ? readUint(payload, 0, 2) : 1005
    this.socket.end()
  }
}

export interface TcpOptions {
  headers?: Record<string, string>
  subprotocol?: string | undefined
  path?: string
}

/** A TCP socket with nothing said yet. */
export function tcpSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  socket.on('error', () => {})
  return within(new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  }), `a socket to ${url}`)
}

export function upgradeRequest(url: string, { headers = {}, subprotocol = SUBPROTOCOL, path = '/' }: TcpOptions = {}): string {
  const lines = [
    `GET ${path} HTTP/1.1`, `Host: ${new URL(url).host}`, 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...(subprotocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** The head of the HTTP answer; what follows it is left to the pipe. */
export function upgraded(socket: Socket): Promise<{ head: string; rest: Uint8Array }> {
  return within(new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const onData = (data: Buffer): void => {
      bytes = Buffer.concat([bytes, data])
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', onData)
      socket.off('close', onClose)
      resolve({ head: bytes.subarray(0, end).toString('latin1'), rest: new Uint8Array(bytes.subarray(end + 4)) })
    }
    const onClose = (): void => reject(new Error('the socket closed instead of answering'))
    socket.on('data', onData)
    socket.once('close', onClose)
  }), 'an answer to the upgrade')
}

/** Dials over bare TCP. */
export async function tcpPipe(url: string, options?: TcpOptions): Promise<TcpPipe> {
  const socket = await tcpSocket(url)
  socket.write(upgradeRequest(url, options))
  const { head, rest } = await upgraded(socket)
  if (!head.startsWith('HTTP/1.1 101')) throw new Error(head)
  return new TcpPipe(socket, rest)
}

/** RFC 6455, section 4.2.2: what a listener has to answer to a key. */
export function acceptKey(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}
