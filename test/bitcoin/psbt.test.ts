import { p2tr, p2wpkh, Transaction } from '@scure/btc-signer'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { taprootAddress, taprootScript } from '../../lib/bitcoin/address.ts'
import { finishPsbt, keySpendOf, summarizePsbt, withKeySignature, withParticipants } from '../../lib/bitcoin/psbt.ts'
import { fromHex, toHex } from '../../lib/foundation/hex.ts'
import { fastBackend } from '../support/backends.ts'

const backend = await fastBackend()
const secret = new Uint8Array(32).fill(7)
const internalKey = backend.publicKeyOf(secret).slice(1)
const spent = p2tr(internalKey)
const script = taprootScript(spent.tweakedPubkey)
const TXID = 'aa'.repeat(32)

function spending(change: { sighashType?: number; amount?: bigint; input?: object } = {}): Uint8Array {
  const transaction = new Transaction()
  transaction.addInput({ txid: TXID, index: 1, witnessUtxo: { script, amount: 100_000n }, tapInternalKey: internalKey, ...change.input, ...(change.sighashType === undefined ? {} : { sighashType: change.sighashType }) })
  transaction.addOutput({ script: p2wpkh(backend.publicKeyOf(new Uint8Array(32).fill(9))).script, amount: change.amount ?? 60_000n })
  transaction.addOutput({ script, amount: 39_000n })
  return transaction.toPSBT()
}

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return `${(error as { code: string }).code} ${(error as Error).message}`
  }
  return 'nothing'
}

const psbts = suite('PSBTs')

psbts('a summary says what goes where, and what the miner gets', () => {
  const { inputs, outputs, feeSats } = summarizePsbt(spending())
  assert.equal(inputs, [{ txid: TXID, index: 1, amountSats: 100_000n, address: taprootAddress(spent.tweakedPubkey) }])
  assert.equal(outputs.map(({ amountSats, address }) => [amountSats, address!.slice(0, 4)]), [[60_000n, 'bc1q'], [39_000n, 'bc1p']])
  assert.is(feeSats, 1_000n)
})

psbts('the digest is the one that @scure/btc-signer signs, and a signature over it finishes the transaction', () => {
  const psbt = spending()
  const { digest, outputKey, internalKey: said } = keySpendOf(psbt, 0)
  assert.equal([outputKey, said], [spent.tweakedPubkey, internalKey])
  const theirs = Transaction.fromPSBT(psbt)
  theirs.signIdx(secret, 0)
  theirs.finalize()
  const [signature] = theirs.getInput(0).finalScriptWitness!
  assert.ok(backend.verify(signature!, digest, outputKey), 'their signature is over our digest')
  const finished = finishPsbt(withKeySignature(psbt, 0, signature!))
  assert.is(finished.txid, theirs.id)
  assert.is(finished.hex, theirs.hex)
})

psbts('SIGHASH_ALL is written behind the signature; types that sign less than is shown are refused', () => {
  const signature = new Uint8Array(64).fill(1)
  const all = withKeySignature(spending({ sighashType: 1 }), 0, signature)
  assert.equal(Transaction.fromPSBT(all).getInput(0).tapKeySig, Uint8Array.of(...signature, 1))
  assert.not.equal(keySpendOf(spending({ sighashType: 1 }), 0).digest, keySpendOf(spending(), 0).digest)
  for (const sighashType of [2, 3, 0x81, 0x83]) assert.match(codeOf(() => keySpendOf(spending({ sighashType }), 0)), /^ERR_BITCOIN_BAD_PSBT .*sighash type/)
})

psbts('BIP373: the signers it names come back in order', () => {
  const keys = [3, 4, 5].map(byte => backend.publicKeyOf(new Uint8Array(32).fill(byte)))
  const psbt = withParticipants(spending(), 0, backend.publicKeyOf(secret), keys)
  assert.equal(keySpendOf(psbt, 0).participants?.map(toHex), keys.map(toHex))
})

psbts('what is no PSBT, or does not say what it spends, is refused with its code', () => {
  for (const bytes of [new Uint8Array(0), Uint8Array.of(1, 2, 3), fromHex('70736274ff'), spending().subarray(0, 60), new Uint8Array(1_000).fill(255)]) assert.match(codeOf(() => summarizePsbt(bytes)), /^ERR_BITCOIN_BAD_PSBT/)
  assert.match(codeOf(() => keySpendOf(spending(), 1)), /^ERR_BITCOIN_BAD_PSBT .*one of 1 inputs/)
  assert.match(codeOf(() => keySpendOf(spending({ input: { witnessUtxo: undefined } }), 0)), /^ERR_BITCOIN_BAD_PSBT .*does not say what it spends/)
  assert.match(codeOf(() => keySpendOf(spending({ input: { witnessUtxo: { script: p2wpkh(backend.publicKeyOf(secret)).script, amount: 5n }, tapInternalKey: undefined } }), 0)), /^ERR_BITCOIN_BAD_PSBT .*taproot/)
  assert.match(codeOf(() => summarizePsbt(spending({ amount: 90_000n }))), /^ERR_BITCOIN_BAD_PSBT .*it spends 129000/)
  assert.match(codeOf(() => finishPsbt(spending())), /^ERR_BITCOIN_BAD_PSBT .*not ready/)
})

psbts('mutated bytes throw nothing but that code', () => {
  const psbt = spending()
  for (let at = 0; at < psbt.length; at++) {
    const mutated = Uint8Array.from(psbt, (byte, index) => index === at ? byte ^ 0xff : byte)
    for (const run of [() => summarizePsbt(mutated), () => keySpendOf(mutated, 0)]) {
      const said = codeOf(run)
      assert.ok(said === 'nothing' || said.startsWith('ERR_BITCOIN_BAD_PSBT'), `byte ${at}: ${said}`)
    }
  }
})

psbts.run()
