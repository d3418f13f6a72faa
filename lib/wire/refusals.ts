import { ErrorCode, P2PError } from '../contracts/errors.ts'

/**
 * Faults of whoever hands a frame over, since every node checks for them before it passes anything on. The others happen
 * to honest peers: a message grows old on its way, comes by two ways, meets one that has just restarted.
 */
const FAULTS_OF_HOP: ReadonlySet<string> = new Set([
  ErrorCode.WIRE_MALFORMED,
  ErrorCode.WIRE_FRAME_TOO_LARGE,
  ErrorCode.WIRE_WRONG_VERSION,
  ErrorCode.WIRE_WRONG_NETWORK,
  ErrorCode.WIRE_BAD_SIGNATURE,
  ErrorCode.WIRE_WEAK_AUTH,
])

export function isFaultOfHop(code: string): boolean {
  return FAULTS_OF_HOP.has(code)
}

/** Whom to blame is added where the source is known. */
export function refuse(code: ErrorCode, text: string): never {
  throw new P2PError(code, text)
}
