import { createHmac } from 'node:crypto'
import { AddressBook, type AddressBookOptions } from '../../../lib/peers/address-book.ts'
import { AddressPlaces, BUCKET_SIZE, HEARD_BUCKETS, TRIED_BUCKETS } from '../../../lib/peers/address-places.ts'
import { PLACES_MAX } from '../../../lib/peers/address-shelves.ts'
import { netgroupOf } from '../../../lib/peers/network-address.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'

export const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array => createHmac('sha256', key).update(data).digest()
export const keyOf = (seed: number): Uint8Array => new Uint8Array(32).fill(seed)

export const idOf = (n: number): string => n.toString(16).padStart(64, '0')
/** An address in the n-th /16 that anybody may dial. */
export const inGroup = (n: number, host = 1): string => `ws://${20 + (n >> 8)}.${n & 255}.${host >> 8}.${host & 255}:9000`
export const groupAt = (n: number): string => netgroupOf(inGroup(n))

export interface Shelf {
  book: AddressBook
  clock: ManualClock
  places: AddressPlaces
}

export function bookOf(seed = 1, options: Partial<AddressBookOptions> = {}): Shelf {
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock()
  const key = keyOf(seed)
  return {
    clock,
    book: new AddressBook({ key, hmac, clock, random: seededRandom(seed), groupOf: netgroupOf, isRationed: () => false, ...options }),
    places: new AddressPlaces({ key, hmac }),
  }
}

/** What is wrong with a book, if anything: every cap and every promise that must hold after any sequence of calls. */
export function faultOf({ book, places }: Shelf): string | undefined {
  const heard = new Map<number, string>()
  const tried = new Map<number, string>()
  for (const entry of book) {
    const { id, group, sources, isTried } = entry
    if (book.get(id) !== entry) return `${id} is not found under its id`
    if (entry.addresses.length < 1 || entry.addresses.length > 4) return `${id} has ${entry.addresses.length} addresses`
    if (group !== netgroupOf(entry.addresses[0]!)) return `${id} is sorted under ${group}`
    if (isTried && (entry.places.length !== 1 || sources.length !== 0)) return `${id} is tried, with ${entry.places.length} places and ${sources.length} sources`
    if (!isTried && (entry.places.length < 1 || entry.places.length > PLACES_MAX || sources.length !== entry.places.length)) return `${id} is heard of, with ${entry.places.length} places and ${sources.length} sources`
    for (const [index, place] of entry.places.entries()) {
      const table = isTried ? tried : heard
      if (table.has(place)) return `${id} and ${table.get(place)} share a place`
      table.set(place, id)
      if (isTried && place !== places.triedPlace(entry)) return `${id} is at ${place} among the tried`
      if (!isTried && Math.floor(place / BUCKET_SIZE) !== places.heardBucket(group, sources[index]!)) return `${id} is in a bucket that ${sources[index]} cannot come to`
    }
  }
  if (tried.size !== book.tried) return `${tried.size} are tried, ${book.tried} are counted`
  if (tried.size > TRIED_BUCKETS * BUCKET_SIZE || heard.size > HEARD_BUCKETS * BUCKET_SIZE) return `${tried.size} tried and ${heard.size} heard of are too many`
  return undefined
}
