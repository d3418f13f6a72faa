import type { MixParty, MixTerms } from '../../bitcoin/coinjoin-transaction.ts'
import type { MixParams } from './params.ts'
import type { Pr } from './pr.ts'

/** What a PR brings, as the transaction sees it. */
export function partyOf({ inputs, changeScript }: Pick<Pr, 'inputs' | 'changeScript'>): MixParty {
  return { inputs: inputs.map(({ txid, vout, amount, script }) => ({ txid, vout, amount, script })), changeScript }
}

export function termsOf({ denomination, feeRate }: MixParams): MixTerms {
  return { denomination: BigInt(denomination), feeRate }
}
