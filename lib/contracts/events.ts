import type { Equivocation } from './equivocation.ts'
import type { P2PError } from './errors.ts'
import type { P2PMessage } from './message.ts'
import type { DisconnectReason, PeerInfo } from './peer.ts'

/** Shared by P2PCoordinator and PeerManager; PeerConnection uses the same names. */
export interface P2PEvents {
  connected: (peer: PeerInfo) => void
  disconnected: (peer: PeerInfo, reason: DisconnectReason) => void
  message: (message: P2PMessage, from: PeerInfo) => void
  /** Somebody said two different things in one slot; told once for each author. `peer` is that author. */
  equivocation: (shown: Equivocation, peer: PeerInfo) => void
  /** `peer` is whom the error is about; for a local fault it is the local peer. */
  error: (error: P2PError, peer: PeerInfo) => void
}
