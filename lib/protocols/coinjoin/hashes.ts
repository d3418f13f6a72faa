import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { taggedHash } from '../../crypto/tagged-hash.ts'
import { concatBytes, utf8 } from '../../foundation/bytes.ts'

/** Every hash of the protocol, by PROTOCOL.md's names: BIP340 tagged hashes over fixed-width fields, so that no two inputs read alike. */

export type Hasher = Pick<ICryptoBackend, 'sha256'>

/** Big-endian. Throws RangeError for what does not fit. */
export function u8(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xff) throw new RangeError(`expected 0 to 255, got ${value}`)
  return Uint8Array.of(value)
}
export function u32(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw new RangeError(`expected a whole number below 2^32, got ${value}`)
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}
export function u64(value: number | bigint): Uint8Array {
  const big = BigInt(value)
  if (big < 0n || big >= 2n ** 64n) throw new RangeError(`expected a whole number below 2^64, got ${value}`)
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, big)
  return bytes
}
/** Bytes behind their length: a u8. */
export function counted(bytes: Uint8Array): Uint8Array {
  return concatBytes(u8(bytes.length), bytes)
}
/** A list of entries of one width behind their count: a u8. */
export function listed(entries: readonly Uint8Array[]): Uint8Array {
  return concatBytes(u8(entries.length), ...entries)
}

const hash = (hasher: Hasher, tag: string, ...fields: Uint8Array[]): Uint8Array => taggedHash(hasher, tag, ...fields)

export const paramsHash = (hasher: Hasher, encoding: Uint8Array): Uint8Array => hash(hasher, 'mix/params', encoding)
export const prId = (hasher: Hasher, idKey: Uint8Array, payloadWithoutProofs: Uint8Array): Uint8Array => hash(hasher, 'mix/pr', idKey, payloadWithoutProofs)
export const orderKey = (hasher: Hasher, epoch: number, outpoint: Uint8Array): Uint8Array => hash(hasher, 'mix/order', u64(epoch), outpoint)
export const sessionId = (hasher: Hasher, params: Uint8Array, epoch: number, prIds: readonly Uint8Array[]): Uint8Array =>
  hash(hasher, 'mix/session', params, u64(epoch), listed(prIds))
export const runId = (hasher: Hasher, session: Uint8Array, runNumber: number, idKeys: readonly Uint8Array[]): Uint8Array =>
  hash(hasher, 'mix/run', session, u8(runNumber), listed(idKeys))
export const popHash = (hasher: Hasher, run: Uint8Array, index: number, idKey: Uint8Array): Uint8Array => hash(hasher, 'mix/pop', run, u8(index), idKey)
export const commitment = (hasher: Hasher, run: Uint8Array, index: number, vector: Uint8Array, salt: Uint8Array): Uint8Array =>
  hash(hasher, 'mix/commit', run, u8(index), vector, salt)
export const wordHash = (hasher: Hasher, run: Uint8Array, type: string, body: Uint8Array): Uint8Array => hash(hasher, 'mix/word', run, counted(utf8(type)), body)
export const prevHash = (hasher: Hasher, wordHashes: readonly Uint8Array[]): Uint8Array => hash(hasher, 'mix/prev', listed(wordHashes))
