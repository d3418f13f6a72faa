import { fromUtf8 } from '../foundation/bytes.ts'

/** Whether `bytes[start..end)` is UTF-8: RFC 3629, so no overlong forms, surrogates, or points beyond U+10FFFF. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    if (bytes[at]! < 0x80) at++
    else {
      const size = sequenceSize(bytes, at, end)
      if (size === 0) return false
      at += size
    }
  }
  return true
}

/** The size of the sequence of two to four bytes that begins here, by the table of RFC 3629, section 4; 0 where none does. */
function sequenceSize(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!
  const size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  if (first < 0xc2 || first > 0xf4 || at + size > end) return 0
  const second = bytes[at + 1]!
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < least || second > most) return 0
  for (let index = at + 2; index < at + size; index++) if ((bytes[index]! & 0xc0) !== 0x80) return 0
  return size
}

/** Longer texts are read faster by the platform's decoder. */
const LOOP_BYTES_MAX = 32

/** The text of `bytes[start..end)`. Throws TypeError where it is not UTF-8. */
export function textAt(bytes: Uint8Array, start: number, end: number): string {
  const text = end - start <= LOOP_BYTES_MAX ? asciiAt(bytes, start, end) : undefined
  return text ?? fromUtf8(bytes.subarray(start, end))
}

/** Eight letters a step, then one: each call makes a string, and eight cost little more than one. */
function asciiAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  let at = start
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at]!, b = bytes[at + 1]!, c = bytes[at + 2]!, d = bytes[at + 3]!
    const e = bytes[at + 4]!, f = bytes[at + 5]!, g = bytes[at + 6]!, h = bytes[at + 7]!
    if ((a | b | c | d | e | f | g | h) > 0x7f) return undefined
    text += String.fromCharCode(a, b, c, d, e, f, g, h)
  }
  for (; at < end; at++) {
    if (bytes[at]! > 0x7f) return undefined
    text += String.fromCharCode(bytes[at]!)
  }
  return text
}
