import type { ErrorCode } from './errors.ts'
import type { PeerId } from './message.ts'

/**
 * How a peer is treated for what it did, each step worse than the one before: read as a stranger (`throttled`), read at a trickle
 * and asked for nothing (`graylisted`), disconnected and refused for a day (`discouraged`), refused until its ban ends (`banned`).
 */
export type Standing = 'good' | 'throttled' | 'graylisted' | 'discouraged' | 'banned'

export interface RankedPeer {
  peerId: PeerId
  /** 0 to 100. */
  score: number
}

/** Somebody who is refused, and why. */
export interface Ban {
  readonly peerId: PeerId
  readonly standing: 'discouraged' | 'banned'
  /** Unix time in milliseconds on our clock; Infinity for a ban that stands until it is lifted, which only a proof makes. */
  readonly untilMs: number
  /** What it was for. */
  readonly code: ErrorCode
  /** What shows the fault to anyone: see `checkEquivocation`. */
  readonly proof?: Uint8Array | undefined
}

/** An operator's own decision; without a proof it ends. */
export type BanOptions = { forMs: number } | { proof: Uint8Array }

export interface ReputationStats {
  /** Peers with a score other than 50. */
  peers: number
  /** How many of them are treated so; the rest is in good standing. */
  throttled: number
  graylisted: number
  discouraged: number
  banned: number
  /** Connections and messages of discouraged and banned peers that were refused. */
  refused: number
  /** How often each behaviour was recorded, by its name, or by the `ERR_*` it was charged for. */
  behaviors: Readonly<Record<string, number>>
}

/** What this node thinks of others, for itself alone: scores are never shared, only proofs are. */
export interface IReputation {
  /** 0 to 100; 50 for a peer nothing is known of. Decays towards 50. */
  getScore(peerId: PeerId): number
  /** Notes what a peer did and returns its new score. Throws RangeError for a behaviour that has no points. */
  recordBehavior(peerId: PeerId, behavior: string): number
  /** The best first; peers of which nothing is known are not among them. */
  getTopPeers(count: number): RankedPeer[]
  /** True for a score under 20, for a day after it was, and as long as a ban stands: such a peer is refused. */
  shouldBan(peerId: PeerId): boolean
  standingOf(peerId: PeerId): Standing
  /** Why and how long a peer is refused; undefined for one that is not. */
  banOf(peerId: PeerId): Ban | undefined
  /** Everybody who is refused now. */
  bans(): Ban[]
  /** Refuses a peer. Throws RangeError for a time that does not end, or a proof that proves nothing against this peer. */
  ban(peerId: PeerId, options: BanOptions): void
  /** Forgets all that speaks for or against a peer, bans included. */
  forgive(peerId: PeerId): void
  getStats(): ReputationStats
}
