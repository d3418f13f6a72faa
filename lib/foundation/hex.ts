/** Character codes of the two digits of each byte. */
const DIGIT_CODES = Uint8Array.from({ length: 512 }, (_, index) => ((index >> 1) >> (index % 2 === 0 ? 4 : 0) & 15).toString(16).charCodeAt(0))
/** Engines take some tens of thousands of arguments. */
const BYTES_AT_ONCE = 4_096

/** Two lower-case digits a byte. Made in one piece: text put together bit by bit is kept as a tree of its parts. */
export function toHex(bytes: Uint8Array): string {
  if (bytes.length > BYTES_AT_ONCE) return toHex(bytes.subarray(0, BYTES_AT_ONCE)) + toHex(bytes.subarray(BYTES_AT_ONCE))
  const codes = new Array<number>(2 * bytes.length)
  for (let index = 0; index < bytes.length; index++) {
    const at = 2 * bytes[index]!
    codes[2 * index] = DIGIT_CODES[at]!
    codes[2 * index + 1] = DIGIT_CODES[at + 1]!
  }
  return String.fromCharCode(...codes)
}

/** The bytes of an even number of hex digits, either case. Throws RangeError otherwise. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || /[^0-9a-f]/i.test(text)) {
    throw new RangeError(`expected an even number of hex digits, got ${JSON.stringify(text.slice(0, 80))}`)
  }
  const bytes = new Uint8Array(text.length / 2)
  for (let index = 0; index < bytes.length; index++) bytes[index] = Number.parseInt(text.slice(2 * index, 2 * index + 2), 16)
  return bytes
}
