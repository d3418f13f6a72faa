import { toHex } from '../../foundation/hex.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import { PER_KEY_MAX, SPLIT_AT } from './limits.ts'
import { compareDistance, type Position } from './position.ts'
import { unfitNow, type Stored } from './record.ts'

export interface HeldOptions {
  own: Position
  recordsMax: number
  bytesMax: number
  perPublisher: number
  perHandGroup: number
  /** On a private network nobody is rationed: the whole alone is bounded. */
  isPrivate: () => boolean
}

/** What became of a put. */
export type PutVerdict =
  | { readonly verdict: 'stored'; readonly isNew: boolean }
  /** A newer one is here, whose sequence number this is. */
  | { readonly verdict: 'stale'; readonly seq: number }
  /** Another of the same sequence number was here: neither is kept; the next number heals it. */
  | { readonly verdict: 'conflict'; readonly seq: number }
  /** The writer expected another one here. */
  | { readonly verdict: 'changed'; readonly seq: number }
  /** No room, and when to try again. */
  | { readonly verdict: 'full'; readonly waitMs: number }
  | { readonly verdict: 'expired' }

interface Held {
  record: Stored
  readonly shelf: Shelf
  /** The network of whoever handed it in; 0 where that means nothing. */
  readonly handGroup: number
  /** Two were signed with one number: nothing is given out until a newer one comes. */
  torn: boolean
}

/** What lies under one key. */
interface Shelf {
  readonly target: Position
  readonly name: string
  readonly held: Map<string, Held>
}

/** Refused for want of room, try no sooner and wait no longer than this. */
const WAIT_MS_MIN = 10_000
const WAIT_MS_MAX = 600_000
/** Of the free room, one publisher or network may have one part in so many. */
const SHARE = 16
/** When everything is full, so many shelves are looked at for one farther away. */
const LOOKED_AT = 64

/**
 * Records held for others, each verified by whoever put it in. Bounded for the whole, for each key, publisher and network of origin; what is
 * expired is never given out, and leaves at the next sweep.
 */
export class HeldRecords {
  readonly #options: HeldOptions
  readonly #shelves = new Map<string, Shelf>()
  readonly #publishers = new Map<string, number>()
  readonly #groups = new Map<number, number>()
  #count = 0
  #bytes = 0
  #visitor: Iterator<Shelf> | undefined

  constructor(options: HeldOptions) {
    this.#options = options
  }

  /** Copies held; one that lies under two keys counts twice. */
  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  get keys(): number {
    return this.#shelves.size
  }

  /** Keeps a record under a key it belongs to, verified and fit by now. `cas`: only in the place of this sequence number. */
  put(target: Position, record: Stored, { nowMs, handGroup = 0, cas }: { nowMs: number; handGroup?: number; cas?: number | undefined }): PutVerdict {
    if (unfitNow(record, nowMs) !== null) return { verdict: 'expired' }
    const name = toHex(target.bytes)
    const shelf = this.#shelves.get(name) ?? { target, name, held: new Map<string, Held>() }
    const key = toHex(record.entry)
    const present = shelf.held.get(key)
    const verdict = present === undefined ? undefined : this.#against(present, record, cas)
    if (verdict !== undefined) return verdict
    if (present === undefined) {
      if (cas !== undefined && cas !== 0) return { verdict: 'changed', seq: 0 }
      const waitMs = this.#makeRoom(shelf, record, handGroup, nowMs)
      if (waitMs > 0) return { verdict: 'full', waitMs }
    } else {
      this.#drop(present, key)
    }
    this.#shelves.set(name, shelf)
    this.#add({ record, shelf, handGroup, torn: false }, key)
    return { verdict: 'stored', isNew: true }
  }

  /** What lies under a key and may be given out; withdrawn ones among it, so that readers learn of it. */
  under(target: Uint8Array, nowMs: number): Stored[] {
    const shelf = this.#shelves.get(toHex(target))
    if (shelf === undefined) return []
    const records: Stored[] = []
    for (const { record, torn } of shelf.held.values()) if (!torn && record.expires > nowMs) records.push(record)
    return records
  }

