import { ErrorCode } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import { equalBytes } from '../foundation/bytes.ts'
import { toHex } from '../foundation/hex.ts'
import type { Header } from './header-fields.ts'
import { refuse } from './refusals.ts'

// docs/wire.md, section 9, step 7.

/** Throws ERR_WIRE_WRONG_NETWORK. */
export function mustBeOfNetwork({ network }: Header, own: string): void {
  if (network !== own) refuse(ErrorCode.WIRE_WRONG_NETWORK, `expected network ${JSON.stringify(own)}, got ${JSON.stringify(network)}`)
}

/** Addressed to this key or to nobody in particular. Throws ERR_WIRE_WRONG_RECIPIENT. */
export function mustBeFor({ to }: Header, publicKey: Uint8Array): void {
  if (to !== null && !equalBytes(to, publicKey)) refuse(ErrorCode.WIRE_WRONG_RECIPIENT, `expected a message for us or for anybody, got one for ${toHex(to)}`)
}

/** Throws ERR_WIRE_STALE, ERR_WIRE_FUTURE. */
export function mustBeOfNow({ timestampMs }: Header, nowMs: number, limits: Pick<Limits, 'messageAgeMsMax' | 'messageLeadMsMax'>): void {
  const ageMs = nowMs - timestampMs
  if (ageMs > limits.messageAgeMsMax) refuse(ErrorCode.WIRE_STALE, `expected a message at most ${limits.messageAgeMsMax} ms old, got one of ${ageMs} ms`)
  if (-ageMs > limits.messageLeadMsMax) refuse(ErrorCode.WIRE_FUTURE, `expected a message at most ${limits.messageLeadMsMax} ms ahead of our clock, got one of ${-ageMs} ms`)
}

/** What we saw before we started is forgotten, so what may be from then is not taken again. Throws ERR_WIRE_BEFORE_RESTART. */
export function mustBeSince({ timestampMs }: Header, sinceMs: number): void {
  if (timestampMs < sinceMs) refuse(ErrorCode.WIRE_BEFORE_RESTART, `expected a relayed message of ${sinceMs} or later, got one of ${timestampMs}: this key may have heard it before it restarted`)
}
