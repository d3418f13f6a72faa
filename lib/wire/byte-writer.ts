const encoder = new TextEncoder()

/** Initial types of CBOR (RFC 8949, 3.1), already in their place: the top three bits. */
export const CborType = {
  UNSIGNED: 0x00,
  NEGATIVE: 0x20,
  BYTES: 0x40,
  TEXT: 0x60,
  ARRAY: 0x80,
  MAP: 0xa0,
  TAG: 0xc0,
  SIMPLE: 0xe0,
} as const

/** Up to here a loop over ASCII beats the call into the platform's encoder. Below 256: the head is then known. */
const ASCII_LOOP_MAX = 64
const TWO_TO_32 = 4_294_967_296

/** Appends to one buffer that grows by need, so that a frame is written in one pass and copied out once. */
export class ByteWriter {
  bytes: Uint8Array
  /** Where the next byte goes; also how many were written. */
  at = 0

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
  }

  /** Makes sure that `size` more bytes fit. */
  reserve(size: number): void {
    if (this.at + size > this.bytes.length) this.#grow(this.at + size)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.at++] = value
  }

  uint16(value: number): void {
    this.reserve(2)
    this.bytes[this.at++] = value >>> 8
    this.bytes[this.at++] = value
  }

  uint32(value: number): void {
    this.reserve(4)
    this.bytes[this.at++] = value >>> 24
    this.bytes[this.at++] = value >>> 16
    this.bytes[this.at++] = value >>> 8
    this.bytes[this.at++] = value
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  /** The head of a CBOR item in its shortest form; `argument` is a whole number below 2^53. */
  head(type: number, argument: number): void {
    this.reserve(9)
    const { bytes } = this
    if (argument < 24) bytes[this.at++] = type | argument
    else if (argument < 0x100) {
      bytes[this.at++] = type | 24
      bytes[this.at++] = argument
    } else if (argument < 0x10000) {
      bytes[this.at++] = type | 25
      bytes[this.at++] = argument >>> 8
      bytes[this.at++] = argument
    } else if (argument < TWO_TO_32) {
      bytes[this.at++] = type | 26
      this.uint32(argument)
    } else {
      bytes[this.at++] = type | 27
      this.uint32(Math.floor(argument / TWO_TO_32))
      this.uint32(argument >>> 0)
    }
  }

  /** A CBOR byte string. */
  byteString(bytes: Uint8Array): void {
    this.head(CborType.BYTES, bytes.length)
    this.raw(bytes)
  }

  /** A CBOR text string. Returns its size in bytes, or -1, with nothing written, where a surrogate stands alone. */
  text(text: string): number {
    const { length } = text
    if (length > ASCII_LOOP_MAX) return this.#encodedText(text)
    this.reserve(length + 2)
    const { bytes } = this
    const start = this.at + (length < 24 ? 1 : 2)
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code > 0x7f) return this.#encodedText(text)
      bytes[start + index] = code
    }
    this.head(CborType.TEXT, length)
    this.at += length
    return length
  }

  /** A copy of everything written. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.at)
  }

  /** By the platform. Written where it ends up if it is ASCII, and moved a little if its size turns out to need a longer head. */
  #encodedText(text: string): number {
    if (!isWellFormed(text)) return -1
    this.reserve(9 + 3 * text.length)
    const guessed = this.at + headSize(text.length)
    const size = encoder.encodeInto(text, this.bytes.subarray(guessed)).written
    const start = this.at + headSize(size)
    if (start !== guessed) this.bytes.copyWithin(start, guessed, guessed + size)
    this.head(CborType.TEXT, size)
    this.at += size
    return size
  }

  #grow(size: number): void {
    const larger = new Uint8Array(Math.max(size, 2 * this.bytes.length))
    larger.set(this.bytes.subarray(0, this.at))
    this.bytes = larger
  }
}

/** How many bytes `head` takes for an argument below 2^32. */
export function headSize(argument: number): number {
  return argument < 24 ? 1 : argument < 0x100 ? 2 : argument < 0x10000 ? 3 : 5
}

/** The platform would put a replacement for half a surrogate pair, and the reader would get a text nobody wrote. */
function isWellFormed(text: string): boolean {
  // ES2024; in Node 20 and in browsers since 2023.
  const native = (text as string & { isWellFormed?: () => boolean }).isWellFormed
  return native === undefined ? !/\p{Surrogate}/u.test(text) : native.call(text)
}
