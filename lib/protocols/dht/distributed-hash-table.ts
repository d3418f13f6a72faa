import type { IClock } from '../../contracts/clock.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { DirectoryStats } from '../../contracts/resources.ts'
import type { WaitOptions } from '../../contracts/wait.ts'
import { systemClock } from '../../foundation/clock.ts'
import { lifetimeOf } from './directory.ts'
import { testOf } from './filters.ts'
import type { Dht } from './handler.ts'
import { ID_CHARS_MAX } from './limits.ts'
import { checkName, SET_MARK, type Stored } from './record.ts'

/** What seed 004 puts into its table: a key, a value, and for how many seconds. */
export interface DhtAnnouncement<T = unknown> {
  key: string
  value: T
  publisherId: PeerId
  /** Seconds. */
  ttl: number
  /** Unix time in milliseconds. */
  publishedAt: number
}

export interface DhtQuery {
  /** A key, or the beginning of one and a star: `session-*`. */
  key: string
  /** Equality or a range on fields of the value, or a function of it. */
  filters?: Record<string, unknown> | ((value: unknown) => boolean)
  maxResults?: number
}

/** Raw keys are kept apart from resources under a type that no resource may have. */
export const RAW_TYPE = ':raw'
/** Prefixes end where a key has one of these; so many of them can be looked up, and all keys. */
const BOUNDARY = /[-:/.]/g
const BOUNDARIES_MAX = 4
/** Without a network, as many as a node holds for others. */
const LOCAL_MAX = 50_000
const RESULTS_MAX = 1_000

/**
 * Keys and values with a lifetime. `new DistributedHashTable(peerId)` is a table of its own, in memory, for use without a network;
 * `new DistributedHashTable(dht)` is everybody's, over a registered `Dht`: then `publisherId` of what is found is the key that signed it.
 */
export class DistributedHashTable {
  readonly #dht: Dht | undefined
  readonly #clock: IClock
  readonly #peerId: PeerId
  readonly #local = new Map<string, { announcement: DhtAnnouncement; endsAtMs: number }>()

  constructor(owner: PeerId | Dht, { clock = systemClock }: { clock?: IClock } = {}) {
    this.#dht = typeof owner === 'string' ? undefined : owner
    this.#peerId = typeof owner === 'string' ? owner : ''
    this.#clock = clock
  }

  /** The network's, where there is one. */
  get dht(): Dht | undefined {
    return this.#dht
  }

