import type { DisconnectReason } from '../contracts/peer.ts'

/** What one side tells the other when it ends a link: docs/wire.md, section 5. */
export const CloseCode = {
  GOODBYE: 0,
  SHUTDOWN: 1,
  MISBEHAVIOUR: 2,
  TIMEOUT: 3,
  ERROR: 4,
  LIMIT: 5,
  DUPLICATE: 6,
  PROTOCOL_MISMATCH: 7,
  /** Its text is the level asked, in decimal digits. */
  WORK: 8,
} as const
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode]

/** What we say when we end a link for this reason. */
export function codeOfReason(reason: DisconnectReason): CloseCode {
  switch (reason) {
    case 'shutdown': return CloseCode.SHUTDOWN
    case 'misbehaviour': return CloseCode.MISBEHAVIOUR
    case 'timeout': return CloseCode.TIMEOUT
    case 'limit': return CloseCode.LIMIT
    case 'error': return CloseCode.ERROR
    default: return CloseCode.GOODBYE
  }
}

/** Why the link ended, as seen by who is told `code`. That they accuse us is their word: the link was closed by the remote. */
export function reasonOfCode(code: number): DisconnectReason {
  switch (code) {
    case CloseCode.SHUTDOWN: return 'shutdown'
    case CloseCode.TIMEOUT: return 'timeout'
    case CloseCode.ERROR: return 'error'
    case CloseCode.LIMIT: return 'limit'
    default: return 'remote'
  }
}
