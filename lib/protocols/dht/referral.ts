import type { PeerId } from '../../contracts/message.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import { KEY_BYTES, ROW_BYTES, ROWS_MAX } from './limits.ts'

/** A node somebody names in an answer: who it is, and in which network the namer sees it. */
export interface Named {
  readonly id: PeerId
  readonly group: number
}

/** A node's row: key and group. */
export function rowOf({ id, group }: Named): Uint8Array {
  const row = new Uint8Array(ROW_BYTES)
  row.set(fromHex(id))
  new DataView(row.buffer).setUint32(KEY_BYTES, group)
  return row
}

/** Rows one after the other. */
export function joinRows(contacts: readonly { readonly row: Uint8Array }[]): Uint8Array {
  const rows = new Uint8Array(contacts.length * ROW_BYTES)
  contacts.forEach(({ row }, index) => rows.set(row, index * ROW_BYTES))
  return rows
}

/** Null for what is no whole number of rows, or too many. */
export function decodeRows(rows: Uint8Array): Named[] | null {
  if (rows.length % ROW_BYTES !== 0 || rows.length > ROWS_MAX * ROW_BYTES) return null
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength)
  return Array.from({ length: rows.length / ROW_BYTES }, (_, index) => ({
    id: toHex(rows.subarray(index * ROW_BYTES, index * ROW_BYTES + KEY_BYTES)),
    group: view.getUint32(index * ROW_BYTES + KEY_BYTES),
  }))
}

/** Ids as bytes, one after the other. */
export function encodeIds(ids: readonly PeerId[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * KEY_BYTES)
  ids.forEach((id, index) => bytes.set(fromHex(id), index * KEY_BYTES))
  return bytes
}

/** Null for what is no whole number of keys. */
export function decodeIds(bytes: Uint8Array): PeerId[] | null {
  if (bytes.length % KEY_BYTES !== 0) return null
  return Array.from({ length: bytes.length / KEY_BYTES }, (_, index) => toHex(bytes.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES)))
}
