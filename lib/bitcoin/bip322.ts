import { Transaction } from '@scure/btc-signer'
import { RawTx } from '@scure/btc-signer/script.js'
import { sha256x2 } from '@scure/btc-signer/utils.js'
import { taggedHash } from '../crypto/tagged-hash.ts'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import { concatBytes } from '../foundation/bytes.ts'
import { checkWitness, digestsOf } from './witness.ts'

const TAG = 'BIP0322-signed-message'
const OP_RETURN = Uint8Array.of(0x6a)

/** BIP322: the hash of a message. */
export function messageHash(crypto: Pick<ICryptoBackend, 'sha256'>, message: Uint8Array): Uint8Array {
  return taggedHash(crypto, TAG, message)
}

/** BIP322, `to_spend`: a transaction nobody can mine, whose only output is the script that signs. */
export function toSpend(crypto: Pick<ICryptoBackend, 'sha256'>, message: Uint8Array, script: Uint8Array): Uint8Array {
  return RawTx.encode({
    version: 0, segwitFlag: false, lockTime: 0, witnesses: undefined,
    inputs: [{ txid: new Uint8Array(32), index: 0xffff_ffff, sequence: 0, finalScriptSig: concatBytes(Uint8Array.of(0x00, 0x20), messageHash(crypto, message)) }],
    outputs: [{ amount: 0n, script }],
  })
}

/** BIP322, `to_sign` of a simple signature: spends `to_spend` to nothing. */
export function toSign(crypto: Pick<ICryptoBackend, 'sha256'>, message: Uint8Array, script: Uint8Array): Transaction {
  const txid = sha256x2(toSpend(crypto, message, script)).reverse()
  const transaction = new Transaction({ version: 0, lockTime: 0, allowUnknownOutputs: true, disableScriptCheck: true })
  transaction.addInput({ txid, index: 0, sequence: 0, witnessUtxo: { amount: 0n, script } }, true)
  transaction.addOutput({ amount: 0n, script: OP_RETURN }, true)
  return transaction
}

/**
 * BIP322, verification of a simple signature: its witness (the items, not their encoding) under a P2WPKH or P2TR key-path script. The
 * P2TR signature must be of 64 bytes, with the default hash type. False for every other script.
 */
export function verifySimple(crypto: Pick<ICryptoBackend, 'sha256' | 'verify'>, message: Uint8Array, script: Uint8Array, witness: readonly Uint8Array[]): boolean {
  const coin = { amount: 0n, script }
  return checkWitness(coin, digestsOf(toSign(crypto, message, script), 0, [coin]), witness, crypto)
}
