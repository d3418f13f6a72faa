import type { PeerId } from '../../contracts/message.ts'
import { ROUTE_MS, ROUTES_MAX, WAYS_MAX } from './limits.ts'

interface Way {
  readonly via: PeerId
  confirmedAtMs: number
}

/** Which neighbours lead to a key: learned from what its owner signed, forgotten when they do not. */
export class Routes {
  /** The key used longest ago first; of each, the way confirmed last first. */
  readonly #routes = new Map<PeerId, Way[]>()

  get size(): number {
    return this.#routes.size
  }

  /** Something that `target` signed came by this neighbour: what is sent there will arrive. */
  confirm(target: PeerId, via: PeerId, nowMs: number): void {
    const ways = this.#routes.get(target) ?? []
    const known = ways.find(way => way.via === via)
    if (known) known.confirmedAtMs = nowMs
    else if (ways.length < WAYS_MAX) ways.push({ via, confirmedAtMs: nowMs })
    else return
    this.#routes.delete(target)
    if (this.#routes.size >= ROUTES_MAX) this.#routes.delete(this.#routes.keys().next().value!)
    this.#routes.set(target, ways)
  }

  /** The best way that is not among `except`; undefined where there is none. */
  next(target: PeerId, except: (via: PeerId) => boolean, nowMs: number): PeerId | undefined {
    return this.#routes.get(target)?.find(way => nowMs - way.confirmedAtMs < ROUTE_MS && !except(way.via))?.via
  }

  fail(target: PeerId, via: PeerId): void {
    this.#keep(target, way => way.via !== via)
  }

  /** A neighbour has gone. */
  forget(via: PeerId): void {
    for (const target of [...this.#routes.keys()]) this.fail(target, via)
  }

  expire(nowMs: number): void {
    for (const target of [...this.#routes.keys()]) this.#keep(target, way => nowMs - way.confirmedAtMs < ROUTE_MS)
  }

  #keep(target: PeerId, isKept: (way: Way) => boolean): void {
    const ways = this.#routes.get(target)?.filter(isKept)
    if (ways === undefined) return
    if (ways.length === 0) this.#routes.delete(target)
    else this.#routes.set(target, ways)
  }
}
