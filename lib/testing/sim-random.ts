import type { RandomBytes } from '../contracts/random.ts'

/** What a run is drawn from. Text allows names such as `7/without-crashes`. */
export type Seed = number | string

/**
 * Seeded randomness: the same seed draws the same values for ever, on every platform. `fork` makes an independent
 * stream by name, so that one more draw in one place changes nothing in another. Fast, and worthless for keys that
 * guard anything.
 */
export class SimRandom {
  readonly #path: string
  // sfc32 by Chris Doty-Humphrey: 128 bits of state, passes PractRand.
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: Seed) {
    this.#path = String(seed)
    const [a, b, c] = spread(this.#path)
    this.#a = a
    this.#b = b
    this.#c = c
    for (let round = 0; round < 12; round++) this.uint32()
  }

  /** A stream of its own for this seed and name, whatever has been drawn here. */
  fork(name: Seed): SimRandom {
    return new SimRandom(`${this.#path}/${name}`)
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0
    return sum >>> 0
  }

  /** In [0, 1). */
  fraction(): number {
    return this.uint32() / 2 ** 32
  }

  /** In [min, max). */
  between(min: number, max: number): number {
    return min + this.fraction() * (max - min)
  }

  /** A whole number below `count`. */
  below(count: number): number {
    return Math.floor(this.fraction() * count)
  }

  chance(probability: number): boolean {
    return probability > 0 && this.fraction() < probability
  }

  /** One of them; throws RangeError for an empty list. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to pick from')
    return list[this.below(list.length)]!
  }

  /** The same values in another order (Fisher and Yates). */
  shuffled<T>(list: readonly T[]): T[] {
    const order = [...list]
    for (let last = order.length - 1; last > 0; last--) {
      const other = this.below(last + 1)
      ;[order[last], order[other]] = [order[other]!, order[last]!]
    }
    return order
  }

  readonly bytes: RandomBytes = length => {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += 4) {
      const word = this.uint32()
      for (let byte = 0; byte < 4 && at + byte < length; byte++) bytes[at + byte] = word >>> (8 * byte)
    }
    return bytes
  }
}

/** Three words that depend on every character (MurmurHash3's mixing, after bryc's cyrb128). */
function spread(text: string): [number, number, number] {
  let a = 1779033703
  let b = 3144134277
  let c = 1013904242
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    a = b ^ Math.imul(a ^ code, 597399067)
    b = c ^ Math.imul(b ^ code, 2869860233)
    c = a ^ Math.imul(c ^ code, 951274213)
  }
  a = Math.imul(c ^ (a >>> 18), 597399067)
  b = Math.imul(a ^ (b >>> 22), 2869860233)
  c = Math.imul(b ^ (c >>> 17), 951274213)
  return [a, b, c]
}
