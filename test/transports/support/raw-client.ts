import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const DEADLINE_MS = 5_000

/** A TCP socket that speaks HTTP and WebSocket only as far as a test wants it to. */
export class RawClient {
  readonly socket: Socket
  #received: Buffer = Buffer.alloc(0)
  readonly #ended: Promise<void>
  #wake: (() => void) | undefined

  constructor(address: string) {
    const { hostname, port } = new URL(address)
    this.socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true, noDelay: true })
    this.socket.on('error', () => {})
    this.socket.on('data', chunk => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#wake?.()
    })
    this.#ended = new Promise(resolve => {
      for (const event of ['end', 'close']) this.socket.once(event, () => resolve())
    })
  }

  write(bytes: string | Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes)
  }

  /** Everything received until the other side hangs up; how long it took is for the caller to say. */
  async untilEnd(): Promise<Buffer> {
    await within(this.#ended, 'the other side to hang up')
    this.socket.destroy()
    return this.#received
  }

  /** Reads until the text has come; what follows it stays to be read. */
  async until(text: string): Promise<string> {
    for (;;) {
      const at = this.#received.indexOf(text, 0, 'latin1')
      if (at >= 0) return this.#take(at + text.length).toString('latin1')
      await within(Promise.race([new Promise<void>(resolve => { this.#wake = resolve }), this.#ended.then(() => { throw new Error(`the other side hung up before ${JSON.stringify(text)}, after ${this.#received.toString('latin1')}`) })]), text)
    }
  }

  /** Asks for the upgrade and returns the answer's head. */
  async upgrade(options: UpgradeOptions = {}): Promise<string> {
    this.write(upgradeRequest(options))
    return this.until('\r\n\r\n')
  }

  async connected(): Promise<this> {
    if (this.socket.connecting) await once(this.socket, 'connect')
    return this
  }

  destroy(): void {
    this.socket.destroy()
  }

  #take(count: number): Buffer {
    const taken = this.#received.subarray(0, count)
    this.#received = this.#received.subarray(count)
    return taken
  }
}

/** A client whose upgrade was accepted. */
export async function upgraded(address: string, options?: UpgradeOptions): Promise<RawClient> {
  const client = new RawClient(address)
  const head = await client.upgrade({ path: new URL(address).pathname, ...options })
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`expected an upgrade, got ${head}`)
  return client
}

export interface UpgradeOptions {
  path?: string
  /** Undefined leaves the header out. */
  subprotocol?: string | undefined
  headers?: Record<string, string>
}

export function upgradeRequest(options: UpgradeOptions = {}): string {
  const { path = '/', headers = {} } = options
  const subprotocol = 'subprotocol' in options ? options.subprotocol : 'peerweft.1'
  const all: Record<string, string> = {
    Host: 'here',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    ...(subprotocol === undefined ? {} : { 'Sec-WebSocket-Protocol': subprotocol }),
    ...headers,
  }
  return `GET ${path} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
}

export const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const

export interface WireFrame {
  opcode?: number
  fin?: boolean
  masked?: boolean
  payload?: Uint8Array
  /** The length to claim, where it is not the payload's. */
  announced?: number
}

/** One WebSocket frame as bytes (RFC 6455, section 5.2). The mask is zero. */
export function wireFrame({ opcode = Opcode.BINARY, fin = true, masked = true, payload = new Uint8Array(0), announced = payload.length }: WireFrame): Buffer {
  const mask = masked ? 0x80 : 0
  const first = (fin ? 0x80 : 0) | opcode
  const head = Buffer.alloc(announced < 126 ? 2 : announced < 65_536 ? 4 : 10)
  head[0] = first
  head[1] = mask | (announced < 126 ? announced : announced < 65_536 ? 126 : 127)
  if (head.length === 4) head.writeUInt16BE(announced, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(announced), 2)
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0), payload])
}

/** The code of the close frame that ends these bytes from a listener; undefined where there is none. */
export function closeCodeIn(bytes: Uint8Array): number | undefined {
  const at = bytes.lastIndexOf(0x88)
  return at >= 0 && at + 4 <= bytes.length ? bytes[at + 2]! * 256 + bytes[at + 3]! : undefined
}

export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new Error(`waited ${DEADLINE_MS} ms for ${what}`)), DEADLINE_MS) })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
