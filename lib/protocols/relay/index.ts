/** Messages to peers without a link, carried sealed by others. In Node use `index.node.ts`, which hashes faster. */
export { relayProtocol, type RelayProtocol } from './definition.ts'
export { Relay } from './handler.ts'
export type { RelayOptions } from './options.ts'
export type { RelayStats } from './state.ts'
