import type { Entry } from './entry.ts'

/** Items checked before input is read again: some 2 ms of signatures by the fast backend. */
const ITEMS_PER_TURN = 8

export interface VerifierOptions {
  verify(entry: Entry): Promise<void>
  /** Runs when this tick's input has been handled. */
  defer(run: () => void): void
}

/**
 * Checks items a few at a time, between which input is read: by then a copy may have come from whoever would have been pushed
 * it next, or its word that it does not want it. Under load that saves most pushes, and an idle node waits for nothing.
 */
export class Verifier {
  readonly #options: VerifierOptions
  #queue: Entry[] = []
  #isPlanned = false
  #turn: { promise: Promise<void>; end: () => void } | undefined

  constructor(options: VerifierOptions) {
    this.#options = options
  }

  /** The state bounds how many there can be. */
  push(entry: Entry): void {
    this.#queue.push(entry)
    if (this.#isPlanned) return
    this.#isPlanned = true
    this.#options.defer(this.#run)
  }

  get size(): number {
    return this.#queue.length
  }

  /** Resolves when some more have been checked. */
  get turn(): Promise<void> {
    if (this.#turn === undefined) {
      let end = (): void => {}
      const promise = new Promise<void>(resolve => (end = resolve))
      this.#turn = { promise, end }
    }
    return this.#turn.promise
  }

  clear(): void {
    this.#queue = []
    this.#turn?.end()
  }

  readonly #run = (): void => {
    void this.#checkSome()
  }

  async #checkSome(): Promise<void> {
    for (const entry of this.#queue.splice(0, ITEMS_PER_TURN)) await this.#options.verify(entry)
    const turn = this.#turn
    this.#turn = undefined
    turn?.end()
    if (this.#queue.length > 0) this.#options.defer(this.#run)
    else this.#isPlanned = false
  }
}
