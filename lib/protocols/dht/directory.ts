import type { AnnounceOptions, AnnouncementHandle, DirectoryStats, Filters, IResourceDirectory, ResourceAnnouncement, ResourceChange, ResourcePage } from '../../contracts/resources.ts'
import type { WaitOptions } from '../../contracts/wait.ts'
import { withDeadline } from '../../foundation/deadline.ts'
import { toHex } from '../../foundation/hex.ts'
import type { Core } from './core.ts'
import { testOf } from './filters.ts'
import { ID_CHARS_MAX, PAGE_ENTRIES_MAX, SETS_MAX, TYPE_CHARS_MAX } from './limits.ts'
import type { OwnRecords } from './own-records.ts'
import type { Harvest, Reader } from './reader.ts'
import { announcementOf, checkName, mayPublish, SET_MARK, type Stored } from './record.ts'
import { watchSet, type Changes } from './watching.ts'

export interface DhtAnnounceOptions extends AnnounceOptions {
  /** Up to four fields of `data` by whose values it can be found without reading the whole type. */
  index?: readonly string[]
}

export interface DhtReadOptions extends WaitOptions {
  /** Twice the paths, where much depends on the answer. */
  careful?: boolean
  /** A field that publishers declared by `index` and the filters ask for by value: only those are read, whoever did not declare it is missed. */
  index?: string
}

/** Announcing and finding everything takes a few lookups, one after the other. */
const CALL_MS = 60_000

/** The `resources` role, over the table. */
export class Directory implements IResourceDirectory {
  readonly #core: Core
  readonly #own: OwnRecords
  readonly #reader: Reader
  readonly #changes: Changes

  constructor(core: Core, own: OwnRecords, reader: Reader, changes: Changes) {
    this.#core = core
    this.#own = own
    this.#reader = reader
    this.#changes = changes
  }

