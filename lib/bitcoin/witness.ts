import type { Transaction } from '@scure/btc-signer'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import { equalBytes } from '../foundation/bytes.ts'
import { verifyEcdsa } from '../crypto/ecdsa.ts'
import { kindOf } from './coinjoin-amounts.ts'
import { compactFromDer } from './der.ts'
import { hash160 } from '@scure/btc-signer/utils.js'

const SIGHASH_ALL = 0x01
const SIGHASH_DEFAULT = 0x00

/** A coin as its spender's signature commits to it. */
export interface SpentCoin { readonly amount: bigint; readonly script: Uint8Array }
export type WitnessCrypto = Pick<ICryptoBackend, 'sha256' | 'verify'>

/** The two digests of one input: only the one that its script asks for is made. */
export interface InputDigests { taproot(): Uint8Array; segwit(): Uint8Array }

/** The digests of any transaction's input, by the library. */
export function digestsOf(transaction: Transaction, index: number, coins: readonly SpentCoin[]): InputDigests {
  return {
    taproot: () => transaction.preimageWitnessV1(index, coins.map(({ script }) => script), SIGHASH_DEFAULT, coins.map(({ amount }) => amount)),
    segwit: () => transaction.preimageWitnessV0(index, scriptCode(coins[index]!.script), SIGHASH_ALL, coins[index]!.amount),
  }
}

/**
 * True for the one witness that we take: P2TR key path with a single 64-byte signature (DEFAULT, no annex); P2WPKH with a strict
 * DER, low-s signature under ALL, and the key that the script names.
 */
export function checkWitness({ script }: SpentCoin, digests: InputDigests, witness: readonly Uint8Array[], crypto: WitnessCrypto): boolean {
  switch (kindOf(script)) {
    case 'p2tr': {
      const [signature] = witness
      return witness.length === 1 && signature!.length === 64 && crypto.verify(signature!, digests.taproot(), script.subarray(2))
    }
    case 'p2wpkh': {
      const [signature, publicKey] = witness
      if (witness.length !== 2 || publicKey!.length !== 33 || signature![signature!.length - 1] !== SIGHASH_ALL) return false
      if (!equalBytes(hash160(publicKey!), script.subarray(2))) return false
      const compact = compactFromDer(signature!.subarray(0, -1))
      return compact !== null && verifyEcdsa(compact, digests.segwit(), publicKey!)
    }
    case null: return false
  }
}

/** BIP143: what a P2WPKH signature commits to in place of the script. */
export function scriptCode(script: Uint8Array): Uint8Array {
  return Uint8Array.of(0x76, 0xa9, 0x14, ...script.subarray(2), 0x88, 0xac)
}
