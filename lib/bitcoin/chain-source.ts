import type { WaitOptions } from '../contracts/wait.ts'

/** One unspent coin as the chain knows it. */
export interface TxOut {
  /** Sats. */
  readonly amount: bigint
  readonly script: Uint8Array
  /** 0 while unconfirmed. */
  readonly confirmations: number
  readonly coinbase: boolean
}

export interface ChainTip {
  readonly height: number
  /** As shown: 64 hex digits. */
  readonly hash: string
}

/**
 * What a wallet knows of the chain: its own node, or a server it trusts to tell. A server that lies can make a round fail; it
 * cannot take a coin.
 */
export interface IChainSource {
  /** The coin at `txid` (as shown, 64 hex digits) and `vout` if it exists and no transaction in chain or mempool spends it; else null. Rejects when the source cannot say. */
  getTxOut(txid: string, vout: number, options?: WaitOptions): Promise<TxOut | null>
  /** Hands a transaction to the network and resolves to its txid; one that the network has already is no error. Rejects with ERR_CHAIN_REJECTED. */
  broadcast(transaction: Uint8Array, options?: WaitOptions): Promise<string>
  tip(options?: WaitOptions): Promise<ChainTip>
  /** Confirmations of a transaction; 0 in the mempool, null where it is not known. */
  confirmationsOf(txid: string, options?: WaitOptions): Promise<number | null>
  /** The outpoints (`txid:vout`) that a transaction spends, for one-hop bans; null where it is not known. */
  spentBy?(txid: string, options?: WaitOptions): Promise<readonly string[] | null>
}
