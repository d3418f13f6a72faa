import type { PeerId } from '../../contracts/message.ts'
import { concatBytes } from '../../foundation/bytes.ts'
import { toHex } from '../../foundation/hex.ts'
import { checkEvidence, decodeEvidence, encodeEvidence, evidenceOf, runOf, type EvidenceReader } from './evidence.ts'
import { u8, u32 } from './hashes.ts'
import { FRAMES_MAX } from './limits.ts'
import type { Pr } from './pr.ts'
import { Reader } from './reader.ts'
import type { Cause } from './session-types.ts'
import { leaveOf, outvotedBy, voteOf } from './votes.ts'
import { hexBytes, wordOf, type Word } from './words.ts'

const KINDS = ['fault', 'silence', 'left'] as const

/** A cause as it is shown to another member: its kind, then evidence, or votes, or a farewell. */
export function encodeCause(cause: Cause, roster: readonly Pr[], epoch: number): Uint8Array {
  const kind = u8(KINDS.indexOf(cause.kind))
  switch (cause.kind) {
    case 'fault': return concatBytes(kind, encodeEvidence(evidenceOf(cause, roster, epoch)))
    case 'silence': return concatBytes(kind, u8(cause.blamed.length), ...cause.blamed.map(hexBytes), u8(cause.votes.length), ...cause.votes.flatMap(({ frame }) => [u32(frame.length), frame]))
    case 'left': return concatBytes(kind, cause.leave.frame)
  }
}

export interface CauseContext extends EvidenceReader {
  readonly roster: readonly Pr[]
  readonly epoch: number
  readonly session: string
  /** Those that the causes before this one have excluded. */
  readonly excluded: ReadonlySet<PeerId>
}

/** A cause that another member shows, if it holds for the roster that we share; else null. */
export async function readCause(bytes: Uint8Array, context: CauseContext): Promise<Cause | null> {
  const kind = KINDS[bytes[0] ?? KINDS.length]
  const body = bytes.subarray(1)
  try {
    if (kind === 'fault') return await readFault(body, context)
    if (kind === 'silence') return await readSilence(body, context)
    if (kind === 'left') return await readLeft(body, context)
  } catch {
    // A frame that is not its author's shows nothing.
  }
  return null
}

async function readFault(body: Uint8Array, context: CauseContext): Promise<Cause | null> {
  const evidence = decodeEvidence(body)
  const shown = evidence && await checkEvidence(evidence, context)
  if (evidence === null || shown === null || String(shown.prs.map(({ id }) => id)) !== String(context.roster.map(({ id }) => id))) return null
  const words: Word[] = []
  for (const frame of evidence.words) words.push(wordOf(context.crypto, await context.verify(frame))!)
  return { kind: 'fault', fault: evidence.fault, run: words[0]!.run, active: evidence.active, blamed: evidence.blamed, words }
}

/** Votes count in the run of exactly those whom the causes before have left. */
async function readSilence(body: Uint8Array, { crypto, params, roster, epoch, excluded, verify }: CauseContext): Promise<Cause | null> {
  const reader = new Reader(body)
  const blamed = Array.from({ length: reader.u8() }, () => toHex(reader.take(32)))
  const frames: Uint8Array[] = []
  for (let left = reader.u8(); left > 0 && frames.length < FRAMES_MAX && !reader.hasFailed; left--) frames.push(reader.take(Math.min(reader.u32(), reader.left + 1)))
  if (!reader.isDone || blamed.length === 0) return null
  const votes = []
  for (const frame of frames) {
    const vote = voteOf(await verify(frame))
    if (vote === null) return null
    votes.push(vote)
  }
  const active = roster.map(({ author }) => author).filter(key => !excluded.has(key)).sort()
  const run = runOf(crypto, params, epoch, roster, active, excluded.size)
  const phase = votes[0]?.phase
  if (run === null || phase === undefined || votes.some(vote => vote.run !== run || vote.phase !== phase)) return null
  if (new Set(votes.map(({ author }) => author)).size !== votes.length) return null
  const outvoted = outvotedBy(votes, active).map(index => active[index]!)
  return blamed.every(key => outvoted.includes(key)) ? { kind: 'silence', run, active, phase, blamed, votes } : null
}

async function readLeft(frame: Uint8Array, { verify, session }: CauseContext): Promise<Cause | null> {
  const leave = leaveOf(await verify(frame))
  return leave?.session === session ? { kind: 'left', blamed: [leave.author], leave } : null
}

