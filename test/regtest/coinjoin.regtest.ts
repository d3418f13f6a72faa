import { NodeChainSource } from '../../lib/bitcoin/chain-source-node.ts'
import { finishMix, taprootScript } from '../../lib/bitcoin/coinjoin-transaction.ts'
import type { P2PError } from '../../lib/contracts/errors.ts'
import { drawScalar } from '../../lib/crypto/draw-scalar.ts'
import { loadWasmBackend } from '../../lib/crypto/wasm.ts'
import { toHex } from '../../lib/foundation/hex.ts'
import { readSg } from '../../lib/protocols/coinjoin/words.ts'
import { Table } from '../protocols/coinjoin/support/table.ts'
import { seededRandom } from '../support/seeded-random.ts'
import type { RegtestNode } from './support/node.ts'

export const title = 'CoinJoin rounds of 3, 10 and 50: the node refuses corrupted ones, mines the good ones, and finds exactly the fee that the rules compute'

const DENOMINATION = 100_000n
const SIZES = [3, 10, 50]

export async function run(node: RegtestNode, say: (text: string) => void): Promise<void> {
  const crypto = await loadWasmBackend()
  const chain = new NodeChainSource(node.rpc)
  for (const peers of SIZES) {
    const random = seededRandom(`regtest ${peers} ${await node.rpc.call('getblockcount')}`)
    const coins = []
    for (let number = 0; number < peers; number++) {
      const secret = crypto.evenSecret(drawScalar(random))
      const script = taprootScript(crypto.publicKeyOf(secret).slice(1))
      const { address } = await node.rpc.call<{ address: string }>('decodescript', [toHex(script)])
      const amount = DENOMINATION + 5_000n + BigInt(number)
      const { txid, vout } = await node.fund(address, amount)
      const found = await chain.getTxOut(txid, vout)
      if (found?.amount !== amount || toHex(found.script) !== toHex(script) || found.confirmations < 1) throw new Error(`the chain source tells ${txid}:${vout} wrong`)
      coins.push({ txid, vout, amount, secret })
    }
    const table = new Table({ peers, crypto, seed: `regtest ${peers}`, coins })
    table.play()
    const [plan] = table.chain
    const raw = table.seats[0]!.sent[0]?.transaction
    if (plan === undefined || raw === undefined || table.seats.some(({ outcome }) => outcome?.kind !== 'mixed')) throw new Error(`the round of ${peers} did not come to its end`)

    const run = table.seats[0]!.session.run!
    const witnesses = run.transcript.words('final').map(({ body }) => readSg(body)!.witnesses)
    const corrupted = witnesses.map((own, party) => (party === 1 ? [own[0]!.map(item => item.map((byte, at) => (at === 40 ? byte ^ 1 : byte)))] : own))
    const refused = await chain.broadcast(finishMix(plan, corrupted)).then(() => undefined, (error: P2PError) => error)
    if (refused?.code !== 'ERR_CHAIN_REJECTED' || !/schnorr/i.test(refused.message)) throw new Error(`the node took a corrupted round, or refused it for something else: ${String(refused)}`)

    if (await chain.broadcast(raw) !== plan.txid) throw new Error('the node has another txid')
    const { fees, vsize } = await node.rpc.call<{ fees: { base: number }; vsize: number }>('getmempoolentry', [plan.txid])
    const fee = BigInt(Math.round(fees.base * 1e8))
    if (fee !== plan.fee) throw new Error(`the node finds a fee of ${fee} sats, the rules compute ${plan.fee}`)
    await node.mine(1)
    if (await chain.confirmationsOf(plan.txid) !== 1) throw new Error('the round is not in the block')
    if (await chain.broadcast(raw) !== plan.txid) throw new Error('sending it again is an error')
    const spent = await chain.spentBy(plan.txid)
    if (spent?.length !== peers) throw new Error(`expected ${peers} inputs, got ${spent?.length}`)
    say(`${peers} parties: ${plan.txid}, ${vsize} vB, ${fee} sats, ${(Number(fee) / vsize).toFixed(3)} sat/vB; corrupted: refused`)
  }
}
