import type { PeerId } from '../contracts/message.ts'

/** One peer as the address book knows it. Times are Unix milliseconds on our clock; 0 is never. */
export interface AddressEntry {
  readonly id: PeerId
  /** URLs at which it says, or was found, to be; the first is the one it is sorted by. */
  addresses: readonly string[]
  /** The netgroup of the first. */
  group: string
  /** Netgroups that told of it, as many as it has places among those heard of. */
  sources: string[]
  /** When its owner said so, on the owner's clock. */
  saidAtMs: number
  heardAtMs: number
  dialledAtMs: number
  answeredAtMs: number
  /** Dials since it last answered. */
  failures: number
  /** It has answered a handshake of ours, and has a place among those that did. */
  isTried: boolean
  /** Places in its table, by number. */
  places: number[]
  /** The part of the stored book it is in. */
  readonly slice: number
}

/** Addresses one entry may have: as many as a hello may claim (docs/wire.md, section 5). */
export const ENTRY_ADDRESSES_MAX = 4

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

// Bitcoin Core, addrman.cpp, IsTerrible: figures that have stood since 2015.
const SETTLING_MS = MINUTE_MS
const LEAD_MS_MAX = 10 * MINUTE_MS
const FORGOTTEN_MS = 30 * DAY_MS
const NEVER_ANSWERED_FAILURES = 3
const LONG_GONE_MS = 7 * DAY_MS
const LONG_GONE_FAILURES = 10

/** First rest after a dial that failed; twice as long after each further one, up to a day. */
const REST_MS_MIN = 10 * MINUTE_MS
const REST_MS_MAX = DAY_MS

/** Not worth its place: it was not heard of for a month, or does not answer. */
export function isStale({ dialledAtMs, heardAtMs, answeredAtMs, failures }: AddressEntry, nowMs: number): boolean {
  if (dialledAtMs !== 0 && nowMs - dialledAtMs <= SETTLING_MS && nowMs >= dialledAtMs) return false
  if (heardAtMs > nowMs + LEAD_MS_MAX) return true
  if (nowMs - Math.max(heardAtMs, answeredAtMs) > FORGOTTEN_MS) return true
  if (answeredAtMs === 0) return failures >= NEVER_ANSWERED_FAILURES
  return nowMs - answeredAtMs > LONG_GONE_MS && failures >= LONG_GONE_FAILURES
}

/** Dialled in vain not long ago. A clock that was set back makes nobody wait. */
export function isResting({ dialledAtMs, failures }: AddressEntry, nowMs: number): boolean {
  const sinceMs = nowMs - dialledAtMs
  if (dialledAtMs === 0 || sinceMs < 0) return false
  const restMs = failures === 0 ? SETTLING_MS : Math.min(REST_MS_MAX, REST_MS_MIN * 2 ** (failures - 1))
  return sinceMs < restMs
}