  /** Whether so much lies under a key that new entries belong one level down. */
  hasSplit(target: Uint8Array): boolean {
    return (this.#shelves.get(toHex(target))?.held.size ?? 0) >= SPLIT_AT
  }

  /** Everything that may be given out, once for each key it lies under. */
  *all(nowMs: number): Iterable<Stored> {
    for (const { held } of this.#shelves.values()) for (const { record, torn } of held.values()) if (!torn && record.expires > nowMs) yield record
  }

  /** Drops what has expired; how many that were. */
  sweep(nowMs: number): number {
    let dropped = 0
    for (const shelf of [...this.#shelves.values()]) dropped += this.#sweepShelf(shelf, nowMs)
    return dropped
  }

  #against(present: Held, record: Stored, cas: number | undefined): PutVerdict | undefined {
    const { seq } = present.record
    if (cas !== undefined && cas !== seq) return { verdict: 'changed', seq }
    if (record.seq < seq) return { verdict: 'stale', seq }
    if (record.seq > seq) return undefined
    if (equalBytes(record.frame, present.record.frame) && !present.torn) return { verdict: 'stored', isNew: false }
    present.torn = true
    return { verdict: 'conflict', seq }
  }

  /** 0 when there is room for one more, else how long to wait. */
  #makeRoom(shelf: Shelf, record: Stored, handGroup: number, nowMs: number): number {
    if (shelf.held.size >= PER_KEY_MAX) {
      this.#sweepShelf(shelf, nowMs)
      if (shelf.held.size >= PER_KEY_MAX) return waitFor(shelf.held.values(), nowMs)
    }
    const { recordsMax, bytesMax, isPrivate, perPublisher, perHandGroup } = this.#options
    if (!isPrivate()) {
      const free = Math.floor((recordsMax - this.#count) / SHARE)
      if ((this.#publishers.get(record.publisher) ?? 0) >= Math.max(perPublisher, free)) return WAIT_MS_MAX
      if (handGroup !== 0 && (this.#groups.get(handGroup) ?? 0) >= Math.max(perHandGroup, free)) return WAIT_MS_MAX
    }
    const isFull = (): boolean => this.#count >= recordsMax || this.#bytes + record.frame.length > bytesMax
    if (isFull()) this.sweep(nowMs)
    for (let tries = 0; isFull() && tries < 4; tries++) if (!this.#dropFarther(shelf.target)) return WAIT_MS_MIN
    return isFull() ? WAIT_MS_MIN : 0
  }

  /** Gives up the shelf farthest from us of those looked at, if it is farther than the one that wants room. */
  #dropFarther(target: Position): boolean {
    const { own } = this.#options
    let farthest: Shelf | undefined
    for (let looked = 0; looked < Math.min(LOOKED_AT, this.#shelves.size); looked++) {
      const shelf = this.#nextShelf()
      if (shelf === undefined) break
      if (farthest === undefined || compareDistance(own, shelf.target, farthest.target) > 0) farthest = shelf
    }
    if (farthest === undefined || compareDistance(own, farthest.target, target) <= 0) return false
    for (const [key, held] of [...farthest.held]) this.#drop(held, key)
    return true
  }

  /** Goes round and round. */
  #nextShelf(): Shelf | undefined {
    const next = this.#visitor?.next()
    if (next !== undefined && next.done !== true) return next.value
    this.#visitor = this.#shelves.values()
    const first = this.#visitor.next()
    return first.done === true ? undefined : first.value
  }

  #sweepShelf(shelf: Shelf, nowMs: number): number {
    let dropped = 0
    for (const [key, held] of [...shelf.held]) {
      if (held.record.expires > nowMs) continue
      this.#drop(held, key)
      dropped++
    }
    return dropped
  }

  #add(held: Held, key: string): void {
    held.shelf.held.set(key, held)
    this.#count++
    this.#bytes += held.record.frame.length
    this.#publishers.set(held.record.publisher, (this.#publishers.get(held.record.publisher) ?? 0) + 1)
    if (held.handGroup !== 0) this.#groups.set(held.handGroup, (this.#groups.get(held.handGroup) ?? 0) + 1)
  }

  #drop(held: Held, key: string): void {
    const { shelf, record, handGroup } = held
    if (!shelf.held.delete(key)) return
    if (shelf.held.size === 0) this.#shelves.delete(shelf.name)
    this.#count--
    this.#bytes -= record.frame.length
    lessen(this.#publishers, record.publisher)
    if (handGroup !== 0) lessen(this.#groups, handGroup)
  }
}

function waitFor(held: Iterable<Held>, nowMs: number): number {
  let endsMs = Number.POSITIVE_INFINITY
  for (const { record } of held) endsMs = Math.min(endsMs, record.expires)
  return Math.min(WAIT_MS_MAX, Math.max(WAIT_MS_MIN, endsMs - nowMs))
}

function lessen<K>(counts: Map<K, number>, key: K): void {
  const count = (counts.get(key) ?? 0) - 1
  if (count <= 0) counts.delete(key)
  else counts.set(key, count)
}
