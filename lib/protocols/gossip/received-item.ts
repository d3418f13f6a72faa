import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import type { PubSubItem } from '../../contracts/pubsub.ts'
import { toHex } from '../../foundation/hex.ts'
import type { Entry } from './entry.ts'
import { ID_BYTES } from './limits.ts'
import { slotInTopic } from './wire-slot.ts'

const PROOF_AT = 34

/** What a listener gets beside the payload: its author's message, and how it came. */
export class ReceivedItem implements PubSubItem {
  readonly type: string
  readonly from: PeerId
  readonly payload: unknown
  readonly timestamp: number
  readonly messageId: string
  readonly protocol = 'gossip'
  readonly topic: string
  readonly hops: number
  /** The author's bytes. Read them, copy them, do not write to them. */
  readonly frame: Uint8Array
  declare readonly via?: PeerId
  declare readonly slot?: string
  readonly #path: Uint8Array
  readonly #proofEnd: number

  /** `topic`: what the application calls it. */
  constructor(entry: Entry, message: P2PMessage, body: unknown, topic = entry.topic) {
    this.type = message.type
    this.from = message.from
    this.payload = body
    this.timestamp = message.timestamp
    this.messageId = message.messageId
    this.topic = topic
    this.hops = entry.hops
    this.frame = entry.frame
    if (message.slot !== undefined) this.slot = slotInTopic(entry.topic, message.slot)!
    if (entry.from !== undefined && entry.from.id !== message.from) this.via = entry.from.id
    this.#path = entry.path
    this.#proofEnd = entry.parts.proofEnd
  }

  get signature(): Uint8Array {
    return this.frame.subarray(PROOF_AT, this.#proofEnd)
  }

  /** Ids of the relays as they named themselves, the first first. */
  get path(): readonly string[] {
    const path: string[] = []
    for (let at = 0; at + ID_BYTES <= this.#path.length; at += ID_BYTES) path.push(toHex(this.#path.subarray(at, at + ID_BYTES)))
    return path
  }
}

/** For our own, where a listener asked to hear them. */
export function ownItem(message: P2PMessage, topic: string, body: unknown): PubSubItem {
  return { ...message, payload: body, topic, hops: 0, path: [] }
}
