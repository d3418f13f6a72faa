import type { PeerId } from '../../contracts/message.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import { concatBytes, equalBytes } from '../../foundation/bytes.ts'
import type { Asker } from './asker.ts'
import type { Core } from './core.ts'
import { ENTRY_BYTES, LIST_ROW_BYTES, PAGE_ENTRIES_MAX, SHARD_DEPTH_MAX } from './limits.ts'
import type { Position } from './position.ts'
import { placeFor, slotNumber, unfitNow, ITEM_SLOT, type Stored } from './record.ts'
import type { Answered, Searches, SearchResult } from './searches.ts'
import { BAD_RECORD } from './verified-records.ts'

export interface ReadOptions {
  signal?: AbortSignal | undefined
  /** Eight paths instead of four, and the region seen from several points where the key is crowded. */
  careful?: boolean
}

/** Who lists an entry, where, and how new his copy is by his own word. */
interface Source {
  readonly holder: Answered
  readonly target: Position
  readonly seq: number
}

/** What is known of a set, or of one key, after asking around. */
export interface Harvest {
  /** Verified, the newest of each entry; withdrawn ones among them. */
  readonly records: ReadonlyMap<string, Stored>
  /** Entries that are listed, and not fetched yet. */
  readonly rows: Map<string, Source[]>
  /** How much of what is there has been seen, judged by how far holders' lists overlap: 0 to 1. */
  readonly completeness: number
}

/** Holders whose whole list is asked for. */
const LISTERS = 8
/** Shards of a set looked at together. */
const SHARDS_AT_ONCE = 4

/** Gathers records from whoever holds them; what does not verify, or does not belong there, is charged and never shown. */
export class Reader {
  readonly #core: Core
  readonly #asker: Asker
  readonly #searches: Searches

  constructor(core: Core, asker: Asker, searches: Searches) {
    this.#core = core
    this.#asker = asker
    this.#searches = searches
  }

  /** All that publishers have under this type and id; the newest of each, withdrawn ones among them. */
  async item(type: string, id: string, options: ReadOptions = {}): Promise<Stored[]> {
    const target = this.#core.targets.item(type, id)
    const pool = new Pool()
    const result = await this.#at(target, ITEM_SLOT, pool, options)
    await this.#fetchMissing(pool, options.signal)
    const newest = [...pool.records().values()].filter(record => record.type === type && record.id === id)
    void this.#repair(target, result, newest)
    return newest
  }

  /** Everything listed in a set. */
  async set(type: string, name: string, index: number, options: ReadOptions = {}): Promise<Harvest> {
    const pool = new Pool()
    let shards: { depth: number; bits: number }[] = [{ depth: 0, bits: 0 }]
    while (shards.length > 0) {
      const batch = shards.splice(0, SHARDS_AT_ONCE)
      const below = await Promise.all(batch.map(async ({ depth, bits }) => {
        const target = this.#core.targets.shard(name, depth, bits)
        const result = await this.#at(target, slotNumber({ set: index, depth }), pool, options)
        return depth < SHARD_DEPTH_MAX && this.#mayHaveSplit(target, result) ? [{ depth: depth + 1, bits: bits * 2 }, { depth: depth + 1, bits: bits * 2 + 1 }] : []
      }))
      shards = [...below.flat(), ...shards]
    }
    const records = new Map([...pool.records()].filter(([, record]) => record.type === type && record.sets.includes(name)))
    return { records, rows: pool.rows, completeness: pool.completeness }
  }

  /** Fetches entries that were listed; those that nobody hands out stay away. */
  async fetch(harvest: Harvest, entries: readonly string[], type: string, name: string, options: ReadOptions = {}): Promise<Stored[]> {
    const pool = new Pool()
    for (const entry of entries) {
      const known = harvest.records.get(entry)
      if (known !== undefined) pool.add(known)
      const sources = harvest.rows.get(entry)
      if (sources !== undefined) pool.rows.set(entry, sources)
    }
    await this.#fetchMissing(pool, options.signal)
    return [...pool.records().values()].filter(record => record.type === type && record.sets.includes(name))
  }

