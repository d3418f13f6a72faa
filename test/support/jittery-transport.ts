import type { RandomBytes } from '../../lib/contracts/random.ts'
import type { DisconnectReason } from '../../lib/contracts/peer.ts'
import type { IChannel, IListener, ITransport } from '../../lib/contracts/transport.ts'
import type { WaitOptions } from '../../lib/contracts/wait.ts'
import { below } from './seeded-random.ts'
import { settle } from './until.ts'

/** A network that takes its time: dials, frames and goodbyes are each held up for some turns, in order on each channel. */
export class JitteryTransport implements ITransport<'memory'> {
  readonly name = 'memory'
  readonly schemes: readonly string[]
  readonly #inner: ITransport<'memory'>
  readonly #random: RandomBytes
  readonly #turnsMax: number
  readonly #open = new Set<JitteryChannel>()

  constructor(inner: ITransport<'memory'>, random: RandomBytes, turnsMax: number) {
    this.#inner = inner
    this.schemes = inner.schemes
    this.#random = random
    this.#turnsMax = turnsMax
  }

  /** Channels of this side that have not ended. */
  get open(): number {
    return this.#open.size
  }

  async dial(address: string, options?: WaitOptions): Promise<IChannel> {
    await this.#pause()
    return this.#slowed(await this.#inner.dial(address, options))
  }

  async listen(address: string, options?: WaitOptions): Promise<IListener> {
    const listener = await this.#inner.listen!(address, options)
    const slowed = (channel: IChannel): IChannel => this.#slowed(channel)
    return {
      address: listener.address,
      channels: (async function* () {
        for await (const channel of listener.channels) yield slowed(channel)
      })(),
      close: () => listener.close(),
      [Symbol.asyncDispose]: () => listener.close(),
    }
  }

  #slowed(channel: IChannel): IChannel {
    const slowed = new JitteryChannel(channel, () => this.#pause(), () => this.#open.delete(slowed))
    this.#open.add(slowed)
    return slowed
  }

  #pause(): Promise<void> {
    return settle(below(this.#random, this.#turnsMax + 1))
  }
}

class JitteryChannel implements IChannel {
  readonly direction: 'inbound' | 'outbound'
  readonly remoteAddress: string
  readonly frames: AsyncIterable<Uint8Array>
  readonly #inner: IChannel
  readonly #pause: () => Promise<void>
  readonly #onEnd: () => void
  #tail: Promise<void> = Promise.resolve()

  constructor(inner: IChannel, pause: () => Promise<void>, onEnd: () => void) {
    this.direction = inner.direction
    this.remoteAddress = inner.remoteAddress
    this.#inner = inner
    this.#pause = pause
    this.#onEnd = onEnd
    this.frames = this.#read()
  }

  setFrameBytesMax(bytes: number): void {
    this.#inner.setFrameBytesMax?.(bytes)
  }

  send(frame: Uint8Array): Promise<void> {
    return this.#next(() => this.#inner.send(frame))
  }

  close(reason?: DisconnectReason): Promise<void> {
    this.#onEnd()
    return this.#next(() => this.#inner.close(reason))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #next(run: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(() => this.#pause()).then(run)
    this.#tail = done.catch(() => {})
    return done
  }

  async *#read(): AsyncIterable<Uint8Array> {
    try {
      yield* this.#inner.frames
    } finally {
      this.#onEnd()
    }
  }
}
