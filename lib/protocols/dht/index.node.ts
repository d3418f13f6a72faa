import { baseBackend } from '../../crypto/select.node.ts'
import { Dht as AnyDht } from './handler.ts'
import type { DhtOptions } from './options.ts'

/** Announce and discover without a server, with Node's own SHA-256. */
export class Dht extends AnyDht {
  constructor(options: DhtOptions = {}) {
    super({ hasher: baseBackend(), ...options })
  }
}

export { dhtProtocol, type DhtProtocol } from './definition.ts'
export type { DhtAnnounceOptions, DhtReadOptions } from './directory.ts'
export type { DhtOptions, DhtStats } from './options.ts'
export { DEFAULT_PARAMETERS, dhtParameters, type DhtParameters } from './parameters.ts'
export { DistributedHashTable, type DhtAnnouncement, type DhtQuery } from './distributed-hash-table.ts'
export { ResourceDiscovery } from './resource-discovery.ts'
export { WebDht, type WebDhtEvents, type WebDhtOptions } from './web-dht.ts'
