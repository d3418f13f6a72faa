import { p2tr, p2wpkh } from '@scure/btc-signer'
import { signECDSA, taprootTweakPrivKey } from '@scure/btc-signer/utils.js'
import type { Transaction } from '@scure/btc-signer'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import { P2PError } from '../contracts/errors.ts'
import type { IStore } from '../contracts/store.ts'
import { taggedHash } from '../crypto/tagged-hash.ts'
import { equalBytes } from '../foundation/bytes.ts'
import { toSign } from './bip322.ts'
import type { ScriptKind } from './coinjoin-amounts.ts'
import { transactionOf } from './coinjoin-transaction.ts'
import type { Coin, ICoinJoinWallet, MixSigningRequest } from './coinjoin-wallet.ts'
import { scriptCode } from './witness.ts'

export interface SmallWalletOptions {
  /** 32 bytes from which every key follows. */
  seed: Uint8Array
  crypto: ICryptoBackend
  /** Remembers how many keys have been given out: without it a restart would give them out again. */
  store: IStore
}

interface Key { readonly kind: ScriptKind; readonly script: Uint8Array; readonly secret: Uint8Array; readonly publicKey: Uint8Array }

const COUNT_KEY = 'small-wallet/keys'
/** Keys looked through to find whose a script is. */
const KEYS_MAX = 10_000

/**
 * The least that can be called a wallet: keys from one seed, coins that it is told of, no backup. For examples and tests; real wallets
 * implement `ICoinJoinWallet` over their own keys.
 */
export class SmallWallet implements ICoinJoinWallet {
  readonly #options: SmallWalletOptions
  readonly #coins: Coin[] = []
  #count: number | undefined
  #counting: Promise<unknown> = Promise.resolve()

  constructor(options: SmallWalletOptions) {
    this.#options = options
  }

  /** A new script to be paid at. */
  async receive(kind: ScriptKind = 'p2tr'): Promise<Uint8Array> {
    return this.#key(await this.#next(), kind).script
  }

  addCoin(coin: Coin): void {
    this.#coins.push(coin)
  }

  async coins(): Promise<readonly Coin[]> {
    return [...this.#coins]
  }

  async prove(coin: Coin, message: Uint8Array): Promise<readonly Uint8Array[]> {
    return this.#witness(toSign(this.#options.crypto, message, coin.script), 0, [{ amount: 0n, script: coin.script }])
  }

  async freshKey(): Promise<Uint8Array> {
    return this.#key(await this.#next(), 'p2tr').script.slice(2)
  }

  async changeScript(): Promise<Uint8Array> {
    return await this.receive('p2tr')
  }

  async sign({ plan, own }: MixSigningRequest): Promise<readonly (readonly Uint8Array[])[]> {
    const transaction = transactionOf(plan)
    return own.map(index => this.#witness(transaction, index, plan.inputs))
  }

  #witness(transaction: Transaction, index: number, coins: readonly { amount: bigint; script: Uint8Array }[]): Uint8Array[] {
    const coin = coins[index]!
    const key = this.#keyOf(coin.script)
    if (key.kind === 'p2tr') {
      const digest = transaction.preimageWitnessV1(index, coins.map(({ script }) => script), 0, coins.map(({ amount }) => amount))
      return [this.#options.crypto.sign(digest, key.secret, taggedHash(this.#options.crypto, 'small-wallet/aux', digest, key.secret))]
    }
    return [Uint8Array.of(...signECDSA(transaction.preimageWitnessV0(index, scriptCode(coin.script), 1, coin.amount), key.secret, true), 1), key.publicKey]
  }

  /** Written down before it is given out. */
  async #next(): Promise<number> {
    const turn = this.#counting.then(async () => {
      const { store } = this.#options
      this.#count ??= Number(new TextDecoder().decode(await store.get(COUNT_KEY) ?? new Uint8Array(0)) || '0')
      const number = this.#count++
      await store.put(COUNT_KEY, new TextEncoder().encode(String(this.#count)), { sync: true })
      return number
    })
    this.#counting = turn.catch(() => {})
    return await turn
  }

  #key(number: number, kind: ScriptKind): Key {
    const { crypto, seed } = this.#options
    const secret = taggedHash(crypto, `small-wallet/${kind}`, seed, Uint8Array.of(number >> 24, number >> 16, number >> 8, number))
    const publicKey = crypto.publicKeyOf(secret)
    if (kind === 'p2wpkh') return { kind, secret, publicKey, script: p2wpkh(publicKey).script }
    return { kind, secret: taprootTweakPrivKey(secret), publicKey, script: p2tr(publicKey.slice(1)).script }
  }

  #keyOf(script: Uint8Array): Key {
    for (let number = 0; number < Math.min(this.#count ?? 0, KEYS_MAX); number++) {
      for (const kind of ['p2tr', 'p2wpkh'] as const) {
        const key = this.#key(number, kind)
        if (equalBytes(key.script, script)) return key
      }
    }
    throw new P2PError('ERR_WALLET_NO_KEY', 'this wallet has no key for such a script')
  }
}

