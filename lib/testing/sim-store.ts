import type { IClock } from '../contracts/clock.ts'
import type { IStore } from '../contracts/store.ts'
import type { SimRandom } from './sim-random.ts'

export interface SimStoreOptions {
  /** Without it everything takes no time, and nothing becomes durable by waiting. */
  clock?: Pick<IClock, 'elapsedMs' | 'schedule'> | undefined
  /** How long each call takes, on top of one turn of the microtask queue. */
  latencyMs?: number
  /** How long a write with `sync` takes until it is durable. */
  syncMs?: number
  /** The system writes everything to disk by itself after so long. Linux: 30 s. */
  flushMs?: number
}

/** A write that has not reached the disk. */
interface Unsynced { key: string; value: Uint8Array | null; atMs: number }

export interface CrashOptions {
  /** The first write that is lost leaves half of itself behind, as in a store without checksums. */
  torn?: boolean
}

/** What is on a disk, to put back later. */
export type SimStoreImage = ReadonlyMap<string, Uint8Array>

/**
 * A disk that can lose what was not synced. Writes are seen by readers at once and become durable with the next
 * `put` that says `sync` (which takes all earlier writes with it, as one log does), or after `flushMs`. `crash` keeps the durable ones
 * and the first few of the rest. Without faults it behaves like any store.
 */
export class SimStore implements IStore {
  latencyMs: number
  syncMs: number
  readonly #clock: SimStoreOptions['clock']
  readonly #flushMs: number
  #durable = new Map<string, Uint8Array>()
  #seen = new Map<string, Uint8Array>()
  #tail: Unsynced[] = []
  #full: (() => Error) | undefined
  /** Counts crashes: what was under way when the power went never comes back to say so. */
  #era = 0

  constructor({ clock, latencyMs = 0, syncMs = 0, flushMs = 30_000 }: SimStoreOptions = {}) {
    this.#clock = clock
    this.latencyMs = latencyMs
    this.syncMs = syncMs
    this.#flushMs = flushMs
  }

  /** Keys held. */
  get size(): number {
    return this.#seen.size
  }

  /** Writes a crash may take back. */
  get unsynced(): number {
    this.#flushOld()
    return this.#tail.length
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    await this.#take(this.latencyMs)
    return this.#seen.get(key)?.slice()
  }

  async put(key: string, value: Uint8Array, { sync = false }: { sync?: boolean } = {}): Promise<void> {
    if (this.#full) throw this.#full()
    this.#write(key, value.slice())
    const written = this.#tail.at(-1)!
    await this.#take(this.latencyMs + (sync ? this.syncMs : 0))
    if (sync) this.#syncUpTo(written)
  }

  async delete(key: string): Promise<void> {
    this.#write(key, null)
    await this.#take(this.latencyMs)
  }

  async *entries(prefix: string, { limit }: { limit?: number } = {}): AsyncIterable<[string, Uint8Array]> {
    await this.#take(this.latencyMs)
    const keys = [...this.#seen.keys()].filter(key => key.startsWith(prefix)).sort()
    for (const key of keys.slice(0, limit)) {
      const value = this.#seen.get(key)
      if (value !== undefined) yield [key, value.slice()]
    }
  }

  /** The machine stops. What was not synced is cut off somewhere, and calls under way never end. */
  crash(random: SimRandom, { torn = false }: CrashOptions = {}): void {
    this.#flushOld()
    this.#era++
    const kept = random.below(this.#tail.length + 1)
    const lost = this.#tail[kept]
    for (const write of this.#tail.slice(0, kept)) apply(this.#durable, write)
    if (torn && lost?.value) this.#durable.set(lost.key, lost.value.slice(0, random.below(lost.value.length)))
    this.#tail = []
    this.#seen = new Map(this.#durable)
  }

  /** Everything on it now, synced or not: a backup. */
  image(): SimStoreImage {
    return new Map(this.#seen)
  }

  /** Puts a backup back, as the owner of an old disk would. */
  restore(image: SimStoreImage): void {
    this.#era++
    this.#durable = new Map(image)
    this.#seen = new Map(image)
    this.#tail = []
  }

  /** From now on every `put` rejects; `release` of what it returns makes room again. Reading and deleting still work. */
  fillUp(error: () => Error = diskFull): { release(): void } {
    this.#full = error
    return { release: () => { this.#full = undefined } }
  }

  /** Flips one bit of one record, drawn at random. Returns its key; undefined when there is nothing to flip. */
  corrupt(random: SimRandom): string | undefined {
    const keys = [...this.#seen.keys()].filter(key => this.#seen.get(key)!.length > 0).sort()
    if (keys.length === 0) return undefined
    const key = random.pick(keys)
    const value = this.#seen.get(key)!.slice()
    value[random.below(value.length)]! ^= 1 << random.below(8)
    this.#seen.set(key, value)
    this.#durable.set(key, value)
    return key
  }

  #write(key: string, value: Uint8Array | null): void {
    this.#flushOld()
    const write = { key, value, atMs: this.#clock?.elapsedMs() ?? 0 }
    this.#tail.push(write)
    apply(this.#seen, write)
  }

  #syncUpTo(write: Unsynced): void {
    const index = this.#tail.indexOf(write)
    for (const each of this.#tail.splice(0, index + 1)) apply(this.#durable, each)
  }

  #flushOld(): void {
    if (this.#clock === undefined) return
    const before = this.#clock.elapsedMs() - this.#flushMs
    let old = 0
    while (old < this.#tail.length && this.#tail[old]!.atMs <= before) apply(this.#durable, this.#tail[old++]!)
    if (old > 0) this.#tail.splice(0, old)
  }

  async #take(ms: number): Promise<void> {
    const era = this.#era
    if (ms > 0 && this.#clock) await new Promise<void>(resolve => this.#clock!.schedule(ms, resolve))
    else await Promise.resolve()
    if (era !== this.#era) await new Promise<never>(() => {})
  }
}

function apply(values: Map<string, Uint8Array>, { key, value }: Unsynced): void {
  if (value === null) values.delete(key)
  else values.set(key, value)
}

function diskFull(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
}
