import { equalBytes } from '../foundation/bytes.ts'
import { FingerprintTable } from './fingerprint-table.ts'

/** At 50 messages a second, a stranger's bound, two generations last for 20 to 40 seconds; they take 64 KiB together. */
const GENERATION_MAX = 1_024

/**
 * The last thousand message ids or more that came over one link. There the channel itself refuses replays, so this
 * only has to catch an application that says the same thing twice. Ids are kept as 64-bit hashes that need not
 * withstand anybody: who makes two of them collide loses a message of their own.
 */
export class RecentIds {
  #boot: Uint8Array | undefined
  #newer = new FingerprintTable()
  #older = new FingerprintTable()

  /** False for an id that was added not long ago. Ids of another boot are another process's. */
  add(boot: Uint8Array, id: string): boolean {
    if (this.#boot !== boot && !(this.#boot !== undefined && equalBytes(this.#boot, boot))) this.#begin(boot)
    let a = 0x811c9dc5
    let b = 0x9e3779b1
    // FNV-1a, and a second one of other numbers.
    for (let index = 0; index < id.length; index++) {
      const code = id.charCodeAt(index)
      a = Math.imul(a ^ code, 0x01000193)
      b = Math.imul(b ^ code, 0x85ebca6b)
    }
    return this.#add(a >>> 0, b >>> 0, id.length)
  }

  #add(a: number, b: number, length: number): boolean {
    const place = placeOf(a, b)
    if (this.#newer.has(place, a, b, length, 0) || this.#older.has(place, a, b, length, 0)) return false
    if (this.#newer.size >= GENERATION_MAX) {
      this.#older = this.#newer
      this.#newer = new FingerprintTable()
    }
    this.#newer.add(place, a, b, length, 0, placeOf)
    return true
  }

  #begin(boot: Uint8Array): void {
    this.#boot = boot
    this.#newer = new FingerprintTable()
    this.#older = new FingerprintTable()
  }
}

function placeOf(a: number, b: number): number {
  return (a ^ (b >>> 15)) >>> 0
}
