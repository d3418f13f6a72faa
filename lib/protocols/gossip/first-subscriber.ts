import type { IClock } from '../../contracts/clock.ts'
import type { WaitOptions } from '../../contracts/wait.ts'
import { withDeadline } from '../../foundation/deadline.ts'

/** Publishers that wait for somebody to hear them. */
export class FirstSubscriber {
  readonly #looks = new Set<() => void>()

  /** Resolves once `isThere()`; rejects with TimeoutError or the signal's reason. */
  async wait(clock: IClock, topic: string, isThere: () => boolean, options: WaitOptions): Promise<void> {
    let look: (() => void) | undefined
    const there = new Promise<void>(resolve => {
      look = () => {
        if (isThere()) resolve()
      }
      this.#looks.add(look)
      look()
    })
    try {
      await withDeadline(clock, options, () => there, { what: `publishing to '${topic}', to which nobody connected subscribes` })
    } finally {
      this.#looks.delete(look!)
    }
  }

  /** Somebody subscribed to something. */
  look(): void {
    for (const look of this.#looks) look()
  }
}
