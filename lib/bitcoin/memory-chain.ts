import { Transaction } from '@scure/btc-signer'
import { sha256x2 } from '@scure/btc-signer/utils.js'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import { P2PError } from '../contracts/errors.ts'
import { toHex } from '../foundation/hex.ts'
import { DUST_SATS, kindOf } from './coinjoin-amounts.ts'
import type { ChainTip, IChainSource, TxOut } from './chain-source.ts'
import { checkWitness, digestsOf } from './witness.ts'

interface Entry { readonly amount: bigint; readonly script: Uint8Array; readonly height: number | null; readonly coinbase: boolean; spentBy: string | null }

/** Of script kinds it does not know, a memory chain asks for no less than this. */
const DUST_OF_OTHERS = 546n

/** A chain that ends with the process, for tests and demonstrations: it checks signatures and amounts, and takes each coin once. */
export class MemoryChain implements IChainSource {
  readonly #crypto: Pick<ICryptoBackend, 'sha256' | 'verify'>
  readonly #coins = new Map<string, Entry>()
  /** By txid: at which height it was mined, and what it spends. */
  readonly #transactions = new Map<string, { height: number | null; inputs: string[]; raw: Uint8Array }>()
  #height = 200
  #funded = 0

  constructor(crypto: Pick<ICryptoBackend, 'sha256' | 'verify'>) {
    this.#crypto = crypto
  }

  /** A new confirmed coin for a script; its outpoint. */
  fund(script: Uint8Array, amount: bigint, { confirmations = 6, coinbase = false }: { confirmations?: number; coinbase?: boolean } = {}): { txid: string; vout: number; amount: bigint; script: Uint8Array } {
    const number = this.#funded++
    const txid = toHex(this.#crypto.sha256(Uint8Array.of(number >> 8, number & 0xff, ...script)))
    const height = confirmations === 0 ? null : this.#height - confirmations + 1
    this.#coins.set(`${txid}:0`, { amount, script, height, coinbase, spentBy: null })
    this.#transactions.set(txid, { height, inputs: [], raw: new Uint8Array(0) })
    return { txid, vout: 0, amount, script }
  }

  /** Spends a coin by other means: an owner who is not to be trusted. */
  spend(txid: string, vout: number): void {
    const coin = this.#coins.get(`${txid}:${vout}`)
    if (coin !== undefined) coin.spentBy = 'somebody else'
  }

  /** Puts all that waits into a block, and adds empty ones. */
  mine(blocks = 1): void {
    const height = this.#height + 1
    for (const entry of this.#transactions.values()) entry.height ??= height
    for (const [outpoint, coin] of this.#coins) if (coin.height === null) this.#coins.set(outpoint, { ...coin, height })
    this.#height += blocks
  }

  /** All transactions that were taken, in order. */
  get taken(): readonly string[] {
    return [...this.#transactions].filter(([, { raw }]) => raw.length > 0).map(([txid]) => txid)
  }

  rawOf(txid: string): Uint8Array | undefined {
    return this.#transactions.get(txid)?.raw
  }

  async getTxOut(txid: string, vout: number): Promise<TxOut | null> {
    const coin = this.#coins.get(`${txid}:${vout}`)
    if (coin === undefined || coin.spentBy !== null) return null
    return { amount: coin.amount, script: coin.script, coinbase: coin.coinbase, confirmations: coin.height === null ? 0 : this.#height - coin.height + 1 }
  }

  async broadcast(raw: Uint8Array): Promise<string> {
    const transaction = Transaction.fromRaw(raw, { allowUnknownOutputs: true, disableScriptCheck: true })
    const txid = toHex(sha256x2(transaction.unsignedTx).reverse())
    if (this.#transactions.has(txid)) return txid
    const inputs = Array.from({ length: transaction.inputsLength }, (_, index) => transaction.getInput(index))
    const outpoints = inputs.map(({ txid: spent, index }) => `${toHex(spent!)}:${index}`)
    const coins = outpoints.map(outpoint => this.#coins.get(outpoint))
    coins.forEach((coin, index) => {
      if (coin === undefined || coin.spentBy !== null) throw refused(`input ${index} spends ${outpoints[index]}, which is ${coin === undefined ? 'not there' : 'spent'}`)
    })
    const spent = coins as Entry[]
    inputs.forEach(({ finalScriptWitness }, index) => {
      if (!checkWitness(spent[index]!, digestsOf(transaction, index, spent), finalScriptWitness ?? [], this.#crypto)) throw refused(`the witness of input ${index} is wrong`)
    })
    this.#take(transaction, txid, raw, outpoints, spent)
    return txid
  }

  #take(transaction: Transaction, txid: string, raw: Uint8Array, outpoints: string[], spent: Entry[]): void {
    const outputs = Array.from({ length: transaction.outputsLength }, (_, index) => transaction.getOutput(index))
    const total = (list: readonly { amount?: bigint | undefined }[]): bigint => list.reduce((sum, { amount }) => sum + amount!, 0n)
    if (total(outputs) > total(spent)) throw refused('its outputs are worth more than its inputs')
    for (const { amount, script } of outputs) {
      const kind = kindOf(script!)
      if (amount! < (kind === null ? DUST_OF_OTHERS : DUST_SATS[kind])) throw refused(`an output of ${amount} sats is dust`)
    }
    for (const coin of spent) coin.spentBy = txid
    outputs.forEach(({ amount, script }, index) => this.#coins.set(`${txid}:${index}`, { amount: amount!, script: script!, height: null, coinbase: false, spentBy: null }))
    this.#transactions.set(txid, { height: null, inputs: outpoints, raw })
  }

  async tip(): Promise<ChainTip> {
    return { height: this.#height, hash: toHex(this.#crypto.sha256(Uint8Array.of(this.#height & 0xff, this.#height >> 8))) }
  }

  async confirmationsOf(txid: string): Promise<number | null> {
    const found = this.#transactions.get(txid)
    if (found === undefined) return null
    return found.height === null ? 0 : this.#height - found.height + 1
  }

  async spentBy(txid: string): Promise<readonly string[] | null> {
    return this.#transactions.get(txid)?.inputs ?? null
  }
}

function refused(why: string): P2PError {
  return new P2PError('ERR_CHAIN_REJECTED', `the transaction is not taken: ${why}`)
}
