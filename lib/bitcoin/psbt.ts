import { Transaction } from '@scure/btc-signer'
import { P2PError } from '../contracts/errors.ts'
import { equalBytes } from '../foundation/bytes.ts'
import { textOf } from '../foundation/error-text.ts'
import { toHex } from '../foundation/hex.ts'
import { addressOfScript, outputKeyOf, type BitcoinNetwork } from './address.ts'

/** Where coins come from and go, for a person to look at. Amounts in satoshis. */
export interface PsbtSummary {
  readonly inputs: readonly { txid: string; index: number; amountSats: bigint; address: string | null }[]
  readonly outputs: readonly { amountSats: bigint; address: string | null; scriptHex: string }[]
  readonly feeSats: bigint
}

/** What signing one taproot input by its key takes. */
export interface KeySpend {
  /** BIP341's digest, 32 bytes, computed from the PSBT here. */
  readonly digest: Uint8Array
  /** x-only, as the PSBT says; the output key below is what counts. */
  readonly internalKey: Uint8Array | undefined
  readonly merkleRoot: Uint8Array | undefined
  /** Of the output that is spent, from its script. */
  readonly outputKey: Uint8Array
  readonly sighashType: number
  /** BIP373: keys of the signers, as the PSBT says; undefined where it does not. */
  readonly participants: readonly Uint8Array[] | undefined
}

const SIGHASH_DEFAULT = 0
const SIGHASH_ALL = 1
/** Inputs and outputs of a PSBT that somebody sent: more than a block takes. */
const PARTS_MAX = 10_000
const TOLERANT = { allowUnknownOutputs: true, allowUnknownInputs: true, disableScriptCheck: true } as const

/** Reads a PSBT (BIP174 or BIP370). Throws ERR_BITCOIN_BAD_PSBT for what is none. */
function read(psbt: Uint8Array): Transaction {
  try {
    const transaction = Transaction.fromPSBT(psbt, TOLERANT)
    if (transaction.inputsLength === 0 || transaction.inputsLength + transaction.outputsLength > PARTS_MAX) throw new RangeError(`it has ${transaction.inputsLength} inputs and ${transaction.outputsLength} outputs`)
    return transaction
  } catch (cause) {
    throw bad(`expected a PSBT: ${textOf(cause)}`, cause)
  }
}

/** What a PSBT does with whose coins. Throws ERR_BITCOIN_BAD_PSBT for one that does not say what it spends. */
export function summarizePsbt(psbt: Uint8Array, network: BitcoinNetwork = 'bitcoin'): PsbtSummary {
  const transaction = read(psbt)
  const inputs = spent(transaction).map(({ script, amount }, at) => {
    const { txid, index } = transaction.getInput(at)
    return { txid: toHex(txid!), index: index!, amountSats: amount, address: addressOfScript(script, network) }
  })
  const outputs = Array.from({ length: transaction.outputsLength }, (_, at) => {
    const { amount, script } = transaction.getOutput(at)
    if (amount === undefined || script === undefined) throw bad(`output ${at} has no amount or no script`)
    return { amountSats: amount, address: addressOfScript(script, network), scriptHex: toHex(script) }
  })
  const sum = (parts: readonly { amountSats: bigint }[]): bigint => parts.reduce((total, { amountSats }) => total + amountSats, 0n)
  const feeSats = sum(inputs) - sum(outputs)
  if (feeSats < 0n) throw bad(`it spends ${sum(outputs)} satoshis of ${sum(inputs)}`)
  return { inputs, outputs, feeSats }
}

/**
 * The digest of a taproot input spent by its key (BIP341, SIGHASH_DEFAULT or ALL), over all inputs and outputs. Throws ERR_BITCOIN_BAD_PSBT where the PSBT does
 * not say what every input spends, where the input is no taproot output, or for another sighash type: it would sign less than is shown.
 */
export function keySpendOf(psbt: Uint8Array, inputIndex: number): KeySpend {
  const transaction = read(psbt)
  if (!(inputIndex >= 0 && inputIndex < transaction.inputsLength)) throw bad(`expected the index of one of ${transaction.inputsLength} inputs, got ${inputIndex}`)
  const outputs = spent(transaction)
  const outputKey = outputKeyOf(outputs[inputIndex]!.script)
  if (outputKey === null) throw bad(`input ${inputIndex} does not spend a taproot output`)
  const { tapInternalKey: internalKey, tapMerkleRoot: merkleRoot, sighashType = SIGHASH_DEFAULT, musig2ParticipantPubkeys: groups } = transaction.getInput(inputIndex)
  if (sighashType !== SIGHASH_DEFAULT && sighashType !== SIGHASH_ALL) throw bad(`input ${inputIndex} asks for sighash type ${sighashType}; only DEFAULT and ALL sign everything that is shown`)
  const digest = transaction.preimageWitnessV1(inputIndex, outputs.map(({ script }) => script), sighashType, outputs.map(({ amount }) => amount))
  return { digest, internalKey, merkleRoot, outputKey, sighashType, participants: groups?.[0]?.[1] }
}

/** A copy of the PSBT with a signature of its input's output key (64 bytes). Throws ERR_BITCOIN_BAD_PSBT. */
export function withKeySignature(psbt: Uint8Array, inputIndex: number, signature: Uint8Array): Uint8Array {
  const { sighashType } = keySpendOf(psbt, inputIndex)
  const transaction = read(psbt)
  const tapKeySig = sighashType === SIGHASH_DEFAULT ? signature : Uint8Array.of(...signature, sighashType)
  transaction.updateInput(inputIndex, { tapKeySig }, true)
  return transaction.toPSBT()
}

/** BIP373: a copy of the PSBT that names the signers of an input's aggregate key (33 bytes), in the order of aggregation. */
export function withParticipants(psbt: Uint8Array, inputIndex: number, aggregateKey: Uint8Array, keys: readonly Uint8Array[]): Uint8Array {
  const transaction = read(psbt)
  transaction.updateInput(inputIndex, { musig2ParticipantPubkeys: [[aggregateKey, [...keys]]] }, true)
  return transaction.toPSBT()
}

/** The finished transaction of a PSBT in which every input is signed. Throws ERR_BITCOIN_BAD_PSBT while one is not. */
export function finishPsbt(psbt: Uint8Array): { bytes: Uint8Array; hex: string; txid: string } {
  const transaction = read(psbt)
  try {
    transaction.finalize()
    const bytes = transaction.extract()
    return { bytes, hex: toHex(bytes), txid: transaction.id }
  } catch (cause) {
    throw bad(`it is not ready: ${textOf(cause)}`, cause)
  }
}

/** What every input spends, which BIP341 has each signature commit to. */
function spent(transaction: Transaction): { script: Uint8Array; amount: bigint }[] {
  return Array.from({ length: transaction.inputsLength }, (_, at) => {
    const { witnessUtxo, nonWitnessUtxo, index } = transaction.getInput(at)
    const output = witnessUtxo ?? nonWitnessUtxo?.outputs[index ?? -1]
    if (output?.script === undefined || output.amount === undefined) throw bad(`input ${at} does not say what it spends`)
    return { script: output.script, amount: output.amount }
  })
}

/** True where the PSBT names its signers and they are others than these. */
export function namesOtherSigners({ participants }: KeySpend, keys: readonly Uint8Array[]): boolean {
  return participants !== undefined && (participants.length !== keys.length || participants.some((key, at) => !equalBytes(key, keys[at]!)))
}

function bad(text: string, cause?: unknown): P2PError {
  return new P2PError('ERR_BITCOIN_BAD_PSBT', text, { cause })
}
