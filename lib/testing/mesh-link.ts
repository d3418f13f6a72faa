import type { PeerInfo } from '../contracts/peer.ts'

/** Whoever is linked. */
export interface MeshEnd {
  /** How those see it that dialled it, and those that it dialled. */
  readonly infoOutbound: PeerInfo
  readonly infoInbound: PeerInfo
}

/**
 * One direction of a link. Small, with all that an arriving message needs: at ten thousand nodes each object that has to be looked at costs
 * a cache miss, and those are what the time goes to.
 */
export class MeshWay<N extends MeshEnd> {
  readonly to: N
  /** Who sends here, as the receiver sees it. */
  readonly sender: PeerInfo
  /** The so manieth direction of its world. */
  readonly index: number
  /** False once the receiver has closed the link, or has heard that it is over. */
  isOpen = true

  constructor(to: N, sender: PeerInfo, index: number) {
    this.to = to
    this.sender = sender
    this.index = index
  }
}

/** A link between two nodes, as both of them know it. */
export class MeshLink<N extends MeshEnd> {
  readonly dialler: N
  readonly listener: N
  readonly toDialler: MeshWay<N>
  readonly toListener: MeshWay<N>
  /** Held for a lookup: dropped when idle. */
  shortLived: boolean

  /** `index` is that of its first direction; the second has the next. */
  constructor(dialler: N, listener: N, index: number, shortLived: boolean) {
    this.dialler = dialler
    this.listener = listener
    this.toDialler = new MeshWay(dialler, listener.infoOutbound, index)
    this.toListener = new MeshWay(listener, dialler.infoInbound, index + 1)
    this.shortLived = shortLived
  }

  other(end: N): N {
    return end === this.dialler ? this.listener : this.dialler
  }

  /** By which this end receives. */
  wayTo(end: N): MeshWay<N> {
    return end === this.dialler ? this.toDialler : this.toListener
  }

  /** By which this end sends. */
  wayFrom(end: N): MeshWay<N> {
    return end === this.dialler ? this.toListener : this.toDialler
  }

  /** The peer at the other end, as this end sees it. */
  infoFor(end: N): PeerInfo {
    return this.wayTo(end).sender
  }

  isOpenAt(end: N): boolean {
    return this.wayTo(end).isOpen
  }

  closeAt(end: N): void {
    this.wayTo(end).isOpen = false
  }
}

/** Latency and latest arrival. */
const FIELDS = 2

/** How long each direction takes, and when the last message arrives there: side by side, for the same reason. */
export class MeshTimes {
  #values = new Float64Array(1_024 * FIELDS)

  /** One way. */
  setLatency(index: number, latencyMs: number): void {
    if (index * FIELDS >= this.#values.length) {
      const values = new Float64Array(this.#values.length * 2)
      values.set(this.#values)
      this.#values = values
    }
    this.#values[index * FIELDS] = latencyMs
  }

  /** When something arrives that leaves now and takes `moreMs` besides: never before what left earlier. */
  arrival(index: number, nowMs: number, moreMs: number): number {
    const at = index * FIELDS
    const arrivalMs = nowMs + this.#values[at]! + moreMs
    return (this.#values[at + 1] = Math.max(arrivalMs, this.#values[at + 1]!))
  }

  /** When the latest message arrives, or arrived. */
  latestArrival(index: number): number {
    return this.#values[index * FIELDS + 1]!
  }
}
