import { equalBytes } from '../foundation/bytes.ts'
import type { Statement } from './equivocation.ts'

interface Kept {
  readonly statement: Statement
  readonly payloadHash: Uint8Array
  readonly hand: string
}

/**
 * The first statement made in each slot, kept to be held against a second one. Past the bound whoever has most gives up its oldest,
 * so that one hand with many keys cannot make us forget what others said.
 */
export class SlotMemory {
  readonly #max: number
  readonly #first = new Map<string, Kept>()
  /** Places by whose share they use, the oldest first. */
  readonly #byHand = new Map<string, Set<string>>()

  constructor(statementsMax: number) {
    this.#max = statementsMax
  }

  get size(): number {
    return this.#first.size
  }

  /** The statement that this one contradicts, if there is one; else it is kept, unless the same was said before. */
  contradicted(place: string, payloadHash: Uint8Array, statement: Statement, hand: string): Statement | undefined {
    const first = this.#first.get(place)
    if (first !== undefined) return equalBytes(first.payloadHash, payloadHash) ? undefined : first.statement
    if (this.#first.size >= this.#max) this.#forgetOne()
    this.#first.set(place, { statement, payloadHash, hand })
    const places = this.#byHand.get(hand)
    if (places === undefined) this.#byHand.set(hand, new Set([place]))
    else places.add(place)
    return undefined
  }

  #forgetOne(): void {
    let most: [string, Set<string>] | undefined
    for (const entry of this.#byHand) if (most === undefined || entry[1].size > most[1].size) most = entry
    if (most === undefined) return
    const [hand, places] = most
    const [oldest] = places
    places.delete(oldest!)
    if (places.size === 0) this.#byHand.delete(hand)
    this.#first.delete(oldest!)
  }
}
