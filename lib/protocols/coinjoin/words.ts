import type { PeerId } from '../../contracts/message.ts'
import { concatBytes } from '../../foundation/bytes.ts'
import { toHex } from '../../foundation/hex.ts'
import { readElements } from './field.ts'
import { counted, u8, wordHash, type Hasher } from './hashes.ts'
import { INPUTS_MAX } from './limits.ts'
import { Reader } from './reader.ts'

/** What members say in a run, in order; verdict and final offer a choice, and one choice only. */
export const PHASES = ['ke', 'cm', 'dc', 'verdict', 'final'] as const
export type Phase = (typeof PHASES)[number]
export const WORD_PHASES = { ke: 'ke', cm: 'cm', dc: 'dc', ack: 'verdict', nak: 'verdict', rv: 'final', sg: 'final' } as const
export type WordType = keyof typeof WORD_PHASES

/** One signed statement of a member in a run. */
export interface Word {
  readonly type: WordType
  /** The ephemeral key that signed it, in hex. */
  readonly author: PeerId
  /** In hex, as the slot says it. */
  readonly run: string
  readonly body: Uint8Array
  /** Of run, type and body, in hex: signing the same again changes nothing. */
  readonly hash: string
  /** The author's own signed bytes: what is shown to others. */
  readonly frame: Uint8Array
}

export function phaseOf(type: WordType): Phase {
  return WORD_PHASES[type]
}

export function isWordType(type: string): type is WordType {
  return Object.hasOwn(WORD_PHASES, type)
}

/** The slot of a word: one statement for each phase of each run. */
export function slotOf(run: string, type: WordType): string {
  return `${run}/${phaseOf(type)}`
}

/** A frame's content as a word, or null where type, slot and payload do not go together. */
export function wordOf(hasher: Hasher, message: { type: string; from: PeerId; payload: unknown; slot?: string | undefined; frame?: Uint8Array | undefined }): Word | null {
  const { type, from, payload, slot, frame } = message
  if (!isWordType(type) || !(payload instanceof Uint8Array) || slot === undefined || frame === undefined) return null
  const run = slot.slice(0, 64)
  if (!/^[0-9a-f]{64}$/.test(run) || slot !== slotOf(run, type)) return null
  const hash = toHex(wordHash(hasher, hexBytes(run), type, payload))
  return { type, author: from, run, body: payload, hash, frame }
}

/** 64 digits that are known to be hex. */
export function hexBytes(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}

export interface KeBody { readonly publicKey: Uint8Array; readonly pop: Uint8Array }
export interface CmBody { readonly prev: Uint8Array; readonly commitment: Uint8Array }
export interface DcBody { readonly prev: Uint8Array; readonly salt: Uint8Array; readonly vectorBytes: Uint8Array; readonly vector: readonly bigint[] }
export interface AckBody { readonly prev: Uint8Array; readonly txid: Uint8Array }
export interface NakBody { readonly prev: Uint8Array; readonly reason: number }
export interface RvBody { readonly prev: Uint8Array; readonly nak: Uint8Array; readonly secret: Uint8Array; readonly message: Uint8Array }
export interface SgBody { readonly prev: Uint8Array; readonly witnesses: readonly (readonly Uint8Array[])[] }

export const NAK_REASONS = { roots: 1, mine: 2, keys: 3 } as const

export const encodeKe = ({ publicKey, pop }: KeBody): Uint8Array => concatBytes(publicKey, pop)
export const encodeCm = ({ prev, commitment }: CmBody): Uint8Array => concatBytes(prev, commitment)
export const encodeDc = ({ prev, salt, vectorBytes }: Omit<DcBody, 'vector'>): Uint8Array => concatBytes(prev, salt, vectorBytes)
export const encodeAck = ({ prev, txid }: AckBody): Uint8Array => concatBytes(prev, txid)
export const encodeNak = ({ prev, reason }: NakBody): Uint8Array => concatBytes(prev, u8(reason))
export const encodeRv = ({ prev, nak, secret, message }: RvBody): Uint8Array => concatBytes(prev, nak, secret, message)
export const encodeSg = ({ prev, witnesses }: SgBody): Uint8Array =>
  concatBytes(prev, u8(witnesses.length), ...witnesses.map(items => concatBytes(u8(items.length), ...items.map(counted))))

export function readKe(body: Uint8Array): KeBody | null {
  return body.length === 97 ? { publicKey: body.subarray(0, 33), pop: body.subarray(33) } : null
}
export function readCm(body: Uint8Array): CmBody | null {
  return body.length === 64 ? { prev: body.subarray(0, 32), commitment: body.subarray(32) } : null
}
export function readDc(body: Uint8Array, count: number): DcBody | null {
  if (body.length !== 64 + 32 * count) return null
  const vectorBytes = body.subarray(64)
  const vector = readElements(vectorBytes)
  return vector && { prev: body.subarray(0, 32), salt: body.subarray(32, 64), vectorBytes, vector }
}
export function readAck(body: Uint8Array): AckBody | null {
  return body.length === 64 ? { prev: body.subarray(0, 32), txid: body.subarray(32) } : null
}
export function readNak(body: Uint8Array): NakBody | null {
  return body.length === 33 ? { prev: body.subarray(0, 32), reason: body[32]! } : null
}
export function readRv(body: Uint8Array): RvBody | null {
  if (body.length !== 128) return null
  return { prev: body.subarray(0, 32), nak: body.subarray(32, 64), secret: body.subarray(64, 96), message: body.subarray(96) }
}
export function readSg(body: Uint8Array): SgBody | null {
  const reader = new Reader(body)
  const prev = reader.take(32)
  const witnesses: Uint8Array[][] = []
  for (let left = reader.u8(); left > 0 && witnesses.length < INPUTS_MAX && !reader.hasFailed; left--) {
    const items: Uint8Array[] = []
    const count = reader.u8()
    if (count < 1 || count > 2) return null
    for (let item = 0; item < count; item++) items.push(reader.counted())
    witnesses.push(items)
  }
  return reader.isDone && witnesses.length > 0 ? { prev, witnesses } : null
}

/** The hash of the phase before that a word names; null for KE, which has none, and for a body of another shape. */
export function prevOf(word: Word): string | null {
  return word.type === 'ke' || word.body.length < 32 ? null : toHex(word.body.subarray(0, 32))
}
