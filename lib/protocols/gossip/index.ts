/** Publish and subscribe over many hops. In Node use `index.node.ts`, which hashes faster. */
export { gossipProtocol, PUBLICATION, type GossipProtocol } from './definition.ts'
export { Gossip } from './handler.ts'
export type { GossipEvents, GossipOptions } from './options.ts'
export type { EvictionReason } from './mesh.ts'
export { DEFAULT_PARAMETERS, GOSSIP_PRESETS, gossipParameters, type GossipParameters, type GossipPreset } from './parameters.ts'
export { THRESHOLDS } from './score.ts'
export type { GossipStats } from './state.ts'
export type { TopicOptions } from './topic.ts'
