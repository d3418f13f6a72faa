import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import type { ResourceAnnouncement } from '../../contracts/resources.ts'
import { CLOCK_SKEW_MS, ID_CHARS_MAX, LIFETIME_MS_MAX, SET_CHARS_MAX, SETS_MAX, SHARD_DEPTH_MAX, TYPE_CHARS_MAX } from './limits.ts'
import { shardBits, type Position, type Targets } from './position.ts'
import { equalBytes } from '../../foundation/bytes.ts'

/** The type of what a publisher signs. No word: it travels inside `put` and answers alone. */
export const RECORD = 'record'

/** What a record says. Times are Unix milliseconds by the publisher's clock. */
export interface Statement {
  readonly type: string
  readonly id: string
  /** The sets it is listed in: its type, or names that begin with it and a zero character. */
  readonly sets: readonly string[]
  /** Grows with every change; the highest is the newest. */
  readonly seq: number
  readonly created: number
  readonly expires: number
  readonly data: unknown
  /** It has been withdrawn: what is left of it until it would have expired. */
  readonly gone: boolean
}

/** A statement that was verified, with the frame that proves it. */
export interface Stored extends Statement {
  readonly publisher: PeerId
  readonly frame: Uint8Array
  /** 16 bytes: one publisher's one thing. */
  readonly entry: Uint8Array
}

/** Why a record is not taken. */
export type Unfit = 'form' | 'expired' | 'too-far-ahead' | 'misplaced'

/** Separates a type from what follows in the name of a set; no type holds it. */
export const SET_MARK = '\u0000'

/** The statement in a verified message; null for any other shape. */
export function readStatement(message: P2PMessage): Statement | null {
  const { protocol, type, to, inReplyTo, payload } = message
  if (protocol !== 'dht' || type !== RECORD || to !== undefined || inReplyTo !== undefined) return null
  if (typeof payload !== 'object' || payload === null) return null
  const said = payload as Record<string, unknown>
  const { seq, created, expires, sets } = said
  if (!isName(said.type, TYPE_CHARS_MAX) || !isName(said.id, ID_CHARS_MAX)) return null
  if (!isTime(seq) || !isTime(created) || !isTime(expires) || typeof said.gone !== 'boolean') return null
  if (!Array.isArray(sets) || sets.length > SETS_MAX || !sets.every(set => isSetOf(said.type as string, set))) return null
  return { type: said.type, id: said.id, sets: sets as string[], seq, created, expires, data: said.data, gone: said.gone }
}

export function checkName(what: string, name: unknown, charsMax: number): asserts name is string {
  if (typeof name !== 'string') throw new TypeError(`${what} must be a text, got ${typeof name}`)
  if (!isName(name, charsMax)) throw new RangeError(`${what} takes 1 to ${charsMax} characters and no zero character, got ${JSON.stringify(String(name).slice(0, 80))}`)
}

function isName(value: unknown, charsMax: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= charsMax && !value.includes(SET_MARK)
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isSetOf(type: string, set: unknown): boolean {
  return typeof set === 'string' && set.length <= SET_CHARS_MAX && (set === type || set.startsWith(type + SET_MARK))
}

/** Null where it may be kept now, by this clock. */
export function unfitNow({ expires }: Statement, nowMs: number): Unfit | null {
  if (expires <= nowMs) return 'expired'
  return expires > nowMs + LIFETIME_MS_MAX + CLOCK_SKEW_MS ? 'too-far-ahead' : null
}

/** Where a record lies: at its own place (0), or at level `depth` of the tree of its set number `set`. */
export type Slot = { readonly set: number; readonly depth: number } | null

export const ITEM_SLOT = 0

export function slotNumber(slot: Slot): number {
  return slot === null ? ITEM_SLOT : 1 + slot.set * (SHARD_DEPTH_MAX + 1) + slot.depth
}

/** The place a record must be put to for that slot; undefined where it has no such slot. */
export function placeFor(targets: Targets, record: Stored, slot: number): Position | undefined {
  if (slot === ITEM_SLOT) return targets.item(record.type, record.id)
  const index = Math.floor((slot - 1) / (SHARD_DEPTH_MAX + 1))
  const depth = (slot - 1) % (SHARD_DEPTH_MAX + 1)
  const set = record.sets[index]
  return set === undefined ? undefined : targets.shard(set, depth, shardBits(record.entry, depth))
}

/** Whether a record belongs to where it was found or is to be put. */
export function liesAt(targets: Targets, record: Stored, slot: number, target: Uint8Array): boolean {
  const place = placeFor(targets, record, slot)
  return place !== undefined && equalBytes(place.bytes, target)
}

/** Ids that begin with a key and a slash are that key's alone. */
export function mayPublish(publisher: PeerId, id: string): boolean {
  const owner = /^([0-9a-f]{64})\//.exec(id)?.[1]
  return owner === undefined || owner === publisher
}

/** As the resource calls give it. */
export function announcementOf<T>(record: Stored): ResourceAnnouncement<T> {
  return {
    resourceId: record.id,
    resourceType: record.type,
    creatorPeerId: record.publisher,
    data: record.data as T,
    createdAt: record.created,
    expiresAt: record.expires,
    signature: signatureOf(record.frame),
  }
}

/** docs/wire.md, section 6: after version, auth and author. */
function signatureOf(frame: Uint8Array): Uint8Array {
  return frame.slice(34, 98)
}
