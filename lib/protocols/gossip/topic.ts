import type { PeerId } from '../../contracts/message.ts'
import type { Entry } from './entry.ts'
import { BACKOFFS_MAX } from './limits.ts'
import type { Peer } from './peer.ts'
import { decay, SCORE } from './score.ts'

/** What one topic may have of its own. */
export interface TopicOptions {
  /** How long items are kept for others to ask for. */
  retentionMs?: number
}

/** A topic we subscribe to, or have published to. */
export class Topic {
  readonly name: string
  readonly retentionMs: number
  subscribed = false
  /** Whom we push to, and since when. */
  readonly mesh = new Map<Peer, number>()
  /** Peers we dialled that would not have us in their mesh: they are pushed to all the same, a few of them. */
  readonly fed = new Set<Peer>()
  /** Every peer that has subscribed. */
  readonly members = new Set<Peer>()
  /** Items by the heartbeat at which they came, this one's first: what is announced. */
  window: Entry[][] = [[]]
  /** Items by the author's clock: what syncs compare. */
  readonly buckets = new Map<number, Entry[]>()
  /** Items that others brought, halved every `nearHalfMs`. */
  brought = 0
  /** Syncs under way. */
  syncs = 0
  usedAtMs = 0
  readonly #backoffs = new Map<PeerId, number>()

  constructor(name: string, retentionMs: number) {
    this.name = name
    this.retentionMs = retentionMs
  }

  get backoffs(): number {
    return this.#backoffs.size
  }

  /** A longer one that is there already stays. */
  backOff(peerId: PeerId, untilMs: number): void {
    const before = this.#backoffs.get(peerId) ?? 0
    if (before >= untilMs) return
    if (before === 0 && this.#backoffs.size >= BACKOFFS_MAX) this.#backoffs.delete(this.#backoffs.keys().next().value!)
    this.#backoffs.set(peerId, untilMs)
  }

  isBackedOff(peerId: PeerId, nowMs: number): boolean {
    return (this.#backoffs.get(peerId) ?? 0) > nowMs
  }

  /** At each heartbeat. */
  age(nowMs: number, elapsedMs: number, gossipHeartbeats: number): void {
    for (const [peerId, untilMs] of this.#backoffs) if (untilMs <= nowMs) this.#backoffs.delete(peerId)
    this.brought *= decay(elapsedMs, SCORE.nearHalfMs)
    this.window.unshift([])
    // The newest is of the heartbeat to come, so there is one more than are announced.
    for (const entries of this.window.splice(gossipHeartbeats + 1)) for (const entry of entries) entry.forgetHolders()
  }

  /** What each mesh peer should have brought lately; undefined where nobody can be judged by it. */
  lackFrom(meshMin: number): number | undefined {
    if (this.mesh.size < meshMin || this.brought < SCORE.broughtMin) return undefined
    return this.brought * SCORE.nearShare
  }
}
