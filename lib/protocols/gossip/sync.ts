import type { SyncBucket, SyncCursor } from './definition.ts'
import type { Entry } from './entry.ts'
import { joinIds } from './item-id.ts'
import { BUCKETS_MAX, ID_BYTES, IDS_PER_WORD_MAX } from './limits.ts'
import type { Topic } from './topic.ts'

/** What the asker sends beside the topic. */
export interface SyncQuestion {
  readonly key: number
  readonly buckets: readonly SyncBucket[]
  readonly cursor: SyncCursor | null
}

export interface SyncAnswer {
  readonly ids: Uint8Array
  readonly next: SyncCursor | null
}

/** What we hold of a topic, bucket by bucket; empty ones are left out. */
export function bucketsOf(topic: Topic, key: number): SyncBucket[] {
  const buckets: SyncBucket[] = []
  for (const at of [...topic.buckets.keys()].sort((a, b) => b - a).slice(0, BUCKETS_MAX)) {
    const entries = topic.buckets.get(at)!
    buckets.push({ at, count: entries.length, sum: sumOf(entries, key) })
  }
  return buckets
}

/** One page of our ids in buckets where the asker's sum is not ours, the oldest first. */
export function answerSync(topic: Topic, { key, buckets, cursor }: SyncQuestion): SyncAnswer {
  const theirs = new Map(buckets.map(bucket => [bucket.at, bucket]))
  const ids: Uint8Array[] = []
  for (const at of [...topic.buckets.keys()].sort((a, b) => a - b)) {
    if (cursor !== null && at < cursor.at) continue
    const entries = topic.buckets.get(at)!
    const start = cursor?.at === at ? cursor.index : 0
    if (start === 0 && isEqual(theirs.get(at), entries, key)) continue
    for (let index = start; index < entries.length; index++) {
      if (ids.length >= IDS_PER_WORD_MAX) return { ids: joinIds(ids), next: { at, index } }
      if (!entries[index]!.quiet) ids.push(entries[index]!.id)
    }
  }
  return { ids: joinIds(ids), next: null }
}

/** An answer as it came: the kit hands those to effects over unchecked. Null for what is none. */
export function pageOf(payload: unknown): SyncAnswer | null {
  const { ids, next } = (payload ?? {}) as { ids?: unknown; next?: unknown }
  if (!(ids instanceof Uint8Array) || ids.length > ID_BYTES * IDS_PER_WORD_MAX) return null
  if (next === null) return { ids, next }
  const { at, index } = (next ?? {}) as { at?: unknown; index?: unknown }
  return Number.isSafeInteger(at) && Number.isSafeInteger(index) ? { ids, next: { at: at as number, index: index as number } } : null
}

function isEqual(theirs: SyncBucket | undefined, ours: readonly Entry[], key: number): boolean {
  return theirs !== undefined && theirs.count === ours.length && theirs.sum === sumOf(ours, key)
}

/** Depends on every id and on a key that whoever wrote the items could not know; the order does not matter. */
function sumOf(entries: readonly Entry[], key: number): number {
  let sum = 0
  for (const { id } of entries) sum = (sum + mixed(wordAt(id, 0), wordAt(id, 4), key)) >>> 0
  return sum
}

/** MurmurHash3's finalizer over both words and the key. */
function mixed(a: number, b: number, key: number): number {
  let hash = Math.imul(a ^ key, 0xcc9e2d51)
  hash = Math.imul((hash << 15) | (hash >>> 17), 0x1b873593) ^ Math.imul(b + key, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
