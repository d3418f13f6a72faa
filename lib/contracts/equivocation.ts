import type { PeerId } from './message.ts'

/**
 * Two different statements of one author in one slot, as bytes that anyone can check: docs/wire.md, section 12. They show who said
 * what where, and the hashes of what was said, so that showing them gives no payload away.
 */
export interface Equivocation {
  /** The key that signed both, as 64 hex digits. */
  readonly author: PeerId
  readonly network: string
  readonly protocol: string
  readonly type: string
  readonly slot: string
  /** Of the author's process: two starts, or two devices, owe each other nothing. */
  readonly boot: Uint8Array
  /** What proves it: for `checkEquivocation`, here or elsewhere. */
  readonly proof: Uint8Array
}
