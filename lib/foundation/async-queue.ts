export interface AsyncQueueOptions<T> {
  /** What a value weighs in bytes; without it only values are counted. */
  sizeOf?: ((value: T) => number) | undefined
  /** At this many waiting values the queue is full. */
  countHigh?: number | undefined
  /** At this many waiting bytes the queue is full. */
  sizeHigh?: number | undefined
  /** Called when the reader has taken a full queue down to half: the producer may go on. */
  onRoom?: (() => void) | undefined
}

/** Taken values are cleared from the front in strides of this many, so that taking stays cheap. */
const STRIDE = 256

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })

/**
 * A stream that is pushed at one end and read at the other, by one reader at a time. `push` says
 * whether there is room for more; a producer that heeds it is bounded. It never drops what it took:
 * values pushed before `end` or `fail` are read before either shows.
 *
 * Leaving a loop early ends nothing: what waits is kept for the next loop.
 */
export class AsyncQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #sizeOf: ((value: T) => number) | undefined
  readonly #countHigh: number
  readonly #sizeHigh: number
  readonly #onRoom: (() => void) | undefined
  #values: (T | undefined)[] = []
  #head = 0
  #size = 0
  #full = false
  #ended = false
  #error: Error | undefined
  #resolve: ((result: IteratorResult<T, undefined>) => void) | undefined
  #reject: ((error: Error) => void) | undefined

  constructor(options: AsyncQueueOptions<T> = {}) {
    this.#sizeOf = options.sizeOf
    this.#countHigh = options.countHigh ?? Infinity
    this.#sizeHigh = options.sizeHigh ?? Infinity
    this.#onRoom = options.onRoom
  }

  /** Values waiting to be read. */
  get count(): number {
    return this.#values.length - this.#head
  }

  /** Bytes waiting to be read, by `sizeOf`. */
  get size(): number {
    return this.#size
  }

  /** True from the push that reached a bound until `onRoom`. */
  get full(): boolean {
    return this.#full
  }

  /** True once nothing more can be pushed. */
  get ended(): boolean {
    return this.#ended
  }

  /** Hands one value to the reader. False asks the producer to wait for `onRoom`; after the end the value is ignored. */
  push(value: T): boolean {
    if (this.#ended) return false
    if (this.#resolve) {
      this.#settle(this.#resolve, { done: false, value })
      return true
    }
    this.#values.push(value)
    if (this.#sizeOf) this.#size += this.#sizeOf(value)
    this.#full ||= this.count >= this.#countHigh || this.#size >= this.#sizeHigh
    return !this.#full
  }

  /** No more values. Those that wait are still read. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#resolve) this.#settle(this.#resolve, DONE)
  }

  /** Ends with an error, which the reader meets once, after the values that wait. */
  fail(error: Error): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#reject) this.#settle(this.#reject, error)
    else this.#error = error
  }

  /** Drops the values that wait, and an error nobody has met yet. */
  clear(): void {
    this.#values = []
    this.#head = 0
    this.#size = 0
    this.#full = false
    this.#error = undefined
  }

  /** The next value; at once when one waits. Rejects with TypeError while another call is waiting. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.count > 0) return Promise.resolve({ done: false, value: this.#take() })
    if (this.#error) return this.#throwOnce()
    if (this.#ended) return Promise.resolve(DONE)
    if (this.#resolve) return Promise.reject(new TypeError('expected one reader at a time, got a second while the first waits'))
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** The reader leaves its loop; the queue stays as it is. */
  return(): Promise<IteratorResult<T, undefined>> {
    return Promise.resolve(DONE)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #take(): T {
    const value = this.#values[this.#head] as T
    this.#values[this.#head++] = undefined
    if (this.#head === this.#values.length) {
      this.#values.length = 0
      this.#head = 0
    } else if (this.#head >= STRIDE) {
      this.#values.splice(0, this.#head)
      this.#head = 0
    }
    if (this.#sizeOf) this.#size -= this.#sizeOf(value)
    if (this.#full) this.#tellRoom()
    return value
  }

  #tellRoom(): void {
    if (this.count > this.#countHigh / 2 || this.#size > this.#sizeHigh / 2) return
    this.#full = false
    this.#onRoom?.()
  }

  #settle<V>(settle: (value: V) => void, value: V): void {
    this.#resolve = undefined
    this.#reject = undefined
    settle(value)
  }

  #throwOnce(): Promise<never> {
    const error = this.#error!
    this.#error = undefined
    return Promise.reject(error)
  }
}
