import type { PeerId } from '../../contracts/message.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import { FRAMES_MAX } from './limits.ts'

/** How long the other side of a pair is waited for to dial, and between attempts. */
const TURN_MS = 3_000
const DIAL_TIMEOUT_MS = 10_000
const ATTEMPTS_MAX = 200
/** Bytes kept for a member whose link is not there yet: a run's vectors, and room. */
const WAITING_BYTES_MAX = 256 * 1024

/** The links among a round's members: of each pair the smaller key dials first; what is to be said meanwhile waits. */
export class Neighbours {
  readonly #context: () => ProtocolContext
  readonly #meeting = new Set<PeerId>()
  readonly #waiting = new Map<PeerId, { frames: Uint8Array[]; bytes: number }>()
  readonly #timers = new Set<Disposable>()
  #closed = false
  /** Frames that did not find their way. */
  dropped = 0

  constructor(context: () => ProtocolContext) {
    this.#context = context
  }

  async meet(key: PeerId, record: Uint8Array): Promise<void> {
    if (this.#meeting.has(key)) return
    this.#meeting.add(key)
    try {
      await this.#context().addresses.add(record)
    } catch {
      // Its owner may still dial us.
    }
    const mine = this.#context().localPeer.peerId
    if (mine < key) void this.#dial(key, ATTEMPTS_MAX)
    else this.#later(() => void this.#dial(key, ATTEMPTS_MAX))
  }

  /** Hands frames to a member now, or as soon as there is a link. */
  send(to: PeerId, frames: readonly Uint8Array[]): void {
    const context = this.#context()
    if (this.#closed || to === context.localPeer.peerId) return
    if (!this.#isLinked(to)) return this.#keep(to, frames)
    for (let at = 0; at < frames.length; at += FRAMES_MAX) {
      const some = frames.slice(at, at + FRAMES_MAX)
      context.send(to, { type: 'words', payload: { frames: some } }).catch(() => this.#keep(to, some))
    }
  }

  onConnected(key: PeerId): void {
    const waiting = this.#waiting.get(key)
    this.#waiting.delete(key)
    if (waiting !== undefined) this.send(key, waiting.frames)
  }

  isLinked(key: PeerId): boolean {
    return this.#isLinked(key)
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#timers) timer[Symbol.dispose]()
    this.#timers.clear()
    this.#waiting.clear()
  }

  #isLinked(key: PeerId): boolean {
    return this.#context().peers().some(({ peerId }) => peerId === key)
  }

  #keep(to: PeerId, frames: readonly Uint8Array[]): void {
    if (this.#closed) return
    const waiting = this.#waiting.get(to) ?? { frames: [], bytes: 0 }
    for (const frame of frames) {
      if (waiting.bytes + frame.length > WAITING_BYTES_MAX) { this.dropped++; continue }
      waiting.frames.push(frame)
      waiting.bytes += frame.length
    }
    this.#waiting.set(to, waiting)
  }

  async #dial(key: PeerId, attempts: number): Promise<void> {
    if (this.#closed || attempts === 0) return
    if (!this.#isLinked(key)) {
      try {
        await this.#context().connect(key, { timeoutMs: DIAL_TIMEOUT_MS })
        if (!this.#closed) this.onConnected(key)
      } catch {
        // Gone, not there yet, or not to be reached: votes will tell.
      }
    }
    if (!this.#closed) this.#later(() => void this.#dial(key, attempts - 1))
  }

  #later(run: () => void): void {
    const timer = this.#context().clock.schedule(TURN_MS, () => {
      this.#timers.delete(timer)
      if (!this.#closed) run()
    })
    this.#timers.add(timer)
  }
}
