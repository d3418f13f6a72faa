import { EMPTY_BYTES } from '../../foundation/bytes.ts'
import type { P2PMessage } from '../../contracts/message.ts'
import { HOLDERS_MAX } from './limits.ts'
import type { FrameParts } from './item-id.ts'
import type { Peer } from './peer.ts'

/** Another copy of an item that is being checked: the same id under another proof, or the same bytes from somebody else. */
export interface Copy {
  readonly from: Peer
  readonly frame: Uint8Array
  readonly hops: number
  readonly path: Uint8Array
}

/** An item: first under check, then held for others to ask for. */
export class Entry {
  readonly id: Uint8Array
  /** `id` as a Map's key. */
  readonly key: string
  readonly topic: string
  readonly parts: FrameParts
  /** The author's bytes, as they came. */
  frame: Uint8Array
  state: 'verifying' | 'validating' | 'held' | 'gone' = 'verifying'
  /** The fewest it was said to have made before it came here. */
  hops: number
  path: Uint8Array
  /** Who brought the copy that is, or was, checked; undefined for our own. */
  from: Peer | undefined
  readonly arrivedAtMs: number
  /** By the author's clock. */
  timestampMs = 0
  /** Its author's id, once that is known. */
  author = ''
  /** From checked to handed to the listeners. */
  message: P2PMessage | undefined
  body: unknown
  /** Asked for by a sync, so judged by what the topic keeps. */
  readonly synced: boolean
  /** Not pushed, as it had made its hops. */
  heldBack = false
  /** Nor announced, served or synced. */
  quiet = false
  alternates: Copy[] | undefined
  #holders: Peer[] = []
  #served: Map<Peer, number> | undefined

  constructor(id: Uint8Array, key: string, topic: string, copy: Omit<Copy, 'from'> & { from: Peer | undefined }, parts: FrameParts, nowMs: number, synced: boolean) {
    this.id = id
    this.key = key
    this.topic = topic
    this.frame = copy.frame
    this.hops = copy.hops
    this.path = copy.path
    this.from = copy.from
    this.parts = parts
    this.arrivedAtMs = nowMs
    this.synced = synced
    if (copy.from !== undefined) this.#holders.push(copy.from)
  }

  get size(): number {
    return this.frame.length
  }

  /** True when this peer was not known to have it. */
  addHolder(peer: Peer): boolean {
    if (this.#holders.includes(peer)) return false
    if (this.#holders.length < HOLDERS_MAX) this.#holders.push(peer)
    return true
  }

  isHeldBy(peer: Peer): boolean {
    return this.#holders.includes(peer)
  }

  /** When nobody pushes it any more. */
  forgetHolders(): void {
    this.#holders = []
  }

  /** False when this peer has had it often enough. */
  serve(peer: Peer, servesMax: number): boolean {
    this.#served ??= new Map()
    const times = this.#served.get(peer) ?? 0
    if (times >= servesMax) return false
    this.#served.set(peer, times + 1)
    return true
  }

  /** Lets go of what takes room. */
  release(): void {
    this.state = 'gone'
    this.frame = EMPTY_BYTES
    this.message = undefined
    this.body = undefined
    this.alternates = undefined
    this.#holders = []
    this.#served = undefined
  }
}
