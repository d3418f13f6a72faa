import type { IClock } from '../contracts/clock.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { FingerprintTable } from './fingerprint-table.ts'

export interface SeenSetOptions {
  /** How long each entry stays at least. */
  seenMsMin: number
  /** Entries held at once; more are refused, none is dropped early to make room. */
  seenMessagesMax: number
  clock: Pick<IClock, 'elapsedMs'>
  /**
   * Decides where entries lie. Without it their places can be computed by anyone, who can then make hashes that
   * all want the same one and slow the search down.
   */
  random?: RandomBytes | undefined
}

/** Entries of about the same age, which are forgotten together. */
interface Generation {
  /** Made when first needed. */
  readonly tables: (FingerprintTable | undefined)[]
  readonly openedAtMs: number
  size: number
  /** When the last entry came, or came again, by the monotonic clock. */
  lastAddedAtMs: number
}

/** Each generation spans a third of the time, so an entry stays for four thirds of it at most. */
const GENERATIONS_PER_LIFE = 3
/** A generation is split into so many tables: growing one moves a 64th of the entries, which nobody notices. */
const TABLES = 64
const TABLE_SHIFT = 26

/**
 * Remembers hashes for at least `seenMsMin`, in 16 bytes each (21 to 43 with the free slots). Of each SHA-256 hash the first 128
 * bits are kept. To have a message of somebody else's dropped, one would have to find another with
 * the same 128 bits, among 2^20 at most and before it arrives (its salt is 128 bits that nobody
 * knows before): 2^108 tries in seconds. Two of one's own that collide cost 2^64 and harm only oneself.
 */
export class SeenSet {
  readonly #options: SeenSetOptions
  readonly #factors: Uint32Array
  readonly #placeOf = (a: number, b: number): number => this.#mix(a, b)
  /** The newest last. */
  #generations: Generation[] = []
  #size = 0

  constructor(options: SeenSetOptions) {
    this.#options = options
    this.#factors = factorsFrom(options.random)
  }

  /** Entries held now. */
  get size(): number {
    return this.#size
  }

  /** Whether this hash (SHA-256, 32 bytes) was added within `seenMsMin`; perhaps also if it was a little earlier. */
  has(hash: Uint8Array): boolean {
    this.sweep()
    return this.#has(wordAt(hash, 0), wordAt(hash, 4), wordAt(hash, 8), wordAt(hash, 12))
  }

  /** Adds a hash, or renews it. False, and nothing changes, when there is no room. */
  add(hash: Uint8Array): boolean {
    this.sweep()
    const a = wordAt(hash, 0), b = wordAt(hash, 4), c = wordAt(hash, 8), d = wordAt(hash, 12)
    const place = this.#mix(a, b)
    const nowMs = this.#options.clock.elapsedMs()
    const newest = this.#newest(nowMs)
    const table = (newest.tables[place >>> TABLE_SHIFT] ??= new FingerprintTable())
    const isNew = !table.has(place, a, b, c, d)
    if (isNew && this.#size >= this.#options.seenMessagesMax) return false
    newest.lastAddedAtMs = nowMs
    if (!isNew) return true
    table.add(place, a, b, c, d, this.#placeOf)
    newest.size++
    this.#size++
    return true
  }

  /** Forgets the generations that are old enough, and their memory with them. Done by every call, so only an idle node has to ask. */
  sweep(): void {
    const generations = this.#generations
    if (generations.length === 0) return
    const oldest = generations[0]!
    if (this.#options.clock.elapsedMs() - oldest.lastAddedAtMs < this.#options.seenMsMin) return
    this.#size -= oldest.size
    generations.shift()
    this.sweep()
  }

  #has(a: number, b: number, c: number, d: number): boolean {
    const place = this.#mix(a, b)
    for (let age = this.#generations.length - 1; age >= 0; age--) {
      if (this.#generations[age]!.tables[place >>> TABLE_SHIFT]?.has(place, a, b, c, d)) return true
    }
    return false
  }

  #newest(nowMs: number): Generation {
    const newest = this.#generations.at(-1)
    if (newest !== undefined && nowMs - newest.openedAtMs < this.#options.seenMsMin / GENERATIONS_PER_LIFE) return newest
    const tables = new Array<FingerprintTable | undefined>(TABLES).fill(undefined)
    const next = { tables, openedAtMs: nowMs, size: 0, lastAddedAtMs: nowMs }
    this.#generations.push(next)
    return next
  }

  /**
   * Multilinear hashing of the two first words with secret odd factors. The upper bits choose the table; the lower,
   * which are weaker, are mixed with them for the slot.
   */
  #mix(a: number, b: number): number {
    const sum = Math.imul(a, this.#factors[0]!) + Math.imul(b, this.#factors[1]!)
    return (sum ^ (sum >>> 15)) >>> 0
  }
}

function factorsFrom(random: RandomBytes | undefined): Uint32Array {
  // The golden ratio's and another well-mixing odd number, where nobody attacks.
  if (random === undefined) return Uint32Array.of(0x9e3779b1, 0x85ebca6b)
  const bytes = random(8)
  return Uint32Array.of(wordAt(bytes, 0) | 1, wordAt(bytes, 4) | 1)
}

function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
