/** 32-bit words of a fingerprint. */
export const FINGERPRINT_WORDS = 4
/** Slots of a table that holds something, to begin with. */
const SLOTS_MIN = 16
const NO_WORDS = new Uint32Array(0)

/**
 * A set of 128-bit fingerprints in one flat array: open addressing, the next free slot on a collision, at most
 * three quarters full. Four zero words mark an empty slot; a hash that begins with 128 zero bits is not
 * going to come.
 */
export class FingerprintTable {
  #words = NO_WORDS
  #size = 0

  get size(): number {
    return this.#size
  }

  /** `place` is a hash of the four words that strangers cannot predict. */
  has(place: number, a: number, b: number, c: number, d: number): boolean {
    return this.#size > 0 && this.#find(this.#words, place, a, b, c, d) >= 0
  }

  /** Adds one that is not there yet. */
  add(place: number, a: number, b: number, c: number, d: number, placeOf: PlaceOf): void {
    if (4 * (this.#size + 1) > 3 * (this.#words.length / FINGERPRINT_WORDS)) this.#grow(placeOf)
    this.#put(this.#words, place, a, b, c, d)
    this.#size++
  }

  /** Where it is, or -1. */
  #find(words: Uint32Array, place: number, a: number, b: number, c: number, d: number): number {
    const mask = words.length - 1
    for (let at = (place * FINGERPRINT_WORDS) & mask; ; at = (at + FINGERPRINT_WORDS) & mask) {
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return at
      if (isEmpty(words, at)) return -1
    }
  }

  #put(words: Uint32Array, place: number, a: number, b: number, c: number, d: number): void {
    const mask = words.length - 1
    let at = (place * FINGERPRINT_WORDS) & mask
    while (!isEmpty(words, at)) at = (at + FINGERPRINT_WORDS) & mask
    words[at] = a
    words[at + 1] = b
    words[at + 2] = c
    words[at + 3] = d
  }

  #grow(placeOf: PlaceOf): void {
    const old = this.#words
    const words = new Uint32Array(Math.max(SLOTS_MIN * FINGERPRINT_WORDS, 2 * old.length))
    for (let at = 0; at < old.length; at += FINGERPRINT_WORDS) {
      if (isEmpty(old, at)) continue
      const a = old[at]!, b = old[at + 1]!, c = old[at + 2]!, d = old[at + 3]!
      this.#put(words, placeOf(a, b), a, b, c, d)
    }
    this.#words = words
  }
}

/** Where in a table the search for a fingerprint with these first two words begins. */
export type PlaceOf = (a: number, b: number) => number

function isEmpty(words: Uint32Array, at: number): boolean {
  return (words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0
}
