import type { PeerId } from '../../contracts/message.ts'
import { toHex } from '../../foundation/hex.ts'
import type { Core } from './core.ts'
import type { FetchReply, FindReply, FindRequest, ListReply, PutReply, PutRequest, Question, Questions, WhereReply } from './definition.ts'
import {
  ENTRY_BYTES, INLINE_BYTES_MAX, INLINE_FRAMES_MAX, LIST_ROW_BYTES, PAGE_BYTES_MAX, ROWS_MAX, TOKEN_BYTES,
} from './limits.ts'
import { positionFrom } from './position.ts'
import { liesAt, unfitNow, type Stored } from './record.ts'
import { decodeIds, joinRows } from './referral.ts'
import { BAD_RECORD } from './verified-records.ts'

const NOTHING = new Uint8Array(0)

/** Who asks, and whether by a link of its own: only then is what it says its own fault. */
export interface Asker {
  readonly id: PeerId
  readonly isDirect: boolean
}

/** What this node says when asked. Everything here is bounded by what one answer may hold. */
export class Answerer {
  readonly #core: Core
  /** Told of each record that was taken, and the key it lies under. */
  onStored: (target: Uint8Array, record: Stored) => void = () => {}

  constructor(core: Core) {
    this.#core = core
  }

  async answer<Q extends Question>(question: Q, ask: Questions[Q]['ask'], from: Asker): Promise<Questions[Q]['reply']> {
    switch (question) {
      case 'find': return this.find(ask as FindRequest, from)
      case 'put': return await this.put(ask as PutRequest, from)
      case 'list': return this.list(ask as Questions['list']['ask'])
      case 'fetch': return this.fetch(ask as Questions['fetch']['ask'])
      default: return this.where(ask as Questions['where']['ask'])
    }
  }

  find({ target, records, token }: FindRequest, from: Asker): FindReply {
    const { table, held, tokens, parameters, nowMs, context } = this.#core
    if (this.#core.asks.take(from.id) > 0) {
      this.#core.count('asks-refused')
      return { closer: NOTHING, token: NOTHING, count: 0, split: false, frames: [] }
    }
    const closer = joinRows(table.nearest(positionFrom(target), Math.min(parameters.k, ROWS_MAX), from.id))
    const found = records ? held.under(target, nowMs) : []
    return {
      closer,
      token: token && this.#core.serves ? tokens.give(from.id, target, context.clock.elapsedMs()) : NOTHING,
      count: found.length,
      split: records && held.hasSplit(target),
      frames: framesOf(found, INLINE_FRAMES_MAX, INLINE_BYTES_MAX),
    }
  }

  async put(ask: PutRequest, from: Asker): Promise<PutReply> {
    const { puts, tokens, serves, isPrivate, context } = this.#core
    if (!serves) return refusal('client')
    const waitMs = isPrivate ? 0 : puts.take(from.id)
    if (waitMs > 0) return this.#refuse('busy', waitMs)
    if (ask.token.length !== TOKEN_BYTES || !tokens.isGood(ask.token, from.id, ask.target, context.clock.elapsedMs())) return this.#refuse('token')
    const record = await this.#core.records.read(ask.frame)
    if (typeof record === 'string') {
      if (from.isDirect) this.#core.blame(from.id, BAD_RECORD, `${from.id} put a record that is none (${record})`, [ask.frame])
      return this.#refuse('proof')
    }
    return this.#keep(ask, record, from)
  }

  #keep({ target, slot, cas }: PutRequest, record: Stored, from: Asker): PutReply {
    const { targets, held, nowMs, groups } = this.#core
    if (!liesAt(targets, record, slot, target)) {
      if (from.isDirect) this.#core.blame(from.id, BAD_RECORD, `${from.id} put a record under a key that is not its own`, [record.frame])
      return this.#refuse('misplaced')
    }
    const unfit = unfitNow(record, nowMs)
    if (unfit !== null) return this.#refuse(unfit === 'expired' ? 'expired' : 'ahead')
    const result = held.put(positionFrom(target), record, { nowMs, handGroup: groups.get(from.id) ?? 0, ...(cas === null ? {} : { cas }) })
    this.#core.count(`put-${result.verdict}`)
    if (result.verdict === 'stored' && result.isNew) this.onStored(target, record)
    return {
      verdict: result.verdict,
      waitMs: 'waitMs' in result ? result.waitMs : 0,
      seq: 'seq' in result ? result.seq : record.seq,
      split: held.hasSplit(target),
    }
  }

  list({ target }: Questions['list']['ask']): ListReply {
    const { held, nowMs } = this.#core
    const found = held.under(target, nowMs)
    const rows = new Uint8Array(found.length * LIST_ROW_BYTES)
    const view = new DataView(rows.buffer)
    found.forEach(({ entry, seq }, index) => {
      rows.set(entry, index * LIST_ROW_BYTES)
      view.setBigUint64(index * LIST_ROW_BYTES + ENTRY_BYTES, BigInt(seq))
    })
    return { rows, split: held.hasSplit(target) }
  }

  fetch({ target, entries }: Questions['fetch']['ask']): FetchReply {
    const wanted = new Set(Array.from({ length: Math.floor(entries.length / ENTRY_BYTES) }, (_, index) => toHex(entries.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES))))
    const found = this.#core.held.under(target, this.#core.nowMs).filter(({ entry }) => wanted.has(toHex(entry)))
    return { frames: framesOf(found, wanted.size, PAGE_BYTES_MAX) }
  }

  /** The signed addresses of peers we are linked with. */
  where({ ids }: Questions['where']['ask']): WhereReply {
    const records: Uint8Array[] = []
    for (const id of (decodeIds(ids) ?? []).slice(0, ROWS_MAX)) {
      const record = this.#core.addresses.get(id)
      if (record !== undefined) records.push(record)
    }
    return { records }
  }

  #refuse(verdict: string, waitMs = 0): PutReply {
    this.#core.count(`put-${verdict}`)
    return refusal(verdict, waitMs)
  }
}

function refusal(verdict: string, waitMs = 0): PutReply {
  return { verdict, waitMs: Math.ceil(waitMs), seq: 0, split: false }
}

function framesOf(records: readonly Stored[], countMax: number, bytesMax: number): Uint8Array[] {
  const frames: Uint8Array[] = []
  let bytes = 0
  for (const { frame } of records) {
    if (frames.length >= countMax || bytes + frame.length > bytesMax) break
    frames.push(frame)
    bytes += frame.length
  }
  return frames
}
