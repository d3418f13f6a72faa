import { P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { BitcoinNetwork } from '../../bitcoin/address.ts'
import { summarizePsbt, type PsbtSummary } from '../../bitcoin/psbt.ts'
import type { TweakRule } from '../../bitcoin/taproot.ts'
import type { Session } from './session.ts'
import type { Subject } from './terms.ts'

export interface ApproveOptions {
  /** Sign 32 bytes without knowing what they are of. They may be any transaction's. */
  allowOpaque?: boolean
  /** Take each step by `shareNonces` and `sharePartialSig`. */
  manual?: boolean
}

/** Somebody asks for our signature. Whoever holds the key looks at `subject` and `psbt`, which were computed here; `description` is the initiator's word. */
export class SigningRequest {
  readonly sessionId: string
  /** The initiator, which has proved that it holds the key at `initiatorIndex`. */
  readonly from: PeerId
  readonly initiatorIndex: number
  /** 33 bytes each, in order. */
  readonly signers: readonly Uint8Array[]
  /** Which of them are ours. */
  readonly own: readonly number[]
  readonly tweaks: readonly TweakRule[]
  /** The key that the signature will verify under, x-only. */
  readonly publicKey: Uint8Array
  readonly subject: Subject
  /** The bytes that will be signed: of a PSBT, its digest as computed here. */
  readonly message: Uint8Array
  /** What the PSBT does, where there is one. */
  readonly psbt: PsbtSummary | undefined
  /** True for 32 bare bytes: approving them takes `allowOpaque`. */
  readonly opaque: boolean
  /** Untrusted. */
  readonly description: string
  readonly #session: Session
  readonly #allowOpaque: boolean

  constructor(session: Session, initiatorIndex: number, opaque: boolean, options: { allowOpaque: boolean; network: BitcoinNetwork }) {
    const { name, initiator, terms, own, aggregate, message } = session
    this.sessionId = name
    this.from = initiator
    this.initiatorIndex = initiatorIndex
    this.signers = terms.keys
    this.own = own
    this.tweaks = terms.tweaks
    this.publicKey = aggregate.publicKey
    this.subject = terms.subject
    this.message = message
    this.psbt = terms.subject.kind === 'psbt' ? summarizePsbt(terms.subject.psbt, options.network) : undefined
    this.opaque = opaque
    this.description = terms.description
    this.#session = session
    this.#allowOpaque = options.allowOpaque
  }

  /** How long is left to answer. */
  get remainingMs(): number {
    return this.#session.remainingMs
  }

  /** Signs, as soon as everybody else does. Throws ERR_MUSIG2_OPAQUE for bare bytes nobody allowed. Doing it twice does nothing more. */
  approve({ allowOpaque = this.#allowOpaque, manual = false }: ApproveOptions = {}): void {
    if (this.opaque && !allowOpaque) {
      throw new P2PError('ERR_MUSIG2_OPAQUE', 'expected something to look at, got 32 bare bytes, which may be the digest of any transaction: ask for a PSBT, or approve with { allowOpaque: true }', { peerId: this.from, protocol: 'musig2' })
    }
    if (!manual) {
      this.#session.handle({ kind: 'allow', step: 'nonce' })
      this.#session.handle({ kind: 'allow', step: 'partial' })
    }
    this.#session.handle({ kind: 'consent' })
  }

  /** Ends the session for everybody, in our name. `text` is told to the members, 200 characters at most. */
  decline(text = ''): void {
    this.#session.handle({ kind: 'leave', reason: 'declined', text })
  }
}
