import type { IClock } from '../contracts/clock.ts'
import type { IChannel, IListener, ITransport } from '../contracts/transport.ts'
import { systemClock } from '../foundation/clock.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { expect, expectEqual } from './acceptance.ts'

/** What the suite needs of a transport. Made anew for each case, disposed after it. */
export interface TransportFixture {
  /** The transport in question; it dials. */
  transport: ITransport
  /** Listens where `transport` cannot. */
  listening?: ITransport | undefined
  /** Leaves the choice of name or port to the transport, such as `ws://127.0.0.1:0`. */
  listenAddress: string
  /** Where nobody listens. */
  nowhereAddress: string
  /** Where somebody takes the connection and never says a word; unless `options.silence` is false. */
  silentAddress?: string | undefined
  /** Another way to the same listener, which can be cut like a cable; unless `options.breaking` is false. */
  breakable?(address: string): Promise<{ address: string; cut(): void }>
  dispose?(): Promise<void>
}

export interface TransportAcceptanceOptions {
  /** The longest frame a channel carries; by default that of `DEFAULT_LIMITS`. */
  frameBytesMax?: number | undefined
  /** The longest frame before the owner has raised the limit; for channels that have `setFrameBytesMax`. */
  handshakeFrameBytesMax?: number | undefined
  /** False where a dial that nobody answers cannot happen: leaves its case out. */
  silence?: boolean | undefined
  /** False where a socket cannot be broken by a test: leaves its case out. */
  breaking?: boolean | undefined
  /** False where nothing can hold up a sender: leaves those cases out. */
  holdsBack?: boolean | undefined
  /** What may be on its way to a reader that has stopped, the system's own buffers included. */
  heldBytesMax?: number | undefined
  /** How long any one step may take. */
  stepTimeoutMs?: number | undefined
  clock?: IClock | undefined
}

/** One case of the suite. */
export type TransportPlay = (stage: TransportStage) => Promise<void>

export interface Ends {
  listener: IListener
  /** The end that dialled. */
  alice: IChannel
  /** The end that was dialled. */
  bob: IChannel
}

/** One case's fixture, with everything it opens closed at the end. */
export class TransportStage implements AsyncDisposable {
  readonly fixture: TransportFixture
  readonly clock: IClock
  readonly frameBytesMax: number
  readonly stepTimeoutMs: number
  readonly #opened: AsyncDisposable[] = []

  constructor(fixture: TransportFixture, options: TransportAcceptanceOptions) {
    this.fixture = fixture
    this.clock = options.clock ?? systemClock
    this.frameBytesMax = options.frameBytesMax ?? DEFAULT_LIMITS.channelFrameBytesMax
    this.stepTimeoutMs = options.stepTimeoutMs ?? 10_000
  }

  async listen(address = this.fixture.listenAddress): Promise<IListener> {
    const transport = this.fixture.listening ?? this.fixture.transport
    expect(transport.listen, `${transport.name} cannot listen: name a transport that can as \`listening\``)
    return this.#keep(await this.within(transport.listen(address), `listening on ${address}`))
  }

  async dial(address: string): Promise<IChannel> {
    return this.#keep(await this.within(this.fixture.transport.dial(address), `dialling ${address}`))
  }

  /** Two ends of a fresh channel, as their owners have them after a handshake. */
  async ends(listener?: IListener): Promise<Ends> {
    const pair = await this.rawEnds(listener)
    pair.alice.setFrameBytesMax?.(this.frameBytesMax)
    pair.bob.setFrameBytesMax?.(this.frameBytesMax)
    return pair
  }

  /** The same before anybody has raised a limit. */
  async rawEnds(listener?: IListener, address?: string): Promise<Ends> {
    const at = listener ?? await this.listen()
    const [alice, bob] = await Promise.all([this.dial(address ?? at.address), this.accepted(at)])
    return { listener: at, alice, bob }
  }

  async accepted(listener: IListener): Promise<IChannel> {
    const next = await this.within(listener.channels[Symbol.asyncIterator]().next(), 'a channel from the listener')
    expect(!next.done, 'expected the listener to hand out a channel, it ended')
    return this.#keep(next.value)
  }

  /** The next `count` frames. */
  async read(channel: IChannel, count: number): Promise<Uint8Array[]> {
    const frames: Uint8Array[] = []
    const reader = channel.frames[Symbol.asyncIterator]()
    while (frames.length < count) {
      const next = await this.within(reader.next(), `frame ${frames.length + 1} of ${count}`)
      expect(!next.done, `expected ${count} frames, reading ended after ${frames.length}`)
      frames.push(next.value)
    }
    return frames
  }

  /** Frames until reading ends; rejects with what it throws. */
  readToEnd(channel: IChannel): Promise<Uint8Array[]> {
    return this.within((async () => {
      const frames: Uint8Array[] = []
      for await (const frame of channel.frames) frames.push(frame)
      return frames
    })(), 'the end of reading')
  }

  /** Waits, but not for ever. */
  within<T>(promise: Promise<T>, what: string): Promise<T> {
    return withDeadline(this.clock, { timeoutMs: this.stepTimeoutMs }, () => promise, { what })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.within(Promise.all(this.#opened.map(opened => opened[Symbol.asyncDispose]())), 'everything to close')
    await this.fixture.dispose?.()
  }

  #keep<T extends AsyncDisposable>(opened: T): T {
    this.#opened.push(opened)
    return opened
  }
}

/** A frame that shows its place in the order and whether it came whole. */
export function numbered(index: number, size: number): Uint8Array {
  const frame = new Uint8Array(Math.max(4, size)).fill(index % 251)
  new DataView(frame.buffer).setUint32(0, index)
  return frame
}

/** Fails unless these are `numbered(0)`, `numbered(1)` and so on, of these sizes. */
export function expectNumbered(frames: readonly Uint8Array[], sizes: readonly number[], what: string): void {
  expectEqual(frames.length, sizes.length, `${what}: frames`)
  for (const [index, frame] of frames.entries()) expectEqual(new Uint8Array(frame), numbered(index, sizes[index]!), `${what}: frame ${index}`)
}
