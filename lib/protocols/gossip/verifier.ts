import type { Entry } from './entry.ts'

/** Checked for so long before input is read again, and so many: one burst of an author is checked in one turn, and leaves in one word. */
const TURN_MS = 2
const ITEMS_PER_TURN = 64

export interface VerifierOptions {
  verify(entry: Entry): Promise<void>
  elapsedMs(): number
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
    const { verify, elapsedMs } = this.#options
    const endMs = elapsedMs() + TURN_MS
    let checked = 0
    while (checked < Math.min(ITEMS_PER_TURN, this.#queue.length) && (checked === 0 || elapsedMs() < endMs)) await verify(this.#queue[checked++]!)
    this.#queue.splice(0, checked)
    const turn = this.#turn
    this.#turn = undefined
    turn?.end()
    if (this.#queue.length > 0) this.#options.defer(this.#run)
    else this.#isPlanned = false
  }
}
