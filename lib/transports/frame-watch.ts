import type { IClock } from '../contracts/clock.ts'

/**
 * Knows how much of an unfinished frame a socket has delivered, and since when, from what can be seen
 * outside the WebSocket parser: the bytes of each read, and what came whole out of it. After a whole
 * frame the rest of that read is taken as nothing: at most one read (64 KiB) goes uncounted.
 */
export class FrameWatch implements Disposable {
  readonly #clock: IClock
  readonly #timeoutMs: number
  readonly #onLate: () => void
  #whole = false
  #controlBytes = 0
  #partialBytes = 0
  #sinceMs: number | undefined
  #timer: Disposable | undefined

  /** `onLate` is called when a frame has been unfinished for `timeoutMs`. */
  constructor(clock: IClock, timeoutMs: number, onLate: () => void) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#onLate = onLate
  }

  /** A frame came whole out of the read that is being parsed. */
  whole(): void {
    this.#whole = true
  }

  /** A ping or pong came out of it, which may stand in the middle of a frame. */
  control(wireBytes: number): void {
    this.#controlBytes += wireBytes
  }

  /** A read has been parsed; returns the bytes of the frame that is still unfinished. */
  read(bytes: number): number {
    this.#partialBytes = this.#whole ? 0 : Math.max(0, this.#partialBytes + bytes - this.#controlBytes)
    this.#whole = false
    this.#controlBytes = 0
    if (this.#partialBytes === 0) this.#sinceMs = undefined
    else if (this.#sinceMs === undefined) this.#begin()
    return this.#partialBytes
  }

  /** We have stopped reading: the delay is ours. */
  hold(): void {
    this.#sinceMs = undefined
  }

  [Symbol.dispose](): void {
    this.#sinceMs = undefined
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }

  /** One timer outlives many frames: large ones would otherwise set and clear one each. */
  #begin(): void {
    this.#sinceMs = this.#clock.elapsedMs()
    this.#timer ??= this.#clock.schedule(this.#timeoutMs, this.#check)
  }

  readonly #check = (): void => {
    this.#timer = undefined
    if (this.#sinceMs === undefined) return
    const leftMs = this.#sinceMs + this.#timeoutMs - this.#clock.elapsedMs()
    if (leftMs <= 0) this.#onLate()
    else this.#timer = this.#clock.schedule(Math.ceil(leftMs), this.#check)
  }
}
