import type { PeerId } from '../../contracts/message.ts'
import { checkPartyWitnesses, planMix } from '../../bitcoin/coinjoin-transaction.ts'
import { toHex } from '../../foundation/hex.ts'
import { breaksCommitment, isMalformed, judgeReveal, judgeReveals, type MixCrypto } from './checks.ts'
import { phasesNeeded } from './evidence-words.ts'
import { toElement } from './field.ts'
import { partyOf, termsOf } from './parties.ts'
import type { MixParams } from './params.ts'
import type { Pr } from './pr.ts'
import { areOutputKeys, findRoots, type Sliced } from './roots.ts'
import type { ProvenFault } from './session-types.ts'
import { Transcript } from './transcript.ts'
import { PHASES, phaseOf, readAck, readSg, type Word } from './words.ts'

/** A claim about signed words; who made them and that they belong to the run is checked already. */
export interface Claim {
  readonly crypto: MixCrypto
  readonly params: MixParams
  readonly prs: readonly Pr[]
  readonly run: string
  readonly active: readonly PeerId[]
  readonly fault: ProvenFault
  readonly blamed: readonly PeerId[]
  readonly words: readonly Word[]
}

/** True where the words show the fault of every one that is blamed. */
export function* judgeFault(claim: Claim): Sliced<boolean> {
  const { fault, active, words, blamed } = claim
  if (words.some(({ author }) => !active.includes(author))) return false
  if (fault === 'EQUIV') return blamed.every(key => saidTwo(words, key))
  if (fault === 'BADMSG') return blamed.every(key => words.some(word => word.author === key && isMalformed(claim.crypto, word, active.indexOf(key), active.length)))
  if (words.some(word => isMalformed(claim.crypto, word, active.indexOf(word.author), active.length))) return false
  const transcript = readTranscript(claim)
  if (transcript === null) return false
  for (const key of blamed) if (!(yield* isAtFault(claim, transcript, active.indexOf(key)))) return false
  return true
}

function saidTwo(words: readonly Word[], key: PeerId): boolean {
  const theirs = words.filter(({ author }) => author === key)
  return theirs.some(a => theirs.some(b => phaseOf(a.type) === phaseOf(b.type) && a.hash !== b.hash))
}

/** Each word in its slot, each `prev` followed: null where one leads elsewhere or a phase that is needed is not whole. */
function readTranscript({ crypto, run, active, fault, words }: Claim): Transcript | null {
  const transcript = new Transcript(crypto, run, active)
  for (const phase of PHASES) for (const word of words.filter(({ type }) => phaseOf(type) === phase)) {
    if (transcript.at(phase, transcript.indexOf(word.author)) !== undefined || (fault !== 'SAMEX' && transcript.fits(word) !== true)) return null
    transcript.add(word)
  }
  return phasesNeeded(fault).every(phase => transcript.has(phase)) ? transcript : null
}

function* isAtFault(claim: Claim, transcript: Transcript, index: number): Sliced<boolean> {
  const { crypto, fault } = claim
  switch (fault) {
    case 'SAMEX': return sameX(transcript, index)
    case 'BADCOMMIT': return transcript.at('dc', index) !== undefined && breaksCommitment(crypto, transcript, index)
    case 'BADSECRET':
    case 'BADVECTOR':
    case 'BADKEY': return transcript.at('final', index)?.type === 'rv' && (yield* judgeReveal(crypto, transcript, index)) === fault
    case 'SAMEKEY': return yield* sameKey(crypto, transcript, index)
    case 'FALSEALARM': {
      if (transcript.words('final').some(({ type }) => type !== 'rv')) return false
      return (yield* judgeReveals(crypto, transcript)).get(index) === 'FALSEALARM'
    }
    case 'BADACK': {
      const word = transcript.at('verdict', index)
      const plan = word?.type === 'ack' ? yield* planFrom(claim, transcript) : null
      return plan !== null && toHex(readAck(word!.body)!.txid) !== plan.txid
    }
    case 'BADSIG': {
      const word = transcript.at('final', index)
      const plan = word?.type === 'sg' ? yield* planFrom(claim, transcript) : null
      // Only who acknowledged this very transaction has promised to sign it.
      const ack = transcript.at('verdict', index)
      if (plan === null || ack?.type !== 'ack' || toHex(readAck(ack.body)!.txid) !== plan.txid) return false
      return !checkPartyWitnesses(plan, index, readSg(word!.body)!.witnesses, crypto)
    }
    case 'EQUIV':
    case 'BADMSG': return false
  }
}

function sameX(transcript: Transcript, index: number): boolean {
  const word = transcript.at('ke', index)
  const x = (body: Uint8Array): string => toHex(body.subarray(1, 33))
  return word !== undefined && transcript.words('ke').some(other => other !== word && x(other.body) === x(word.body))
}

/** Two that revealed the same key, each of them otherwise without fault. */
function* sameKey(crypto: MixCrypto, transcript: Transcript, index: number): Sliced<boolean> {
  const mine = transcript.at('final', index)
  if (mine?.type !== 'rv') return false
  const key = (word: Word): string => toHex(word.body.subarray(96))
  const twins = transcript.words('final').filter(word => word.type === 'rv' && key(word) === key(mine))
  if (twins.length < 2) return false
  for (const twin of twins) if ((yield* judgeReveal(crypto, transcript, transcript.indexOf(twin.author))) !== null) return false
  return true
}

/** The transaction that follows from PRs and DCs; null where the DC-net gave none. */
function* planFrom({ params, prs, active }: Claim, transcript: Transcript): Sliced<ReturnType<typeof planMix> | null> {
  const polynomial = transcript.polynomial()
  // Any shifts split it: they need not be unpredictable where nobody can choose the roots after them.
  let shift = 0n
  const roots = yield* findRoots(polynomial, () => ++shift)
  if (roots === null || !areOutputKeys(roots)) return null
  return planMix(active.map(key => partyOf(prs.find(({ author }) => author === key)!)), roots.map(toElement), termsOf(params))
}
