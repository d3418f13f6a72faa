import { equalBytes } from '../foundation/bytes.ts'

/** At 50 messages a second, a stranger's bound, two generations last for 40 to 80 seconds. */
const GENERATION_MAX = 2_048

/**
 * The last few thousand message ids that came over one link. There the channel itself refuses replays, so this
 * only has to catch an application that says the same thing twice.
 */
export class RecentIds {
  #boot: Uint8Array | undefined
  #newer = new Set<string>()
  #older = new Set<string>()

  /** False for an id that was added not long ago. Ids of another boot are another process's. */
  add(boot: Uint8Array, id: string): boolean {
    if (this.#boot !== boot && !(this.#boot !== undefined && equalBytes(this.#boot, boot))) this.#begin(boot)
    if (this.#newer.has(id) || this.#older.has(id)) return false
    if (this.#newer.size >= GENERATION_MAX) {
      this.#older = this.#newer
      this.#newer = new Set()
    }
    this.#newer.add(id)
    return true
  }

  #begin(boot: Uint8Array): void {
    this.#boot = boot
    this.#newer = new Set()
    this.#older = new Set()
  }
}
