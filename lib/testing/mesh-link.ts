import type { PeerInfo } from '../contracts/peer.ts'

/** Whoever is linked. */
export interface MeshEnd {
  /** How those see it that dialled it, and those that it dialled. */
  readonly infoOutbound: PeerInfo
  readonly infoInbound: PeerInfo
}

/** What both ends of a link between two handlers' nodes know. */
export class MeshLink<N extends MeshEnd> {
  /** The so manieth of its world. */
  readonly index: number
  readonly dialler: N
  readonly listener: N
  /** One way. */
  readonly latencyMs: number
  /** Held for a lookup: dropped when idle. */
  shortLived: boolean
  /** When either side last sent something, in virtual time. */
  usedAtMs: number
  readonly #diallerInfo: PeerInfo
  readonly #listenerInfo: PeerInfo
  #diallerHasIt = true
  #listenerHasIt = true
  #toDiallerMs = 0
  #toListenerMs = 0

  constructor(index: number, dialler: N, listener: N, latencyMs: number, shortLived: boolean, nowMs: number) {
    this.index = index
    this.dialler = dialler
    this.listener = listener
    this.latencyMs = latencyMs
    this.shortLived = shortLived
    this.usedAtMs = nowMs
    this.#diallerInfo = dialler.infoInbound
    this.#listenerInfo = listener.infoOutbound
  }

  other(end: N): N {
    return end === this.dialler ? this.listener : this.dialler
  }

  /** The peer at the other end, as this end sees it. Kept here: to look it up there would cost a cache miss for every message. */
  infoFor(end: N): PeerInfo {
    return end === this.dialler ? this.#listenerInfo : this.#diallerInfo
  }

  /** False once this end has closed it, or has heard that it is over. */
  isOpenAt(end: N): boolean {
    return end === this.dialler ? this.#diallerHasIt : this.#listenerHasIt
  }

  closeAt(end: N): void {
    if (end === this.dialler) this.#diallerHasIt = false
    else this.#listenerHasIt = false
  }

  /** When something arrives that leaves now and takes `ms`: never before what left earlier. */
  arrivalAt(atDialler: boolean, nowMs: number, ms: number): number {
    const arrivalMs = nowMs + ms
    if (atDialler) return (this.#toDiallerMs = arrivalMs > this.#toDiallerMs ? arrivalMs : this.#toDiallerMs)
    return (this.#toListenerMs = arrivalMs > this.#toListenerMs ? arrivalMs : this.#toListenerMs)
  }
}
