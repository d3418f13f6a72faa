import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import { isLiftable, toNumber } from './field.ts'
import { commitment, popHash } from './hashes.ts'
import { INPUTS_MAX } from './limits.ts'
import { paddedVector } from './pads.ts'
import type { Sliced } from './roots.ts'
import type { Transcript } from './transcript.ts'
import { hexBytes, readAck, readCm, readDc, readKe, readNak, readRv, readSg, type Word } from './words.ts'

export type MixCrypto = Pick<ICryptoBackend, 'sha256' | 'stream' | 'ecdh' | 'verify' | 'isPoint' | 'publicKeyOf'>

/** BADMSG: true where a word's body is one that no honest peer could have written, whatever came before. */
export function isMalformed(crypto: MixCrypto, word: Word, index: number, count: number): boolean {
  const { body } = word
  switch (word.type) {
    case 'ke': {
      const ke = readKe(body)
      if (ke === null || !crypto.isPoint(ke.publicKey)) return true
      return !crypto.verify(ke.pop, popHash(crypto, hexBytes(word.run), index, hexBytes(word.author)), ke.publicKey.subarray(1))
    }
    case 'cm': return readCm(body) === null
    case 'dc': return readDc(body, count) === null
    case 'ack': return readAck(body) === null
    case 'nak': return readNak(body) === null
    case 'rv': return readRv(body) === null
    case 'sg': {
      const sg = readSg(body)
      return sg === null || sg.witnesses.length > INPUTS_MAX
    }
  }
}

/** BADCOMMIT: the vector is not the one committed to. Both words are here. */
export function breaksCommitment(crypto: MixCrypto, transcript: Transcript, index: number): boolean {
  const { vectorBytes, salt } = transcript.dc(index)
  const made = commitment(crypto, hexBytes(transcript.run), index, vectorBytes, salt)
  return !equalBytes(made, readCm(transcript.at('cm', index)!.body)!.commitment)
}

/** Pairs with the same x-coordinate and, since both proved that they hold it, both to blame. */
export function sameKeys(transcript: Transcript): number[] {
  return repeated(transcript.publicKeys().map(key => String(toNumber(key.subarray(1)))))
}

export type Fault = 'BADSECRET' | 'BADVECTOR' | 'BADKEY' | 'SAMEKEY' | 'FALSEALARM'

/**
 * Blame steps 1 to 3 for one peer that has revealed: its secret is not its public key's, its vector is not the powers of its key under
 * its pads, or its key is no x-coordinate.
 */
export function* judgeReveal(crypto: MixCrypto, transcript: Transcript, index: number): Sliced<Fault | null> {
  const { secret, message } = readRv(transcript.at('final', index)!.body)!
  const keys = transcript.publicKeys()
  if (!isSecretOf(crypto, secret, keys[index]!)) return 'BADSECRET'
  const claimed = toNumber(message)
  const vector = yield* paddedVector(crypto, hexBytes(transcript.run), index, secret, keys, claimed)
  const said = transcript.dc(index).vector
  if (vector.some((element, k) => element !== said[k])) return 'BADVECTOR'
  return isLiftable(claimed) ? null : 'BADKEY'
}

/** What all reveals together show: who is to blame for what. Never empty where somebody refused and all have revealed. */
export function* judgeReveals(crypto: MixCrypto, transcript: Transcript): Sliced<Map<number, Fault>> {
  const faults = new Map<number, Fault>()
  const messages: string[] = []
  for (let index = 0; index < transcript.count; index++) {
    const fault = yield* judgeReveal(crypto, transcript, index)
    if (fault !== null) faults.set(index, fault)
    messages.push(String(toNumber(readRv(transcript.at('final', index)!.body)!.message)))
  }
  if (faults.size > 0) return faults
  for (const index of repeated(messages)) faults.set(index, 'SAMEKEY')
  if (faults.size > 0) return faults
  // Every vector is right and the keys are distinct and valid, so the sum had N good roots, everybody's among them: whoever refused lied.
  for (const word of transcript.words('verdict')) if (word.type === 'nak') faults.set(transcript.indexOf(word.author), 'FALSEALARM')
  return faults
}

function isSecretOf(crypto: MixCrypto, secret: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return equalBytes(crypto.publicKeyOf(secret), publicKey)
  } catch {
    // No scalar at all.
    return false
  }
}

function repeated(values: readonly string[]): number[] {
  return values.flatMap((value, index) => values.indexOf(value) !== values.lastIndexOf(value) ? [index] : [])
}
