import type { PeerId } from '../../contracts/message.ts'
import { Brakes, type ItemRecord } from './brakes.ts'
import type { PeerScore } from './score.ts'

/** What the handler knows of a peer when its link stands. */
export interface PeerFacts {
  readonly peerId: PeerId
  /** x-only, 32 bytes. */
  readonly key: Uint8Array
  /** We dialled it; undefined where nobody says. */
  readonly outbound: boolean | undefined
  /** Its /24 or /48, where that is known and means anything. */
  readonly netgroup: string | undefined
}

/** A peer with a link that speaks gossip. */
export class Peer {
  readonly id: PeerId
  readonly key: Uint8Array
  readonly outbound: boolean | undefined
  readonly netgroup: string | undefined
  /** An operator's own: always pushed to, never in a mesh. */
  readonly direct: boolean
  readonly score: PeerScore
  readonly record: ItemRecord
  readonly brakes = new Brakes()
  /** Topics it has subscribed to. */
  readonly topics = new Set<string>()
  /** Its items that are being checked. */
  checking = 0
  /** Its score as of the last heartbeat or fault. */
  value = 0
  /** Ids to be announced to it soon, by topic. */
  readonly toAnnounce = new Map<string, Uint8Array[]>()
  /** Ids it does not want that we do not hold yet, and those of the heartbeats before. */
  #unwanted = new Set<string>()
  #unwantedBefore = new Set<string>()

  constructor(facts: PeerFacts, score: PeerScore, record: ItemRecord, direct: boolean) {
    this.id = facts.peerId
    this.key = facts.key
    this.outbound = facts.outbound
    this.netgroup = facts.netgroup
    this.score = score
    this.record = record
    this.direct = direct
  }

  /** As many as the brake lets through in a heartbeat, so this is bounded. */
  refuse(key: string): void {
    this.#unwanted.add(key)
  }

  refuses(key: string): boolean {
    return this.#unwanted.has(key) || this.#unwantedBefore.has(key)
  }

  forgetRefusals(): void {
    if (this.#unwanted.size === 0 && this.#unwantedBefore.size === 0) return
    this.#unwantedBefore = this.#unwanted
    this.#unwanted = new Set()
  }
}
