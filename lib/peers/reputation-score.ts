/**
 * One peer's score: good deeds and bad ones fade at different speeds, so that trust is lost for longer than it is earned.
 * Inside it runs from -100 to 100; the public figure, 0 to 100, is a view of it.
 */
export class Score {
  #credit: number
  #debit: number
  #atMs: number

  /** `atMs` on the monotonic clock: when credit and debit were as given. */
  constructor(atMs: number, credit = 0, debit = 0) {
    this.#atMs = atMs
    this.#credit = credit
    this.#debit = debit
  }

  /** When something was last recorded. */
  get atMs(): number {
    return this.#atMs
  }

  get credit(): number {
    return this.#credit
  }

  get debit(): number {
    return this.#debit
  }

  /** -100 to 100. */
  at(nowMs: number): number {
    const ageMs = Math.max(0, nowMs - this.#atMs)
    return bounded(faded(this.#credit, ageMs, CREDIT_HALF_LIFE_MS) - faded(this.#debit, ageMs, DEBIT_HALF_LIFE_MS))
  }

  /** Adds points, negative for bad deeds, of the same -100 to 100; but never goes below `floor` for them. */
  add(points: number, nowMs: number, floor = SCORE_MIN): void {
    const ageMs = Math.max(0, nowMs - this.#atMs)
    this.#atMs = Math.max(nowMs, this.#atMs)
    this.#credit = faded(this.#credit, ageMs, CREDIT_HALF_LIFE_MS)
    this.#debit = faded(this.#debit, ageMs, DEBIT_HALF_LIFE_MS)
    if (points >= 0) this.#credit = Math.min(SCORE_MAX, this.#credit + points)
    // Debts beyond the worst score would outlast their cause; a debt made otherwise is not paid off by a floor.
    else this.#debit = Math.max(this.#debit, Math.min(this.#debit - points, this.#credit - floor))
  }
}

export const SCORE_MAX = 100
export const SCORE_MIN = -100
/** Gossipsub v1.1's order of size: a good name has to be earned again and again. */
const CREDIT_HALF_LIFE_MS = 600_000
const DEBIT_HALF_LIFE_MS = 3_600_000

/** The public figure: 50 where nothing is known. */
export function publicScore(score: number): number {
  return Math.round((50 + score / 2) * 100) / 100
}

/** Points of the public figure as points of the score. */
export function innerPoints(publicPoints: number): number {
  return 2 * publicPoints
}

function faded(points: number, ageMs: number, halfLifeMs: number): number {
  return points === 0 ? 0 : points * 2 ** (-ageMs / halfLifeMs)
}

function bounded(score: number): number {
  return Math.max(SCORE_MIN, Math.min(SCORE_MAX, score))
}
