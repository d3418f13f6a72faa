import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import type { ErrorCode } from '../../contracts/errors.ts'
import type { Verdict } from '../../contracts/pubsub.ts'
import type { Effect } from '../../contracts/state-machine.ts'
import type { GossipProtocol, Item, SyncCursor } from './definition.ts'
import type { Entry } from './entry.ts'
import type { EvictionReason } from './mesh.ts'
import type { Peer, PeerFacts } from './peer.ts'
import type { SyncAnswer, SyncQuestion } from './sync.ts'

/** What a handler, or a simulator, tells the state. Times: `nowMs` of `handle` is monotonic; `wallMs` is Unix time on our clock. */
export type GossipInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'joined'; readonly facts: PeerFacts }
  | { readonly kind: 'left'; readonly from: PeerId }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly from: PeerId; readonly topics: readonly string[] }
  | { readonly kind: 'item'; readonly from: PeerId; readonly item: Item }
  | { readonly kind: 'have'; readonly from: PeerId; readonly list: readonly { readonly topic: string; readonly ids: Uint8Array }[] }
  | { readonly kind: 'want' | 'dont-want'; readonly from: PeerId; readonly ids: Uint8Array }
  | { readonly kind: 'graft'; readonly from: PeerId; readonly topic: string }
  | { readonly kind: 'prune'; readonly from: PeerId; readonly topic: string; readonly backoffMs: number }
  | { readonly kind: 'sync'; readonly from: PeerId; readonly topic: string; readonly question: SyncQuestion }
  | { readonly kind: 'sync-answer'; readonly ref: string; readonly ids: Uint8Array; readonly next: SyncCursor | null }
  | { readonly kind: 'sync-failed'; readonly ref: string }
  /** `context.verify` was content: the message with its payload taken apart, or null where that has another shape. */
  | { readonly kind: 'verified'; readonly entry: Entry; readonly message: P2PMessage; readonly wallMs: number }
  /** It was not. `fault` when the hop should have known. */
  | { readonly kind: 'unverified'; readonly entry: Entry; readonly code: ErrorCode; readonly fault: boolean }
  | { readonly kind: 'verdict'; readonly entry: Entry; readonly verdict: Verdict | 'busy' }
  | { readonly kind: 'publish'; readonly topic: string; readonly frame: Uint8Array; readonly message: P2PMessage }
  | { readonly kind: 'join' | 'leave'; readonly topic: string }
  | { readonly kind: 'timer'; readonly timer: string; readonly wallMs: number }

/** What the handler does itself. */
export type GossipEvent =
  | { readonly kind: 'grafted'; readonly peerId: PeerId; readonly topic: string }
  | { readonly kind: 'evicted'; readonly peerId: PeerId; readonly topic: string; readonly reason: EvictionReason }
  | { readonly kind: 'graylisted'; readonly peerId: PeerId; readonly score: number }

/** What the state wants done: the kit's effects, and what goes through hands that the kit does not know. */
export type GossipEffect =
  | Effect<GossipProtocol, GossipEvent>
  /** Soon, in one word with what else this tick has for them. */
  | { readonly kind: 'push'; readonly to: readonly Peer[]; readonly item: Item }
  | { readonly kind: 'spare'; readonly to: readonly Peer[]; readonly id: Uint8Array }
  /** Comes back as `verified` or `unverified`. */
  | { readonly kind: 'verify'; readonly entry: Entry }
  /** Comes back as `verdict`. */
  | { readonly kind: 'validate'; readonly entry: Entry }
  | { readonly kind: 'deliver'; readonly entry: Entry; readonly message: P2PMessage; readonly body: unknown }
  /** The reply to a `sync` that is being handled. */
  | { readonly kind: 'answer'; readonly reply: SyncAnswer }
