import type { IClock } from '../contracts/clock.ts'
import type { WaitOptions } from '../contracts/wait.ts'

export interface DeadlineOptions {
  /** Used where the caller named no `timeoutMs`. Without either there is no deadline. */
  defaultTimeoutMs?: number | undefined
  /** What was waited for, such as `dialling ws://10.0.0.1:80`: ends the message of a timeout. */
  what: string
}

/** Timers hold 31 bits of milliseconds (24 days); a longer one would fire at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1

/**
 * Runs something that waits. Whichever ends first wins: the work, `options.signal` (rejects with its
 * reason untouched) or the time (rejects with a DOMException named TimeoutError). The signal handed
 * to `run` aborts when the caller no longer waits; what `run` opens after that is its own to close.
 */
export async function withDeadline<T>(
  clock: IClock,
  options: WaitOptions | undefined,
  run: (signal: AbortSignal) => Promise<T>,
  { defaultTimeoutMs, what }: DeadlineOptions,
): Promise<T> {
  const timeoutMs = checkedTimeout(options?.timeoutMs ?? defaultTimeoutMs)
  options?.signal?.throwIfAborted()
  const stopper = new Stopper(clock, options?.signal, timeoutMs, what)
  try {
    return await Promise.race([run(stopper.signal), stopper.stopped])
  } finally {
    stopper[Symbol.dispose]()
  }
}

/** Resolves after `ms`; rejects with the signal's reason when that aborts first. */
export function sleep(clock: IClock, ms: number, signal?: AbortSignal): Promise<void> {
  return withDeadline(clock, { signal }, stopped => new Promise(resolve => {
    const timer = clock.schedule(ms, resolve)
    stopped.addEventListener('abort', () => timer[Symbol.dispose](), { once: true })
  }), { what: 'a pause' })
}

/** Rejects `stopped` and aborts `signal` when the caller cancels or the time is over. */
class Stopper implements Disposable {
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal | undefined
  readonly #timer: Disposable | undefined
  readonly stopped: Promise<never>
  #reject!: (reason: Error) => void

  constructor(clock: IClock, caller: AbortSignal | undefined, timeoutMs: number, what: string) {
    this.stopped = new Promise((_, reject) => { this.#reject = reject })
    this.#caller = caller
    caller?.addEventListener('abort', this.#onAbort)
    if (timeoutMs <= TIMER_MS_MAX) this.#timer = clock.schedule(timeoutMs, () => this.#stop(timeoutError(what, timeoutMs)))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  readonly #onAbort = (): void => this.#stop(this.#caller?.reason as Error)

  /** `reason` is whatever the caller aborted with: it must arrive as it is. */
  #stop(reason: Error): void {
    this.#reject(reason)
    this.#controller.abort(reason)
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    this.#caller?.removeEventListener('abort', this.#onAbort)
  }
}

function timeoutError(what: string, timeoutMs: number): DOMException {
  return new DOMException(`gave up after ${timeoutMs} ms: ${what}`, 'TimeoutError')
}

function checkedTimeout(timeoutMs = Infinity): number {
  if (!(timeoutMs >= 0)) throw new RangeError(`timeoutMs must be a number of at least 0, got ${String(timeoutMs)}`)
  return timeoutMs
}
