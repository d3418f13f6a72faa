import type { TransportLimits } from './transport-limits.ts'

/** What both ends tell `ws`. Its own defaults allow 100 MiB a frame, compression, and a goodbye of 30 s. */
export function socketOptions(limits: TransportLimits) {
  return {
    perMessageDeflate: false,
    // Lower limits before the handshake are the channel's: `ws` has no public way to raise one later.
    maxPayload: limits.channelFrameBytesMax,
    maxFragments: limits.fragmentsMax,
    maxBufferedChunks: limits.chunksMax,
    closeTimeout: limits.closeTimeoutMs,
  }
}
