import type { PeerId } from '../../contracts/message.ts'
import { concatBytes } from '../../foundation/bytes.ts'
import { u8 } from './hashes.ts'
import { PEERS_MAX } from './limits.ts'
import { Reader } from './reader.ts'
import type { Leave, Vote } from './session-types.ts'
import { hexBytes, PHASES, type Phase } from './words.ts'
import { toHex } from '../../foundation/hex.ts'

export const MISS_TYPE = 'miss'
export const LEAVE_TYPE = 'leave'

/** Whoever is counted: one vote for each author, run and phase, the last one. */
export class Ballot {
  readonly #votes = new Map<string, Map<PeerId, Vote>>()

  /** False for one that says nothing new. */
  add(vote: Vote): boolean {
    const key = `${vote.run}/${vote.phase}`
    let votes = this.#votes.get(key)
    if (votes === undefined) this.#votes.set(key, votes = new Map())
    const known = votes.get(vote.author)
    if (known !== undefined && String(known.missing) === String(vote.missing)) return false
    votes.set(vote.author, vote)
    return true
  }

  votes(run: string, phase: Phase): Vote[] {
    return [...this.#votes.get(`${run}/${phase}`)?.values() ?? []]
  }

  outvoted(run: { readonly id: string; readonly options: { readonly keys: readonly PeerId[] } }, phase: Phase): number[] {
    return outvotedBy(this.votes(run.id, phase), run.options.keys)
  }
}

/** The indices that more than half of the other active peers list. */
export function outvotedBy(votes: readonly Vote[], keys: readonly PeerId[]): number[] {
  return keys.map((_, index) => index).filter(index => {
    const against = votes.filter(({ author, missing }) => author !== keys[index] && keys.includes(author) && missing.includes(index))
    return against.length * 2 > keys.length - 1
  })
}

/** MISS: run, phase (0 to 4), and the indices, ascending, behind their count. */
export function encodeMiss(run: string, phase: Phase, missing: readonly number[]): Uint8Array {
  return concatBytes(hexBytes(run), u8(PHASES.indexOf(phase)), u8(missing.length), Uint8Array.from(missing))
}

export function voteOf(message: { type: string; from: PeerId; payload: unknown; frame?: Uint8Array | undefined }): Vote | null {
  const { type, from, payload, frame } = message
  if (type !== MISS_TYPE || !(payload instanceof Uint8Array) || frame === undefined) return null
  const reader = new Reader(payload)
  const run = toHex(reader.take(32))
  const phase = PHASES[reader.u8()]
  const missing = [...reader.counted()]
  if (!reader.isDone || phase === undefined || missing.length === 0 || missing.length >= PEERS_MAX) return null
  if (missing.some((index, at) => index >= PEERS_MAX || (at > 0 && index <= missing[at - 1]!))) return null
  return { author: from, run, phase, missing, frame }
}

/** LEAVE: session and reason. */
export function encodeLeave(session: Uint8Array, reason: number): Uint8Array {
  return concatBytes(session, u8(reason))
}

export function leaveOf(message: { type: string; from: PeerId; payload: unknown; frame?: Uint8Array | undefined }): Leave | null {
  const { type, from, payload, frame } = message
  if (type !== LEAVE_TYPE || !(payload instanceof Uint8Array) || payload.length !== 33 || frame === undefined) return null
  return { author: from, session: toHex(payload.subarray(0, 32)), reason: payload[32]!, frame }
}
