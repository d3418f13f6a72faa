import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { ErrorCode, P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import { textOf } from '../../foundation/error-text.ts'
import { toHex } from '../../foundation/hex.ts'
import type { Leave, Vote } from './session-types.ts'
import { leaveOf, voteOf } from './votes.ts'
import { wordOf, type Word } from './words.ts'

export interface InboxOptions {
  context(): ProtocolContext
  readonly crypto: Pick<ICryptoBackend, 'sha256'>
  /** Whether somebody has asked to take part in this round and epoch. */
  isKnown(author: PeerId): boolean
  onWord(word: Word, from: PeerId): void
  onVote(vote: Vote): void
  onLeave(leave: Leave): void
}

/** Frames that one round may bring, before the oldest are forgotten and may be checked again: 50 peers, 10 runs, 7 words and some. */
const SEEN_MAX = 8_192

/** Frames kept of authors that we do not know to take part: their PRs may still be on their way. */
const STRANGERS_MAX = 64

/** Frames from whoever brings them: each checked once, and taken as what its author said. */
export class Inbox {
  readonly #options: InboxOptions
  readonly #seen = new Set<string>()
  readonly #strangers = new Map<string, { frame: Uint8Array; from: PeerId }>()

  constructor(options: InboxOptions) {
    this.#options = options
  }

  async take(frames: readonly Uint8Array[], from: PeerId): Promise<void> {
    for (const frame of frames) await this.#takeOne(frame, from)
  }

  /** Somebody else is known to take part now. */
  async retry(): Promise<void> {
    const waiting = [...this.#strangers.values()]
    this.#strangers.clear()
    for (const { frame, from } of waiting) await this.#takeOne(frame, from)
  }

  async #takeOne(frame: Uint8Array, from: PeerId): Promise<void> {
    const { crypto, context, isKnown, onWord, onVote, onLeave } = this.#options
    const id = toHex(crypto.sha256(frame))
    if (this.#seen.has(id)) return
    const room = context()
    let message
    try {
      message = await room.verify(frame)
    } catch (error) {
      // Whoever brings it has to check it: no honest peer hands on what is not its author's.
      const code = error instanceof P2PError ? error.code : ErrorCode.PROTOCOL_HANDLER_FAILED
      room.report(new P2PError('ERR_COINJOIN_BAD_FRAME', `expected a frame signed by its author from ${from}, got one that is refused (${code}): ${textOf(error)}`, { peerId: from, protocol: 'coinjoin' }))
      return
    }
    if (room.signal.aborted || message.protocol !== 'coinjoin') return
    if (!isKnown(message.from)) {
      if (this.#strangers.size < STRANGERS_MAX) this.#strangers.set(id, { frame, from })
      return
    }
    if (this.#seen.size >= SEEN_MAX) for (const oldest of this.#seen) { this.#seen.delete(oldest); break }
    this.#seen.add(id)
    const word = wordOf(crypto, message)
    if (word !== null) return onWord(word, from)
    const vote = voteOf(message)
    if (vote !== null) return onVote(vote)
    const leave = leaveOf(message)
    if (leave !== null) onLeave(leave)
  }
}
