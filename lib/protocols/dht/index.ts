/** Announce and discover without a server. In Node use `index.node.ts`, which hashes faster. */
export { dhtProtocol, type DhtProtocol } from './definition.ts'
export type { DhtAnnounceOptions, DhtReadOptions } from './directory.ts'
export { Dht } from './handler.ts'
export type { DhtOptions, DhtStats } from './options.ts'
export { DEFAULT_PARAMETERS, dhtParameters, type DhtParameters } from './parameters.ts'
export { DistributedHashTable, type DhtAnnouncement, type DhtQuery } from './distributed-hash-table.ts'
export { ResourceDiscovery } from './resource-discovery.ts'
export { WebDht, type WebDhtEvents, type WebDhtOptions } from './web-dht.ts'
