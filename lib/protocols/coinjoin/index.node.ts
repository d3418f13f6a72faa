import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { chooseBackend } from '../../crypto/select.node.ts'
import { CoinJoin as AnyCoinJoin } from './handler.ts'

/** Rounds of CoinJoin without a coordinator, with the fastest cryptography that this machine has. */
export class CoinJoin extends AnyCoinJoin {
  protected override async fastest(): Promise<ICryptoBackend> {
    return (await chooseBackend('auto')).backend
  }
}

export type { CoinJoinEvents, CoinJoinOptions, JoinOptions } from './handler.ts'
export { coinjoinProtocol, type CoinJoinProtocol } from './definition.ts'
export { ROUND_RESOURCE, type RoundAnnouncement, type RoundData } from './announcement.ts'
export { mixParams, DEFAULT_PARAMS, type MixParams, type RoundParams } from './params.ts'
export type { Round, RoundEvents, RoundPhase, RoundProgress, RoundResult } from './round.ts'
export type { Cause, Outcome, ProvenFault } from './session-types.ts'
export type { Shown } from './evidence.ts'
export type { Timing } from './limits.ts'
export type { ChainTip, IChainSource, TxOut } from '../../bitcoin/chain-source.ts'
export { NodeChainSource } from '../../bitcoin/chain-source-node.ts'
export { EsploraChainSource, type EsploraOptions } from '../../bitcoin/esplora-chain.ts'
export { MemoryChain } from '../../bitcoin/memory-chain.ts'
export type { Coin, ICoinJoinWallet, MixSigningRequest } from '../../bitcoin/coinjoin-wallet.ts'
export { SmallWallet, type SmallWalletOptions } from '../../bitcoin/small-wallet.ts'
export { objection, planMix, type MixInput, type MixOutput, type MixParty, type MixPlan, type MixTerms } from '../../bitcoin/coinjoin-transaction.ts'
export { verifySimple } from '../../bitcoin/bip322.ts'
