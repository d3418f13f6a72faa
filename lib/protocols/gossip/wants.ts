import { keyOf } from './item-id.ts'
import { ANNOUNCERS_MAX, ID_BYTES, PROMISES_MAX, WANTS_MAX } from './limits.ts'
import type { GossipParameters } from './parameters.ts'
import type { Peer } from './peer.ts'

/** An id we miss, and who says to have it. */
interface Want {
  readonly id: Uint8Array
  readonly synced: boolean
  /** When the next announcer is asked, or the want given up. */
  dueMs: number
  /** Not asked yet, the next first. */
  readonly others: Peer[]
  asked: boolean
}

/** One id of a `want` that is watched. */
interface Promised {
  readonly peer: Peer
  untilMs: number
}

/** Whom to ask for what. */
export interface Question {
  readonly peer: Peer
  readonly ids: Uint8Array[]
}

type Figures = Pick<GossipParameters, 'wantIdsMax' | 'retryMsMin' | 'retryMsMax' | 'promiseMs'>

/** Pulls what was announced: one peer is asked at a time, the next when it does not answer, and promises are watched. */
export class Wants {
  readonly #figures: Figures
  readonly #random: () => number
  readonly #wants = new Map<string, Want>()
  readonly #promises = new Map<string, Promised>()

  constructor(figures: Figures, random: () => number) {
    this.#figures = figures
    this.#random = random
  }

  /** Ids being pulled. */
  get size(): number {
    return this.#wants.size
  }

  get promises(): number {
    return this.#promises.size
  }

  get isFull(): boolean {
    return this.#wants.size >= WANTS_MAX
  }

  /** True when we asked for it because a sync named it: then it may be as old as the topic keeps. */
  isSynced(key: string): boolean {
    return this.#wants.get(key)?.synced === true
  }

  /**
   * `peer` says it has these; returns what to ask it for now. The caller has left out what is here. With `waitMs` nothing is asked at once,
   * but so much later than a retry would be.
   */
  announced(peer: Peer, ids: readonly Uint8Array[], nowMs: number, { synced = false, waitMs = 0 }: { synced?: boolean; waitMs?: number } = {}): Uint8Array[] {
    const ask: Uint8Array[] = []
    for (const id of ids) {
      const key = keyOf(id)
      const want = this.#wants.get(key)
      if (want !== undefined) {
        if (want.others.length < ANNOUNCERS_MAX && !want.others.includes(peer)) want.others.push(peer)
        continue
      }
      if (this.isFull) break
      const mayAsk = waitMs === 0 && this.#mayAsk(peer)
      this.#wants.set(key, { id, synced, dueMs: nowMs + this.#patience() + waitMs, others: mayAsk ? [] : [peer], asked: mayAsk })
      if (mayAsk) ask.push(id)
    }
    this.#watch(peer, ask, nowMs)
    return ask
  }

  /** It is here, whoever brought it. */
  arrived(key: string): void {
    this.#wants.delete(key)
    this.#promises.delete(key)
  }

  /** What to ask again, and of whom. What is here and only waits to be checked is left alone. */
  due(nowMs: number, isHere: (key: string) => boolean): Question[] {
    const byPeer = new Map<Peer, Uint8Array[]>()
    for (const [key, want] of this.#wants) {
      if (want.dueMs > nowMs) continue
      if (isHere(key)) {
        want.dueMs = nowMs + this.#patience()
        continue
      }
      const next = want.others.findIndex(peer => this.#mayAsk(peer))
      if (next >= 0) {
        const peer = want.others.splice(next, 1)[0]!
        want.asked = true
        want.dueMs = nowMs + this.#patience()
        const ids = byPeer.get(peer)
        if (ids === undefined) byPeer.set(peer, [want.id])
        else ids.push(want.id)
      } else if (want.others.length === 0 && want.dueMs + this.#figures.promiseMs <= nowMs) {
        // Given up: whoever announces it later is asked anew.
        this.#wants.delete(key)
      }
    }
    const questions = Array.from(byPeer, ([peer, ids]) => ({ peer, ids }))
    for (const { peer, ids } of questions) this.#watch(peer, ids, nowMs)
    return questions
  }

  /** Those who did not keep their word. Each is named once for each promise. What is here and only waits to be checked was kept. */
  broken(nowMs: number, isHere: (key: string) => boolean): Peer[] {
    const liars: Peer[] = []
    for (const [key, { peer, untilMs }] of this.#promises) {
      if (untilMs > nowMs || isHere(key)) continue
      this.#promises.delete(key)
      liars.push(peer)
    }
    return liars
  }

  /** We were busy for so long and may have read nothing: nobody is to pay for that. */
  postpone(ms: number): void {
    for (const promise of this.#promises.values()) promise.untilMs += ms
    for (const want of this.#wants.values()) want.dueMs += ms
  }

  /** Its link is gone: others are asked at the next look, and nobody is blamed. */
  left(peer: Peer, nowMs: number): void {
    for (const [key, promise] of this.#promises) if (promise.peer === peer) this.#promises.delete(key)
    for (const [key, want] of this.#wants) {
      const at = want.others.indexOf(peer)
      if (at >= 0) want.others.splice(at, 1)
      if (!want.asked && want.others.length === 0) this.#wants.delete(key)
      else if (want.others.length > 0) want.dueMs = Math.min(want.dueMs, nowMs)
    }
  }

  clear(): void {
    this.#wants.clear()
    this.#promises.clear()
  }

  /** Counts what is asked, as the peer's own brake does. */
  #mayAsk(peer: Peer): boolean {
    if (peer.brakes.askedIds >= this.#figures.wantIdsMax) return false
    peer.brakes.askedIds++
    return true
  }

  #patience(): number {
    const { retryMsMin, retryMsMax } = this.#figures
    return retryMsMin + this.#random() * (retryMsMax - retryMsMin)
  }

  /** One id of each question, drawn at random, so that nobody knows which lies are looked at. */
  #watch(peer: Peer, ids: readonly Uint8Array[], nowMs: number): void {
    if (ids.length === 0 || this.#promises.size >= PROMISES_MAX) return
    const key = keyOf(ids[Math.floor(this.#random() * ids.length)]!)
    if (!this.#promises.has(key)) this.#promises.set(key, { peer, untilMs: nowMs + this.#figures.promiseMs })
  }
}

/** The ids of a word, as views of it. Null when it is not a whole number of them. */
export function splitIds(ids: Uint8Array): Uint8Array[] | null {
  if (ids.length % ID_BYTES !== 0) return null
  const split: Uint8Array[] = []
  for (let at = 0; at < ids.length; at += ID_BYTES) split.push(ids.subarray(at, at + ID_BYTES))
  return split
}
