import type { AddressEntry } from './address-entry.ts'

/** Buckets of places. Who holds a place is known by its number: bucket * size + slot. */
export class AddressTable {
  readonly buckets: number
  /** Places in a bucket. */
  readonly size: number
  readonly #places: (AddressEntry | undefined)[]
  readonly #used: Uint16Array

  constructor(buckets: number, size: number) {
    this.buckets = buckets
    this.size = size
    this.#places = Array<AddressEntry | undefined>(buckets * size).fill(undefined)
    this.#used = new Uint16Array(buckets)
  }

  at(place: number): AddressEntry | undefined {
    return this.#places[place]
  }

  bucketOf(place: number): number {
    return Math.floor(place / this.size)
  }

  usedIn(bucket: number): number {
    return this.#used[bucket]!
  }

  put(place: number, entry: AddressEntry): void {
    if (this.#places[place] === undefined) this.#used[this.bucketOf(place)]!++
    this.#places[place] = entry
  }

  clear(place: number): void {
    if (this.#places[place] !== undefined) this.#used[this.bucketOf(place)]!--
    this.#places[place] = undefined
  }

  /** A place nobody has, or undefined where the bucket is full. */
  freeIn(bucket: number): number | undefined {
    if (this.#used[bucket]! >= this.size) return undefined
    const first = bucket * this.size
    for (let place = first; place < first + this.size; place++) if (this.#places[place] === undefined) return place
    return undefined
  }

  /** The first place of a bucket whose holder `fits`. */
  findIn(bucket: number, fits: (entry: AddressEntry) => boolean): number | undefined {
    const first = bucket * this.size
    for (let place = first; place < first + this.size; place++) {
      const entry = this.#places[place]
      if (entry !== undefined && fits(entry)) return place
    }
    return undefined
  }
}