  /** Resolves when somebody holds it. Rejects with ERR_DHT_REFUSED, RangeError or TypeError. */
  async announce<T>(type: string, id: string, data: T, options: DhtAnnounceOptions = {}): Promise<AnnouncementHandle<T>> {
    checkName('a resource type', type, TYPE_CHARS_MAX)
    checkName('a resource id', id, ID_CHARS_MAX)
    if (type.startsWith(':')) throw new RangeError(`types that begin with a colon are the table's own, got ${JSON.stringify(type)}`)
    if (!mayPublish(this.#core.ownId, id)) throw new RangeError('ids that begin with a key and a slash are that key\'s alone')
    const lifetimeMs = lifetimeOf(options, this.#core.parameters.ttlMs)
    const sets = [type, ...indexSets(type, data, options.index)]
    const own = await this.#within(options, `announcing ${type}/${id}`, signal => this.#own.publish({ type, id, sets, data, lifetimeMs, renew: options.renew ?? false }, { signal }))
    const withdraw = (): Promise<void> => this.#own.withdraw(own)
    return { update: changed => this.#own.update(own, changed), withdraw, [Symbol.asyncDispose]: withdraw }
  }

  /** All that match, of everybody. Pages are for types of many thousands. */
  async discover<T = unknown>(type: string, filters?: Filters, options: DhtReadOptions = {}): Promise<ResourceAnnouncement<T>[]> {
    checkName('a resource type', type, TYPE_CHARS_MAX)
    const fits = testOf(filters)
    const set = options.index === undefined ? type : indexedBy(type, filters, options.index)
    const records = await this.#within(options, `discovering ${type}`, signal => this.all(type, set, { signal, careful: options.careful ?? false }))
    return records.map(record => announcementOf<T>(record)).filter(fits)
  }

  /** At most `limit` (64) matches, in an order that does not change; `cursor` goes on where a page ended. */
  async discoverPage<T = unknown>(type: string, filters?: Filters, options: DhtReadOptions & { cursor?: string; limit?: number } = {}): Promise<ResourcePage<T>> {
    checkName('a resource type', type, TYPE_CHARS_MAX)
    const { cursor = '', limit = PAGE_ENTRIES_MAX } = options
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= PAGE_ENTRIES_MAX)) throw new RangeError(`limit must be a whole number from 1 to ${PAGE_ENTRIES_MAX}, got ${String(limit)}`)
    if (!/^([0-9a-f]{32})?$/.test(cursor)) throw new RangeError(`cursor must be one that a page gave, got ${JSON.stringify(cursor.slice(0, 40))}`)
    const fits = testOf(filters)
    return await this.#within(options, `discovering ${type}`, async signal => {
      const harvest = await this.#reader.set(type, type, 0, { signal, careful: options.careful ?? false })
      const entries = [...new Set([...harvest.records.keys(), ...harvest.rows.keys(), ...this.#ownEntries(type)])].filter(entry => entry > cursor).sort()
      const resources: ResourceAnnouncement<T>[] = []
      let at = 0
      let last = ''
      while (resources.length < limit && at < entries.length) {
        const batch = entries.slice(at, at + limit - resources.length)
        at += batch.length
        last = batch.at(-1)!
        const found = await this.#fetched(harvest, batch, type, type, { signal })
        for (const record of found.sort((a, b) => (toHex(a.entry) < toHex(b.entry) ? -1 : 1))) {
          const resource = announcementOf<T>(record)
          if (fits(resource)) resources.push(resource)
        }
      }
      const truncated = at < entries.length
      return { resources, ...(truncated ? { cursor: last } : {}), completeness: harvest.completeness, truncated }
    })
  }

  /** The announcement of that id; of several publishers', ours, else the one that was there first by its own word. */
  async get<T = unknown>(type: string, id: string, options: DhtReadOptions = {}): Promise<ResourceAnnouncement<T> | null> {
    const records = await this.every(type, id, options)
    const ours = records.find(({ publisher }) => publisher === this.#core.ownId)
    const first = ours ?? records.sort((a, b) => a.created - b.created || (a.publisher < b.publisher ? -1 : 1))[0]
    return first === undefined ? null : announcementOf<T>(first)
  }

  watch<T = unknown>(type: string, filters?: Filters, options: WaitOptions = {}): AsyncIterable<ResourceChange<T>> {
    checkName('a resource type', type, TYPE_CHARS_MAX)
    return watchSet<T>({ core: this.#core, changes: this.#changes, all: signal => this.all(type, type, { signal, withGone: true }), type, fits: testOf(filters), ...options })
  }

  getStats(): DirectoryStats {
    const { held, nowMs } = this.#core
    const entries = new Set<string>()
    for (const { entry, gone } of held.all(nowMs)) if (!gone) entries.add(toHex(entry))
    for (const { entry } of this.#own.live()) entries.add(toHex(entry))
    return { totalAnnouncements: entries.size }
  }

  // For the facades.

  /** What everybody has announced under that name, withdrawn ones left out. */
  async every(type: string, id: string, options: DhtReadOptions = {}): Promise<Stored[]> {
    checkName('a resource type', type, TYPE_CHARS_MAX)
    checkName('a resource id', id, ID_CHARS_MAX)
    const found = await this.#within(options, `looking for ${type}/${id}`, signal => this.#reader.item(type, id, { signal, careful: options.careful ?? false }))
    return this.#live(this.#withOwn(found, record => record.type === type && record.id === id))
  }

  /** All records of a set; withdrawn ones only where they are asked for. */
  async all(type: string, set: string, options: { signal?: AbortSignal | undefined; careful?: boolean; withGone?: boolean } = {}): Promise<Stored[]> {
    const harvest = await this.#reader.set(type, set, 0, options)
    const entries = new Set([...harvest.records.keys(), ...harvest.rows.keys()])
    const found = await this.#reader.fetch(harvest, [...entries], type, set, options)
    const all = this.#withOwn(found, record => record.type === type && record.sets.includes(set))
    return options.withGone === true ? all : this.#live(all)
  }

  /** One batch of a page. */
  async #fetched(harvest: Harvest, entries: readonly string[], type: string, set: string, options: { signal?: AbortSignal | undefined }): Promise<Stored[]> {
    const found = await this.#reader.fetch(harvest, entries, type, set, options)
    const wanted = new Set(entries)
    return this.#live(this.#withOwn(found, record => record.type === type && record.sets.includes(set) && wanted.has(toHex(record.entry))))
  }

  #ownEntries(type: string): string[] {
    return [...this.#own.live()].filter(record => record.type === type && record.sets.includes(type)).map(({ entry }) => toHex(entry))
  }

  /** Nobody knows better than we what we announce; what a lost store or another device of ours announced is found like anybody's. */
  #withOwn(found: readonly Stored[], isAsked: (record: Stored) => boolean): Stored[] {
    const own = [...this.#own.live()].filter(isAsked)
    return [...found.filter(({ publisher, entry }) => publisher !== this.#core.ownId || !this.#own.knows(toHex(entry))), ...own]
  }

  #live(records: readonly Stored[]): Stored[] {
    const { nowMs } = this.#core
    return records.filter(({ gone, expires }) => !gone && expires > nowMs)
  }

  #within<R>(options: WaitOptions, what: string, run: (signal: AbortSignal) => Promise<R>): Promise<R> {
    return withDeadline(this.#core.context.clock, options, run, { defaultTimeoutMs: CALL_MS, what })
  }
}

/** `ttlMs` where given, else `ttl` seconds. Throws RangeError for what is no time. */
export function lifetimeOf({ ttl, ttlMs }: { ttl?: number; ttlMs?: number }, defaultMs: number): number {
  const ms = ttlMs ?? (ttl === undefined ? defaultMs : ttl * 1_000)
  if (!(Number.isFinite(ms) && ms > 0)) throw new RangeError(`ttl is a number of seconds above 0 (ttlMs of milliseconds), got ${String(ttlMs ?? ttl)}`)
  return Math.ceil(ms)
}

/** The set of a field's value. Texts, numbers and booleans can be looked up; anything else has no place. */
export function indexSet(type: string, field: string, value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined
  return `${type}${SET_MARK}${field}${SET_MARK}${typeof value === 'string' ? value : JSON.stringify(value)}`
}

/** Throws TypeError where the filters do not say which value. */
function indexedBy(type: string, filters: Filters | undefined, field: string): string {
  const set = typeof filters === 'object' ? indexSet(type, field, (filters as Record<string, unknown>)[field]) : undefined
  if (set === undefined) throw new TypeError(`to read by the index '${field}' filters must give its value, as a text, a number or a boolean`)
  return set
}

function indexSets(type: string, data: unknown, index: readonly string[] = []): string[] {
  if (index.length > SETS_MAX - 1) throw new RangeError(`at most ${SETS_MAX - 1} fields can be looked up by value, got ${index.length}`)
  return index.flatMap(field => indexSet(type, field, (data as Record<string, unknown> | null)?.[field]) ?? [])
}
