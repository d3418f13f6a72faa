import type { P2PMessage, PeerId } from '../contracts/message.ts'
import type { ISybilCost, SybilStats } from '../contracts/sybil-cost.ts'
import type { ITransport } from '../contracts/transport.ts'
import type { LocalNode, LocalNodeOptions } from './local-node.ts'
import type { PeerRecord } from './peer-table.ts'

export interface PeerManagerOptions extends LocalNodeOptions {
  /** Made by whoever owns the manager; without it the manager makes its own from the other options. */
  node?: LocalNode
  transports?: readonly ITransport[]
  /** Connections at once, in and out; 50 by default. */
  maxConnections?: number | undefined
  /** Milliseconds between heartbeats; 30,000 by default. */
  heartbeatInterval?: number | undefined
  /** Without it: private while this node listens on loopback alone. */
  network?: 'public' | 'private' | undefined
  names?: Readonly<Record<string, PeerId>> | undefined
  /** Dial peers the user asked for again when their link is lost; true by default. */
  reconnect?: boolean | undefined
  /** Links this node makes of its own choice, from its address book, besides two to anchors of its last run. None by default; the design's measure is an eighth of `maxConnections`. */
  outboundTarget?: number | undefined
  /** What a stranger's key must have cost, on public networks: SHA-256 work by default, `false` for nothing. */
  sybilCost?: ISybilCost | false | undefined
  /** Takes verified messages instead of the `message` event. */
  route?: (message: P2PMessage, from: PeerRecord) => Promise<void> | undefined
}

export interface PeerStats {
  connectedPeers: number
  totalPeers: number
  /** Handshakes that strangers have under way. */
  pendingHandshakes: number
  /** Lost peers that are being dialled again. */
  reconnecting: number
  sybil: SybilStats
  /** How often each `ERR_*` was met, from strangers and from ourselves. */
  errors: Readonly<Record<string, number>>
}
