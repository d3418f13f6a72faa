import { P2PError } from '../contracts/errors.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { fromHex, toHex } from '../foundation/hex.ts'
import type { ChainTip, IChainSource, TxOut } from './chain-source.ts'
import { type BitcoinNodeRpc, NodeRpcError } from './node-rpc.ts'

/** Not found, and "transaction already in block chain". */
const NOT_FOUND = -5
const ALREADY_IN_CHAIN = -27
const SATS_PER_COIN = 100_000_000

/** A node's decimal bitcoin in sats: eight decimals are exact in a double up to the whole supply once rounded. */
export function satsOf(value: unknown): bigint {
  if (typeof value !== 'number' || !(value >= 0 && value <= 21_000_000)) throw new P2PError('ERR_BITCOIN_NODE_BAD_ANSWER', `expected an amount of bitcoin, got ${JSON.stringify(value)}`)
  return BigInt(Math.round(value * SATS_PER_COIN))
}

/** The chain as one's own node knows it, mempool included. */
export class NodeChainSource implements IChainSource {
  readonly #node: BitcoinNodeRpc

  constructor(node: BitcoinNodeRpc) {
    this.#node = node
  }

  async getTxOut(txid: string, vout: number, options?: WaitOptions): Promise<TxOut | null> {
    const found = await this.#node.call('gettxout', [txid, vout, true], options)
    if (found === null) return null
    return { amount: satsOf(found.value), script: fromHex(found.scriptPubKey.hex), confirmations: found.confirmations, coinbase: found.coinbase }
  }

  async broadcast(transaction: Uint8Array, options?: WaitOptions): Promise<string> {
    const hex = toHex(transaction)
    try {
      return await this.#node.call('sendrawtransaction', [hex], options)
    } catch (error) {
      if (!(error instanceof NodeRpcError)) throw error
      if (error.rpcCode === ALREADY_IN_CHAIN) return (await this.#node.call<{ txid: string }>('decoderawtransaction', [hex], options)).txid
      throw new P2PError('ERR_CHAIN_REJECTED', `the network does not take the transaction: ${error.message}`, { cause: error })
    }
  }

  async tip(options?: WaitOptions): Promise<ChainTip> {
    const { blocks, bestblockhash } = await this.#node.call('getblockchaininfo', [], options)
    return { height: blocks, hash: bestblockhash }
  }

  async confirmationsOf(txid: string, options?: WaitOptions): Promise<number | null> {
    return (await this.#lookUp<{ confirmations?: number }>(txid, options))?.confirmations ?? (await this.#inMempool(txid, options) ? 0 : null)
  }

  async spentBy(txid: string, options?: WaitOptions): Promise<readonly string[] | null> {
    const found = await this.#lookUp<{ vin: { txid?: string; vout?: number }[] }>(txid, options)
    return found?.vin.flatMap(({ txid: spent, vout }) => spent === undefined ? [] : [`${spent}:${vout}`]) ?? null
  }

  /** Without `txindex` a node knows transactions of its mempool only, and those of the coins that are still there. */
  async #lookUp<T>(txid: string, options?: WaitOptions): Promise<T | null> {
    try {
      return await this.#node.call<T>('getrawtransaction', [txid, 1], options)
    } catch (error) {
      if (error instanceof NodeRpcError && error.rpcCode === NOT_FOUND) return await this.#fromCoins<T>(txid, options)
      throw error
    }
  }

  async #fromCoins<T>(txid: string, options?: WaitOptions): Promise<T | null> {
    for (let vout = 0; vout < COINS_LOOKED_AT; vout++) {
      const coin = await this.#node.call('gettxout', [txid, vout, false], options)
      if (coin === null) continue
      const depth = coin.confirmations
      const { blocks } = await this.#node.call('getblockchaininfo', [], options)
      const block = await this.#node.call('getblockhash', [blocks - depth + 1], options)
      return await this.#node.call<T>('getrawtransaction', [txid, 1, block], options)
    }
    return null
  }

  async #inMempool(txid: string, options?: WaitOptions): Promise<boolean> {
    try {
      await this.#node.call('getmempoolentry', [txid], options)
      return true
    } catch (error) {
      if (error instanceof NodeRpcError && error.rpcCode === NOT_FOUND) return false
      throw error
    }
  }
}

/** Outputs of a transaction tried until one is found unspent: a mix of fifty has at most a hundred, and most of them lie for a while. */
const COINS_LOOKED_AT = 8
