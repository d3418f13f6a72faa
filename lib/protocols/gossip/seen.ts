/** Entries of about the same age in an open-addressed table, four words of fingerprint each. */
interface Generation {
  words: Uint32Array
  /** Slots are a power of two. */
  mask: number
  size: number
  readonly openedAtMs: number
  lastAddedAtMs: number
}

export interface SeenOptions {
  /** Each entry stays at least so long. */
  keepMs: number
  /** Entries held. */
  max: number
  /** At `max`: false refuses new entries; true forgets the oldest generation, for what is only a shortcut. */
  mayForget?: boolean
  /** In [0, 1): keeps strangers from choosing ids that all want one slot. */
  random: () => number
}

const WORDS = 4
const SLOTS_MIN = 64
const GENERATIONS = 3

/**
 * Remembers ids for at least `keepMs` by their first 128 bits: to have a message of somebody else's dropped one would have
 * to find another with the same, before it arrives. Nothing is forgotten early unless `mayForget`.
 */
export class SeenIds {
  #keepMs: number
  readonly #max: number
  readonly #mayForget: boolean
  readonly #factor: number
  #generations: Generation[] = []
  #size = 0

  constructor({ keepMs, max, mayForget = false, random }: SeenOptions) {
    this.#keepMs = keepMs
    this.#max = max
    this.#mayForget = mayForget
    this.#factor = Math.floor(random() * 2 ** 32) | 1
  }

  get size(): number {
    return this.#size
  }

  /** For a topic that keeps its items longer. Never shortens. */
  keepFor(keepMs: number): void {
    this.#keepMs = Math.max(this.#keepMs, keepMs)
  }

  has(id: Uint8Array, at = 0): boolean {
    const a = word(id, at), b = word(id, at + 4), c = word(id, at + 8), d = word(id, at + 12)
    for (let index = this.#generations.length - 1; index >= 0; index--) {
      const generation = this.#generations[index]!
      const slot = this.#slotOf(generation, a, b, c, d)
      if (!isFree(generation.words, slot)) return true
    }
    return false
  }

  /** False, and nothing is added, when it is full. */
  add(id: Uint8Array, nowMs: number): boolean {
    this.sweep(nowMs)
    if (this.#size >= this.#max && !this.#makeRoom()) return false
    const generation = this.#newest(nowMs)
    if (generation.size * 3 >= (generation.mask + 1) * 2) this.#grow(generation)
    const a = word(id, 0), b = word(id, 4), c = word(id, 8), d = word(id, 12)
    const slot = this.#slotOf(generation, a, b, c, d)
    generation.lastAddedAtMs = nowMs
    if (!isFree(generation.words, slot)) return true
    write(generation.words, slot, a, b, c, d)
    generation.size++
    this.#size++
    return true
  }

  /** Forgets what is old enough, and its memory with it. */
  sweep(nowMs: number): void {
    while (this.#generations.length > 0 && nowMs - this.#generations[0]!.lastAddedAtMs >= this.#keepMs) this.#dropOldest()
  }

  #makeRoom(): boolean {
    if (!this.#mayForget) return false
    this.#dropOldest()
    return true
  }

  #dropOldest(): void {
    this.#size -= this.#generations.shift()!.size
  }

  #newest(nowMs: number): Generation {
    const newest = this.#generations.at(-1)
    const isYoung = newest !== undefined && nowMs - newest.openedAtMs < this.#keepMs / GENERATIONS
    if (isYoung && !(this.#mayForget && newest.size * 2 >= this.#max)) return newest
    const next = { words: new Uint32Array(SLOTS_MIN * WORDS), mask: SLOTS_MIN - 1, size: 0, openedAtMs: nowMs, lastAddedAtMs: nowMs }
    this.#generations.push(next)
    return next
  }

  /** Where it is, or where it would go: the table is never full. */
  #slotOf({ words, mask }: Generation, a: number, b: number, c: number, d: number): number {
    let mixed = Math.imul(a ^ Math.imul(b, this.#factor), this.#factor)
    mixed ^= mixed >>> 15
    for (let slot = mixed & mask; ; slot = (slot + 1) & mask) {
      const at = slot * WORDS
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return slot
      if (isFree(words, slot)) return slot
    }
  }

  #grow(generation: Generation): void {
    const old = generation.words
    generation.mask = generation.mask * 2 + 1
    generation.words = new Uint32Array(old.length * 2)
    for (let at = 0; at < old.length; at += WORDS) {
      if (isFree(old, at / WORDS)) continue
      const slot = this.#slotOf(generation, old[at]!, old[at + 1]!, old[at + 2]!, old[at + 3]!)
      write(generation.words, slot, old[at]!, old[at + 1]!, old[at + 2]!, old[at + 3]!)
    }
  }
}

/** An id that begins with 128 zero bits is never found: it is treated as new each time, and nobody can make one. */
function isFree(words: Uint32Array, slot: number): boolean {
  const at = slot * WORDS
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0
}

function write(words: Uint32Array, slot: number, a: number, b: number, c: number, d: number): void {
  const at = slot * WORDS
  words[at] = a
  words[at + 1] = b
  words[at + 2] = c
  words[at + 3] = d
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
