import { Transaction } from '@scure/btc-signer'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { INPUT_WEIGHT, kindOf, settle, shareOf } from '../../lib/bitcoin/coinjoin-amounts.ts'
import { checkPartyWitnesses, finishMix, objection, planMix, settleParty, taprootScript, transactionOf, type MixParty, type MixPlan } from '../../lib/bitcoin/coinjoin-transaction.ts'
import { MemoryChain } from '../../lib/bitcoin/memory-chain.ts'
import { MixDigests } from '../../lib/bitcoin/mix-digests.ts'
import { digestsOf } from '../../lib/bitcoin/witness.ts'
import { SmallWallet } from '../../lib/bitcoin/small-wallet.ts'
import type { ScriptKind } from '../../lib/bitcoin/coinjoin-amounts.ts'
import { createNobleBackend } from '../../lib/crypto/noble.ts'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { toHex } from '../../lib/foundation/hex.ts'
import { below, seededRandom } from '../support/seeded-random.ts'

const crypto = createNobleBackend()
const D = 1_000_000n
const terms = { denomination: D, feeRate: 2 }
const P2TR = taprootScript(new Uint8Array(32).fill(1))
const P2WPKH = Uint8Array.of(0, 20, ...new Uint8Array(20).fill(2))

interface Mix { chain: MemoryChain; wallets: SmallWallet[]; parties: MixParty[]; keys: Uint8Array[]; plan: MixPlan }

/** Each peer's kinds of coins, and what they hold beyond the denomination in all. */
async function mixOf(peers: { kinds: ScriptKind[]; over: bigint; change: boolean }[], seed = 1): Promise<Mix> {
  const chain = new MemoryChain(crypto)
  const wallets: SmallWallet[] = []
  const parties: MixParty[] = []
  const keys: Uint8Array[] = []
  for (const [number, { kinds, over, change }] of peers.entries()) {
    const wallet = new SmallWallet({ seed: new Uint8Array(32).fill(number + seed), crypto, store: new MemoryStore() })
    const inputs = []
    for (const [at, kind] of kinds.entries()) inputs.push(chain.fund(await wallet.receive(kind), at === 0 ? D + over - 10_000n * BigInt(kinds.length - 1) : 10_000n))
    wallets.push(wallet)
    parties.push({ inputs, changeScript: change ? await wallet.changeScript() : null })
    keys.push(await wallet.freshKey())
  }
  return { chain, wallets, parties, keys, plan: planMix(parties, keys, terms) }
}

async function witnesses({ plan, wallets, keys }: Mix): Promise<Uint8Array[][][]> {
  return await Promise.all(wallets.map(async (wallet, party) => {
    const own = plan.inputs.flatMap((input, at) => (input.party === party ? [{ at, input: input.input }] : [])).sort((a, b) => a.input - b.input).map(({ at }) => at)
    return (await wallet.sign({ plan, own, outputKey: keys[party]! })).map(items => items.map(item => item.slice()))
  }))
}

const tx = suite('the transaction of a mix')

tx('it confirms, with exactly the fee that the shares make, above the rate asked for', async () => {
  const mix = await mixOf([{ kinds: ['p2tr'], over: 50_000n, change: true }, { kinds: ['p2wpkh'], over: 20_000n, change: true }, { kinds: ['p2tr', 'p2wpkh'], over: 5_000n, change: false }])
  const { plan, chain } = mix
  const raw = finishMix(plan, await witnesses(mix))
  assert.is(await chain.broadcast(raw), plan.txid)
  const spent = plan.inputs.reduce((sum, { amount }) => sum + amount, 0n) - plan.outputs.reduce((sum, { amount }) => sum + amount, 0n)
  assert.is(spent, plan.fee)
  assert.is(plan.fee, plan.parties.reduce((sum, { paid }) => sum + paid, 0n))
  const { vsize } = Transaction.fromRaw(raw, { disableScriptCheck: true })
  assert.ok(Number(plan.parties.reduce((sum, { share }) => sum + share, 0n)) >= 2 * vsize, `${plan.fee} sats for ${vsize} vB`)
})

