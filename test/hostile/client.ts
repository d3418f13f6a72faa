import { randomBytes } from 'node:crypto'
import type { ClientOptions } from 'ws'
import { concat, hex, Inbox, unhex, within } from './second/bytes.ts'
import { idOf, newStaticKey, type KeyPair } from './second/keys.ts'
import { Dialler, Listener, type Keys, type Pattern } from './second/noise.ts'
import { listenWs, wsPipe, type Ending, type Pipe } from './second/pipes.ts'
import {
  Author, burstMessages, helloBytes, helloOf, Kind, messageOf, part, parseFrame, partsOf, type HelloFields, type Message, type Part,
} from './second/wire.ts'

/**
 * A client of the wire written from docs/wire.md alone, on `ws`, node:crypto and noble: it shares no line with lib, so
 * what the two can say to each other is what the page says. It is honest unless told otherwise, part by part.
 */
export interface ClientOptionsOf {
  key?: KeyPair
  network?: string
  hello?: Partial<HelloFields>
  /** Answer pings; without it the far end will give us up. */
  answersPings?: boolean
  /** Hang up when the far end says goodbye, as who receives it has to. */
  hangsUp?: boolean
}

export interface DialOptions extends ClientOptionsOf {
  /** The listener's id: XK. Without it XX. */
  id?: string | undefined
  socket?: ClientOptions
  /** A pipe that stands already. */
  pipe?: Pipe
}

/** A reply or a message as the client understood it. */
export interface Heard extends Message {
  frame: Uint8Array | undefined
}

export class Client {
  readonly key: KeyPair
  readonly author: Author
  readonly pipe: Pipe
  readonly remoteId: string
  readonly remoteHello: HelloFields
  readonly keys: Keys
  /** Every part but pings that were answered. */
  readonly parts = new Inbox<Part>()
  readonly heard = new Inbox<Heard>()
  /** The reason of the far end's close part, once it has come. */
  closeReason: number | undefined
  /** What went wrong with what the far end sent. */
  fault: unknown
  readonly #options: ClientOptionsOf
  #pieces: Uint8Array[] = []

  constructor(pipe: Pipe, keys: Keys, remoteId: string, remoteHello: HelloFields, key: KeyPair, author: Author, options: ClientOptionsOf) {
    this.pipe = pipe
    this.keys = keys
    this.remoteId = remoteId
    this.remoteHello = remoteHello
    this.key = key
    this.author = author
    this.#options = options
    void this.#read()
  }

  /** Dials and shakes hands. Rejects where the far end hangs up. */
  static async dial(url: string, options: DialOptions = {}): Promise<Client> {
    const { id, network = 'peerweft', key = newStaticKey() } = options
    const author = new Author(key, network, options.hello?.boot ?? new Uint8Array(randomBytes(16)))
    const pipe = options.pipe ?? await wsPipe(url, options.socket)
    try {
      const noise = new Dialler({ pattern: id === undefined ? 'XX' : 'XK', network, key, listener: id === undefined ? undefined : unhex(id) })
      pipe.send(noise.actOne())
      noise.actTwo(await nextFrame(pipe, 'act two'))
      pipe.send(noise.actThree(helloBytes({ boot: author.boot, ...options.hello })))
      const keys = noise.keys()
      const [first, ...more] = partsOf(keys.opening.open(await nextFrame(pipe, 'the first sealed frame')))
      if (first!.kind !== Kind.HELLO) throw new Error('expected a hello first')
      const client = new Client(pipe, keys, hex(noise.listener!), helloOf(first!.body), key, author, options)
      for (const each of more) client.#take(each)
      return client
    } catch (error) {
      pipe.destroy()
      throw error
    }
  }

  /** Answers a dialler that has reached `pipe`. */
  static async accept(pipe: Pipe, options: ClientOptionsOf & { pattern?: Pattern } = {}): Promise<Client> {
    const { network = 'peerweft', key = newStaticKey() } = options
    const author = new Author(key, network, options.hello?.boot ?? new Uint8Array(randomBytes(16)))
    const actOne = await nextFrame(pipe, 'act one')
    const noise = new Listener({ pattern: options.pattern ?? (actOne[0] === 0 ? 'XK' : 'XX'), network, key })
    noise.actOne(actOne)
    pipe.send(noise.actTwo())
    const hello = helloOf(noise.actThree(await nextFrame(pipe, 'act three')))
    const keys = noise.keys()
    pipe.send(keys.sealing.seal(part(Kind.HELLO, helloBytes({ boot: author.boot, ...options.hello }))))
    return new Client(pipe, keys, hex(noise.dialler!), hello, key, author, options)
  }

