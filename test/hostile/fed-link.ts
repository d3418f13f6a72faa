import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { IClock } from '../../lib/contracts/clock.ts'
import type { ICryptoBackend } from '../../lib/contracts/crypto.ts'
import { P2PError } from '../../lib/contracts/errors.ts'
import type { P2PMessage } from '../../lib/contracts/message.ts'
import type { IChannel } from '../../lib/contracts/transport.ts'
import { Link } from '../../lib/peers/link.ts'
import type { LocalNode } from '../../lib/peers/local-node.ts'
import { CipherState } from '../../lib/peers/noise/cipher-state.ts'
import { SecureLink } from '../../lib/peers/noise/secure-link.ts'

/** Lib's own `Link`, fed frame by frame without a socket or a handshake: for campaigns of a million. */

export class StepClock implements IClock {
  nowMs = 1_700_000_000_000
  readonly defer = (run: () => void): void => queueMicrotask(run)

  now(): number {
    return this.nowMs
  }

  elapsedMs(): number {
    return this.nowMs
  }

  /** Nothing here waits for time. */
  schedule(): Disposable {
    return { [Symbol.dispose]: () => {} }
  }
}

/** Hands a link one frame, and knows when the link has done with it: it then asks for the next. */
export class OneFrameChannel implements IChannel {
  readonly direction = 'inbound'
  readonly remoteAddress = 'memory:mallory'
  closed = false
  #waiting: ((next: IteratorResult<Uint8Array>) => void) | undefined
  #asked: (() => void) | undefined

  get frames(): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => ({ next: () => this.#next() }) }
  }

  /** Resolves when the frame has been dealt with, or the link is over. Rejects when neither comes to pass. */
  async feed(sealed: Uint8Array): Promise<void> {
    const done = new Promise<void>(resolve => { this.#asked = resolve })
    const waiting = this.#waiting
    if (waiting === undefined) throw new Error('the link does not read')
    this.#waiting = undefined
    waiting({ done: false, value: sealed })
    await done
  }

  async send(): Promise<void> {}

  async close(): Promise<void> {
    this.closed = true
    this.#asked?.()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise(resolve => {
      this.#waiting = resolve
      this.#asked?.()
    })
  }
}

export interface FedLinkOptions {
  node: LocalNode
  backend: ICryptoBackend
  /** The key at the other end. */
  peer: Uint8Array
  boot: Uint8Array
  /** Draws the link's keys. */
  bytes: (size: number) => Uint8Array
  onMessage: (message: P2PMessage) => void
  onRefused?: (error: P2PError) => void
  /** Told of what lib did not mean to throw. */
  onCrash: (error: unknown) => void
}

export interface FedLink {
  link: Link
  channel: OneFrameChannel
  /** Seals what the link will open next. */
  sealing: CipherState
}

export function openFedLink({ node, backend, peer, boot, bytes, onMessage, onRefused, onCrash }: FedLinkOptions): FedLink {
  const channel = new OneFrameChannel()
  const [key, back, chain] = [bytes(32), bytes(32), bytes(32)]
  const secure = new SecureLink({
    channel, pattern: 'XK', direction: 'inbound', remoteKey: peer,
    remoteHello: { boot, timestampMs: node.clock.now(), role: 'node', addresses: [], protocols: [], work: new Uint8Array(0) },
    firstParts: undefined, frames: channel.frames[Symbol.asyncIterator](),
  }, { sealing: new CipherState(backend, back, chain), opening: new CipherState(backend, key, chain) })
  const link = new Link({
    node, secure, trusted: () => true,
    owner: {
      message: (_link, message) => {
        onMessage(message)
        return undefined
      },
      refused: (_link, error) => {
        // Lib wraps what it did not mean to throw; that is no refusal.
        if (!(error instanceof P2PError) || (error.cause !== undefined && !(error.cause instanceof P2PError))) onCrash(error.cause ?? error)
        else onRefused?.(error)
      },
      helloChanged: () => {},
      closed: () => {},
    },
  })
  link.start()
  return { link, channel, sealing: new CipherState(backend, key, chain) }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Resident memory when nothing is left to collect. */
export function residentMiB(): number {
  collect()
  collect()
  return process.memoryUsage().rss / 2 ** 20
}