tx('3, 10 and 50 parties pay 2 sats a vbyte and at most 2% more', async () => {
  for (const [peers, vsizeOf] of [[3, 426], [10, 1_378], [50, 6_845]] as const) {
    const parties = Array.from({ length: peers }, (_, number): MixParty => ({
      inputs: [{ txid: toHex(crypto.sha256(Uint8Array.of(number))), vout: 0, amount: D + 50_000n, script: taprootScript(crypto.sha256(Uint8Array.of(number, 1))) }],
      changeScript: Uint8Array.of(0, 20, ...crypto.sha256(Uint8Array.of(number, 3)).subarray(0, 20)),
    }))
    const plan = planMix(parties, parties.map((_, number) => crypto.sha256(Uint8Array.of(number, 2))), terms)
    const fakes = parties.map(() => [[new Uint8Array(64).fill(1)]])
    const { vsize } = Transaction.fromRaw(finishMix(plan, fakes), { disableScriptCheck: true, allowUnknownOutputs: true })
    const rate = Number(plan.fee) / vsize
    assert.ok(rate >= 2 && rate <= 2.04, `${peers}: ${rate} sat/vB, ${vsize} vB (${vsizeOf} measured elsewhere with other changes)`)
  }
})

tx('the order of parties and keys does not matter: all build one txid', async () => {
  const { parties, keys, plan } = await mixOf([{ kinds: ['p2tr'], over: 9_000n, change: true }, { kinds: ['p2tr'], over: 9_000n, change: true }, { kinds: ['p2wpkh'], over: 9_001n, change: true }])
  assert.is(planMix([...parties].reverse(), [...keys].reverse(), terms).txid, plan.txid)
  const ins = plan.inputs.map(({ txid, vout }) => `${txid}${vout}`)
  assert.equal(ins, [...ins].sort())
  for (let at = 1; at < plan.outputs.length; at++) {
    const [a, b] = [plan.outputs[at - 1]!, plan.outputs[at]!]
    assert.ok(a.amount < b.amount || (a.amount === b.amount && toHex(a.script) < toHex(b.script)))
  }
})

tx('change: dust goes to the fee, one that looks like the mix\'s own loses a sat, and what has none goes to the fee', () => {
  const party = (over: bigint, changeKind: ScriptKind | null): ReturnType<typeof settle> => settle({ inputs: [{ kind: 'p2tr', amount: D + over }], changeKind }, 5, 2, D)
  const share = shareOf({ inputs: [{ kind: 'p2tr', amount: 0n }], changeKind: 'p2tr' }, 5, 2)
  assert.is(share, (2n * BigInt(INPUT_WEIGHT.p2tr + 172 + 172 + 12) + 3n) / 4n)
  assert.equal(party(share + 330n, 'p2tr'), { share, change: 330n, paid: share })
  assert.equal(party(share + 329n, 'p2tr'), { share, change: 0n, paid: share + 329n })
  assert.equal(party(share + D, 'p2tr'), { share, change: D - 1n, paid: share + 1n })
  assert.is(party(share - 1n, 'p2tr'), null)
  const without = shareOf({ inputs: [{ kind: 'p2tr', amount: 0n }], changeKind: null }, 5, 2)
  assert.equal(party(without + 777n, null), { share: without, change: 0n, paid: without + 777n })
  const wpkh = shareOf({ inputs: [{ kind: 'p2tr', amount: 0n }], changeKind: 'p2wpkh' }, 5, 2)
  assert.is(party(wpkh + 294n, 'p2wpkh')!.change, 294n)
  assert.is(party(wpkh + 293n, 'p2wpkh')!.change, 0n)
})