  get id(): string {
    return idOf(this.key)
  }

  /** How the socket ended. */
  get ended(): Promise<Ending> {
    return within(this.pipe.ended, 'the far end to hang up')
  }

  get isOpen(): boolean {
    return this.pipe.isOpen
  }

  /** One sealed frame of these parts; returns its ciphertext. */
  send(...parts: readonly Uint8Array[]): Uint8Array {
    const sealed = this.keys.sealing.seal(concat(...parts))
    this.pipe.send(sealed)
    return sealed
  }

  /** One message frame in a sealed frame of its own. */
  sendFrame(frame: Uint8Array): Uint8Array {
    return this.send(part(Kind.MESSAGE, frame))
  }

  /** A signed plain message. */
  say(payload: unknown, overrides?: Parameters<Author['say']>[1]): Uint8Array {
    const frame = this.author.signed(this.author.say(payload, overrides))
    this.sendFrame(frame)
    return frame
  }

  /** Sends a ping and waits for its pong: whatever was sent before it has been handled. */
  async roundTrip(ms?: number): Promise<void> {
    const body = new Uint8Array(randomBytes(8))
    this.send(part(Kind.PING, body))
    for (;;) {
      const next = await this.parts.next('a pong', ms)
      if (next === undefined) throw new Error('the far end hung up instead of answering a ping')
      if (next.kind === Kind.PONG && hex(next.body) === hex(body)) return
    }
  }

  /** The next message of this sort. */
  async hear(fits: (message: Heard) => boolean = () => true, ms?: number): Promise<Heard> {
    for (;;) {
      const next = await this.heard.next('a message', ms)
      if (next === undefined) throw new Error('the far end hung up instead of sending a message')
      if (fits(next)) return next
    }
  }

  /** Says goodbye and hangs up. */
  async close(): Promise<void> {
    if (this.isOpen) this.send(part(Kind.CLOSE, Uint8Array.of(0)))
    this.pipe.close()
    await this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.pipe.destroy()
    await this.ended
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const sealed = await this.pipe.inbox.next('a frame', 2 ** 30)
        if (sealed === undefined) break
        for (const each of partsOf(this.keys.opening.open(sealed))) this.#take(each)
      }
    } catch (error) {
      this.fault = error
      this.pipe.destroy()
    }
    this.parts.end()
    this.heard.end()
  }

  #take(each: Part): void {
    const { kind, body } = each
    if (kind === Kind.PING && this.#options.answersPings !== false) return void this.send(part(Kind.PONG, body))
    if (kind === Kind.MESSAGE) this.#hear(body)
    if (kind === Kind.BURST) {
      const { author, messages } = burstMessages(body)
      for (const said of messages) this.heard.push({ ...messageOf({ auth: 2, author, ...said }), frame: undefined })
    }
    if (kind === Kind.FRAGMENT) this.#takeFragment(body)
    this.parts.push({ kind, body: body.slice() })
    if (kind !== Kind.CLOSE) return
    this.closeReason = body[0]
    if (this.#options.hangsUp !== false) this.pipe.close()
  }

  #takeFragment(body: Uint8Array): void {
    const total = Buffer.from(body).readUInt32BE(4)
    this.#pieces.push(body.slice(12))
    const whole = concat(...this.#pieces)
    if (whole.length < total) return
    this.#pieces = []
    this.#hear(whole)
  }

  #hear(frame: Uint8Array): void {
    this.heard.push({ ...messageOf(parseFrame(frame)), frame: frame.slice() })
  }
}

export async function nextFrame(pipe: Pipe, what: string, ms?: number): Promise<Uint8Array> {
  const frame = await pipe.inbox.next(what, ms)
  if (frame === undefined) throw new Error(`the far end hung up instead of sending ${what}`)
  return frame
}

/** A listener that shakes hands with whoever comes, or leaves that to `onPipe`. */
export async function listen(options: ClientOptionsOf & { pattern?: Pattern; onPipe?: (pipe: Pipe) => void } = {}): Promise<
  { url: string; key: KeyPair; id: string; clients: Inbox<Client>; close(): Promise<void> } & AsyncDisposable
> {
  const key = options.key ?? newStaticKey()
  const clients = new Inbox<Client>()
  const server = await listenWs(pipe => {
    if (options.onPipe) options.onPipe(pipe)
    else Client.accept(pipe, { ...options, key }).then(client => clients.push(client), () => pipe.destroy())
  })
  return { ...server, key, id: idOf(key), clients, [Symbol.asyncDispose]: () => server.close() }
}
