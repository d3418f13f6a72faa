import type { IClock } from '../contracts/clock.ts'

export interface SeenSharesOptions {
  clock: Pick<IClock, 'elapsedMs'>
  seenMsMin: number
  seenMessagesMax: number
}

/** With no more than this free, the rest is kept for those who have used little. */
const SCARCE_SHARE = 1 / 4

/**
 * Which hand has used how much of what can be remembered. While there is plenty anybody may have it; of the last quarter only
 * those who have used little, and the less is free the less that is: an eighth of all at first, a 32nd when an eighth is free. So one
 * flooder cannot have everybody else's messages refused, and n of them leave a part in 4 + 2n. A hand is
 * whatever its owner cannot have many of for nothing: where keys are free, the subnet they come from.
 */
export class SeenShares {
  readonly #options: SeenSharesOptions
  #counts = new Map<string, number>()
  #sinceMs: number

  constructor(options: SeenSharesOptions) {
    this.#options = options
    this.#sinceMs = options.clock.elapsedMs()
  }

  /** Whether one more from this hand may be remembered, `held` being remembered already; if so it is counted. */
  take(hand: string, held: number): boolean {
    const { seenMessagesMax, seenMsMin, clock } = this.#options
    if (clock.elapsedMs() - this.#sinceMs >= seenMsMin) {
      this.#counts = new Map()
      this.#sinceMs = clock.elapsedMs()
    }
    const used = this.#counts.get(hand) ?? 0
    const free = 1 - held / seenMessagesMax
    if (free <= SCARCE_SHARE && used >= seenMessagesMax * 2 * free * free) return false
    this.#counts.set(hand, used + 1)
    return true
  }
}
