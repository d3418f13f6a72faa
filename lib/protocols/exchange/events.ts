import type { PeerId } from '../../contracts/message.ts'
import type { ErrorCode } from '../../contracts/errors.ts'
import type { Effect } from '../../contracts/state-machine.ts'
import type { ExchangeProtocol } from './definition.ts'

/** What a handler, or a simulator, tells the state. Times: `nowMs` of `handle` is monotonic; `wallMs` is Unix time on our clock. */
export type ExchangeInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'joined'; readonly from: PeerId; readonly speaks: boolean; readonly outbound: boolean; readonly group: string | undefined }
  | { readonly kind: 'left'; readonly from: PeerId }
  /** Our own record, whenever it is signed anew; null while we cannot be dialled. `isNew` where it says something else than the last. */
  | { readonly kind: 'own'; readonly record: Uint8Array | null; readonly isNew: boolean }
  /** A peer asks for our list and tells where it is. */
  | { readonly kind: 'asked'; readonly from: PeerId; readonly own: Uint8Array | null }
  /** A peer answered us. */
  | { readonly kind: 'list'; readonly from: PeerId; readonly records: readonly Uint8Array[] }
  | { readonly kind: 'news'; readonly from: PeerId; readonly records: readonly Uint8Array[] }
  /**
   * The signature is its owner's. `usable` of somebody linked: the node's address book took it, so it names an address that may be
   * handed on. Of others that is asked when they are dialled, so that a liar's list does not fill the book.
   */
  | {
    readonly kind: 'checked'; readonly from: PeerId; readonly owner: PeerId; readonly record: Uint8Array
    readonly statedAtMs: number; readonly wallMs: number; readonly usable: boolean; readonly group: string | undefined
  }
  | { readonly kind: 'unchecked'; readonly from: PeerId; readonly owner: PeerId; readonly isFault: boolean }
  /** The record of somebody we are about to dial has been taken by the address book. */
  | { readonly kind: 'taken'; readonly owner: PeerId }
  /** `unusable`: there is no address that we may dial. */
  | { readonly kind: 'dialled'; readonly to: PeerId; readonly outcome: 'linked' | 'failed' | 'full-there' | 'full-here' | 'unusable' }
  /** So many links are to be of our own making from now on. */
  | { readonly kind: 'target'; readonly count: number }
  /** Somebody answered at a bootstrap address. */
  | { readonly kind: 'reached'; readonly from: PeerId }
  | { readonly kind: 'timer'; readonly timer: string }

export type ExchangeEvent = { readonly kind: 'found'; readonly peerId: PeerId; readonly through: PeerId }

/** What the state wants done: the kit's effects, and what goes through hands that the kit does not know. */
export type ExchangeEffect =
  | Effect<ExchangeProtocol, ExchangeEvent>
  /** Comes back as `checked` or `unchecked`. */
  | { readonly kind: 'check'; readonly from: PeerId; readonly owner: PeerId; readonly record: Uint8Array }
  /** Comes back as `list`, or not at all. */
  | { readonly kind: 'ask'; readonly to: PeerId }
  /** Comes back as `dialled`. */
  | { readonly kind: 'dial'; readonly to: PeerId; readonly record: Uint8Array | undefined; readonly from: PeerId | undefined }
  | { readonly kind: 'bootstrap' }
  /** Sign our own record anew where it is old or wrong; comes back as `own`. */
  | { readonly kind: 'refresh' }
  /** The reply to an `asked` that is being handled. */
  | { readonly kind: 'answer'; readonly records: readonly Uint8Array[] }
  | { readonly kind: 'breach'; readonly from: PeerId; readonly code: ErrorCode; readonly what: string }