  /** Two holders, or the only one, say that it goes on below: looking costs little, and missing half costs much. */
  #mayHaveSplit(target: Position, { answered }: SearchResult): boolean {
    const holders = answered.filter(({ reply }) => reply.count > 0)
    const say = holders.filter(({ reply }) => reply.split).length
    return this.#core.held.hasSplit(target.bytes) || say >= Math.min(2, Math.max(1, holders.length))
  }

  /** What lies under one key: ours, what answers brought, and the lists of those that hold more. */
  async #at(target: Position, slot: number, pool: Pool, { signal, careful = false }: ReadOptions): Promise<SearchResult> {
    const { parameters, held, nowMs } = this.#core
    const paths = careful ? parameters.carefulPaths : parameters.paths
    let result = await this.#searches.find(target, { records: true, token: slot === ITEM_SLOT, paths, signal })
    if (this.#searches.isCrowded(target, result)) result = await this.#lookAround(target, result, signal)
    for (const record of held.under(target.bytes, nowMs)) pool.add(record)
    await Promise.all(result.answered.map(holder => this.#takeFrames(holder, holder.reply.frames, target, slot, pool)))
    const lists = result.answered.filter(({ reply }) => reply.count > reply.frames.length)
    await Promise.all(lists.slice(0, LISTERS).map(holder => this.#list(holder, target, pool, signal)))
    return result
  }

  /** More nodes around this key than should be there: the rest of the region is asked too. */
  async #lookAround(target: Position, result: SearchResult, signal: AbortSignal | undefined): Promise<SearchResult> {
    this.#core.count('crowded')
    const known = new Set(result.answered.map(({ id }) => id))
    const region = (await this.#searches.region(target, { signal })).filter(({ id }) => !known.has(id))
    const more = await Promise.all(region.map(async (holder): Promise<Answered[]> => {
      try {
        return [{ ...holder, reply: await this.#asker.ask(holder.route, 'find', { target: target.bytes, records: true, token: true }) }]
      } catch {
        return []
      }
    }))
    return { ...result, answered: [...result.answered, ...more.flat()] }
  }

  /** Verifies what a holder gave. What is no record, or belongs elsewhere, is its fault. */
  async #takeFrames(holder: Answered, frames: readonly Uint8Array[], target: Position, slot: number | undefined, pool: Pool): Promise<void> {
    const { records, targets, nowMs } = this.#core
    const keys: string[] = []
    for (const frame of frames) {
      const record = await records.read(frame)
      if (typeof record === 'string') {
        this.#core.blame(holder.id, BAD_RECORD, `${holder.id} answered with a record that is none (${record})`, [frame])
        continue
      }
      if (!belongs(record, slot, target)) {
        this.#core.blame(holder.id, BAD_RECORD, `${holder.id} answered with a record of another key`, [frame])
        continue
      }
      if (unfitNow(record, nowMs) !== null) {
        this.#core.count('read-expired')
        continue
      }
      pool.add(record)
      keys.push(toHex(record.entry))
    }
    pool.listedBy(holder.id, target, keys)

    function belongs(record: Stored, at: number | undefined, where: Position): boolean {
      if (at !== undefined) return placeAt(record, at, where)
      return true
    }
    function placeAt(record: Stored, at: number, where: Position): boolean {
      if (at === ITEM_SLOT) return equalBytes(targets.item(record.type, record.id).bytes, where.bytes)
      // Which of its sets this is, the record itself knows best.
      return record.sets.some((_, set) => {
        const place = placeFor(targets, record, slotNumber({ set, depth: (at - 1) % (SHARD_DEPTH_MAX + 1) }))
        return place !== undefined && equalBytes(place.bytes, where.bytes)
      })
    }
  }

  async #list(holder: Answered, target: Position, pool: Pool, signal: AbortSignal | undefined): Promise<void> {
    try {
      const { rows } = await this.#asker.ask(holder.route, 'list', { target: target.bytes })
      const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
      const keys: string[] = []
      for (let at = 0; at + LIST_ROW_BYTES <= rows.length; at += LIST_ROW_BYTES) {
        const entry = toHex(rows.subarray(at, at + ENTRY_BYTES))
        const seq = Number(view.getBigUint64(at + ENTRY_BYTES))
        if (!Number.isSafeInteger(seq)) continue
        keys.push(entry)
        pool.row(entry, seq, holder, target)
      }
      pool.listedBy(holder.id, target, keys)
    } catch {
      signal?.throwIfAborted()
      this.#core.count('lists-failed')
    }
  }

  /** Asks those who list them for entries that are not here, or not as new; the next of them where one does not give it. */
  async #fetchMissing(pool: Pool, signal: AbortSignal | undefined): Promise<void> {
    for (let round = 0; round < LISTERS; round++) {
      const jobs = pool.missing(round)
      if (jobs.length === 0) return
      await Promise.all(jobs.map(async ({ holder, target, entries }) => {
        for (let at = 0; at < entries.length; at += PAGE_ENTRIES_MAX) {
          const page = entries.slice(at, at + PAGE_ENTRIES_MAX)
          try {
            const { frames } = await this.#asker.ask(holder.route, 'fetch', { target: target.bytes, entries: concatBytes(...page.map(fromHex)) })
            await this.#takeFrames(holder, frames, target, undefined, pool)
          } catch {
            signal?.throwIfAborted()
            this.#core.count('fetches-failed')
          }
        }
      }))
    }
  }

  /** Holders that should have the newest and do not are given it: three at most, and nobody waits for it. */
  async #repair(target: Position, { answered }: SearchResult, newest: readonly Stored[]): Promise<void> {
    const { parameters: { k }, context } = this.#core
    if (newest.length === 0 || newest.length > REPAIRED_MAX) return
    const stale = answered.slice(0, k).filter(({ reply }) => reply.token.length > 0 && reply.count < newest.length).slice(0, REPAIRED_MAX)
    for (const holder of stale) {
      for (const record of newest) {
        if (context.signal.aborted) return
        this.#core.count('repairs')
        await this.#asker.ask(holder.route, 'put', { target: target.bytes, slot: ITEM_SLOT, token: holder.reply.token, frame: record.frame, cas: null }).catch(() => {})
      }
    }
  }
}

const REPAIRED_MAX = 3

/** Records and rows as they come in. */
class Pool {
  readonly rows = new Map<string, Source[]>()
  readonly #records = new Map<string, Stored>()
  /** Signed twice with one number: neither counts. */
  readonly #torn = new Map<string, number>()
  /** By key, who listed what. */
  readonly #lists = new Map<string, Map<PeerId, Set<string>>>()

  add(record: Stored): void {
    const key = toHex(record.entry)
    const present = this.#records.get(key)
    if (present !== undefined && present.seq === record.seq && !equalBytes(present.frame, record.frame)) this.#torn.set(key, record.seq)
    if (present === undefined || record.seq > present.seq) this.#records.set(key, record)
  }

  /** The newest of each. */
  records(): Map<string, Stored> {
    return new Map([...this.#records].filter(([key, { seq }]) => this.#torn.get(key) !== seq))
  }

  row(entry: string, seq: number, holder: Answered, target: Position): void {
    const sources = this.rows.get(entry)
    const source = { holder, target, seq }
    if (sources === undefined) this.rows.set(entry, [source])
    else sources.splice(sources.findLastIndex(other => other.seq >= seq) + 1, 0, source)
  }

  listedBy(holder: PeerId, target: Position, entries: readonly string[]): void {
    if (entries.length === 0) return
    const key = toHex(target.bytes)
    const lists = this.#lists.get(key) ?? new Map<PeerId, Set<string>>()
    const list = lists.get(holder) ?? new Set<string>()
    for (const entry of entries) list.add(entry)
    lists.set(holder, list)
    this.#lists.set(key, lists)
  }

  /** What is still to be had, from the so manieth of those who list it, the newest copies first; many entries to one question. */
  missing(round: number): { holder: Answered; target: Position; entries: string[] }[] {
    const jobs = new Map<string, { holder: Answered; target: Position; entries: string[] }>()
    for (const [entry, sources] of this.rows) {
      const known = this.#records.get(entry)
      const source = sources[round]
      if (source === undefined || (known !== undefined && known.seq >= source.seq)) continue
      const name = `${source.holder.id}${toHex(source.target.bytes)}`
      const job = jobs.get(name) ?? { ...source, entries: [] }
      job.entries.push(entry)
      jobs.set(name, job)
    }
    return [...jobs.values()]
  }

  /** Two halves of the holders, and what both have: Chapman's estimate of how much there is. 1 where fewer than two listed anything. */
  get completeness(): number {
    let seen = 0
    let there = 0
    for (const lists of this.#lists.values()) {
      const all = [...lists.values()]
      const halves = [new Set(all.filter((_, index) => index % 2 === 0).flatMap(list => [...list])), new Set(all.filter((_, index) => index % 2 === 1).flatMap(list => [...list]))]
      const [a, b] = halves as [Set<string>, Set<string>]
      const union = new Set([...a, ...b]).size
      const both = a.size + b.size - union
      seen += union
      there += b.size === 0 ? union : Math.max(union, (a.size + 1) * (b.size + 1) / (both + 1) - 1)
    }
    return there === 0 ? 1 : Math.min(1, seen / there)
  }
}

