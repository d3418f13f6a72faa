import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import { STATEMENTS_MAX } from './limits.ts'

/**
 * What an author says once: in a slot, where it declared one, else under a `messageId`. Two different items for one of them are
 * equivocation. Bounded: past it the older half is forgotten, and a second statement would pass for a first.
 */
export class Statements {
  #newer = new Map<string, string>()
  #older = new Map<string, string>()

  get size(): number {
    return this.#newer.size + this.#older.size
  }

  /** No two look alike: a key is always 64 digits long, and the topic's length stands before it. */
  nameOf(topic: string, author: PeerId, { slot, messageId }: Pick<P2PMessage, 'slot' | 'messageId'>): string {
    return `${author}${topic.length}${slot === undefined ? ' ' : '='}${topic}${slot ?? messageId}`
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
