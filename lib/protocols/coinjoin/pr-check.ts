import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { IChainSource } from '../../bitcoin/chain-source.ts'
import { verifySimple } from '../../bitcoin/bip322.ts'
import { kindOf } from '../../bitcoin/coinjoin-amounts.ts'
import { settleParty } from '../../bitcoin/coinjoin-transaction.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import { toHex } from '../../foundation/hex.ts'
import type { MixParams } from './params.ts'
import { partyOf, termsOf } from './parties.ts'
import { outpointOf, proofBytes, type Pr } from './pr.ts'

/** Consensus: a coinbase output cannot be spent before. */
const COINBASE_CONFIRMATIONS = 100

/** What is wrong with a PR by itself, whoever asks; null where nothing is. */
export function formObjection(crypto: Pick<ICryptoBackend, 'sha256' | 'verify'>, params: MixParams, paramsHash: Uint8Array, pr: Pr): string | null {
  if (!equalBytes(pr.paramsHash, paramsHash)) return 'it is for another round'
  if (pr.inputs.length > params.maxInputsPerPeer) return `it brings ${pr.inputs.length} inputs, ${params.maxInputsPerPeer} are allowed`
  if (new Set(pr.inputs.map(outpointOf)).size !== pr.inputs.length) return 'it brings one coin twice'
  if (pr.inputs.some(({ script }) => kindOf(script) === null)) return 'a coin is neither P2WPKH nor P2TR'
  if (pr.changeScript !== null && kindOf(pr.changeScript) === null) return 'its change is neither P2WPKH nor P2TR'
  // At the fewest peers the share is the largest: who can pay then can always pay.
  if (settleParty(partyOf(pr), params.minPeers, termsOf(params)) === null) return 'its coins do not reach for the denomination and the fee'
  for (const input of pr.inputs) {
    const text = proofBytes(params, toHex(paramsHash), pr.epoch, pr.author, input)
    if (!verifySimple(crypto, text, input.script, input.proof)) return `the proof of ${outpointOf(input)} is not its owner's`
  }
  return null
}

/** What is wrong with a PR's coins, by the chain; null where nothing is. Rejects where the chain source cannot say. */
export async function coinObjection(chain: IChainSource, params: MixParams, pr: Pr, signal?: AbortSignal): Promise<string | null> {
  for (const { txid, vout, amount, script } of pr.inputs) {
    const coin = await chain.getTxOut(txid, vout, { signal })
    const name = `${txid}:${vout}`
    if (coin === null) return `${name} does not exist or is spent`
    if (coin.amount !== amount || !equalBytes(coin.script, script)) return `${name} holds other sats, or lies under another script`
    const needed = coin.coinbase ? Math.max(COINBASE_CONFIRMATIONS, params.minConf) : params.minConf
    if (coin.confirmations < needed) return `${name} has ${coin.confirmations} confirmations, ${needed} are needed`
  }
  return null
}
