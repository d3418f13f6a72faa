/**
 * Three wallets in three processes own one taproot output together, and spend it with one signature that looks like anybody's. No server, and no
 * process has another's secret. The signature is checked with a library that had no part in making it.
 *
 *     npx tsx examples/06-musig2-three-signers.ts
 */
import { schnorr } from '@noble/curves/secp256k1.js'
import { Transaction } from '@scure/btc-signer'
import { startSigners } from './06-musig2-three-signers/process.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

const { signers, keys, curve } = await startSigners(['alice', 'bob', 'carol'])
try {
  signers.forEach(({ name, pid }, at) => console.log(`${name.padEnd(5)} process ${pid}, key ${keys[at]}`))
  const [alice] = signers
  const { address, publicKey, internalKey } = await alice!.ask('aggregate', keys)
  console.log(`their address together: ${address}\n`)

  // A coin of theirs (made up here; the regtest test has a real one), and where it shall go.
  const script = bytes(`5120${publicKey}`)
  const spending = (fee: bigint): Transaction => {
    const transaction = new Transaction()
    transaction.addInput({ txid: '7f'.repeat(32), index: 0, witnessUtxo: { script, amount: 100_000n }, tapInternalKey: bytes(internalKey) })
    transaction.addOutputAddress('bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080', 100_000n - fee, { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef })
    return transaction
  }
  const transaction = spending(500n)
  const before = performance.now()
  const { signature, psbt } = await alice!.ask('sign', keys, hex(transaction.toPSBT()), 'rent for March')
  console.log(`\nsigned by all three in ${(performance.now() - before).toFixed(0)} ms (${curve} curve)`)
  console.log(`signature ${signature}`)

  // The digest from the transaction, the check by @noble/curves: neither is what the wallets used.
  const digest = transaction.preimageWitnessV1(0, [script], 0, [100_000n])
  if (!schnorr.verify(bytes(signature), digest, bytes(publicKey))) throw new Error('the signature does not verify')
  console.log('an independent library verifies it under their key: yes')
  const finished = Transaction.fromPSBT(bytes(psbt))
  finished.finalize()
  console.log(`the transaction is ready to send: ${finished.id}, ${finished.vsize} vbytes, one signature\n`)

  // A wallet that does not agree ends it for all, by name.
  await alice!.ask('sign', keys, hex(spending(9_000n).toPSBT()), 'quick, please').then(
    () => { throw new Error('nobody should have signed') },
    (error: Error) => console.log(`refused: ${error.message}`),
  )
  await Promise.all(signers.map(signer => signer.stop()))
} catch (error) {
  signers.forEach(signer => signer.kill())
  throw error
}
