import type { ErrorCode } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { MessagePayload } from '../../contracts/protocol.ts'
import type { Effect } from '../../contracts/state-machine.ts'
import type { RelayProtocol } from './definition.ts'

type Word<T extends keyof RelayProtocol['messages'] & string> = MessagePayload<RelayProtocol, T>

/** What a signed statement says, once its signature has been checked. `by` signed it. */
export type Statement =
  | { readonly type: 'seeking'; readonly by: PeerId; readonly id: string; readonly target: PeerId; readonly timestampMs: number }
  | { readonly type: 'here'; readonly by: PeerId; readonly id: string; readonly seeker: PeerId }
  | { readonly type: 'received'; readonly by: PeerId; readonly id: string; readonly digest: string }

/** Words whose statement has to be checked first. */
export type Stated =
  | { readonly word: 'seek'; readonly from: PeerId; readonly payload: Word<'seek'> }
  | { readonly word: 'found'; readonly from: PeerId; readonly payload: Word<'found'> }
  | { readonly word: 'receipt'; readonly from: PeerId; readonly payload: Word<'receipt'> }

/** What a handler, or a simulator, tells the state. Times: `nowMs` of `handle` is monotonic; `wallMs` is Unix time on our clock. */
export type RelayInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'joined' | 'left'; readonly from: PeerId }
  | { readonly kind: 'word'; readonly stated: Stated }
  | { readonly kind: 'stated'; readonly stated: Stated; readonly statement: Statement; readonly wallMs: number }
  /** The signature, or the shape of what it signs, is wrong. */
  | { readonly kind: 'misstated'; readonly stated: Stated }
  /** `digest` is SHA-256 of the sealed bytes, as hex. */
  | { readonly kind: 'carry'; readonly from: PeerId; readonly payload: Word<'carry'>; readonly digest: string }
  | { readonly kind: 'lost'; readonly from: PeerId; readonly payload: Word<'lost'> }
  /** A neighbour could not be sent an envelope: its link has gone, or holds too much. */
  | { readonly kind: 'unsent'; readonly to: PeerId; readonly id: string; readonly attempt: number }
  | { readonly kind: 'send'; readonly ref: string; readonly to: PeerId; readonly sealed: Uint8Array; readonly digest: string; readonly id: Uint8Array }
  /** Whoever waited does not any more. */
  | { readonly kind: 'cancel'; readonly ref: string }
  | { readonly kind: 'signed'; readonly purpose: SignPurpose; readonly statement: Uint8Array }
  /** What came for us was handed in, or refused. */
  | { readonly kind: 'delivered'; readonly key: string; readonly isTaken: boolean }
  | { readonly kind: 'timer'; readonly timer: string }

/** What a signature was wanted for. */
export type SignPurpose =
  | { readonly type: 'seeking'; readonly target: PeerId }
  | { readonly type: 'here'; readonly key: string }
  | { readonly type: 'received'; readonly key: string }

export type SendOutcome = 'received' | 'unreachable' | 'no-receipt'
export type RelayEvent = { readonly kind: 'settled'; readonly ref: string; readonly outcome: SendOutcome }

/** What the state wants done: the kit's effects, and what goes through hands that the kit does not know. */
export type RelayEffect =
  | Effect<RelayProtocol, RelayEvent>
  /** Comes back as `stated` or `misstated`. */
  | { readonly kind: 'check'; readonly stated: Stated }
  /** Comes back as `signed`. */
  | { readonly kind: 'sign'; readonly purpose: SignPurpose; readonly payload: Readonly<Record<string, Uint8Array>> }
  /** Comes back as `unsent` if it cannot be sent. */
  | { readonly kind: 'hand-on'; readonly to: PeerId; readonly payload: Word<'carry'> }
  /** Comes back as `delivered`. */
  | { readonly kind: 'deliver'; readonly key: string; readonly from: PeerId; readonly sealed: Uint8Array }
  | { readonly kind: 'breach'; readonly from: PeerId; readonly code: ErrorCode; readonly what: string }
