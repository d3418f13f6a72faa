import { ErrorCode } from '../contracts/errors.ts'

/**
 * What each behaviour is worth, in points of the public score of 0 to 100 (seed 001: good 1 to 2, bad 2 to 10). The names are for
 * applications and plugins; silence and votes have none, since neither shows that anybody did wrong.
 */
export const BEHAVIORS: Readonly<Record<string, number>> = Object.freeze({
  messageSuccess: 1,
  novelGossip: 1,
  peerExchange: 2,
  usefulAnswer: 2,
  messageFailure: -2,
  unreadableMessage: -2,
  brokenPromise: -5,
  spam: -5,
  badSignature: -5,
  protocolViolation: -10,
  falseStatement: -10,
})

/**
 * What the house itself charges, in the same points: small, as faults come in numbers. Fifty of them, as many as a link bears at
 * once, leave a peer at 25; the cut that ends the link takes it below 20. Anything not named here, such as what a plugin
 * reports, costs `OTHER_BLAME`.
 */
const CHARGES: Readonly<Record<string, number>> = Object.freeze({
  [ErrorCode.WIRE_MALFORMED]: -0.5,
  [ErrorCode.WIRE_FRAME_TOO_LARGE]: -0.5,
  [ErrorCode.WIRE_WRONG_VERSION]: -0.5,
  [ErrorCode.WIRE_WRONG_NETWORK]: -0.5,
  [ErrorCode.WIRE_WEAK_AUTH]: -0.5,
  [ErrorCode.WIRE_BAD_SIGNATURE]: -1.25,
  [ErrorCode.PROTOCOL_BAD_PAYLOAD]: -0.5,
  [ErrorCode.PROTOCOL_UNKNOWN_TYPE]: -0.5,
})
const OTHER_BLAME = -1
/** For a link that had to be cut for too many faults. */
export const CUT_CHARGE = -10

/** Points of the public score for an error that blames somebody. */
export function chargeFor(code: string): number {
  return CHARGES[code] ?? OTHER_BLAME
}
