import type { IClock } from '../contracts/clock.ts'
import type { PeerId } from '../contracts/message.ts'

export interface SeenSharesOptions {
  clock: Pick<IClock, 'elapsedMs'>
  seenMsMin: number
  seenMessagesMax: number
}

/** From here on the rest is kept for those who have used little. */
const SCARCE_SHARE = 3 / 4
/** What counts as little. */
const LITTLE_SHARE = 1 / 8

/**
 * Who has used how much of what can be remembered. While there is plenty anybody may have it; of the last quarter only those who
 * have used less than an eighth, so that one flooder cannot have everybody else's messages refused.
 */
export class SeenShares {
  readonly #options: SeenSharesOptions
  #counts = new Map<PeerId, number>()
  #sinceMs: number

  constructor(options: SeenSharesOptions) {
    this.#options = options
    this.#sinceMs = options.clock.elapsedMs()
  }

  /** Whether one more from this peer may be remembered, `held` being remembered already; if so it is counted. */
  take(peerId: PeerId, held: number): boolean {
    const { seenMessagesMax, seenMsMin, clock } = this.#options
    if (clock.elapsedMs() - this.#sinceMs >= seenMsMin) {
      this.#counts = new Map()
      this.#sinceMs = clock.elapsedMs()
    }
    const used = this.#counts.get(peerId) ?? 0
    if (held >= seenMessagesMax * SCARCE_SHARE && used >= seenMessagesMax * LITTLE_SHARE) return false
    this.#counts.set(peerId, used + 1)
    return true
  }
}
