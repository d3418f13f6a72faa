import type { DisconnectReason, PeerAddresses } from './peer.ts'
import type { WaitOptions } from './wait.ts'

/** A pipe of whole frames between two sockets. Knows bytes; knows nothing of peers or messages. */
export interface IChannel extends AsyncDisposable {
  readonly direction: 'inbound' | 'outbound'
  readonly remoteAddress: string
  /** Read by exactly one consumer. Ends when the channel closes; throws TransportError if it broke. */
  readonly frames: AsyncIterable<Uint8Array>
  /** Resolves when the socket has room for another frame: awaiting it is the backpressure. */
  send(frame: Uint8Array, options?: WaitOptions): Promise<void>
  /**
   * The most bytes an incoming frame may hold from now on; a longer one breaks the channel. It begins at
   * `limits.handshakeFrameBytesMax`: the owner raises it once it knows who is there, before it says that it does.
   */
  setFrameBytesMax?(bytes: number): void
  close(reason?: DisconnectReason): Promise<void>
  /** What the listener said with its answer to this dial, if anything, at either end: see `ListenOptions.greet`. */
  readonly greeting?: Uint8Array | undefined
}

/** The listening half: a stream of channels, shaped like a channel's stream of frames. */
export interface IListener extends AsyncDisposable {
  readonly address: string
  readonly channels: AsyncIterable<IChannel>
  close(): Promise<void>
}

export interface DialOptions extends WaitOptions {
  /**
   * The address is a stranger's word: refuse it, before a socket is opened, where its name resolves to a loopback, private or
   * link-local address. For transports that resolve names; where that cannot be seen, as in a browser, it cannot be kept.
   */
  refuseLocal?: boolean | undefined
}

export interface ListenOptions extends WaitOptions {
  /**
   * Asked once for each dialler that is let in: up to 64 bytes that travel with the answer itself, before the first frame, where the
   * transport has room for them. Nobody vouches for them, and a dialler that never sees them must do as well.
   */
  greet?: (() => Uint8Array) | undefined
}

export type TransportName = keyof PeerAddresses

export interface ITransport<N extends TransportName = TransportName> {
  /** The key in `PeerInfo.addresses` this transport can dial. */
  readonly name: N
  /** URL schemes it answers for, such as `ws:` and `wss:`; how a string address finds its transport. */
  readonly schemes: readonly string[]
  dial(address: NonNullable<PeerAddresses[N]>, options?: DialOptions): Promise<IChannel>
  /** Absent where listening is impossible, such as a WebSocket in a browser. */
  listen?(address: string, options?: ListenOptions): Promise<IListener>
}
