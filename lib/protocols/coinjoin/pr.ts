import type { PeerId } from '../../contracts/message.ts'
import { concatBytes, utf8 } from '../../foundation/bytes.ts'
import { toHex } from '../../foundation/hex.ts'
import { counted, orderKey, prId, u32, u64, u8, type Hasher } from './hashes.ts'
import { INPUTS_MAX } from './limits.ts'
import type { MixParams } from './params.ts'
import { Reader } from './reader.ts'
import { hexBytes } from './words.ts'

/** One coin that a peer brings, and its owner's BIP322 proof. */
export interface PrInput {
  /** As shown: 64 hex digits. */
  readonly txid: string
  readonly vout: number
  /** Sats. */
  readonly amount: bigint
  readonly script: Uint8Array
  /** The witness of a BIP322 simple signature over `proofText`. */
  readonly proof: readonly Uint8Array[]
}

/** What a peer asks for to take part: signed by the round's own key. */
export interface PrBody {
  readonly paramsHash: Uint8Array
  readonly epoch: number
  readonly inputs: readonly PrInput[]
  readonly changeScript: Uint8Array | null
  /** The signed address record of the round's identity, so that members can reach each other. */
  readonly record: Uint8Array
}

export interface Pr extends PrBody {
  readonly author: PeerId
  /** prId in hex. */
  readonly id: string
  readonly frame: Uint8Array
}

export const PR_TYPE = 'pr'
const RECORD_BYTES_MAX = 2_048

export function outpointOf({ txid, vout }: { readonly txid: string; readonly vout: number }): string {
  return `${txid}:${vout}`
}

/** What the proof of an input signs: it ties the coin to this round, this epoch and this key. */
export function proofText(params: MixParams, paramsHashHex: string, epoch: number, idKey: PeerId, input: { readonly txid: string; readonly vout: number }): string {
  return `p2p-mix/1|${params.network}|${paramsHashHex}|${epoch}|${idKey}|${outpointOf(input)}`
}

/** One for each identity and epoch. */
export function prSlot(epoch: number): string {
  return `pr/${epoch}`
}

function encodeHead({ paramsHash, epoch, inputs, changeScript, record }: PrBody): Uint8Array {
  return concatBytes(
    paramsHash, u64(epoch), u8(inputs.length),
    ...inputs.map(({ txid, vout, amount, script }) => concatBytes(hexBytes(txid), u32(vout), u64(amount), counted(script))),
    counted(changeScript ?? new Uint8Array(0)), Uint8Array.of(record.length >> 8, record.length & 0xff), record,
  )
}

export function encodePr(body: PrBody): Uint8Array {
  return concatBytes(encodeHead(body), ...body.inputs.map(({ proof }) => concatBytes(u8(proof.length), ...proof.map(counted))))
}

/** A frame's content as a PR, or null where it is none. Nothing is checked against chain or params. */
export function prOf(hasher: Hasher, message: { type: string; from: PeerId; payload: unknown; slot?: string | undefined; frame?: Uint8Array | undefined }): Pr | null {
  const { type, from, payload, slot, frame } = message
  if (type !== PR_TYPE || !(payload instanceof Uint8Array) || frame === undefined) return null
  const body = readPr(payload)
  if (body === null || slot !== prSlot(body.epoch)) return null
  return { ...body, author: from, frame, id: toHex(prId(hasher, hexBytes(from), encodeHead(body))) }
}

function readPr(bytes: Uint8Array): PrBody | null {
  const reader = new Reader(bytes)
  const paramsHash = reader.take(32)
  const epoch = Number(reader.u64())
  const count = reader.u8()
  if (count < 1 || count > INPUTS_MAX || !Number.isSafeInteger(epoch)) return null
  const coins = Array.from({ length: count }, () => ({ txid: toHex(reader.take(32)), vout: reader.u32(), amount: reader.u64(), script: reader.counted() }))
  const change = reader.counted()
  const recordLength = reader.u16()
  if (recordLength > RECORD_BYTES_MAX || reader.hasFailed) return null
  const record = reader.take(recordLength)
  const inputs: PrInput[] = []
  for (const coin of coins) {
    const items = reader.u8()
    if (items < 1 || items > 2 || reader.hasFailed) return null
    inputs.push({ ...coin, proof: Array.from({ length: items }, () => reader.counted()) })
  }
  return reader.isDone ? { paramsHash, epoch, inputs, changeScript: change.length === 0 ? null : change, record } : null
}

/** The bytes by which PRs are ordered: of the smallest outpoint, as txid (shown order) and big-endian vout. */
export function orderOf(hasher: Hasher, { epoch, inputs }: PrBody): Uint8Array {
  const smallest = inputs.map(({ txid, vout }) => txid + toHex(u32(vout))).sort()[0]!
  return orderKey(hasher, epoch, hexBytes(smallest))
}

/** The texts a wallet signs are plain UTF-8. */
export function proofBytes(...args: Parameters<typeof proofText>): Uint8Array {
  return utf8(proofText(...args))
}
