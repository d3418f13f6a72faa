import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import { utf8 } from '../../foundation/bytes.ts'
import { keyOf, type Hasher } from './item-id.ts'
import { STATEMENTS_MAX } from './limits.ts'

/**
 * What an author says once: in a slot, where it declared one, else under a `messageId`. Two different items for one of them are
 * equivocation. Bounded: past it the older half is forgotten, and a second statement would pass for a first.
 */
export class Statements {
  readonly #hasher: Hasher
  #newer = new Map<string, string>()
  #older = new Map<string, string>()

  constructor(hasher: Hasher) {
    this.#hasher = hasher
  }

  get size(): number {
    return this.#newer.size + this.#older.size
  }

  /** Whichever of two is longer, they cannot look alike: lengths are part of JSON. */
  nameOf(topic: string, author: PeerId, { slot, messageId }: Pick<P2PMessage, 'slot' | 'messageId'>): string {
    return keyOf(this.#hasher.sha256(utf8(JSON.stringify([topic, author, slot === undefined ? 0 : 1, slot ?? messageId]))))
  }

  /** The key of the item that said it first. */
  first(name: string): string | undefined {
    return this.#newer.get(name) ?? this.#older.get(name)
  }

  add(name: string, key: string): void {
    this.#newer.set(name, key)
    if (this.#newer.size < STATEMENTS_MAX / 2) return
    this.#older = this.#newer
    this.#newer = new Map()
  }
}
