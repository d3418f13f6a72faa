import { Transaction } from '@scure/btc-signer'
import { sha256x2 } from '@scure/btc-signer/utils.js'
import { compareBytes } from '../foundation/bytes.ts'
import { fromHex, toHex } from '../foundation/hex.ts'
import { kindOf, settle, type Party, type ScriptKind, type Settlement } from './coinjoin-amounts.ts'
import { MixDigests } from './mix-digests.ts'
import { checkWitness, type WitnessCrypto } from './witness.ts'

/** BIP125: replaceable, and without a relative locktime. */
const SEQUENCE = 0xffff_fffd
const VERSION = 2

export interface MixInput {
  /** As shown: 64 hex digits. */
  readonly txid: string
  readonly vout: number
  /** Sats. */
  readonly amount: bigint
  readonly script: Uint8Array
}

/** What one peer brings. */
export interface MixParty {
  readonly inputs: readonly MixInput[]
  readonly changeScript: Uint8Array | null
}

/** What all have agreed on: sats, and whole sats a vbyte. */
export interface MixTerms { readonly denomination: bigint; readonly feeRate: number }

export interface MixOutput { readonly amount: bigint; readonly script: Uint8Array }

/** The one transaction that follows from parties, keys and terms. */
export interface MixPlan {
  /** As shown. */
  readonly txid: string
  /** In the transaction's order, each with whose it is: the party's index, and which of its inputs. */
  readonly inputs: readonly (MixInput & { readonly party: number; readonly input: number })[]
  readonly outputs: readonly MixOutput[]
  /** Sats. */
  readonly fee: bigint
  readonly parties: readonly Settlement[]
  /** Without witnesses. */
  readonly unsigned: Uint8Array
}

/** BIP86 output script of an x-only key. */
export function taprootScript(key: Uint8Array): Uint8Array {
  return Uint8Array.of(0x51, 0x20, ...key)
}

/** What a party pays and gets back; null where a script is not one of ours, or the inputs do not reach. */
export function settleParty({ inputs, changeScript }: MixParty, parties: number, { denomination, feeRate }: MixTerms): Settlement | null {
  const kinds = inputs.map(({ script }) => kindOf(script))
  const changeKind = changeScript === null ? null : kindOf(changeScript)
  if (kinds.includes(null) || (changeScript !== null && changeKind === null)) return null
  const party: Party = { inputs: inputs.map(({ amount }, index) => ({ amount, kind: kinds[index] as ScriptKind })), changeKind }
  return settle(party, parties, feeRate, denomination)
}

/**
 * Inputs by txid as shown, then index; the equal outputs and the changes by amount, then script (BIP69). There is no choice in it, so that
 * all peers get the same txid. Throws RangeError where there is not one key for each party, or a party cannot pay.
 */
export function planMix(parties: readonly MixParty[], keys: readonly Uint8Array[], terms: MixTerms): MixPlan {
  if (keys.length !== parties.length) throw new RangeError(`expected ${parties.length} output keys, one for each party, got ${keys.length}`)
  const settlements = parties.map((party, index) => {
    const settlement = settleParty(party, parties.length, terms)
    if (settlement === null) throw new RangeError(`party ${index} does not bring ${terms.denomination} sats and its share of the fee in P2TR or P2WPKH coins`)
    return settlement
  })
  const inputs = parties.flatMap((party, index) => party.inputs.map((input, at) => ({ ...input, party: index, input: at })))
    .sort((a, b) => (a.txid === b.txid ? a.vout - b.vout : a.txid < b.txid ? -1 : 1))
  const changes = parties.flatMap(({ changeScript }, index) => changeScript === null || settlements[index]!.change === 0n ? [] : [{ amount: settlements[index]!.change, script: changeScript }])
  const outputs = [...keys.map(key => ({ amount: terms.denomination, script: taprootScript(key) })), ...changes]
    .sort((a, b) => (a.amount === b.amount ? compareBytes(a.script, b.script) : a.amount < b.amount ? -1 : 1))
  const unsigned = transactionOf({ inputs, outputs }).unsignedTx
  return {
    txid: toHex(sha256x2(unsigned).reverse()), inputs, outputs, unsigned, parties: settlements,
    fee: settlements.reduce((sum, { paid }) => sum + paid, 0n),
  }
}

