import type { P2PMessage, PeerId } from '../contracts/message.ts'

/** What is said: enough to make the author's frame of it, should anybody ask. */
export interface Said {
  readonly type: string
  readonly payload: unknown
  readonly protocol?: string | undefined
  readonly to?: PeerId | undefined
  readonly timestamp: number
  readonly messageId: string
  readonly inReplyTo?: string | undefined
  readonly slot?: string | undefined
}

/** Makes the frame of what somebody said; undefined where only the link vouches for it. */
export type Framer = (said: Said) => Uint8Array | undefined

/** docs/wire.md, section 6: version, auth and author come before the signature. */
const SIGNATURE_AT = 34
const SIGNATURE_END = 98

/** A message on its way between handlers. Its frame is made when somebody asks for it, which hardly anybody does. */
export class MeshMessage implements P2PMessage {
  readonly type: string
  readonly from: PeerId
  declare readonly to?: PeerId
  readonly payload: unknown
  readonly timestamp: number
  readonly messageId: string
  declare readonly protocol?: string
  declare readonly inReplyTo?: string
  declare readonly slot?: string
  /** The payload in CBOR, where it goes through the codec. */
  encoded: Uint8Array | undefined
  readonly #framer: Framer
  #frame: Uint8Array | undefined

  constructor(from: PeerId, said: Said, framer: Framer) {
    this.type = said.type
    this.from = from
    if (said.to !== undefined) this.to = said.to
    this.payload = said.payload
    this.timestamp = said.timestamp
    this.messageId = said.messageId
    if (said.protocol !== undefined) this.protocol = said.protocol
    if (said.inReplyTo !== undefined) this.inReplyTo = said.inReplyTo
    if (said.slot !== undefined) this.slot = said.slot
    this.#framer = framer
  }

  /** The same with a payload of its own. */
  with(payload: unknown): MeshMessage {
    const { type, from, to, timestamp, messageId, protocol, inReplyTo, slot } = this
    return new MeshMessage(from, { type, payload, protocol, to, timestamp, messageId, inReplyTo, slot }, this.#framer)
  }

  // The interface has it optional, which for a getter means undefined.
  get frame(): Uint8Array {
    return (this.#frame ??= this.#framer(this))!
  }

  get signature(): Uint8Array {
    return this.frame?.subarray(SIGNATURE_AT, SIGNATURE_END)
  }
}
