import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { P2PError } from '../../contracts/errors.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import { toHex } from '../../foundation/hex.ts'
import type { AggregateKey } from '../../bitcoin/bip327/index.ts'
import { keySpendOf, namesOtherSigners } from '../../bitcoin/psbt.ts'
import { applyTweakRules } from '../../bitcoin/taproot.ts'
import type { SessionTerms } from './terms.ts'

/** What will be signed, under which key: computed here from the terms, never taken from anybody. */
export interface Resolved {
  readonly aggregate: AggregateKey
  readonly message: Uint8Array
  /** Nobody can see what these bytes do: a digest may be any transaction's. */
  readonly opaque: boolean
}

/** BIP340 messages of this length may be somebody's transaction; no digest of one has another. */
const DIGEST_BYTES = 32

/** Throws ERR_BITCOIN_BAD_PSBT, ERR_MUSIG2_BAD_TERMS where the key is not the one the PSBT spends from, and RangeError for tweaks that lead nowhere. */
export function resolveTerms(backend: ICryptoBackend, untweaked: AggregateKey, { tweaks, subject }: SessionTerms): Resolved {
  if (subject.kind === 'message') return { aggregate: applyTweakRules(backend, untweaked, tweaks), message: subject.message, opaque: subject.message.length === DIGEST_BYTES }
  const spend = keySpendOf(subject.psbt, subject.inputIndex)
  if (namesOtherSigners(spend, untweaked.keys)) throw new P2PError('ERR_MUSIG2_BAD_TERMS', `the PSBT's input ${subject.inputIndex} names other signers than the session`)
  const tweaked = applyTweakRules(backend, untweaked, tweaks)
  const candidates = [tweaked, ...tweaks.some(({ kind }) => kind === 'taproot') ? [] : [applyTweakRules(backend, tweaked, [{ kind: 'taproot', merkleRoot: spend.merkleRoot }])]]
  const aggregate = candidates.find(({ publicKey }) => equalBytes(publicKey, spend.outputKey))
  if (aggregate === undefined) throw new P2PError('ERR_MUSIG2_BAD_TERMS', `the signers' key is not the one that input ${subject.inputIndex} spends from: expected ${toHex(spend.outputKey)}, got ${candidates.map(({ publicKey }) => toHex(publicKey)).join(' or ')}`)
  return { aggregate, message: spend.digest, opaque: false }
}