/** The transaction with what its signatures commit to. */
export function transactionOf({ inputs, outputs }: Pick<MixPlan, 'inputs' | 'outputs'>): Transaction {
  const transaction = new Transaction({ version: VERSION, lockTime: 0, allowUnknownOutputs: true, disableScriptCheck: true })
  for (const { txid, vout, amount, script } of inputs) transaction.addInput({ txid: fromHex(txid), index: vout, sequence: SEQUENCE, witnessUtxo: { amount, script } }, true)
  for (const output of outputs) transaction.addOutput(output, true)
  return transaction
}

/** Made once for each plan: they are asked for with every witness that comes. */
const digests = new WeakMap<MixPlan, MixDigests>()

function digestsFor(plan: MixPlan, crypto: WitnessCrypto): MixDigests {
  let made = digests.get(plan)
  if (made === undefined) digests.set(plan, made = new MixDigests(plan, crypto))
  return made
}

/** True where a party's witnesses, one for each of its inputs in its own order, are what the network and the round's rules take. */
export function checkPartyWitnesses(plan: MixPlan, party: number, witnesses: readonly (readonly Uint8Array[])[], crypto: WitnessCrypto): boolean {
  const own = plan.inputs.flatMap((input, index) => (input.party === party ? [{ index, input: input.input }] : []))
  const made = digestsFor(plan, crypto)
  return own.length === witnesses.length && own.every(({ index, input }) =>
    checkWitness(plan.inputs[index]!, { taproot: () => made.taproot(index), segwit: () => made.segwit(index) }, witnesses[input]!, crypto))
}

/** The whole transaction, from the witnesses of each party. */
export function finishMix(plan: MixPlan, witnesses: readonly (readonly (readonly Uint8Array[])[])[]): Uint8Array {
  const transaction = transactionOf(plan)
  plan.inputs.forEach(({ party, input }, index) => {
    transaction.updateInput(index, { finalScriptWitness: [...witnesses[party]![input]!] }, true)
  })
  return transaction.extract()
}

/** What a wallet says about a transaction it is to sign, beyond the txid: see `objection`. */
export interface OwnView {
  readonly party: MixParty
  readonly outputKey: Uint8Array
  readonly peers: number
  readonly terms: MixTerms
  /** The most that this party will lose, in sats. */
  readonly maxFee: bigint
}

/**
 * What is wrong with a plan for one party, judged from nothing but what that party itself knows; null where all is as promised. A
 * wallet signs only then, whoever built the plan.
 */
export function objection(plan: MixPlan, { party, outputKey, peers, terms, maxFee }: OwnView): string | null {
  for (const { txid, vout, amount, script } of party.inputs) {
    const found = plan.inputs.filter(input => input.txid === txid && input.vout === vout)
    if (found.length !== 1 || found[0]!.amount !== amount || compareBytes(found[0]!.script, script) !== 0) return `our input ${txid}:${vout} is not in it once, as it is`
  }
  const mine = taprootScript(outputKey)
  const { denomination } = terms
  if (plan.outputs.filter(({ amount, script }) => amount === denomination && compareBytes(script, mine) === 0).length !== 1) return `our output of ${denomination} sats is not in it once`
  if (plan.outputs.filter(({ amount, script }) => amount === denomination && kindOf(script) === 'p2tr').length < peers) return `fewer than ${peers} equal outputs`
  const settlement = settleParty(party, peers, terms)
  if (settlement === null) return 'our inputs do not reach'
  if (settlement.paid > maxFee) return `it costs us ${settlement.paid} sats, more than the ${maxFee} allowed`
  if (party.changeScript !== null && settlement.change > 0n) {
    const change = plan.outputs.filter(({ amount, script }) => amount === settlement.change && compareBytes(script, party.changeScript!) === 0)
    if (change.length !== 1) return `our change of ${settlement.change} sats is not in it once`
  }
  const changes = plan.parties.filter(({ change }) => change > 0n).length
  if (plan.parties.length !== peers || plan.outputs.length !== peers + changes) return `expected ${peers} outputs and ${changes} changes, got ${plan.outputs.length}`
  const spent = plan.inputs.reduce((sum, { amount }) => sum + amount, 0n) - plan.outputs.reduce((sum, { amount }) => sum + amount, 0n)
  if (spent !== plan.fee || plan.fee !== plan.parties.reduce((sum, { paid }) => sum + paid, 0n)) return `expected a fee of ${plan.fee} sats, got ${spent}`
  if (toHex(sha256x2(transactionOf(plan).unsignedTx).reverse()) !== plan.txid) return 'its txid is another'
  return null
}
