import type { Limits } from '../contracts/limits.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'

/** The figures of `Limits` that transports enforce themselves. */
type SharedLimits = Pick<Limits, 'channelFrameBytesMax' | 'handshakeFrameBytesMax' | 'dialTimeoutMs' | 'closeTimeoutMs' | 'pingsPerTenSeconds'>

/**
 * Every bound on what the other end of a socket can cost us. Sizes are in bytes, times in
 * milliseconds. A whole `Limits` fits in, with or without these.
 */
export interface TransportLimits extends SharedLimits {
  /** Outgoing bytes not yet taken by the system at which `send` waits: enough to keep a fast link busy. */
  sendBytesHigh: number
  /** Unread incoming bytes at which the socket is no longer read. */
  unreadBytesHigh: number
  /** Unread incoming frames at which the socket is no longer read: tiny frames cost more than their bytes. */
  unreadFramesHigh: number
  /** Where reading cannot be held up (browsers): unread bytes at which the channel breaks. */
  unreadBytesMax: number

  /** Pieces one frame of ours may come in, by the fragments of RFC 6455. */
  fragmentsMax: number
  /** Reads that may hold one unfinished WebSocket frame: a frame in pieces of a byte is an attack on memory. */
  chunksMax: number
  /** How long a frame may take to arrive whole, once a part of it has. */
  frameTimeoutMs: number

  /** From a socket's opening to the end of its HTTP headers, or of its TLS handshake. */
  headersTimeoutMs: number
  /** From a socket's opening to the end of its HTTP request; the upgrade itself may take as long again. */
  requestTimeoutMs: number
  /** How often those two are checked. */
  timeoutCheckMs: number
  /** HTTP headers read of one request; browsers send about twenty. */
  headersMax: number
  /** Bytes of HTTP headers. */
  headersBytesMax: number
  /** Sockets that have not upgraded yet; beyond it the oldest is dropped, since honest ones take milliseconds. */
  socketsPendingMax: number
  /** Channels a listener holds; beyond it an upgrade is refused with 503. */
  channelsMax: number
  /** Channels that nobody has taken from the listener yet; beyond it likewise. */
  channelsPendingMax: number
}

const KIB = 1024
const MIB = 1024 * KIB

export const DEFAULT_TRANSPORT_LIMITS: TransportLimits = Object.freeze({
  channelFrameBytesMax: DEFAULT_LIMITS.channelFrameBytesMax,
  handshakeFrameBytesMax: DEFAULT_LIMITS.handshakeFrameBytesMax,
  dialTimeoutMs: DEFAULT_LIMITS.dialTimeoutMs,
  closeTimeoutMs: DEFAULT_LIMITS.closeTimeoutMs,
  pingsPerTenSeconds: DEFAULT_LIMITS.pingsPerTenSeconds,

  sendBytesHigh: 256 * KIB,
  unreadBytesHigh: MIB,
  unreadFramesHigh: 64,
  unreadBytesMax: 8 * MIB,

  fragmentsMax: 64,
  chunksMax: 1_024,
  frameTimeoutMs: 10_000,

  headersTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  timeoutCheckMs: 1_000,
  headersMax: 64,
  headersBytesMax: 8 * KIB,
  socketsPendingMax: 512,
  channelsMax: 1_024,
  channelsPendingMax: 64,
})

/** The defaults with the caller's own figures over them; a whole `Limits` may be given. Throws RangeError for one that is not a number above zero. */
export function transportLimitsFrom(overrides: Partial<TransportLimits> = {}): TransportLimits {
  const limits = { ...DEFAULT_TRANSPORT_LIMITS }
  for (const name of Object.keys(limits) as (keyof TransportLimits)[]) {
    const value = overrides[name]
    if (value === undefined) continue
    if (!(value > 0)) throw new RangeError(`limits.${name} must be a number above 0, got ${String(value)}`)
    limits[name] = value
  }
  return Object.freeze(limits)
}
