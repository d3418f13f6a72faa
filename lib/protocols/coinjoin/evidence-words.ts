import type { ProvenFault } from './session-types.ts'
import type { Transcript } from './transcript.ts'
import type { Phase, Word } from './words.ts'

/** Whole phases that a fault is judged by: every `prev` from the blamed word back to the KEs can be followed. */
const PHASES_NEEDED: Readonly<Record<ProvenFault, readonly Phase[]>> = {
  EQUIV: [], BADMSG: [], SAMEX: [],
  BADCOMMIT: ['ke', 'cm'],
  BADACK: ['ke', 'cm', 'dc'], BADSECRET: ['ke', 'cm', 'dc'], BADVECTOR: ['ke', 'cm', 'dc'], BADKEY: ['ke', 'cm', 'dc'], SAMEKEY: ['ke', 'cm', 'dc'],
  FALSEALARM: ['ke', 'cm', 'dc', 'final'],
  BADSIG: ['ke', 'cm', 'dc', 'verdict'],
}

/** All that somebody who was not there needs to see the fault, in the order in which it is checked. */
export function wordsThatShow(transcript: Transcript, fault: ProvenFault, blamed: readonly number[], words: readonly Word[]): Word[] {
  const shown = new Map<string, Word>()
  const add = (word: Word | undefined): void => {
    if (word !== undefined) shown.set(`${word.author}/${word.hash}`, word)
  }
  for (const phase of PHASES_NEEDED[fault]) for (const word of transcript.words(phase)) add(word)
  words.forEach(add)
  for (const index of blamed) {
    if (fault === 'FALSEALARM') add(transcript.at('verdict', index))
    if (fault === 'BADSECRET' || fault === 'BADVECTOR' || fault === 'BADKEY' || fault === 'SAMEKEY') add(transcript.at('final', index))
  }
  return [...shown.values()]
}

export function phasesNeeded(fault: ProvenFault): readonly Phase[] {
  return PHASES_NEEDED[fault]
}
