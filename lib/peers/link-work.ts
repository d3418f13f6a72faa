/** What a link's messages have set going and is not done: handlers' promises, of which there are so many at most. */
export class LinkWork {
  readonly #max: number
  #count = 0
  #over = false
  #waiter: (() => void) | undefined

  constructor(max: number) {
    this.#max = max
  }

  get isFull(): boolean {
    return this.#count >= this.#max
  }

  /** Counts it until it settles; it must not reject. */
  add(work: Promise<void>): void {
    this.#count++
    void work.then(() => {
      this.#count--
      this.#wake()
    })
  }

  /** Resolves when there is room for more, or the link is over. */
  async room(): Promise<void> {
    while (!this.#over && this.isFull) await new Promise<void>(resolve => (this.#waiter = resolve))
  }

  close(): void {
    this.#over = true
    this.#wake()
  }

  #wake(): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.()
  }
}
