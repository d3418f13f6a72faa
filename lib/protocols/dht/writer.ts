import type { PeerId } from '../../contracts/message.ts'
import { shareBetween, shardBits, type Position } from './position.ts'
import type { Asker } from './asker.ts'
import { sample } from './chance.ts'
import type { Core } from './core.ts'
import type { FindReply } from './definition.ts'
import { SHARD_DEPTH_MAX, TOKEN_BYTES } from './limits.ts'
import { ITEM_SLOT, slotNumber, type Stored } from './record.ts'
import type { Answered, Searches, SearchResult } from './searches.ts'

/** What came of putting one record under one key. */
export interface Placement {
  /** Who keeps it now; ourselves among them, where we do. */
  readonly holders: readonly PeerId[]
  /** Refusals by reason. */
  readonly refused: Readonly<Record<string, number>>
  /** When those that had no room want to be asked again, at the soonest; 0 where none said. */
  readonly waitMs: number
  /** The highest sequence number anybody holds. */
  readonly seq: number
}

export interface WriteOptions {
  cas?: number | undefined
  signal?: AbortSignal | undefined
}

/** Copies handed to one /24 or /48. */
const PER_GROUP_MAX = 2

/** Puts records where they belong: at the nearest nodes, and where more crowd there than should live, at a sample of the region too. */
export class Writer {
  readonly #core: Core
  readonly #asker: Asker
  readonly #searches: Searches
  /** Depths at which sets were found lately: where to begin. */
  readonly #depths = new Map<string, number>()

  constructor(core: Core, asker: Asker, searches: Searches) {
    this.#core = core
    this.#asker = asker
    this.#searches = searches
  }

  /** Under its own key. */
  async putItem(record: Stored, options: WriteOptions = {}): Promise<Placement> {
    const target = this.#core.targets.item(record.type, record.id)
    const result = await this.#searches.find(target, { token: true, signal: options.signal })
    return await this.#place(target, result, record, ITEM_SLOT, options)
  }

  /** Into one of its sets: as far down the tree as holders say that it has split. */
  async putInSet(record: Stored, set: number, options: WriteOptions = {}): Promise<Placement> {
    const name = record.sets[set]!
    for (let depth = Math.max(0, (this.#depths.get(name) ?? 0) - 1); ; depth++) {
      const target = this.#core.targets.shard(name, depth, shardBits(record.entry, depth))
      const result = await this.#searches.find(target, { records: true, token: true, signal: options.signal })
      if (depth < SHARD_DEPTH_MAX && this.#hasSplit(target, result)) continue
      const placement = await this.#place(target, result, record, slotNumber({ set, depth }), options)
      // Nobody has room for it here, whatever they say of a split.
      if (placement.holders.length === 0 && placement.refused.full !== undefined && depth < SHARD_DEPTH_MAX) continue
      this.#remember(name, depth)
      return placement
    }
  }

  /** Most of the nearest say so, ourselves among them where we hold it. One liar, or a few, move nobody, not even where nothing is held yet. */
  #hasSplit(target: Position, { answered }: SearchResult): boolean {
    const nearest = answered.slice(0, this.#core.parameters.k)
    const say = nearest.filter(({ reply }) => reply.split).length + (this.#core.held.hasSplit(target.bytes) ? 1 : 0)
    return say * 2 > nearest.length + (this.#core.serves ? 1 : 0)
  }

  #remember(name: string, depth: number): void {
    if (this.#depths.size >= 256) this.#depths.clear()
    this.#depths.set(name, depth)
  }

  async #place(target: Position, result: SearchResult, record: Stored, slot: number, options: WriteOptions): Promise<Placement> {
    const { k } = this.#core.parameters
    const chosen = this.#choose(result.answered, k)
    if (this.#searches.isCrowded(target, result)) chosen.push(...await this.#regionSample(target, chosen, options.signal))
    const kept = this.#keepHere(target, result, record, options.cas)
    const outcomes = await Promise.all(chosen.map(holder => this.#put(target, holder, record, slot, options)))
    const refused: Record<string, number> = {}
    let waitMs = 0
    let seq = kept?.seq ?? 0
    const holders: PeerId[] = kept?.isKept === true ? [this.#core.ownId] : []
    outcomes.forEach((outcome, index) => {
      seq = Math.max(seq, outcome.seq)
      if (outcome.verdict === 'stored') holders.push(chosen[index]!.id)
      else refused[outcome.verdict] = (refused[outcome.verdict] ?? 0) + 1
      if (outcome.waitMs > 0) waitMs = waitMs === 0 ? outcome.waitMs : Math.min(waitMs, outcome.waitMs)
    })
    return { holders, refused, waitMs, seq }
  }

  /** The nearest, but no more than two of one network, and only those that take records. */
  #choose(answered: readonly Answered[], count: number): Answered[] {
    const groups = new Map<number, number>()
    const chosen: Answered[] = []
    for (const one of answered) {
      if (chosen.length >= count) break
      const same = groups.get(one.group) ?? 0
      if (one.group !== 0 && same >= PER_GROUP_MAX) continue
      groups.set(one.group, same + 1)
      chosen.push(one)
    }
    return chosen
  }

  async #regionSample(target: Position, besides: readonly Answered[], signal: AbortSignal | undefined): Promise<Answered[]> {
    this.#core.count('crowded')
    const { context, parameters: { regionSample } } = this.#core
    const region = await this.#searches.region(target, { signal })
    const known = new Set(besides.map(({ id }) => id))
    return sample(context, this.#choose(sample(context, region.filter(({ id }) => !known.has(id)), region.length), region.length), regionSample)
  }

  /** We are as near as the k nearest, or there are fewer than that. */
  #keepHere(target: Position, { answered }: SearchResult, record: Stored, cas: number | undefined): { isKept: boolean; seq: number } | undefined {
    const { own, parameters: { k }, held, serves, nowMs } = this.#core
    if (!serves) return undefined
    const last = answered[k - 1]
    if (last !== undefined && shareBetween(target, own) > shareBetween(target, last.position)) return undefined
    const result = held.put(target, record, { nowMs, ...(cas === undefined ? {} : { cas }) })
    return { isKept: result.verdict === 'stored', seq: 'seq' in result ? result.seq : 0 }
  }

  async #put(target: Position, holder: Answered, record: Stored, slot: number, { cas, signal }: WriteOptions): Promise<{ verdict: string; waitMs: number; seq: number }> {
    const put = (reply: FindReply) => this.#asker.ask(holder.route, 'put', { target: target.bytes, slot, token: reply.token, frame: record.frame, cas: cas ?? null })
    try {
      if (holder.reply.token.length === TOKEN_BYTES) {
        const outcome = await put(holder.reply)
        if (outcome.verdict !== 'token') return outcome
      }
      // Asked about another place, or by another way: leave to write is had where one writes.
      return await put(await this.#asker.ask(holder.route, 'find', { target: target.bytes, records: false, token: true }))
    } catch {
      signal?.throwIfAborted()
      return { verdict: 'silent', waitMs: 0, seq: 0 }
    }
  }
}
