import { ManualClock } from './manual-clock.ts'

/** A clock that a test moves, whose `defer` is the event loop's own: input is handled, time stands still. */
export class TurnClock extends ManualClock {
  defer(run: () => void): void {
    setImmediate(run)
  }
}
