const SECOND = 1_000
const MINUTE = 60 * SECOND

/** PROTOCOL.md, Scores. Each weight with the most it can come to. */
export const SCORE = Object.freeze({
  /** P1: a little for staying, so that of two equals the one we know is kept. */
  perMeshMinute: 1.2, meshMinutesMax: 5,
  /** P2: what a peer is in the mesh for. */
  perFirst: 0.4, firstMax: 50, firstHalfMs: 10 * MINUTE,
  /**
   * P3 and P3b: a black hole in the mesh. Event loops are busy for longer than the 5 ms of the 2020 runs, so every delivery
   * within 250 ms of the first counts; an honest neighbour brings most of them, 5% is far below.
   */
  lack: -80, nearMs: 250, nearShare: 0.05, nearHalfMs: 15 * SECOND, lackAfterMs: 30 * SECOND, failureHalfMs: 5 * MINUTE,
  /** Good deeds are remembered to this many times what is expected, and always these few: who turns into a black hole is found out in half a minute. */
  nearTimesMax: 2, nearMin: 3,
  /** A topic slower than a message in 5 s says nothing about anybody: that is what it comes to under `nearHalfMs`. */
  broughtMin: 0.2 * (15 / Math.LN2),
  /** P4: the fourth invalid item is the last that is looked at. */
  invalid: -99, invalidHalfMs: 60 * MINUTE,
  /** P6: more than a household behind one address. */
  colocation: -5, colocationFree: 4,
  /** P7: a few breaches happen to the honest: a lost item, a graft that crossed a prune. */
  behaviour: -10, behaviourFree: 3, behaviourHalfMs: 10 * MINUTE,
  /** Good standing never makes up for more than this. */
  goodMax: 100,
})

/** Below each, in turn: no announcements, none of our publications, nothing at all. */
export const THRESHOLDS = Object.freeze({ gossip: -100, publish: -500, graylist: -1_000 })
export const SCORE_RETENTION_MS = 6 * 60 * MINUTE

/** What a counter keeps in `elapsedMs` when it is halved every `halfMs`. */
export function decay(elapsedMs: number, halfMs: number): number {
  return 0.5 ** (elapsedMs / halfMs)
}

/** One peer in one topic. */
export class TopicScore {
  /** When it joined the mesh; undefined while outside. */
  meshSinceMs: number | undefined
  first = 0
  /** Delivered first, or within `nearMs` of the first. */
  near = 0
  failure = 0
  invalid = 0

  decay(elapsedMs: number): void {
    this.first = faded(this.first, decay(elapsedMs, SCORE.firstHalfMs))
    this.near = faded(this.near, decay(elapsedMs, SCORE.nearHalfMs))
    this.failure = faded(this.failure, decay(elapsedMs, SCORE.failureHalfMs))
    this.invalid = faded(this.invalid, decay(elapsedMs, SCORE.invalidHalfMs))
  }

  get isBlank(): boolean {
    return this.meshSinceMs === undefined && this.first + this.near + this.failure + this.invalid === 0
  }

  /** `lackFrom`: what a full mesh of this topic expects of each peer; undefined where that cannot be judged. */
  value(nowMs: number, lackFrom: number | undefined): number {
    const { perMeshMinute, meshMinutesMax, perFirst, firstMax } = SCORE
    const minutes = this.meshSinceMs === undefined ? 0 : Math.min((nowMs - this.meshSinceMs) / MINUTE, meshMinutesMax)
    const lack = this.lack(nowMs, lackFrom)
    return minutes * perMeshMinute
      + Math.min(this.first, firstMax) * perFirst
      + Math.min(1, lack * lack + this.failure) * SCORE.lack
      + this.invalid * this.invalid * SCORE.invalid
  }

  /** The share of what is expected that has not come, 0 to 1. */
  lack(nowMs: number, lackFrom: number | undefined): number {
    if (lackFrom === undefined || this.meshSinceMs === undefined || nowMs - this.meshSinceMs < SCORE.lackAfterMs) return 0
    return Math.max(0, 1 - this.near / lackFrom)
  }

  /** At each heartbeat. */
  capNear(lackFrom: number | undefined): void {
    if (lackFrom !== undefined) this.near = Math.min(this.near, Math.max(SCORE.nearMin, SCORE.nearTimesMax * lackFrom))
  }

  joinMesh(nowMs: number): void {
    this.meshSinceMs = nowMs
    // Until `lackAfterMs` has passed nothing is expected; what it brought before says nothing about now.
    this.near = 0
  }

  leaveMesh(nowMs: number, lackFrom: number | undefined): void {
    const lack = this.lack(nowMs, lackFrom)
    this.failure = Math.min(1, this.failure + lack * lack)
    this.meshSinceMs = undefined
  }
}

/** One peer in all topics. Outlives its link. */
export class PeerScore {
  readonly topics = new Map<string, TopicScore>()
  behaviour = 0
  /** P5, as the application last said. */
  app = 0
  /** Peers of its netgroup beyond those that are free. */
  colocated = 0

  topic(name: string): TopicScore {
    let score = this.topics.get(name)
    if (score === undefined) this.topics.set(name, score = new TopicScore())
    return score
  }

  decay(elapsedMs: number): void {
    for (const [name, score] of this.topics) {
      score.decay(elapsedMs)
      if (score.isBlank) this.topics.delete(name)
    }
    this.behaviour = faded(this.behaviour, decay(elapsedMs, SCORE.behaviourHalfMs))
  }

  /** The sum; what is good in one topic makes up for bad manners to a point, and never lets anybody into another mesh. */
  value(nowMs: number, lackFromOf: (topic: string) => number | undefined): number {
    let good = 0
    let bad = 0
    for (const [name, score] of this.topics) {
      const value = score.value(nowMs, lackFromOf(name))
      if (value > 0) good += value
      else bad += value
    }
    const breaches = Math.max(0, this.behaviour - SCORE.behaviourFree)
    return Math.min(good, SCORE.goodMax) + bad + this.app + this.colocated ** 2 * SCORE.colocation + breaches ** 2 * SCORE.behaviour
  }
}

/** What is nearly nothing is nothing, so that records empty themselves. */
function faded(value: number, factor: number): number {
  const left = value * factor
  return left < 0.01 ? 0 : left
}