  /** Throws RangeError or TypeError for a key or a ttl that cannot be; on the network rejects with ERR_DHT_REFUSED. */
  async announce<T>(announcement: { key: string; value: T } & Partial<DhtAnnouncement<T>>, options: WaitOptions = {}): Promise<void> {
    const { key, value, ttl, publisherId = this.#peerId, publishedAt = this.#clock.now() } = announcement
    checkName('a key', key, ID_CHARS_MAX)
    const lifetimeMs = lifetimeOf(ttl === undefined ? {} : { ttl }, 3_600_000)
    if (this.#dht === undefined) return this.#keep({ key, value, publisherId, ttl: lifetimeMs / 1_000, publishedAt }, publishedAt + lifetimeMs)
    const sets = [...new Set(['', ...prefixesOf(key)])].map(setOf)
    await this.#dht.running.own.publish({ type: RAW_TYPE, id: key, sets, data: { value, ttl: lifetimeMs / 1_000, publishedAt }, lifetimeMs, renew: false }, { signal: options.signal })
  }

  /** The newest value of a key, or null. */
  async get<T = unknown>(key: string, options: WaitOptions = {}): Promise<DhtAnnouncement<T> | null> {
    checkName('a key', key, ID_CHARS_MAX)
    if (this.#dht === undefined) return (this.#live(key) as DhtAnnouncement<T> | undefined) ?? null
    const newest = newestOf(await this.#dht.running.directory.every(RAW_TYPE, key, options), this.#dht.running.core.nowMs)
    return newest === undefined ? null : rawOf<T>(newest)
  }

  /** All that match, at most `maxResults` (1,000). */
  async query<T = unknown>({ key, filters, maxResults = RESULTS_MAX }: DhtQuery, options: WaitOptions = {}): Promise<DhtAnnouncement<T>[]> {
    if (typeof key !== 'string') throw new TypeError(`a query needs a key, got ${typeof key}`)
    if (!(Number.isInteger(maxResults) && maxResults > 0)) throw new RangeError(`maxResults must be a whole number above 0, got ${String(maxResults)}`)
    const fits = typeof filters === 'function' ? filters : (value: unknown) => testOf(filters)({ data: value } as never)
    const isPrefix = key.endsWith('*')
    const found = isPrefix ? await this.#byPrefix(key.slice(0, -1), options) : [await this.get(key, options)].filter(one => one !== null)
    return found.filter(({ value }) => fits(value)).sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, maxResults) as DhtAnnouncement<T>[]
  }

  getStats(): DirectoryStats {
    if (this.#dht !== undefined) return this.#dht.resources.getStats()
    this.cleanup()
    return { totalAnnouncements: this.#local.size }
  }

  /** Drops what has ended. */
  cleanup(): void {
    if (this.#dht !== undefined) return this.#dht.cleanup()
    for (const key of [...this.#local.keys()]) this.#live(key)
  }

  async #byPrefix(prefix: string, options: WaitOptions): Promise<DhtAnnouncement[]> {
    if (this.#dht === undefined) return [...this.#local.keys()].filter(key => key.startsWith(prefix)).flatMap(key => this.#live(key) ?? [])
    const { directory, core } = this.#dht.running
    const records = (await directory.all(RAW_TYPE, setOf(prefixesOf(prefix).at(-1) ?? ''), { signal: options.signal })).filter(({ id }) => id.startsWith(prefix))
    const keys = new Map<string, Stored[]>()
    for (const record of records) keys.set(record.id, [...keys.get(record.id) ?? [], record])
    return [...keys.values()].flatMap(same => newestOf(same, core.nowMs) ?? []).map(record => rawOf(record))
  }

  #keep(announcement: DhtAnnouncement, endsAtMs: number): void {
    this.cleanup()
    if (!this.#local.has(announcement.key) && this.#local.size >= LOCAL_MAX) throw new RangeError(`a table of its own holds at most ${LOCAL_MAX} keys`)
    this.#local.set(announcement.key, { announcement, endsAtMs })
  }

  #live(key: string): DhtAnnouncement | undefined {
    const kept = this.#local.get(key)
    if (kept === undefined || kept.endsAtMs > this.#clock.now()) return kept?.announcement
    this.#local.delete(key)
    return undefined
  }
}

/** How far ahead of the clock a number may be that is made from it: beyond, somebody wants to be the newest for ever. */
const NUMBER_LEAD_MS = 10 * 60_000

/** Of several publishers' values the last: numbers are made from clocks. */
export function newestOf(records: readonly Stored[], nowMs: number): Stored | undefined {
  return records.filter(({ seq }) => seq <= nowMs + NUMBER_LEAD_MS).sort((a, b) => b.seq - a.seq || (a.publisher < b.publisher ? -1 : 1))[0]
}

/** The beginnings of a key up to and with each of its first boundaries. */
function prefixesOf(key: string): string[] {
  return [...key.matchAll(BOUNDARY)].slice(0, BOUNDARIES_MAX).map(({ index }) => key.slice(0, index + 1))
}

function setOf(prefix: string): string {
  return prefix === '' ? RAW_TYPE : RAW_TYPE + SET_MARK + prefix
}

function rawOf<T>({ id, publisher, data }: Stored): DhtAnnouncement<T> {
  const { value, ttl, publishedAt } = (data ?? {}) as { value?: T; ttl?: unknown; publishedAt?: unknown }
  return { key: id, value: value as T, publisherId: publisher, ttl: typeof ttl === 'number' ? ttl : 0, publishedAt: typeof publishedAt === 'number' ? publishedAt : 0 }
}
