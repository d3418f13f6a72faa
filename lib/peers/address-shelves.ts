import type { AddressEntry } from './address-entry.ts'
import { AddressTable } from './address-table.ts'
import { BUCKET_SIZE, HEARD_BUCKETS, TRIED_BUCKETS, type AddressPlaces } from './address-places.ts'
import { GroupedIndex } from './grouped-index.ts'

/** Places one entry may have among those heard of, each told of by another netgroup. */
export const PLACES_MAX = 4

export interface AddressShelvesOptions {
  places: AddressPlaces
  isStale(entry: AddressEntry): boolean
  /** An entry has lost its last place. */
  onEvicted(entry: AddressEntry): void
  onChange(entry: AddressEntry): void
}

/** The two tables of the book and what they are drawn by: puts entries into places and takes them out, and keeps all of it in step. */
export class AddressShelves {
  readonly bySource = new GroupedIndex<AddressEntry>()
  readonly byGroup = new GroupedIndex<AddressEntry>()
  readonly #options: AddressShelvesOptions
  readonly #heard = new AddressTable(HEARD_BUCKETS, BUCKET_SIZE)
  readonly #tried = new AddressTable(TRIED_BUCKETS, BUCKET_SIZE)
  #triedCount = 0

  constructor(options: AddressShelvesOptions) {
    this.#options = options
  }

  get tried(): number {
    return this.#triedCount
  }

  /** Whether what a source tells of a netgroup would find a place; `isNew` may take one from an entry that has several. */
  hasRoom(group: string, source: string, isNew: boolean): boolean {
    return this.#roomFor(this.#options.places.heardBucket(group, source), isNew) !== undefined
  }

  /** A place among those heard of, in the bucket that source and address make theirs; false where it is full of better ones, or has it already. */
  hear(entry: AddressEntry, source: string): boolean {
    const bucket = this.#options.places.heardBucket(entry.group, source)
    if (entry.places.some(place => this.#heard.bucketOf(place) === bucket)) return false
    const place = this.#roomFor(bucket, entry.places.length === 0)
    if (place === undefined) return false
    this.#vacate(place)
    this.#heard.put(place, entry)
    entry.places.push(place)
    entry.sources.push(source)
    this.bySource.add(this.#options.places.shareOf(source), entry)
    this.#options.onChange(entry)
    return true
  }

  #roomFor(bucket: number, isNew: boolean): number | undefined {
    return this.#heard.freeIn(bucket)
      ?? this.#heard.findIn(bucket, other => this.#options.isStale(other))
      ?? (isNew ? this.#heard.findIn(bucket, other => other.places.length > 1) : undefined)
  }

  /** Its holder loses this place, and the book where it has no other. */
  #vacate(place: number): void {
    const holder = this.#heard.at(place)
    if (holder === undefined) return
    const at = holder.places.indexOf(place)
    this.#heard.clear(place)
    const [source] = holder.sources.splice(at, 1)
    holder.places.splice(at, 1)
    this.bySource.remove(this.#options.places.shareOf(source!), holder)
    if (holder.places.length === 0) this.#options.onEvicted(holder)
    else this.#options.onChange(holder)
  }

  /** Who has the place among the tried that would be this entry's. */
  holderFor(entry: AddressEntry): AddressEntry | undefined {
    return this.#tried.at(this.#options.places.triedPlace(entry))
  }

  /** The entry's place among the tried; false where somebody else has it. */
  tryOut(entry: AddressEntry): boolean {
    const place = this.#options.places.triedPlace(entry)
    if (this.#tried.at(place) !== undefined) return false
    this.takeOut(entry)
    this.#tried.put(place, entry)
    entry.places.push(place)
    entry.isTried = true
    this.#triedCount++
    this.byGroup.add(this.#options.places.shareOf(entry.group), entry)
    this.#options.onChange(entry)
    return true
  }

  /** Gives back every place it has. */
  takeOut(entry: AddressEntry): void {
    const { places } = this.#options
    if (entry.isTried) {
      this.#tried.clear(entry.places[0]!)
      this.byGroup.remove(places.shareOf(entry.group), entry)
      this.#triedCount--
    } else {
      for (const place of entry.places) this.#heard.clear(place)
      for (const source of entry.sources) this.bySource.remove(places.shareOf(source), entry)
    }
    entry.isTried = false
    entry.places = []
    entry.sources = []
    this.#options.onChange(entry)
  }
}
