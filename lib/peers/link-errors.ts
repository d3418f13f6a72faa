import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { DisconnectReason } from '../contracts/peer.ts'

/** Faults that only a broken or hostile sender makes; the rest (stale, repeated) happen to the honest. */
const FAULTS: ReadonlySet<string> = new Set([
  ErrorCode.WIRE_MALFORMED, ErrorCode.WIRE_FRAME_TOO_LARGE, ErrorCode.WIRE_WRONG_VERSION, ErrorCode.WIRE_WRONG_NETWORK,
  ErrorCode.WIRE_BAD_SIGNATURE, ErrorCode.WIRE_WEAK_AUTH, ErrorCode.PROTOCOL_BAD_PAYLOAD,
])

/** True for what is counted against a peer that is blamed for it. */
export function isFault(error: P2PError): boolean {
  return FAULTS.has(error.code)
}

/** True where a link that was cut for this shows what its peer did, rather than what somebody in between may have done. */
export function isPeersOwn(error: P2PError): boolean {
  return error.code !== ErrorCode.PEER_UNSEALING_FAILED
}

/** Whatever reading a peer's input threw, as something to report. */
export function asP2PError(error: unknown, peerId: string): P2PError {
  if (!(error instanceof P2PError)) return new P2PError(ErrorCode.WIRE_MALFORMED, `unreadable input from ${peerId}: ${String(error)}`, { peerId, cause: error })
  return error
}

/** The same error with somebody to blame for it, where it names nobody. */
export function blaming(error: P2PError, peerId: string): P2PError {
  return error.peerId === undefined ? new P2PError(error.code, `${error.message} (sent by ${peerId})`, { peerId, cause: error }) : error
}

/** Why a link ended, where its socket broke. */
export function brokenBy(error: unknown, peerId: string): P2PError {
  if (error instanceof P2PError) return error
  return new P2PError(ErrorCode.TRANSPORT_CHANNEL_BROKEN, `the link to ${peerId} broke: ${String(error)}`, { peerId, cause: error })
}

/** For what was to leave by a link that is over. */
export function endedLink(peerId: string, reason: DisconnectReason = 'local'): P2PError {
  return new P2PError(ErrorCode.PEER_DISCONNECTED, `the link to ${peerId} has ended (${reason})`, { peerId })
}

export function rateLimited(peerId: string, what: string, consequence: string): P2PError {
  return new P2PError(ErrorCode.PEER_RATE_LIMITED, `${peerId} sends more ${what} than it may: ${consequence}`, { peerId })
}
