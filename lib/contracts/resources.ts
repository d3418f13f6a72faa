import type { PeerId } from './message.ts'
import type { WaitOptions } from './wait.ts'

export interface ResourceAnnouncement<T = unknown> {
  resourceId: string
  resourceType: string
  creatorPeerId: PeerId
  data: T
  /** Unix time in milliseconds. */
  createdAt: number
  /** Unix time in milliseconds. */
  expiresAt?: number
  signature?: Uint8Array
}

export interface AnnounceOptions extends WaitOptions {
  /** Lifetime in seconds (the seed's unit). Copies are kept alive until then; after it the resource is gone everywhere. */
  ttl?: number
  ttlMs?: number
  /** Extends the lifetime again and again while the handle is open. */
  renew?: boolean
}

export type Filter = unknown | { gte?: number; lte?: number; in?: readonly unknown[] }
/** Equality or a range on fields of `data`, or any function; the reader filters, after checking signatures. */
export type Filters = Record<string, Filter> | ((resource: ResourceAnnouncement) => boolean)

export interface ResourcePage<T> { resources: ResourceAnnouncement<T>[]; cursor?: string; completeness: number; truncated: boolean }

/** Changes or withdraws an announcement; ignoring it is fine, the announcement then lapses with its ttl. */
export interface AnnouncementHandle<T> extends AsyncDisposable {
  update(data: T): Promise<void>
  withdraw(): Promise<void>
}

export type ResourceChange<T> = { kind: 'added' | 'updated' | 'removed'; resource: ResourceAnnouncement<T> }

export interface DirectoryStats {
  totalAnnouncements: number
}

/** The role behind the coordinator's resource calls. The DHT plays it; so may any other plugin. */
export interface IResourceDirectory {
  announce<T>(type: string, id: string, data: T, options?: AnnounceOptions): Promise<AnnouncementHandle<T>>
  discover<T = unknown>(type: string, filters?: Filters, options?: WaitOptions): Promise<ResourceAnnouncement<T>[]>
  discoverPage<T = unknown>(type: string, filters?: Filters, options?: WaitOptions & { cursor?: string; limit?: number }): Promise<ResourcePage<T>>
  get<T = unknown>(type: string, id: string, options?: WaitOptions): Promise<ResourceAnnouncement<T> | null>
  /** Present matches first, then each change, until the signal aborts. */
  watch<T = unknown>(type: string, filters?: Filters, options?: WaitOptions): AsyncIterable<ResourceChange<T>>
  getStats(): DirectoryStats
}
