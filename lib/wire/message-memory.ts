import type { IClock } from '../contracts/clock.ts'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import { ErrorCode } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import type { PeerId } from '../contracts/message.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { toHex } from '../foundation/hex.ts'
import { duplicateHash } from './hashing.ts'
import type { Header } from './header-fields.ts'
import { RecentIds } from './recent-ids.ts'
import { refuse } from './refusals.ts'
import { ReplayClock } from './replay-clock.ts'
import { SeenSet } from './seen-set.ts'
import { SeenShares } from './seen-shares.ts'

export interface MessageMemoryOptions {
  crypto: () => ICryptoBackend
  clock: Pick<IClock, 'now' | 'elapsedMs'>
  limits: Pick<Limits, 'seenMsMin' | 'seenMessagesMax'>
  random: RandomBytes | undefined
}

/** Links whose ids are remembered; past it the first to be noted is forgotten, at worst for an application's repeats. */
const LINKS_MAX = 4_096

/** What was here before: steps 5, 9 and 10 of docs/wire.md, section 9. Each throws for what is not to come in again. */
export class MessageMemory {
  readonly #crypto: () => ICryptoBackend
  /** Message hashes. */
  readonly #seen: SeenSet
  /** What duplicates have in common: as many entries as `#seen` at most. */
  readonly #said: SeenSet
  readonly #shares: SeenShares
  readonly #recent = new Map<PeerId, RecentIds>()

  constructor({ crypto, clock, limits, random }: MessageMemoryOptions) {
    const seen = { seenMsMin: limits.seenMsMin, seenMessagesMax: limits.seenMessagesMax, clock: new ReplayClock(clock), random }
    this.#crypto = crypto
    this.#seen = new SeenSet(seen)
    this.#said = new SeenSet(seen)
    this.#shares = new SeenShares(seen)
  }

  /** Signed messages remembered now. */
  get size(): number {
    return this.#seen.size
  }

  /** Throws ERR_WIRE_REPLAYED. */
  mustBeUnseen(messageHash: Uint8Array): void {
    if (this.#seen.has(messageHash)) refuse(ErrorCode.WIRE_REPLAYED, 'a message that was here before')
  }

  /** Throws ERR_WIRE_SEEN_FULL. */
  mark(messageHash: Uint8Array, hand: string): void {
    if (!this.#shares.take(hand, this.#seen.size)) refuse(ErrorCode.WIRE_SEEN_FULL, 'memory for messages is scarce, and this peer has used its share')
    if (!this.#seen.add(messageHash)) refuse(ErrorCode.WIRE_SEEN_FULL, `${this.#seen.size} messages are remembered, no more fit for now`)
  }

  /** Of signed messages. Throws ERR_WIRE_DUPLICATE. */
  mustBeNew(author: Uint8Array, header: Header, payloadHash: Uint8Array): void {
    const hash = header.slot === null
      ? duplicateHash(this.#crypto(), author, header.boot, header.messageId)
      : duplicateHash(this.#crypto(), author, payloadHash, statementOf(header, header.slot))
    if (this.#said.has(hash)) refuse(ErrorCode.WIRE_DUPLICATE, duplicateText(header))
    this.#said.add(hash)
  }

  /** Of messages that only their link vouches for. Throws ERR_WIRE_DUPLICATE. `frame` is asked for its payload only where a slot needs it. */
  mustBeNewOnLink(peerId: PeerId, header: Header, frame: { readonly payload: Uint8Array }): void {
    const id = header.slot === null
      ? header.messageId
      : statementOf(header, header.slot) + toHex(this.#crypto().sha256(frame.payload))
    if (!this.#recentOf(peerId).add(header.boot, id)) refuse(ErrorCode.WIRE_DUPLICATE, duplicateText(header))
  }

  /** Drops what is remembered of a link. */
  forget(peerId: PeerId): void {
    this.#recent.delete(peerId)
  }

  /** Releases memory that traffic would release by itself. */
  sweep(): void {
    this.#seen.sweep()
    this.#said.sweep()
  }

  #recentOf(peerId: PeerId): RecentIds {
    let recent = this.#recent.get(peerId)
    if (recent === undefined) {
      if (this.#recent.size >= LINKS_MAX) this.#recent.delete(this.#recent.keys().next().value!)
      this.#recent.set(peerId, recent = new RecentIds())
    }
    return recent
  }
}

/** What is said where, apart from the payload. A slot belongs to a protocol, and its word to a type. */
function statementOf({ protocol, type }: Header, slot: string): string {
  return JSON.stringify([protocol, type, slot])
}

function duplicateText({ slot, messageId }: Header): string {
  return slot === null ? `a second message ${JSON.stringify(messageId)}` : `the same statement again in slot ${JSON.stringify(slot)}`
}
