import { Transaction } from '@scure/btc-signer'
import { startSigners } from '../../examples/06-musig2-three-signers/process.ts'
import { taprootScript } from '../../lib/bitcoin/address.ts'
import { NodeRpcError } from '../../lib/bitcoin/node-rpc.ts'
import { finishPsbt, withKeySignature } from '../../lib/bitcoin/psbt.ts'
import { fromHex, toHex } from '../../lib/foundation/hex.ts'
import type { RegtestNode } from './support/node.ts'

export const title = 'three processes spend a taproot output of their aggregate key; the node refuses the corrupted signature and mines the good one'

const AMOUNT_SATS = 250_000n
const FEE_SATS = 500n

export async function run(node: RegtestNode, say: (text: string) => void): Promise<void> {
  const { signers, keys } = await startSigners(['alice', 'bob', 'carol'])
  try {
    const [alice] = signers
    const { address, publicKey, internalKey } = await alice!.ask('aggregate', keys)
    const coin = await node.fund(address, AMOUNT_SATS)
    say(`funded ${address} with ${AMOUNT_SATS} sat in ${coin.txid}:${coin.vout}`)
    if (coin.scriptHex !== toHex(taprootScript(fromHex(publicKey)))) throw new Error('the node has another script for this address')

    const target = await node.wallet.call<string>('getnewaddress', ['', 'bech32m'])
    const { scriptPubKey } = await node.rpc.call<{ scriptPubKey: string }>('validateaddress', [target])
    const transaction = new Transaction()
    transaction.addInput({ txid: coin.txid, index: coin.vout, witnessUtxo: { script: fromHex(coin.scriptHex), amount: AMOUNT_SATS }, tapInternalKey: fromHex(internalKey) })
    transaction.addOutput({ script: fromHex(scriptPubKey), amount: AMOUNT_SATS - FEE_SATS })
    const psbt = transaction.toPSBT()
    const startedMs = performance.now()
    const { signature, psbt: signed } = await alice!.ask('sign', keys, toHex(psbt), 'regtest')
    say(`signed across processes ${signers.map(({ pid }) => pid).join(', ')} in ${(performance.now() - startedMs).toFixed(0)} ms: ${signature}`)

    const corrupted = Uint8Array.from(fromHex(signature), (byte, at) => at === 63 ? byte ^ 1 : byte)
    const refused = await node.rpc.call('sendrawtransaction', [finishPsbt(withKeySignature(psbt, 0, corrupted)).hex]).then(() => undefined, (error: unknown) => error)
    if (!(refused instanceof NodeRpcError) || !/schnorr/i.test(refused.message)) throw new Error(`the node took a corrupted signature, or refused it for something else: ${String(refused)}`)
    say(`corrupted by one bit, refused: ${refused.message}`)

    const { hex, txid } = finishPsbt(fromHex(signed))
    const sent = await node.rpc.call('sendrawtransaction', [hex])
    if (sent !== txid) throw new Error(`sent as ${sent}, expected ${txid}`)
    const [block] = await node.mine(1)
    const mined = await node.rpc.call<{ confirmations?: number; blockhash?: string; vin: { txinwitness: string[] }[] }>('getrawtransaction', [txid, true])
    if (mined.blockhash !== block || mined.vin[0]!.txinwitness.join() !== signature) throw new Error(`${txid} is not in block ${block} with this one signature: ${JSON.stringify(mined.vin)}`)
    if (await node.rpc.call('gettxout', [coin.txid, coin.vout]) !== null) throw new Error('the coin is still there')
    say(`mined in ${block}: ${txid}, a witness of one 64-byte signature`)
    await Promise.all(signers.map(signer => signer.stop()))
  } finally {
    signers.forEach(signer => signer.kill())
  }
}
