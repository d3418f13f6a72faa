import type { DisconnectReason } from '../contracts/peer.ts'

/**
 * A browser may only close with 1000 or 3000 to 4999 (WebSockets Standard), so reasons travel as 4000 plus
 * the number that docs/wire.md gives them in section 5.
 */
const CODES: Record<DisconnectReason, number> = {
  local: 1000,
  remote: 1000,
  shutdown: 4001,
  misbehaviour: 4002,
  timeout: 4003,
  error: 4004,
  limit: 4005,
}

/** RFC 6455, section 7.4.1: what a WebSocket says by itself. The ones that are missing mean nobody said goodbye. */
const STANDARD: Record<number, DisconnectReason> = {
  1000: 'remote',
  1001: 'shutdown',
  1002: 'misbehaviour',
  1003: 'misbehaviour',
  1005: 'remote',
  1007: 'misbehaviour',
  1008: 'misbehaviour',
  1009: 'misbehaviour',
  1011: 'error',
  1012: 'shutdown',
  1013: 'limit',
}

export function closeCodeOf(reason: DisconnectReason): number {
  return CODES[reason]
}

/** Why the other side closed; undefined when the socket broke instead. Codes of their own making are a plain goodbye. */
export function closeReasonOf(code: number): DisconnectReason | undefined {
  if (code < 3000) return STANDARD[code]
  const reasons = Object.keys(CODES) as DisconnectReason[]
  return reasons.find(reason => CODES[reason] === code) ?? 'remote'
}

/** What a reason is called at the other end. */
export function mirrored(reason: DisconnectReason): DisconnectReason {
  return reason === 'local' ? 'remote' : reason
}
