import type { PeerId } from '../../contracts/message.ts'
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, BACKOFFS_MAX, HEARSAY_MAX, HEARSAY_PER_SOURCE_MAX, RECORD_AGE_MS_MAX } from './limits.ts'

export interface Rumour {
  readonly peerId: PeerId
  readonly record: Uint8Array
  /** When its owner signed it, on its owner's clock. */
  readonly statedAtMs: number
  /** Who handed its record over. */
  readonly source: PeerId
  readonly heardAtMs: number
  readonly group: string | undefined
  /** The node's address book has it: it may be handed on once its owner is linked. */
  isTaken: boolean
}

/** Whom we have heard of and may dial, by who told us: one who tells much does not decide whom we meet. */
export class Hearsay {
  readonly #rumours = new Map<PeerId, Rumour>()
  readonly #bySource = new Map<PeerId, Set<PeerId>>()

  get size(): number {
    return this.#rumours.size
  }

  has(peerId: PeerId): boolean {
    return this.#rumours.has(peerId)
  }

  get(peerId: PeerId): Rumour | undefined {
    return this.#rumours.get(peerId)
  }

  /** False when there is no room for more of this source, or it is known already. */
  add(rumour: Rumour): boolean {
    const { peerId, source } = rumour
    if (this.#rumours.has(peerId) || (this.#bySource.get(source)?.size ?? 0) >= HEARSAY_PER_SOURCE_MAX) return false
    if (this.#rumours.size >= HEARSAY_MAX) this.delete(this.#rumours.keys().next().value!)
    this.#rumours.set(peerId, rumour)
    const told = this.#bySource.get(source)
    if (told) told.add(peerId)
    else this.#bySource.set(source, new Set([peerId]))
    return true
  }

  delete(peerId: PeerId): void {
    const rumour = this.#rumours.get(peerId)
    if (rumour === undefined) return
    this.#rumours.delete(peerId)
    const told = this.#bySource.get(rumour.source)!
    told.delete(peerId)
    if (told.size === 0) this.#bySource.delete(rumour.source)
  }

  /** What a liar said is worth nothing. */
  forgetSource(source: PeerId): void {
    for (const peerId of [...this.#bySource.get(source) ?? []]) this.delete(peerId)
  }

  expire(nowMs: number): void {
    for (const { peerId, heardAtMs } of [...this.#rumours.values()]) if (nowMs - heardAtMs >= RECORD_AGE_MS_MAX) this.delete(peerId)
  }

  /** One who may be dialled, drawn by source first; undefined where there is none. */
  draw(random: () => number, mayDial: (peerId: PeerId) => boolean): PeerId | undefined {
    const sources = [...this.#bySource.keys()]
    while (sources.length > 0) {
      const [source] = sources.splice(Math.floor(random() * sources.length), 1)
      const told = [...this.#bySource.get(source!)!].filter(mayDial)
      if (told.length > 0) return told[Math.floor(random() * told.length)]
    }
    return undefined
  }
}

/** Keys whose dials failed, and from when on they may be dialled again. */
export class Backoffs {
  readonly #waits = new Map<PeerId, { untilMs: number; failures: number }>()

  get size(): number {
    return this.#waits.size
  }

  failed(peerId: PeerId, nowMs: number): void {
    const failures = this.#waits.get(peerId)?.failures ?? 0
    this.#waits.delete(peerId)
    if (this.#waits.size >= BACKOFFS_MAX) this.#waits.delete(this.#waits.keys().next().value!)
    this.#waits.set(peerId, { untilMs: nowMs + Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** failures), failures: failures + 1 })
  }

  clear(peerId: PeerId): void {
    this.#waits.delete(peerId)
  }

  waits(peerId: PeerId, nowMs: number): boolean {
    return (this.#waits.get(peerId)?.untilMs ?? Number.NEGATIVE_INFINITY) > nowMs
  }

  /** A key that has been left alone for as long as the longest wait begins anew. */
  expire(nowMs: number): void {
    for (const [peerId, { untilMs }] of this.#waits) if (nowMs - untilMs >= BACKOFF_MS_MAX) this.#waits.delete(peerId)
  }
}
