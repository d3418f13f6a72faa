import type { IClock } from '../contracts/clock.ts'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import type { IIdentity } from '../contracts/identity.ts'
import type { Limits } from '../contracts/limits.ts'
import type { ILogger } from '../contracts/logger.ts'
import type { PeerId } from '../contracts/message.ts'
import type { ReputationStats } from '../contracts/reputation.ts'
import type { DirectoryStats } from '../contracts/resources.ts'
import type { RandomBytes } from '../contracts/random.ts'
import type { IStore } from '../contracts/store.ts'
import type { ISybilCost } from '../contracts/sybil-cost.ts'
import type { ITransport } from '../contracts/transport.ts'
import type { OutreachStats } from '../peers/outreach.ts'
import type { PeerStats } from '../peers/peer-manager.ts'

/** Which cryptography to run on; `auto` takes the fastest that passes its self-test. */
export type BackendName = 'auto' | 'noble' | 'wasm' | 'node'

export interface P2PConfig {
  /** The name you give yourself; by default the id derived from the identity's public key. */
  peerId?: PeerId
  /** Defaults to a fresh key, kept for the life of this coordinator. */
  identity?: IIdentity
  /** Ways to reach others; `P2PCoordinator` brings WebSocket where none is given. */
  transports?: readonly ITransport[]
  /** Connections at once, in and out. 50 by default. */
  maxConnections?: number
  /** Milliseconds between heartbeats. 30,000 by default. */
  heartbeatInterval?: number
  /** Time as an input; the machine's own by default. */
  clock?: IClock
  /** Every random byte, keys included; the platform's generator by default. */
  random?: RandomBytes
  /** In memory by default. */
  store?: IStore
  /** Silent by default. */
  logger?: ILogger
  /** Two networks never hear each other. 1 to 32 bytes of UTF-8. */
  networkId?: string
  /** 'private' when listening on loopback alone; lifts caps that strangers make necessary. */
  network?: 'public' | 'private'
  /** What a stranger's key must have cost, on public networks: SHA-256 work by default, `false` for nothing. All nodes of a network use the same. */
  sybilCost?: ISybilCost | false
  /** Local names for keys you know. */
  names?: Readonly<Record<string, PeerId>>
  /** URLs dialled when this node starts to listen, and again when lost; `url#id` pins the key. */
  bootstrap?: readonly string[]
  /** Dial peers you connected to again when their link is lost. True by default. */
  reconnect?: boolean
  /** Links this node makes of its own choice, from its address book and in different netgroups, besides two to those it knew longest before a restart. None by default; an eighth of `maxConnections` is the design's measure. */
  outboundTarget?: number
  /** Single bounds to change; docs/limits.md lists them. */
  limits?: Partial<Limits>
  backend?: BackendName
}

/** What `P2PCoordinator` adds to the bare coordinator: transports and cryptography that fit the platform. */
export interface Furniture {
  transports(config: P2PConfig): readonly ITransport[]
  baseBackend(name: BackendName): ICryptoBackend
  bestBackend(name: BackendName): Promise<{ backend: ICryptoBackend; notes: string[] }>
}

export interface SendReceipt {
  messageId: string
}

export interface BroadcastReceipt {
  messageId: string
  /** Peers it was handed to. */
  sent: number
  /** Who it could not be handed to, and why. */
  failed: { peerId: PeerId; error: Error }[]
}

export interface CoordinatorStats {
  peers: PeerStats
  /** The address book, and the links this node makes of its own choice. */
  addresses: OutreachStats
  dht: DirectoryStats
  /** Names of the registered protocols. */
  protocols: readonly string[]
  /** Requests of ours that wait for an answer. */
  pendingRequests: number
  /** What the wire refused, by `ERR_*`. */
  refused: Readonly<Record<string, number>>
  /** Messages remembered against replay. */
  seenMessages: number
  crypto: { name: string; curve: string; symmetric: string }
  reputation: ReputationStats
}
