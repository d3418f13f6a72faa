import type { P2PMessage, PeerId } from '../contracts/message.ts'
import { toHex } from '../foundation/hex.ts'
import type { Evidence } from './evidence.ts'
import type { Header } from './header-fields.ts'

export type { Evidence } from './evidence.ts'

/** Whose it is and how it came. */
export interface Provenance {
  from: PeerId
  /** Who handed it over, if not the author. */
  via?: PeerId | undefined
  /** None for what only the link vouched for. */
  evidence?: Evidence | undefined
}

/** The message handed inward, as an object of plain fields; frame and signature are made when asked for. */
class VerifiedMessage {
  type: string
  from: PeerId
  declare to?: PeerId
  payload: unknown
  timestamp: number
  messageId: string
  declare protocol?: string
  declare inReplyTo?: string
  declare slot?: string
  declare via?: PeerId
  readonly #evidence: Evidence | undefined

  constructor(header: Header, to: PeerId | undefined, payload: unknown, { from, via, evidence }: Provenance) {
    this.type = header.type
    this.from = from
    if (to !== undefined) this.to = to
    this.payload = payload
    this.timestamp = header.timestampMs
    this.messageId = header.messageId
    if (header.protocol !== null) this.protocol = header.protocol
    if (header.inReplyTo !== null) this.inReplyTo = header.inReplyTo
    if (header.slot !== null) this.slot = header.slot
    if (via !== undefined) this.via = via
    this.#evidence = evidence
  }

  get frame(): Uint8Array | undefined {
    return this.#evidence?.frame
  }

  get signature(): Uint8Array | undefined {
    return this.#evidence?.proof
  }

  static evidenceOf(message: object): Evidence | undefined {
    return #evidence in message ? message.#evidence : undefined
  }
}

/** `toId` spares the conversion where the recipient is known. */
export function verifiedMessage(header: Header, toId: PeerId | undefined, payload: unknown, provenance: Provenance): P2PMessage {
  const to = toId ?? (header.to === null ? undefined : toHex(header.to))
  return new VerifiedMessage(header, to, payload, provenance) as P2PMessage
}

/** What proves this message to anyone: null for one that its link alone vouched for, and for one made by hand. */
export function evidenceOf(message: P2PMessage): Evidence | null {
  return VerifiedMessage.evidenceOf(message) ?? null
}

/** The same message, evidence included, under other names for whom it names. */
export function renamed(message: P2PMessage, names: { from: PeerId; to: PeerId | undefined; via: PeerId | undefined }): P2PMessage {
  const evidence = evidenceOf(message) ?? undefined
  const header = {
    type: message.type,
    timestampMs: message.timestamp,
    messageId: message.messageId,
    protocol: message.protocol ?? null,
    inReplyTo: message.inReplyTo ?? null,
    slot: message.slot ?? null,
  }
  return new VerifiedMessage(header as Header, names.to, message.payload, { from: names.from, via: names.via, evidence }) as P2PMessage
}