tx('for any coins the fee adds up, and nobody gets more than was brought', () => {
  const random = seededRandom(3)
  for (let round = 0; round < 200; round++) {
    const parties = 3 + below(random, 48)
    const kinds = Array.from({ length: 1 + below(random, 3) }, (): ScriptKind => (below(random, 2) === 0 ? 'p2tr' : 'p2wpkh'))
    const changeKind = ([null, 'p2tr', 'p2wpkh'] as const)[below(random, 3)]!
    const inputs = kinds.map(kind => ({ kind, amount: D / BigInt(kinds.length) + BigInt(below(random, 100_000)) }))
    const settlement = settle({ inputs, changeKind }, parties, 1 + below(random, 50), D)
    const total = inputs.reduce((sum, { amount }) => sum + amount, 0n)
    if (settlement === null) continue
    assert.is(settlement.change + settlement.paid + D, total)
    assert.ok(settlement.paid >= settlement.share && settlement.change >= 0n && settlement.change !== D)
  }
})

tx('a witness of anybody or anything else is refused', async () => {
  const mix = await mixOf([{ kinds: ['p2tr'], over: 9_000n, change: true }, { kinds: ['p2wpkh'], over: 9_000n, change: true }, { kinds: ['p2tr'], over: 9_000n, change: true }])
  const all = await witnesses(mix)
  all.forEach((own, party) => assert.ok(checkPartyWitnesses(mix.plan, party, own, crypto)))
  assert.not.ok(checkPartyWitnesses(mix.plan, 0, all[2]!, crypto), 'another\'s')
  assert.not.ok(checkPartyWitnesses(mix.plan, 0, [], crypto), 'none')
  assert.not.ok(checkPartyWitnesses(mix.plan, 0, [...all[0]!, ...all[0]!], crypto), 'one too many')
  assert.not.ok(checkPartyWitnesses(mix.plan, 0, [[Uint8Array.of(...all[0]![0]![0]!, 1)]], crypto), 'a hash type')
  assert.not.ok(checkPartyWitnesses(mix.plan, 0, [[...all[0]![0]!, Uint8Array.of(0x50)]], crypto), 'an annex')
  const [signature, key] = all[1]![0]!
  const none = signature!.slice()
  none[none.length - 1] = 2
  assert.not.ok(checkPartyWitnesses(mix.plan, 1, [[none, key!]], crypto), 'another hash type')
  assert.ok(checkPartyWitnesses(mix.plan, 1, [[signature!, key!]], crypto))
})

tx('a wallet objects to every plan that is not as promised', async () => {
  const { plan, parties, keys } = await mixOf([{ kinds: ['p2tr'], over: 9_000n, change: true }, { kinds: ['p2tr'], over: 9_500n, change: true }, { kinds: ['p2tr'], over: 9_900n, change: true }])
  const own = { party: parties[0]!, outputKey: keys[0]!, peers: 3, terms, maxFee: 5_000n }
  assert.is(objection(plan, own), null)
  const paid = settleParty(parties[0]!, 3, terms)!.paid
  assert.is(objection(plan, { ...own, maxFee: paid }), null)
  assert.match(objection(plan, { ...own, maxFee: paid - 1n })!, /costs us/)
  assert.match(objection(plan, { ...own, outputKey: new Uint8Array(32).fill(9) })!, /our output/)
  assert.match(objection({ ...plan, inputs: plan.inputs.filter(({ party }) => party !== 0) }, own)!, /our input/)
  assert.match(objection({ ...plan, inputs: plan.inputs.map(input => (input.party === 0 ? { ...input, amount: input.amount + 1n } : input)) }, own)!, /our input/)
  const change = plan.parties[0]!.change
  assert.match(objection({ ...plan, outputs: plan.outputs.map(output => (output.amount === change ? { ...output, amount: change - 1n } : output)) }, own)!, /our change/)
  assert.match(objection({ ...plan, outputs: [...plan.outputs, { amount: 1_000n, script: P2WPKH }] }, own)!, /expected 3 outputs/)
  assert.match(objection({ ...plan, outputs: plan.outputs.map(output => (output.amount === D && toHex(output.script) !== toHex(taprootScript(keys[0]!)) ? { ...output, amount: D - 1n } : output)) }, own)!, /equal outputs/)
  assert.match(objection({ ...plan, txid: '00'.repeat(32) }, own)!, /txid/)
  assert.match(objection(plan, { ...own, peers: 4 })!, /equal outputs/)
  assert.match(objection({ ...plan, fee: plan.fee + 1n }, own)!, /fee/)
  assert.match(objection(plan, { ...own, terms: { ...terms, feeRate: 3 } })!, /our change/)
})

