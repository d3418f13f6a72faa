import { textAt } from './utf8.ts'

/** Longer texts are not names that come again. */
const KEPT_BYTES_MAX = 64

interface Kept {
  readonly bytes: Uint8Array
  readonly text: string
}

/**
 * Texts that come again with every message (names of networks, protocols, types, fields), found by
 * comparing bytes instead of being built anew. One place for each hash: strangers can push each other's
 * names out, and that is all they can do.
 */
export class TextCache {
  readonly #kept: (Kept | undefined)[]
  readonly #mask: number

  /** `places` is a power of two, and the most texts ever held. */
  constructor(places: number) {
    this.#kept = new Array<Kept | undefined>(places).fill(undefined)
    this.#mask = places - 1
  }

  /** The text of `bytes[start..end)`. Throws TypeError where it is not UTF-8. */
  read(bytes: Uint8Array, start: number, end: number): string {
    const size = end - start
    if (size === 0 || size > KEPT_BYTES_MAX) return textAt(bytes, start, end)
    const place = (Math.imul(bytes[start]!, 31) + Math.imul(bytes[end - 1]!, 7) + Math.imul(bytes[start + (size >>> 1)]!, 3) + size) & this.#mask
    const kept = this.#kept[place]
    if (kept !== undefined && sameBytes(kept.bytes, bytes, start, size)) return kept.text
    const text = textAt(bytes, start, end)
    this.#kept[place] = { bytes: bytes.slice(start, end), text }
    return text
  }
}

function sameBytes(kept: Uint8Array, bytes: Uint8Array, start: number, size: number): boolean {
  if (kept.length !== size) return false
  for (let index = 0; index < size; index++) if (kept[index] !== bytes[start + index]) return false
  return true
}
