import type { PeerId } from '../../contracts/message.ts'
import type { Hasher } from './item-id.ts'
import type { EvictionReason } from './mesh.ts'
import type { NamespaceOptions } from './namespace.ts'
import type { GossipParameters, GossipPreset } from './parameters.ts'
import type { TopicOptions } from './topic.ts'

export interface GossipOptions {
  /** The numbers of one of the seeds. */
  preset?: GossipPreset
  parameters?: Partial<GossipParameters>
  /** What single topics have of their own. */
  topics?: Readonly<Record<string, TopicOptions>>
  /** Topics of its own, apart from everybody else's. */
  namespace?: NamespaceOptions
  /** Operators' own peers, by id: always pushed to, never in a mesh, never judged. */
  direct?: readonly PeerId[]
  /** P5: what the application thinks of a peer, asked once a heartbeat. */
  appScore?: (peerId: PeerId) => number
  /** Listeners hear what this node publishes itself. False by default. */
  echo?: boolean
  /** SHA-256; JavaScript's by default, Node's where this comes from `index.node.ts`. */
  hasher?: Hasher
}

/** What the plugin tells about its meshes. */
export interface GossipEvents {
  /** A peer is pushed to in this topic from now on. */
  peerGrafted: (event: { peerId: PeerId; topic: string }) => void
  /** It no longer is; it has been told, unless its link is gone. */
  peerEvicted: (event: { peerId: PeerId; topic: string; reason: EvictionReason }) => void
  /** This node was alone in its namespace and joined the global topics, or is among its own again. */
  namespaceChanged: (event: { namespace: string; isFallenBack: boolean }) => void
  /** It has broken so many rules that nothing it says is read any more. */
  peerGraylisted: (event: { peerId: PeerId; score: number }) => void
}
