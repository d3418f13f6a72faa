import { baseBackend } from '../../crypto/select.node.ts'
import { Gossip as AnyGossip } from './handler.ts'
import type { GossipOptions } from './options.ts'

/** Publish and subscribe over many hops, with Node's own SHA-256. */
export class Gossip extends AnyGossip {
  constructor(options: GossipOptions = {}) {
    super({ hasher: baseBackend(), ...options })
  }
}

export { gossipProtocol, PUBLICATION, type GossipProtocol } from './definition.ts'
export type { GossipEvents, GossipOptions } from './options.ts'
export type { EvictionReason } from './mesh.ts'
export { DEFAULT_PARAMETERS, GOSSIP_PRESETS, gossipParameters, type GossipParameters, type GossipPreset } from './parameters.ts'
export type { NamespaceOptions } from './namespace.ts'
export { THRESHOLDS } from './score.ts'
export type { GossipStats } from './state.ts'
export type { TopicOptions } from './topic.ts'
