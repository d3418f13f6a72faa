import type { IClock } from '../../contracts/clock.ts'
import { deferOn } from '../../foundation/clock.ts'
import type { Sliced } from './roots.ts'

/** How long a computation holds the event loop at once: heartbeats and other peers' words get in between. */
export const SLICE_MS = 8

/** Runs a sliced computation to its end, or until the signal aborts: then rejects with its reason. */
export async function runSliced<T>(work: Sliced<T>, clock: IClock, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted()
    const until = clock.elapsedMs() + SLICE_MS
    do {
      const step = work.next()
      if (step.done) return step.value
    } while (clock.elapsedMs() < until)
    await new Promise<void>(resolve => deferOn(clock, resolve))
  }
}
