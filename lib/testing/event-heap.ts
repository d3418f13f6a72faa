/** Children of one slot. Four make the heap half as deep as two, and lie in one cache line. */
const ARITY_BITS = 2
const SIZE_MIN = 1_024

/**
 * The one queue of everything that is going to happen, ordered by (time, sequence): earlier first, and within one time whatever was
 * asked for first. The keys lie in arrays of their own, since with a hundred thousand events waiting it is cache misses that cost.
 */
export class EventHeap<E> {
  #times = new Float64Array(SIZE_MIN)
  #sequences = new Float64Array(SIZE_MIN)
  #events: (E | undefined)[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** When the next event is due; Infinity when there is none. */
  get nextMs(): number {
    return this.#size === 0 ? Infinity : this.#times[0]!
  }

  push(event: E, timeMs: number, sequence: number): void {
    if (this.#size === this.#times.length) this.#grow()
    this.#rise(this.#size++, event, timeMs, sequence)
  }

  pop(): E | undefined {
    if (this.#size === 0) return undefined
    const first = this.#events[0]
    const last = --this.#size
    const event = this.#events[last]!
    this.#events[last] = undefined
    if (last > 0) this.#sink(0, event, this.#times[last]!, this.#sequences[last]!)
    return first
  }

  /** Forgets all but those that `keep` holds for. */
  retain(keep: (event: E) => boolean): void {
    const size = this.#size
    this.#size = 0
    for (let at = 0; at < size; at++) {
      const event = this.#events[at]!
      // Never overtakes `at`, so nothing is overwritten before it has been looked at.
      if (keep(event)) this.#rise(this.#size++, event, this.#times[at]!, this.#sequences[at]!)
    }
    this.#events.length = this.#size
  }

  *[Symbol.iterator](): IterableIterator<E> {
    for (let at = 0; at < this.#size; at++) yield this.#events[at]!
  }

  #grow(): void {
    const times = new Float64Array(this.#size * 2)
    const sequences = new Float64Array(this.#size * 2)
    times.set(this.#times)
    sequences.set(this.#sequences)
    this.#times = times
    this.#sequences = sequences
  }

  #rise(at: number, event: E, timeMs: number, sequence: number): void {
    const times = this.#times
    const sequences = this.#sequences
    while (at > 0) {
      const parent = (at - 1) >> ARITY_BITS
      const parentMs = times[parent]!
      if (parentMs < timeMs || (parentMs === timeMs && sequences[parent]! < sequence)) break
      times[at] = parentMs
      sequences[at] = sequences[parent]!
      this.#events[at] = this.#events[parent]
      at = parent
    }
    this.#put(at, event, timeMs, sequence)
  }

  #sink(at: number, event: E, timeMs: number, sequence: number): void {
    const times = this.#times
    const sequences = this.#sequences
    for (;;) {
      const first = (at << ARITY_BITS) + 1
      if (first >= this.#size) break
      let least = first
      let leastMs = times[first]!
      const end = Math.min(first + (1 << ARITY_BITS), this.#size)
      for (let child = first + 1; child < end; child++) {
        const childMs = times[child]!
        if (childMs < leastMs || (childMs === leastMs && sequences[child]! < sequences[least]!)) {
          least = child
          leastMs = childMs
        }
      }
      if (timeMs < leastMs || (timeMs === leastMs && sequence < sequences[least]!)) break
      times[at] = leastMs
      sequences[at] = sequences[least]!
      this.#events[at] = this.#events[least]
      at = least
    }
    this.#put(at, event, timeMs, sequence)
  }

  #put(at: number, event: E, timeMs: number, sequence: number): void {
    this.#times[at] = timeMs
    this.#sequences[at] = sequence
    this.#events[at] = event
  }
}
