import type { IClock } from '../../contracts/clock.ts'
import type { PeerId } from '../../contracts/message.ts'
import { TokenBucket } from '../../foundation/token-bucket.ts'
import { INTAKE_BURST, INTAKE_PER_SECOND, LIST_EVERY_MS, LISTS_BURST, STANDING, STANDING_MS, STANDINGS_MAX } from './limits.ts'

/** One peer with a link. */
export interface Peer {
  readonly id: PeerId
  readonly linkedAtMs: number
  speaks: boolean
  /** We made this link, or have dialled it as well. */
  outbound: boolean
  /** What it shares with others of one landlord, where that is known. */
  readonly group: string | undefined
  /** When we last asked it, and gave it a list. */
  askedAtMs: number
  servedAtMs: number
  earlyAsks: number
  newsThisRound: number
  /** It has been told of what entered our book up to this sequence. */
  toldUpTo: number
}

/** What is remembered of a source of records, also when its link has gone: else reconnecting would pay. */
interface Standing {
  value: number
  readonly intake: TokenBucket
  /** Lists it is given, over all its connections. */
  readonly lists: TokenBucket
  touchedAtMs: number
}

/** How far each source has proved right. */
export class Standings {
  readonly #clock: Pick<IClock, 'elapsedMs'>
  readonly #standings = new Map<PeerId, Standing>()

  constructor(clock: Pick<IClock, 'elapsedMs'>) {
    this.#clock = clock
  }

  get size(): number {
    return this.#standings.size
  }

  valueOf(source: PeerId): number {
    return this.#standings.get(source)?.value ?? STANDING.start
  }

  /** Takes one record's worth; false when the source has had its share. */
  take(source: PeerId): boolean {
    return this.#of(source).intake.take() === 0
  }

  change(source: PeerId, by: number): number {
    const standing = this.#of(source)
    standing.value = Math.min(STANDING.max, standing.value + by)
    return standing.value
  }

  /** False when its key has been given lists enough. */
  takeList(source: PeerId): boolean {
    return this.#of(source).lists.take() === 0
  }

  expire(isLinked: (source: PeerId) => boolean): void {
    const nowMs = this.#clock.elapsedMs()
    for (const [source, { touchedAtMs }] of this.#standings) if (nowMs - touchedAtMs >= STANDING_MS && !isLinked(source)) this.#standings.delete(source)
  }

  #of(source: PeerId): Standing {
    let standing = this.#standings.get(source)
    if (standing === undefined) {
      if (this.#standings.size >= STANDINGS_MAX) this.#standings.delete(this.#standings.keys().next().value!)
      standing = {
        value: STANDING.start, intake: new TokenBucket(this.#clock, INTAKE_PER_SECOND, INTAKE_BURST),
        lists: new TokenBucket(this.#clock, 1_000 / LIST_EVERY_MS, LISTS_BURST), touchedAtMs: 0,
      }
      this.#standings.set(source, standing)
    }
    standing.touchedAtMs = this.#clock.elapsedMs()
    return standing
  }
}
