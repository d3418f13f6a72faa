import type { PeerId } from '../../contracts/message.ts'
import type { AnnounceOptions, AnnouncementHandle, Filters, ResourceAnnouncement } from '../../contracts/resources.ts'
import type { WaitOptions } from '../../contracts/wait.ts'
import { lifetimeOf } from './directory.ts'
import type { DistributedHashTable } from './distributed-hash-table.ts'
import { testOf } from './filters.ts'

/** What is kept of a resource in a table of its own. */
interface Kept { readonly data: unknown; readonly gone: boolean }

const TTL_MS = 3_600_000

/** Seed 004's discovery over its table: with a network through the `Dht`, without one over the table in memory. */
export class ResourceDiscovery {
  readonly #table: DistributedHashTable
  readonly #peerId: PeerId

  constructor(dht: DistributedHashTable, peerId: PeerId) {
    this.#table = dht
    this.#peerId = peerId
  }

  /** Makes a resource findable for `ttl` seconds. */
  async announceResource<T>(type: string, id: string, data: T, options: AnnounceOptions = {}): Promise<AnnouncementHandle<T>> {
    const { dht } = this.#table
    if (dht !== undefined) return await dht.resources.announce(type, id, data, options)
    const lifetimeMs = lifetimeOf(options, TTL_MS)
    const key = keyOf(type, id)
    const put = (kept: unknown, gone: boolean, publishedAt?: number): Promise<void> => this.#table.announce<Kept>({
      key, publisherId: this.#peerId, ttl: lifetimeMs / 1_000, value: { data: kept, gone }, ...(publishedAt === undefined ? {} : { publishedAt }),
    })
    // A change does not make it live longer.
    const change = async (kept: unknown, gone: boolean): Promise<void> => {
      const present = await this.#table.get<Kept>(key)
      if (present !== null) await put(kept, gone, present.publishedAt)
    }
    await put(data, false)
    const withdraw = (): Promise<void> => change(null, true)
    return { update: changed => change(changed, false), withdraw, [Symbol.asyncDispose]: withdraw }
  }

  /** All of a type that match. */
  async discoverResources<T = unknown>(type: string, filters?: Filters, options?: WaitOptions): Promise<ResourceAnnouncement<T>[]> {
    const { dht } = this.#table
    if (dht !== undefined) return await dht.resources.discover<T>(type, filters, options)
    const fits = testOf(filters)
    const found = await this.#table.query<Kept>({ key: `${keyOf(type, '')}*` })
    return found.flatMap(one => resourceOf<T>(type, one) ?? []).filter(fits)
  }

  /** One of them, or null. */
  async getResource<T = unknown>(type: string, id: string, options?: WaitOptions): Promise<ResourceAnnouncement<T> | null> {
    const { dht } = this.#table
    if (dht !== undefined) return await dht.resources.get<T>(type, id, options)
    const found = await this.#table.get<Kept>(keyOf(type, id))
    return found === null ? null : resourceOf<T>(type, found) ?? null
  }
}

/** Types hold no line break, so that one is no beginning of another. */
function keyOf(type: string, id: string): string {
  return `${type}\n${id}`
}

function resourceOf<T>(type: string, { key, value, publisherId, ttl, publishedAt }: { key: string; value: Kept; publisherId: PeerId; ttl: number; publishedAt: number }): ResourceAnnouncement<T> | undefined {
  if (value.gone === true) return undefined
  return { resourceId: key.slice(type.length + 1), resourceType: type, creatorPeerId: publisherId, data: value.data as T, createdAt: publishedAt, expiresAt: publishedAt + ttl * 1_000 }
}
