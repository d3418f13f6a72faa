import type { IClock } from '../contracts/clock.ts'
import type { PeerId } from '../contracts/message.ts'
import type { IStore } from '../contracts/store.ts'
import { decodeCbor, encodeCbor } from '../wire/cbor.ts'
import { Score } from './reputation-score.ts'

export interface ScoreBookOptions {
  clock: IClock
  store: IStore
  /** Peers whose score is kept; past it those go whose score says least. */
  peersMax: number
  /** The store did not take or give something. */
  onFailure(error: unknown): void
}

/** A score that was not touched for so long says nothing: the debit's half-life six times over. */
const KEPT_MS = 6 * 3_600_000
/** Scores change by the thousand; what a crash loses of them is forgiven. */
const SAVE_AFTER_MS = 10_000
/** Nearer to 50 than this it says nothing, either (in points of -100 to 100). */
const TELLING = 0.5
const PREFIX = 'reputation/'
const VERSION = 1

/** Everybody's scores: in memory, written to the store a little later. */
export class ScoreBook {
  readonly #options: ScoreBookOptions
  readonly #scores = new Map<PeerId, Score>()
  /** Changed since they were written. */
  #unsaved = new Set<PeerId>()
  #timer: Disposable | undefined
  #closed = false

  constructor(options: ScoreBookOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#scores.size
  }

  peers(): IterableIterator<PeerId> {
    return this.#scores.keys()
  }

  /** -100 to 100; 0 where nothing is known. */
  at(peerId: PeerId): number {
    return this.#scores.get(peerId)?.at(this.#nowMs) ?? 0
  }

  add(peerId: PeerId, points: number, floor: number): void {
    let score = this.#scores.get(peerId)
    if (score === undefined) {
      if (this.#scores.size >= this.#options.peersMax) this.#makeRoom()
      this.#scores.set(peerId, score = new Score(this.#nowMs))
    }
    score.add(points, this.#nowMs, floor)
    this.#mark(peerId)
  }

  delete(peerId: PeerId): void {
    if (this.#scores.delete(peerId)) this.#mark(peerId)
  }

  /** The best first, with scores of -100 to 100. */
  best(count: number): [PeerId, number][] {
    const nowMs = this.#nowMs
    return [...this.#scores].map(([peerId, score]): [PeerId, number] => [peerId, score.at(nowMs)]).sort(([, a], [, b]) => b - a).slice(0, count)
  }

  sweep(): void {
    const nowMs = this.#nowMs
    for (const [peerId, score] of this.#scores) {
      if (nowMs - score.atMs >= KEPT_MS || Math.abs(score.at(nowMs)) < TELLING) this.delete(peerId)
    }
  }

  async load(): Promise<void> {
    const { store, peersMax, clock, onFailure } = this.#options
    for await (const [key, bytes] of store.entries(PREFIX, { limit: peersMax })) {
      const peerId = key.slice(PREFIX.length)
      try {
        const { credit, debit, savedAtMs } = decodeScore(bytes)
        // A wall clock that was set back must not make anything older than it is.
        const ageMs = Math.max(0, clock.now() - savedAtMs)
        if (ageMs < KEPT_MS && !this.#scores.has(peerId)) this.#scores.set(peerId, new Score(this.#nowMs - ageMs, credit, debit))
      } catch (error) {
        onFailure(error)
        this.#mark(peerId)
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    await this.#save()
  }

  get #nowMs(): number {
    return this.#options.clock.elapsedMs()
  }

  /** Those nearest to 50 go first: whoever can make us note many keys cannot have bad ones forgotten. */
  #makeRoom(): void {
    this.sweep()
    if (this.#scores.size < this.#options.peersMax) return
    const nowMs = this.#nowMs
    const byWeight = [...this.#scores].map(([peerId, score]): [PeerId, number] => [peerId, Math.abs(score.at(nowMs))]).sort(([, a], [, b]) => a - b)
    for (const [peerId] of byWeight.slice(0, Math.ceil(this.#options.peersMax / 8))) this.delete(peerId)
  }

  #mark(peerId: PeerId): void {
    this.#unsaved.add(peerId)
    if (this.#closed) return
    this.#timer ??= this.#options.clock.schedule(SAVE_AFTER_MS, () => {
      this.#timer = undefined
      void this.#save()
    })
  }

  async #save(): Promise<void> {
    const { store, onFailure } = this.#options
    const unsaved = this.#unsaved
    this.#unsaved = new Set()
    for (const peerId of unsaved) {
      const score = this.#scores.get(peerId)
      try {
        if (score === undefined) await store.delete(PREFIX + peerId)
        else await store.put(PREFIX + peerId, this.#encoded(score))
      } catch (error) {
        onFailure(error)
      }
    }
  }

  #encoded(score: Score): Uint8Array {
    const ageMs = this.#nowMs - score.atMs
    return encodeCbor([VERSION, score.credit, score.debit, Math.round(this.#options.clock.now() - ageMs)])
  }
}

function decodeScore(bytes: Uint8Array): { credit: number; debit: number; savedAtMs: number } {
  const fields = decodeCbor(bytes)
  const isOne = Array.isArray(fields) && fields.length === 4 && fields[0] === VERSION && fields.every(field => typeof field === 'number' && Number.isFinite(field))
  if (!isOne) throw new RangeError('a score on disk is not one: it is deleted')
  const [, credit = 0, debit = 0, savedAtMs = 0] = fields as number[]
  return { credit: Math.max(0, Math.min(100, credit)), debit: Math.max(0, Math.min(200, debit)), savedAtMs }
}
