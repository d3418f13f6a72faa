/** Identifies a peer. Derived from its public key unless the application chose a name. */
export type PeerId = string

/** A message that has passed verification, or one about to be sealed. */
export interface P2PMessage<T = unknown> {
  type: string
  from: PeerId
  to?: PeerId
  payload: T
  /** Unix time in milliseconds, on the sender's clock. */
  timestamp: number
  messageId: string
  /** Names the handler this belongs to; absent for plain application messages. */
  protocol?: string
  /** The `messageId` this answers. A reply is an ordinary message with this set. */
  inReplyTo?: string
  /** BIP340 signature, or signature + Merkle path of a burst; filled by the wire, never by hand. */
  signature?: Uint8Array
  /** The author's exact bytes: what to relay, to keep, or to show as evidence. Filled by the wire. */
  frame?: Uint8Array
  /** Declared by protocols in which one statement per slot is a promise: (session, round, phase). */
  slot?: string
  /** Who handed it over, when that was not the author. */
  via?: PeerId
}

/** What a caller must say; the coordinator fills in the rest. A full message also fits. */
export type OutgoingMessage<T = unknown> =
  Pick<P2PMessage<T>, 'type' | 'payload'> & Partial<Omit<P2PMessage<T>, 'type' | 'payload'>>
