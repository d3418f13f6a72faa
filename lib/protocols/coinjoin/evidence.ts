import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import { concatBytes } from '../../foundation/bytes.ts'
import { toHex } from '../../foundation/hex.ts'
import { runId, sessionId, u32, u8 } from './hashes.ts'
import { EVIDENCE_BYTES_MAX, PEERS_MAX, PRS_MAX } from './limits.ts'
import { judgeFault } from './judge.ts'
import { hashOfParams, type MixParams } from './params.ts'
import { orderOf, outpointOf, prOf, type Pr } from './pr.ts'
import { Reader } from './reader.ts'
import type { MixCrypto } from './checks.ts'
import type { Sliced } from './roots.ts'
import type { Cause, ProvenFault } from './session-types.ts'
import { hexBytes, wordOf, type Word } from './words.ts'
import { compareBytes } from '../../foundation/bytes.ts'

const FAULTS: readonly ProvenFault[] = ['EQUIV', 'BADMSG', 'SAMEX', 'BADCOMMIT', 'BADACK', 'BADSIG', 'BADSECRET', 'BADVECTOR', 'BADKEY', 'SAMEKEY', 'FALSEALARM']
const VERSION = 1

/** A fault with all that shows it to somebody who was not there and trusts nobody. */
export interface Evidence {
  readonly epoch: number
  /** Every PR of the roster, in its order. */
  readonly prs: readonly Uint8Array[]
  /** Those active in the run, ascending. */
  readonly active: readonly PeerId[]
  /** How many of the roster were out before the run. */
  readonly runNumber: number
  readonly fault: ProvenFault
  readonly blamed: readonly PeerId[]
  /** The words' frames. */
  readonly words: readonly Uint8Array[]
}

export type FaultCause = Extract<Cause, { kind: 'fault' }>

export function evidenceOf(cause: FaultCause, roster: readonly Pr[], epoch: number): Evidence {
  const { fault, blamed, active, words } = cause
  return { epoch, prs: roster.map(({ frame }) => frame), active, runNumber: roster.length - active.length, fault, blamed, words: words.map(({ frame }) => frame) }
}

export function encodeEvidence({ epoch, prs, active, runNumber, fault, blamed, words }: Evidence): Uint8Array {
  const keys = (list: readonly PeerId[]): Uint8Array => concatBytes(u8(list.length), ...list.map(hexBytes))
  const frames = (list: readonly Uint8Array[]): Uint8Array => concatBytes(u8(list.length), ...list.flatMap(frame => [u32(frame.length), frame]))
  return concatBytes(u8(VERSION), u32(epoch), u8(FAULTS.indexOf(fault)), u8(runNumber), keys(active), keys(blamed), frames(prs), frames(words))
}

/** Null for bytes of another shape. */
export function decodeEvidence(bytes: Uint8Array): Evidence | null {
  if (bytes.length > EVIDENCE_BYTES_MAX) return null
  const reader = new Reader(bytes)
  const keys = (): PeerId[] => Array.from({ length: Math.min(reader.u8(), PEERS_MAX) }, () => toHex(reader.take(32)))
  const frames = (): Uint8Array[] => {
    const list: Uint8Array[] = []
    for (let left = reader.u8(); left > 0 && !reader.hasFailed; left--) {
      const length = reader.u32()
      if (length > reader.left) return [...list, reader.take(reader.left + 1)]
      list.push(reader.take(length))
    }
    return list
  }
  const version = reader.u8()
  const evidence = { epoch: reader.u32(), fault: FAULTS[reader.u8()]!, runNumber: reader.u8(), active: keys(), blamed: keys(), prs: frames(), words: frames() }
  return reader.isDone && version === VERSION && evidence.fault !== undefined ? evidence : null
}

/** Whom evidence shows to be at fault, and the coins that they brought. */
export interface Shown { readonly fault: ProvenFault; readonly blamed: readonly { readonly key: PeerId; readonly coins: readonly { readonly outpoint: string; readonly script: Uint8Array }[] }[]; readonly prs: readonly Pr[] }

export interface EvidenceReader {
  readonly crypto: MixCrypto
  readonly params: MixParams
  /** `ProtocolContext.verify`, or anything that checks a frame's signature. Rejects for one that is not its author's. */
  verify(frame: Uint8Array): Promise<P2PMessage>
  run<T>(work: Sliced<T>): Promise<T>
}

/**
 * Checks evidence from the signatures up: null where it does not show what it says. That the coins are the blamed peers' own is for the
 * caller to see, by the proofs in `prs`.
 */
export async function checkEvidence(evidence: Evidence, { crypto, params, verify, run }: EvidenceReader): Promise<Shown | null> {
  const { prs: prFrames, words: wordFrames, active, blamed, fault, epoch, runNumber } = evidence
  if (prFrames.length > PRS_MAX || blamed.length === 0 || blamed.some(key => !active.includes(key))) return null
  const prs: Pr[] = []
  const words: Word[] = []
  try {
    for (const frame of prFrames) {
      const pr = prOf(crypto, await verify(frame))
      if (pr === null) return null
      prs.push(pr)
    }
    for (const frame of wordFrames) {
      const word = wordOf(crypto, await verify(frame))
      if (word === null) return null
      words.push(word)
    }
  } catch {
    // Not signed by who is said to have said it.
    return null
  }
  const id = runOf(crypto, params, epoch, prs, active, runNumber)
  if (id === null || words.some(({ run: said }) => said !== id)) return null
  const holds = await run(judgeFault({ crypto, params, prs, run: id, active, fault, blamed, words }))
  if (!holds) return null
  return {
    fault, prs,
    blamed: blamed.map(key => ({ key, coins: prs.find(({ author }) => author === key)!.inputs.map(input => ({ outpoint: outpointOf(input), script: input.script })) })),
  }
}

/** The run's name as it follows from the roster and who was active: null where the parts do not belong together. */
export function runOf(crypto: MixCrypto, params: MixParams, epoch: number, prs: readonly Pr[], active: readonly PeerId[], runNumber: number): string | null {
  const hash = hashOfParams(crypto, params)
  const authors = prs.map(({ author }) => author)
  if (new Set(authors).size !== authors.length || runNumber !== prs.length - active.length) return null
  if (prs.some(pr => pr.epoch !== epoch || toHex(pr.paramsHash) !== toHex(hash))) return null
  if (active.some((key, at) => !authors.includes(key) || (at > 0 && key <= active[at - 1]!))) return null
  const session = sessionId(crypto, hash, epoch, prs.map(({ id }) => hexBytes(id)))
  return toHex(runId(crypto, session, runNumber, active.map(hexBytes)))
}

/** PRs in the order that all agree on, cut to `maxPeers`. */
export function orderedRoster(crypto: MixCrypto, params: MixParams, prs: readonly Pr[]): Pr[] {
  const keyed = prs.map(pr => ({ pr, key: orderOf(crypto, pr) }))
  return keyed.sort((a, b) => compareBytes(a.key, b.key)).slice(0, params.maxPeers).map(({ pr }) => pr)
}