tx('what cannot pay, or has another script, makes no plan', () => {
  assert.throws(() => planMix([{ inputs: [{ txid: '00'.repeat(32), vout: 0, amount: 5n, script: P2TR }], changeScript: null }], [new Uint8Array(32)], terms), /does not bring/)
  assert.throws(() => planMix([], [new Uint8Array(32)], terms), /expected 0 output keys/)
  assert.is(settleParty({ inputs: [{ txid: '', vout: 0, amount: 2n * D, script: Uint8Array.of(0x6a) }], changeScript: null }, 3, terms), null)
  assert.is(settleParty({ inputs: [{ txid: '', vout: 0, amount: 2n * D, script: P2TR }], changeScript: Uint8Array.of(0x6a) }, 3, terms), null)
  assert.equal([kindOf(P2TR), kindOf(P2WPKH), kindOf(new Uint8Array(22)), kindOf(new Uint8Array(0))], ['p2tr', 'p2wpkh', null, null])
})

tx('every digest is the library\'s own', async () => {
  const { plan } = await mixOf([{ kinds: ['p2tr', 'p2wpkh'], over: 9_000n, change: true }, { kinds: ['p2wpkh'], over: 9_500n, change: false }, { kinds: ['p2tr'], over: 9_900n, change: true }])
  const digests = new MixDigests(plan, crypto)
  const transaction = transactionOf(plan)
  plan.inputs.forEach((_, index) => {
    const theirs = digestsOf(transaction, index, plan.inputs)
    assert.equal(digests.taproot(index), theirs.taproot())
    if (kindOf(plan.inputs[index]!.script) === 'p2wpkh') assert.equal(digests.segwit(index), theirs.segwit())
  })
})

tx('the chain in memory takes each coin once, checks every witness, and knows depth', async () => {
  const mix = await mixOf([{ kinds: ['p2tr'], over: 9_000n, change: true }, { kinds: ['p2tr'], over: 9_000n, change: true }, { kinds: ['p2tr'], over: 9_000n, change: true }])
  const { chain, plan, parties } = mix
  const good = await witnesses(mix)
  const bad = good.map((own, party) => (party === 1 ? [[own[0]![0]!.map((byte, at) => (at === 7 ? byte ^ 1 : byte))]] : own))
  await chain.broadcast(finishMix(plan, bad)).then(() => assert.unreachable(), (error: Error) => assert.match(error.message, /witness of input/))
  const { txid, vout } = parties[0]!.inputs[0]!
  assert.is((await chain.getTxOut(txid, vout))!.confirmations, 6)
  const raw = finishMix(plan, good)
  assert.is(await chain.broadcast(raw), plan.txid)
  assert.is(await chain.broadcast(raw), plan.txid, 'twice is no error')
  assert.is(await chain.getTxOut(txid, vout), null)
  assert.is(await chain.confirmationsOf(plan.txid), 0)
  chain.mine()
  assert.is(await chain.confirmationsOf(plan.txid), 1)
  assert.is((await chain.getTxOut(plan.txid, 0))!.confirmations, 1)
  assert.equal(await chain.spentBy(plan.txid), plan.inputs.map(input => `${input.txid}:${input.vout}`))
  const again = planMix(parties, mix.keys, { ...terms, feeRate: 3 })
  const second = { ...mix, plan: again }
  await chain.broadcast(finishMix(again, await witnesses(second))).then(() => assert.unreachable(), (error: { code: string }) => assert.is(error.code, 'ERR_CHAIN_REJECTED'))
  assert.ok(transactionOf(plan).inputsLength === 3)
})

tx.run()
