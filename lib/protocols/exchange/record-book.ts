import type { PeerId } from '../../contracts/message.ts'
import { BOOK_MAX, LASTING_MS, LIST_EVERY_MS, LIST_MIN, LIST_SHARE, RECORD_AGE_MS_MAX, RECORDS_PER_LIST_MAX } from './limits.ts'

/** A record that we hand on: its owner has proved its key to us. */
interface Entry {
  readonly owner: PeerId
  record: Uint8Array
  /** When its owner signed it, on its owner's clock. */
  statedAtMs: number
  /** When we got it, on ours. */
  heardAtMs: number
  /** Later than all that entered before it: what is news to somebody. */
  readonly sequence: number
  /** Its place in lists of the current ten minutes. */
  rank: number
  linked: boolean
  /** It was linked for so long that it is handed on for a while after it has gone. */
  lasting: boolean
}

/**
 * The signed records of peers we have met, for others. What we have only heard of is not in it: a liar's list goes no further
 * than to whom the liar told it.
 */
export class RecordBook {
  readonly #entries = new Map<PeerId, Entry>()
  readonly #random: () => number
  #sequence = 0
  #rankedAtMs = Number.NEGATIVE_INFINITY

  constructor(random: () => number) {
    this.#random = random
  }

  get size(): number {
    return this.#entries.size
  }

  /** Everything that entered so far has a sequence of at most this. */
  get sequence(): number {
    return this.#sequence
  }

  holds(owner: PeerId, record: Uint8Array, equal: (a: Uint8Array, b: Uint8Array) => boolean): boolean {
    const entry = this.#entries.get(owner)
    return entry !== undefined && equal(entry.record, record)
  }

  has(owner: PeerId): boolean {
    return this.#entries.has(owner)
  }

  /** Enters or renews the record of a peer that is linked, or in the book already. Older ones change nothing. */
  put(owner: PeerId, record: Uint8Array, statedAtMs: number, nowMs: number): void {
    const entry = this.#entries.get(owner)
    if (entry !== undefined) {
      if (statedAtMs <= entry.statedAtMs) return
      Object.assign(entry, { record, statedAtMs, heardAtMs: nowMs })
      return
    }
    if (this.#entries.size >= BOOK_MAX && !this.#makeRoom()) return
    this.#entries.set(owner, { owner, record, statedAtMs, heardAtMs: nowMs, sequence: ++this.#sequence, rank: this.#random(), linked: true, lasting: false })
  }

  linked(owner: PeerId): void {
    const entry = this.#entries.get(owner)
    if (entry) entry.linked = true
  }

  /** Whoever came for a moment is not handed on afterwards: keys cost nothing. Its record is kept, as it may come back. */
  left(owner: PeerId, linkedForMs: number): void {
    const entry = this.#entries.get(owner)
    if (entry) Object.assign(entry, { linked: false, lasting: linkedForMs >= LASTING_MS })
  }

  delete(owner: PeerId): void {
    this.#entries.delete(owner)
  }

  /** Drops what is an hour old. */
  expire(nowMs: number): void {
    for (const entry of this.#entries.values()) if (nowMs - entry.heardAtMs >= RECORD_AGE_MS_MAX) this.#entries.delete(entry.owner)
  }

  /**
   * Some records for somebody who asks. For ten minutes everybody is given from the same draw: who asks under many keys
   * learns no more than who asks once.
   */
  list(asker: PeerId, nowMs: number): Uint8Array[] {
    if (nowMs - this.#rankedAtMs >= LIST_EVERY_MS) this.#rank(nowMs)
    const others = this.#given(asker).sort((a, b) => a.rank - b.rank)
    const count = Math.min(RECORDS_PER_LIST_MAX, Math.max(LIST_MIN, Math.floor(others.length * LIST_SHARE)))
    return others.slice(0, count).map(({ record }) => record)
  }

  /** Up to `count` records that entered after `since`, oldest first, and how far that goes. */
  newsFor(asker: PeerId, since: number, count: number): { records: Uint8Array[]; upTo: number } {
    const fresh = this.#given(asker).filter(({ sequence }) => sequence > since).slice(0, count)
    return { records: fresh.map(({ record }) => record), upTo: fresh.at(-1)?.sequence ?? since }
  }

  #given(asker: PeerId): Entry[] {
    return [...this.#entries.values()].filter(({ owner, linked, lasting }) => owner !== asker && (linked || lasting))
  }

  #rank(nowMs: number): void {
    this.#rankedAtMs = nowMs
    for (const entry of this.#entries.values()) entry.rank = this.#random()
  }

  #makeRoom(): boolean {
    for (const entry of this.#entries.values()) {
      if (!entry.linked) return this.#entries.delete(entry.owner)
    }
    return false
  }
}
