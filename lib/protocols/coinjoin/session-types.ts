import type { PeerId } from '../../contracts/message.ts'
import type { MixPlan } from '../../bitcoin/coinjoin-transaction.ts'
import type { Fault } from './checks.ts'
import type { Polynomial } from './polynomial.ts'
import type { Transcript } from './transcript.ts'
import type { Phase, Word, WordType } from './words.ts'

/** What signed words alone prove, to anyone. */
export type ProvenFault = 'EQUIV' | 'BADMSG' | 'SAMEX' | 'BADCOMMIT' | 'BADACK' | 'BADSIG' | Fault

/** Why members are no longer in a session, with all that shows it. */
export type Cause =
  | { readonly kind: 'fault'; readonly fault: ProvenFault; readonly run: string; readonly active: readonly PeerId[]; readonly blamed: readonly PeerId[]; readonly words: readonly Word[] }
  | { readonly kind: 'silence'; readonly run: string; readonly active: readonly PeerId[]; readonly phase: Phase; readonly blamed: readonly PeerId[]; readonly votes: readonly Vote[] }
  | { readonly kind: 'left'; readonly blamed: readonly PeerId[]; readonly leave: Leave }

/** MISS: whom its author has not heard in a phase of a run. */
export interface Vote { readonly author: PeerId; readonly run: string; readonly phase: Phase; readonly missing: readonly number[]; readonly frame: Uint8Array }
/** LEAVE: its author takes no further part in a session. */
export interface Leave { readonly author: PeerId; readonly session: string; readonly reason: number; readonly frame: Uint8Array }

export type SessionInput =
  | { readonly kind: 'start' }
  /** A word whose signature has been checked; `from` is who brought it. */
  | { readonly kind: 'word'; readonly word: Word; readonly from: PeerId }
  | { readonly kind: 'vote'; readonly vote: Vote }
  | { readonly kind: 'leave'; readonly leave: Leave }
  /** Fresh secrets for a run, both written down as used. */
  | { readonly kind: 'keys'; readonly run: string; readonly secret: Uint8Array; readonly salt: Uint8Array; readonly aux: Uint8Array; readonly outputKey: Uint8Array }
  | { readonly kind: 'vector'; readonly run: string; readonly vector: readonly bigint[] }
  /** Our own search has ended. */
  | { readonly kind: 'solved'; readonly run: string; readonly roots: readonly bigint[] | null }
  /** Somebody else says that these are the roots. */
  | { readonly kind: 'hint'; readonly run: string; readonly from: PeerId; readonly roots: readonly bigint[] }
  | { readonly kind: 'judged'; readonly run: string; readonly faults: ReadonlyMap<number, Fault> }
  | { readonly kind: 'signed'; readonly run: string; readonly witnesses: readonly (readonly Uint8Array[])[] }
  | { readonly kind: 'not-signed'; readonly run: string; readonly why: string }
  /** What a member says led to a run that we do not know: already checked. */
  | { readonly kind: 'causes'; readonly run: string; readonly causes: readonly Cause[] }
  | { readonly kind: 'timer'; readonly timer: string }
  /** The chain knows the transaction of a run that we signed, whoever sent it. */
  | { readonly kind: 'seen'; readonly run: string }
  /** The user has had enough. */
  | { readonly kind: 'abandon'; readonly why: string }

export type SessionEffect =
  /** Later effects wait until it is durable. */
  | { readonly kind: 'store'; readonly key: string; readonly value: Uint8Array; readonly sync: true }
  /** Sign it as a word of ours, keep it as an input, send it to all members. */
  | { readonly kind: 'say'; readonly run: string; readonly type: WordType; readonly body: Uint8Array }
  | { readonly kind: 'vote'; readonly run: string; readonly phase: Phase; readonly missing: readonly number[] }
  | { readonly kind: 'leave'; readonly reason: number }
  | { readonly kind: 'forward'; readonly frames: readonly Uint8Array[]; readonly to: readonly PeerId[] }
  | { readonly kind: 'ask'; readonly to: readonly PeerId[]; readonly run: string; readonly phase: Phase; readonly indices: readonly number[] }
  | { readonly kind: 'ask-causes'; readonly to: PeerId; readonly run: string }
  | { readonly kind: 'draw-keys'; readonly run: string }
  | { readonly kind: 'pad'; readonly run: string; readonly index: number; readonly secret: Uint8Array; readonly publicKeys: readonly Uint8Array[]; readonly message: bigint }
  | { readonly kind: 'solve'; readonly run: string; readonly polynomial: Polynomial }
  | { readonly kind: 'hint'; readonly run: string; readonly roots: readonly bigint[] }
  | { readonly kind: 'judge'; readonly run: string; readonly transcript: Transcript }
  | { readonly kind: 'sign'; readonly run: string; readonly plan: MixPlan; readonly party: number; readonly outputKey: Uint8Array }
  | { readonly kind: 'broadcast'; readonly run: string; readonly plan: MixPlan; readonly transaction: Uint8Array }
  | { readonly kind: 'schedule'; readonly timer: string; readonly delayMs: number }
  | { readonly kind: 'cancel'; readonly timer: string }
  | { readonly kind: 'excluded'; readonly cause: Cause }
  | { readonly kind: 'phase'; readonly run: string; readonly runNumber: number; readonly phase: Phase; readonly peers: number }
  | { readonly kind: 'end'; readonly outcome: Outcome }

/** `transaction` is null where somebody else put it together and we have only seen its txid on the chain. */
export type Outcome =
  | { readonly kind: 'mixed'; readonly txid: string; readonly transaction: Uint8Array | null; readonly peers: number; readonly fee: bigint; readonly outputKey: Uint8Array }
  | { readonly kind: 'failed'; readonly code: 'too-few' | 'too-many-runs' | 'expelled' | 'stalled' | 'minority' | 'refused' | 'abandoned'; readonly why: string }

export const LEAVE_REASONS = { abandoned: 1, refused: 2, minority: 3, stalled: 4, tooFew: 5 } as const
