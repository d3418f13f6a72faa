import type { PeerId } from './message.ts'

/**
 * Every code the house itself throws or reports. The prefix names the room the error came from;
 * docs/errors.md has a row for each: when it happens, and what to do next.
 */
export const ErrorCode = {
  TRANSPORT_DIAL_FAILED: 'ERR_TRANSPORT_DIAL_FAILED',
  TRANSPORT_LISTEN_FAILED: 'ERR_TRANSPORT_LISTEN_FAILED',
  TRANSPORT_NOT_AVAILABLE: 'ERR_TRANSPORT_NOT_AVAILABLE',
  TRANSPORT_CHANNEL_BROKEN: 'ERR_TRANSPORT_CHANNEL_BROKEN',
  TRANSPORT_CHANNEL_CLOSED: 'ERR_TRANSPORT_CHANNEL_CLOSED',
  TRANSPORT_FRAME_TOO_LARGE: 'ERR_TRANSPORT_FRAME_TOO_LARGE',
  WIRE_FRAME_TOO_LARGE: 'ERR_WIRE_FRAME_TOO_LARGE',
  WIRE_MALFORMED: 'ERR_WIRE_MALFORMED',
  WIRE_WRONG_VERSION: 'ERR_WIRE_WRONG_VERSION',
  WIRE_WRONG_NETWORK: 'ERR_WIRE_WRONG_NETWORK',
  WIRE_WRONG_RECIPIENT: 'ERR_WIRE_WRONG_RECIPIENT',
  WIRE_BAD_SIGNATURE: 'ERR_WIRE_BAD_SIGNATURE',
  WIRE_WEAK_AUTH: 'ERR_WIRE_WEAK_AUTH',
  WIRE_STALE: 'ERR_WIRE_STALE',
  WIRE_FUTURE: 'ERR_WIRE_FUTURE',
  WIRE_BEFORE_RESTART: 'ERR_WIRE_BEFORE_RESTART',
  WIRE_REPLAYED: 'ERR_WIRE_REPLAYED',
  WIRE_DUPLICATE: 'ERR_WIRE_DUPLICATE',
  WIRE_SEEN_FULL: 'ERR_WIRE_SEEN_FULL',
  WIRE_UNENCODABLE: 'ERR_WIRE_UNENCODABLE',
  CRYPTO_SELF_TEST_FAILED: 'ERR_CRYPTO_SELF_TEST_FAILED',
  PEER_NOT_CONNECTED: 'ERR_PEER_NOT_CONNECTED',
  PEER_UNKNOWN: 'ERR_PEER_UNKNOWN',
  PEER_IS_SELF: 'ERR_PEER_IS_SELF',
  PEER_ID_MISMATCH: 'ERR_PEER_ID_MISMATCH',
  PEER_HANDSHAKE_FAILED: 'ERR_PEER_HANDSHAKE_FAILED',
  PEER_HANDSHAKE_TIMEOUT: 'ERR_PEER_HANDSHAKE_TIMEOUT',
  PEER_UNSEALING_FAILED: 'ERR_PEER_UNSEALING_FAILED',
  PEER_LIMIT_REACHED: 'ERR_PEER_LIMIT_REACHED',
  PEER_RATE_LIMITED: 'ERR_PEER_RATE_LIMITED',
  PEER_OUTBOX_FULL: 'ERR_PEER_OUTBOX_FULL',
  PEER_STALLED: 'ERR_PEER_STALLED',
  PEER_UNRESPONSIVE: 'ERR_PEER_UNRESPONSIVE',
  PEER_DISCONNECTED: 'ERR_PEER_DISCONNECTED',
  PEER_DISCOURAGED: 'ERR_PEER_DISCOURAGED',
  PEER_BANNED: 'ERR_PEER_BANNED',
  PEER_EQUIVOCATION: 'ERR_PEER_EQUIVOCATION',
  PEER_WORK_REQUIRED: 'ERR_PEER_WORK_REQUIRED',
  PEER_RECORD_LOST: 'ERR_PEER_RECORD_LOST',
  PROTOCOL_DUPLICATE: 'ERR_PROTOCOL_DUPLICATE',
  PROTOCOL_NOT_REGISTERED: 'ERR_PROTOCOL_NOT_REGISTERED',
  PROTOCOL_UNKNOWN: 'ERR_PROTOCOL_UNKNOWN',
  PROTOCOL_UNKNOWN_TYPE: 'ERR_PROTOCOL_UNKNOWN_TYPE',
  PROTOCOL_BAD_PAYLOAD: 'ERR_PROTOCOL_BAD_PAYLOAD',
  PROTOCOL_HANDLER_FAILED: 'ERR_PROTOCOL_HANDLER_FAILED',
  PROTOCOL_LISTENER_FAILED: 'ERR_PROTOCOL_LISTENER_FAILED',
  PROTOCOL_REQUEST_REFUSED: 'ERR_PROTOCOL_REQUEST_REFUSED',
  PROTOCOL_UNEXPECTED_REPLY: 'ERR_PROTOCOL_UNEXPECTED_REPLY',
  PROTOCOL_TOO_MANY_REQUESTS: 'ERR_PROTOCOL_TOO_MANY_REQUESTS',
  PROTOCOL_EFFECT_FAILED: 'ERR_PROTOCOL_EFFECT_FAILED',
  PROTOCOL_ROLE_TAKEN: 'ERR_PROTOCOL_ROLE_TAKEN',
  RESOURCE_NO_DIRECTORY: 'ERR_RESOURCE_NO_DIRECTORY',
  PUBSUB_NO_PROVIDER: 'ERR_PUBSUB_NO_PROVIDER',
  RELAY_NO_PROVIDER: 'ERR_RELAY_NO_PROVIDER',
  COORDINATOR_SHUT_DOWN: 'ERR_COORDINATOR_SHUT_DOWN',
} as const
/** A plugin's own codes begin with `ERR_` and its name. */
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode] | `ERR_${string}`

export interface P2PErrorDetails {
  /** The peer this error is about; the one to blame when the code says so. */
  peerId?: PeerId | undefined
  protocol?: string | undefined
  /** Frames that prove the fault to anyone; without them a blame is only an opinion. */
  evidence?: readonly Uint8Array[] | undefined
  cause?: unknown
}

/** Thrown for a state the caller can act on, and reported on `error` for what strangers do. */
export class P2PError extends Error {
  override readonly name: string = 'P2PError'
  /** Stable across releases; switch on this, never on the message. */
  readonly code: ErrorCode
  /** Whom the error is about, as a 64-digit id or a local name; undefined when nobody is. */
  readonly peerId: PeerId | undefined
  /** The protocol the message belonged to, where there was one. */
  readonly protocol: string | undefined
  /** Signed frames that prove the fault to anyone. */
  readonly evidence: readonly Uint8Array[] | undefined

  constructor(code: ErrorCode, message: string, details: P2PErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.peerId = details.peerId
    this.protocol = details.protocol
    this.evidence = details.evidence
  }
}
