import type { IClock } from '../contracts/clock.ts'
import type { IChannel, IListener, ITransport } from '../contracts/transport.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { AsyncQueue } from '../foundation/async-queue.ts'
import { systemClock } from '../foundation/clock.ts'
import { connectedPair, type MemoryChannel } from './memory-channel.ts'
import { dialFailed, listenFailed } from './transport-error.ts'
import { transportLimitsFrom, type TransportLimits } from './transport-limits.ts'

export { TransportError } from './transport-error.ts'

/** A little world of names: transports that share a hub can dial each other. */
export class MemoryHub {
  readonly #listeners = new Map<string, MemoryListener>()
  #counted = 0

  /** Breaks whatever listens at this address, and its channels, as if the machine had died. */
  cut(address: string): void {
    this.#listeners.get(nameIn(address) ?? '')?.break()
  }

  /** @internal */
  find(name: string): MemoryListener | undefined {
    return this.#listeners.get(name)
  }

  /** @internal Takes the name, or a free one where it is empty or ends in `:0`. */
  add(name: string, listenerFor: (name: string) => MemoryListener): MemoryListener | undefined {
    const taken = isOpenName(name) ? this.#freeName(name) : name
    if (this.#listeners.has(taken)) return undefined
    const listener = listenerFor(taken)
    this.#listeners.set(taken, listener)
    return listener
  }

  /** @internal */
  remove(name: string): void {
    this.#listeners.delete(name)
  }

  /** @internal A number no one else in this hub has. */
  count(): number {
    return ++this.#counted
  }

  #freeName(name: string): string {
    const before = name.replace(/0$/, '')
    let free: string
    do free = `${before}${this.count()}`
    while (this.#listeners.has(free))
    return free
  }
}

const SHARED_HUB = new MemoryHub()

export interface MemoryTransportOptions {
  /** Whom it can reach. One hub is shared by all that name none. */
  hub?: MemoryHub | undefined
  clock?: IClock | undefined
  limits?: Partial<TransportLimits> | undefined
}

/**
 * Channels inside one program, under addresses such as `memory:alice` or `memory://alice`. It keeps to what a
 * socket would do: frames are copied, a slow reader makes `send` wait, and the frame limits hold.
 */
export class MemoryTransport implements ITransport<'memory'> {
  readonly name = 'memory'
  readonly schemes: readonly string[] = ['memory:']
  readonly #hub: MemoryHub
  readonly #clock: IClock
  readonly #limits: TransportLimits

  constructor({ hub = SHARED_HUB, clock = systemClock, limits }: MemoryTransportOptions = {}) {
    this.#hub = hub
    this.#clock = clock
    this.#limits = transportLimitsFrom(limits)
  }

  /** Throws ERR_TRANSPORT_DIAL_FAILED where nobody listens or the listener is full. */
  async dial(address: string, options?: WaitOptions): Promise<IChannel> {
    options?.signal?.throwIfAborted()
    // As with a socket, the caller may think better of it before the other side hears of it.
    await Promise.resolve()
    options?.signal?.throwIfAborted()
    const name = nameIn(address)
    if (name === undefined) throw dialFailed(address, 'expected an address such as memory:alice')
    const listener = this.#hub.find(name)
    if (!listener) throw dialFailed(address, 'nobody listens there')
    if (!listener.hasRoom) throw dialFailed(address, 'the listener has no room for another channel')
    const setup = { clock: this.#clock, limits: this.#limits }
    const pair = connectedPair(
      { ...setup, direction: 'outbound', remoteAddress: listener.address },
      { ...listener.setup, direction: 'inbound', remoteAddress: `memory:dialler-${this.#hub.count()}` },
    )
    listener.admit(pair.inbound)
    return pair.outbound
  }

  /** `memory:`, and a name that ends in `:0`, pick a free name. Throws ERR_TRANSPORT_LISTEN_FAILED where the name is taken. */
  async listen(address: string, options?: WaitOptions): Promise<IListener> {
    options?.signal?.throwIfAborted()
    const name = nameIn(address)
    if (name === undefined) throw listenFailed(address, 'expected an address such as memory:alice')
    const setup = { clock: this.#clock, limits: this.#limits }
    const listener = this.#hub.add(name, taken => new MemoryListener(taken, setup, () => this.#hub.remove(taken)))
    if (!listener) throw listenFailed(address, 'the name is taken')
    return listener
  }
}

class MemoryListener implements IListener {
  readonly address: string
  readonly setup: { clock: IClock; limits: TransportLimits }
  readonly #queue: AsyncQueue<IChannel>
  readonly #open = new Set<MemoryChannel>()
  readonly #onEnd: () => void

  constructor(name: string, setup: { clock: IClock; limits: TransportLimits }, onEnd: () => void) {
    this.address = `memory:${name}`
    this.setup = setup
    this.#queue = new AsyncQueue({ countHigh: setup.limits.channelsPendingMax })
    this.#onEnd = onEnd
  }

  get channels(): AsyncIterable<IChannel> {
    return this.#queue
  }

  get hasRoom(): boolean {
    return !this.#queue.full && this.#open.size < this.setup.limits.channelsMax
  }

  admit(channel: MemoryChannel): void {
    this.#open.add(channel)
    channel.onEnd = () => void this.#open.delete(channel)
    this.#queue.push(channel)
  }

  async close(): Promise<void> {
    this.#stop()
    await Promise.all([...this.#open].map(channel => channel.close('shutdown')))
  }

  break(): void {
    this.#stop()
    for (const channel of this.#open) channel.break()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #stop(): void {
    if (this.#queue.ended) return
    this.#onEnd()
    this.#queue.clear()
    this.#queue.end()
  }
}

/** `alice` in `memory:alice` and in `memory://alice`; undefined where it is no such address. */
function nameIn(address: string): string | undefined {
  return /^memory:(?:\/\/)?([^/\s]*)$/.exec(address)?.[1]
}

/** Names that leave the choice to the hub. */
function isOpenName(name: string): boolean {
  return name === '' || name === '0' || name.endsWith(':0')
}
