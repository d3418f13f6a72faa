import { P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { AbortReason, Phase, Verdict } from './events.ts'

/** A signer at fault. */
export interface Culprit {
  readonly index: number
  /** 33 bytes. */
  readonly publicKey: Uint8Array
  /** Who spoke for it, if anybody did. */
  readonly peerId: PeerId | undefined
}

/** A session that ended without a signature: why, and because of whom. `evidence` is there where it would convince anybody. */
export class MuSig2Abort extends P2PError {
  readonly sessionId: string
  readonly reason: AbortReason
  readonly culprits: readonly Culprit[]
  /** How far it was. */
  readonly phase: Phase

  constructor(sessionId: string, { reason, culprits, evidence, phase, text }: Verdict, keys: readonly Uint8Array[], peers: readonly (PeerId | undefined)[]) {
    const named = culprits.map(index => ({ index, publicKey: keys[index]!, peerId: peers[index] }))
    super('ERR_MUSIG2_ABORTED', `the session ended without a signature (${reason}): signer ${culprits.join(', ')} ${text}`, {
      protocol: 'musig2', peerId: named[0]?.peerId, evidence: evidence.length > 0 ? evidence : undefined,
    })
    this.sessionId = sessionId
    this.reason = reason
    this.culprits = named
    this.phase = phase
  }
}
