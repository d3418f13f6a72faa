import type { Entry } from './entry.ts'
import { saltOf } from './item-id.ts'
import type { Topic } from './topic.ts'

/** Width of a sync's buckets by the author's clock. */
export const BUCKET_MS = 10_000

/** Items under check and items kept for others, by id; those kept are bounded in bytes, the oldest going first. */
export class MessageCache {
  readonly #bytesMax: number
  readonly #entries = new Map<string, Entry>()
  readonly #bySalt = new Map<number, Entry>()
  /** Held ones in the order in which they came. */
  readonly #held = new Map<Entry, Topic>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Items kept. */
  get size(): number {
    return this.#held.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  /** The entry with exactly these bytes, if there is one: most copies are found here, without a hash. */
  withFrame(frame: Uint8Array, salt: number): Entry | undefined {
    const entry = this.#bySalt.get(salt)
    return entry !== undefined && isSame(entry.frame, frame) ? entry : undefined
  }

  /** While it is being checked. The caller bounds how many are. */
  addChecking(entry: Entry): void {
    this.#entries.set(entry.key, entry)
    this.#bySalt.set(saltOf(entry.frame, entry.parts), entry)
  }

  /** It turned out well: kept for others to ask for. */
  hold(entry: Entry, topic: Topic): void {
    entry.state = 'held'
    this.addChecking(entry)
    this.#held.set(entry, topic)
    this.#bytes += entry.size
    topic.window[0]!.push(entry)
    const at = Math.floor(entry.timestampMs / BUCKET_MS)
    const bucket = topic.buckets.get(at)
    if (bucket === undefined) topic.buckets.set(at, [entry])
    else bucket.push(entry)
    while (this.#bytes > this.#bytesMax && this.#held.size > 1) this.#evictOldest()
  }

  /** It turned out badly, or busy. */
  drop(entry: Entry): void {
    this.#entries.delete(entry.key)
    const salt = saltOf(entry.frame, entry.parts)
    if (this.#bySalt.get(salt) === entry) this.#bySalt.delete(salt)
    if (this.#held.delete(entry)) this.#bytes -= entry.size
    entry.release()
  }

  /** Drops the buckets that are wholly older than the topic keeps. */
  expire(topic: Topic, wallMs: number): void {
    for (const [at, entries] of topic.buckets) {
      if ((at + 1) * BUCKET_MS + topic.retentionMs > wallMs) continue
      topic.buckets.delete(at)
      for (const entry of entries) this.drop(entry)
    }
  }

  /** A topic we no longer have to do with. */
  forget(topic: Topic): void {
    for (const entries of topic.buckets.values()) for (const entry of entries) this.drop(entry)
    topic.buckets.clear()
    topic.window = [[]]
  }

  #evictOldest(): void {
    const [entry, topic] = this.#held.entries().next().value!
    const at = Math.floor(entry.timestampMs / BUCKET_MS)
    const bucket = topic.buckets.get(at)
    // Entries come into their bucket in the same order, so the oldest is nearly always its first.
    if (bucket !== undefined) bucket.splice(bucket.indexOf(entry), 1)
    if (bucket?.length === 0) topic.buckets.delete(at)
    this.drop(entry)
  }
}

/** Word by word where both begin on one, as copies made by the codec do. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true
  const { length } = a
  if (length !== b.length) return false
  let index = 0
  if (((a.byteOffset | b.byteOffset) & 3) === 0) {
    const words = length >> 2
    const x = new Int32Array(a.buffer, a.byteOffset, words)
    const y = new Int32Array(b.buffer, b.byteOffset, words)
    for (let at = 0; at < words; at++) if (x[at] !== y[at]) return false
    index = words << 2
  }
  for (; index < length; index++) if (a[index] !== b[index]) return false
  return true
}
