import type { PeerId } from '../../contracts/message.ts'
import { WATCH_MS, WATCHERS_PER_KEY_MAX, WATCHES_MAX, WATCHES_PER_PEER_MAX } from './limits.ts'

/** Who wants to be told when something under a key changes: peers with a link, for a while. */
export class Watchers {
  /** By key, then by peer: until when. */
  readonly #keys = new Map<string, Map<PeerId, number>>()
  readonly #perPeer = new Map<PeerId, number>()
  #count = 0

  get count(): number {
    return this.#count
  }

  /** For how long it will be told; 0 where there is no room. */
  add(key: string, peer: PeerId, nowMs: number): number {
    this.#sweep(key, nowMs)
    const peers = this.#keys.get(key) ?? new Map<PeerId, number>()
    if (!peers.has(peer)) {
      const isFull = peers.size >= WATCHERS_PER_KEY_MAX || (this.#perPeer.get(peer) ?? 0) >= WATCHES_PER_PEER_MAX || this.#count >= WATCHES_MAX
      if (isFull) return 0
      this.#count++
      this.#perPeer.set(peer, (this.#perPeer.get(peer) ?? 0) + 1)
    }
    peers.set(peer, nowMs + WATCH_MS)
    this.#keys.set(key, peers)
    return WATCH_MS
  }

  of(key: string, nowMs: number): PeerId[] {
    this.#sweep(key, nowMs)
    return [...this.#keys.get(key)?.keys() ?? []]
  }

  /** Its link is gone. */
  forget(peer: PeerId): void {
    if (!this.#perPeer.has(peer)) return
    for (const key of [...this.#keys.keys()]) this.#drop(key, peer)
  }

  /** Ends what is over. */
  sweep(nowMs: number): void {
    for (const key of [...this.#keys.keys()]) this.#sweep(key, nowMs)
  }

  #sweep(key: string, nowMs: number): void {
    for (const [peer, untilMs] of [...this.#keys.get(key) ?? []]) if (untilMs <= nowMs) this.#drop(key, peer)
  }

  #drop(key: string, peer: PeerId): void {
    const peers = this.#keys.get(key)
    if (peers?.delete(peer) !== true) return
    if (peers.size === 0) this.#keys.delete(key)
    this.#count--
    const left = (this.#perPeer.get(peer) ?? 1) - 1
    if (left === 0) this.#perPeer.delete(peer)
    else this.#perPeer.set(peer, left)
  }
}
