import { deferOn, systemClock } from '../foundation/clock.ts'

/** Turns asked for at once. The platform charges for a batch about what it charges for one. */
const BATCH = 64

/**
 * Calls `step` once in each turn of the platform's event loop, until it returns false. Between two turns the platform runs
 * every microtask there is, however long the chain: that is how simulated events are kept apart.
 *
 * Nothing in JavaScript can tell whether microtasks are left, so the choice is between waiting for a fixed number of
 * them, which is wrong for a longer chain, and giving the turn back. One turn at a time costs 4 to 7 us in Node 20
 * (the loop asks the kernel each time); turns that were queued together cost 0.3 us each, and both Node and browsers
 * empty the microtask queue between them all the same. So turns are asked for in batches.
 *
 * This is the only place where the simulator touches the real machine, and no time is read here.
 */
export function eachTurn(step: () => boolean): void {
  let waiting = 0
  let ended = false
  const turn = (): void => {
    waiting--
    if (ended) return
    if (!step()) ended = true
    else if (waiting === 0) ask()
  }
  const ask = (): void => {
    for (waiting = 0; waiting < BATCH; waiting++) deferOn(systemClock, turn)
  }
  ask()
}
