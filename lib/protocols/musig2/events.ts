import type { ErrorCode } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { SigningSession } from '../../bitcoin/bip327/index.ts'
import type { LeaveReason, Statement } from './statement.ts'

/** How far a session is. `gathering` ends when all have joined, `nonces` when all public nonces are here. */
export type Phase = 'gathering' | 'nonces' | 'partials' | 'complete' | 'aborted'

/**
 * Why a session ended without a signature. `two-*` and `bad-*` come with evidence that convinces anybody; `restarted` and a member's own word (`declined`,
 * `cancelled`, `failed`) are its own statements; `other-*` and `silent` are this node's own judgement.
 */
export type AbortReason =
  | 'two-joins' | 'two-nonces' | 'two-partials' | 'bad-nonce' | 'bad-partial'
  | 'other-roster' | 'other-nonces' | 'silent' | LeaveReason

export interface Verdict {
  readonly reason: AbortReason
  /** Indices of the signers at fault. */
  readonly culprits: readonly number[]
  /** Signed frames that prove it to anyone who knows the terms; none for what only this node can judge. */
  readonly evidence: readonly Uint8Array[]
  /** How far it was. */
  readonly phase: Phase
  readonly text: string
}

export type Step = 'nonce' | 'partial'

export type SessionInput =
  | { readonly kind: 'start'; readonly remainingMs: number }
  /** The holder of our keys agrees to sign. */
  | { readonly kind: 'consent' }
  | { readonly kind: 'leave'; readonly reason: LeaveReason; readonly text: string }
  /** The long way: this step may be taken. */
  | { readonly kind: 'allow'; readonly step: Step }
  | { readonly kind: 'statement'; readonly statement: Statement }
  /** A member has shown what we asked it for; its statements came before this. */
  | { readonly kind: 'shown'; readonly from: PeerId }
  | { readonly kind: 'timer'; readonly timer: string }

export type SessionEffect =
  /** Say so for our signer: prove the key, or leave. */
  | { readonly kind: 'join'; readonly index: number }
  | { readonly kind: 'leave'; readonly index: number; readonly reason: LeaveReason; readonly text: string }
  /** Make a nonce for this roster, once; the session's marker is to be stored before it is told. */
  | { readonly kind: 'nonce'; readonly index: number; readonly roster: Uint8Array }
  /** Sign in this session, whose nonces have this hash; once. */
  | { readonly kind: 'sign'; readonly index: number; readonly session: SigningSession; readonly hash: Uint8Array }
  /** Secret nonces that are left are not needed any more. */
  | { readonly kind: 'drop' }
  /** To these members, and with `pass` through others to those without a link. */
  | { readonly kind: 'tell'; readonly to: readonly PeerId[]; readonly statements: readonly Statement[]; readonly pass: boolean }
  /** Ask members for what is missing. */
  | { readonly kind: 'ask' }
  /** Ask this one for all it has. */
  | { readonly kind: 'show'; readonly from: PeerId }
  | { readonly kind: 'schedule'; readonly timer: string; readonly delayMs: number }
  | { readonly kind: 'cancel'; readonly timer: string }
  | { readonly kind: 'phase'; readonly phase: Phase }
  | { readonly kind: 'complete'; readonly signature: Uint8Array }
  | { readonly kind: 'aborted'; readonly verdict: Verdict }
  | { readonly kind: 'blame'; readonly peerId: PeerId; readonly code: ErrorCode; readonly text: string; readonly evidence: readonly Uint8Array[] }
  /** The session is over and has been kept long enough. */
  | { readonly kind: 'forget' }
