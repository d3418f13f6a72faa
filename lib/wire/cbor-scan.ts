import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import { CborType } from './byte-writer.ts'
import { isUtf8 } from './utf8.ts'

export type CborLimits = Pick<Limits, 'payloadDepthMax' | 'payloadItemsMax'>

/** Additional information (RFC 8949, 3): the argument follows in 1, 2, 4 or 8 bytes. */
const ONE_BYTE = 24
const TWO_BYTES = 25
const FOUR_BYTES = 26
const EIGHT_BYTES = 27
const SIMPLE_FALSE = 20
const SIMPLE_UNDEFINED = 23
const PROTO = [...'__proto__'].map(letter => letter.charCodeAt(0))

/**
 * Checks that `bytes[start..end)` is one CBOR value of the kind docs/wire.md, section 7 allows, without
 * building anything: lengths, depth, number of values, shortest forms, UTF-8, kinds of keys. Duplicate
 * keys alone are left to the builder. Throws ERR_WIRE_MALFORMED.
 */
export function scanCbor(bytes: Uint8Array, start: number, end: number, limits: CborLimits): void {
  const scan = new Scan(bytes, start, end, limits.payloadItemsMax)
  scan.value(limits.payloadDepthMax)
  if (scan.at !== end) scan.fail(`${end - scan.at} bytes after the value's end`)
}

class Scan {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  at: number
  itemsLeft: number

  constructor(bytes: Uint8Array, start: number, end: number, itemsMax: number) {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.at = start
    this.itemsLeft = itemsMax
  }

  value(depthLeft: number): void {
    const initial = this.initial()
    switch (initial & 0xe0) {
      case CborType.UNSIGNED:
      case CborType.NEGATIVE: this.argument(initial & 0x1f); return
      case CborType.BYTES: this.skip(this.argument(initial & 0x1f)); return
      case CborType.TEXT: return this.text(initial)
      case CborType.ARRAY: return this.array(this.argument(initial & 0x1f), depthLeft)
      case CborType.MAP: return this.map(this.argument(initial & 0x1f), depthLeft)
      case CborType.TAG: return this.fail('a tag')
      default: return this.simple(initial & 0x1f)
    }
  }

  array(count: number, depthLeft: number): void {
    this.charge(count, depthLeft)
    for (let index = 0; index < count; index++) this.value(depthLeft - 1)
  }

  map(count: number, depthLeft: number): void {
    this.charge(2 * count, depthLeft)
    for (let index = 0; index < count; index++) {
      this.key()
      this.value(depthLeft - 1)
    }
  }

  /** Before the loop that would follow: a count alone, in five bytes, may claim billions. */
  charge(items: number, depthLeft: number): void {
    if (depthLeft === 0) this.fail('nested too deep')
    this.itemsLeft -= items
    if (this.itemsLeft < 0) this.fail('too many values')
    if (items > this.end - this.at) this.fail('more values announced than bytes are left')
  }

  key(): void {
    const initial = this.initial()
    if ((initial & 0xe0) !== CborType.TEXT) this.fail('a key that is not text')
    this.text(initial)
    // As an assignment it would change what the object is, instead of what it holds.
    if (initial === (CborType.TEXT | PROTO.length) && this.endsWithProto()) this.fail('the key __proto__')
  }

  endsWithProto(): boolean {
    const start = this.at - PROTO.length
    for (let index = 0; index < PROTO.length; index++) if (this.bytes[start + index] !== PROTO[index]) return false
    return true
  }

  text(initial: number): void {
    const start = this.at
    this.skip(this.argument(initial & 0x1f))
    // The argument's own bytes come first; the text is what is left of the skipped ones.
    const size = argumentSize(initial & 0x1f)
    if (!isUtf8(this.bytes, start + size, this.at)) this.fail('a text that is not UTF-8')
  }

  simple(info: number): void {
    if (info >= SIMPLE_FALSE && info <= SIMPLE_UNDEFINED) return
    if (info < TWO_BYTES || info > EIGHT_BYTES) this.fail('a simple value that is not allowed')
    this.skip(argumentSize(info))
  }

  skip(size: number): void {
    if (size > this.end - this.at) this.fail('a length beyond the end')
    this.at += size
  }

  initial(): number {
    if (this.at === this.end) this.fail('an end in the middle of a value')
    return this.bytes[this.at++]!
  }

  /** Exact below 2^53; beyond, only good for telling that it is too much. */
  argument(info: number): number {
    if (info < ONE_BYTE) return info
    if (info > EIGHT_BYTES) this.fail('an indefinite or reserved length')
    const { bytes } = this
    const from = this.at
    this.skip(argumentSize(info))
    if (info === ONE_BYTE) return this.shortest(bytes[from]!, ONE_BYTE)
    const two = bytes[from]! * 0x100 + bytes[from + 1]!
    if (info === TWO_BYTES) return this.shortest(two, 0x100)
    const four = two * 0x10000 + bytes[from + 2]! * 0x100 + bytes[from + 3]!
    if (info === FOUR_BYTES) return this.shortest(four, 0x10000)
    const low = bytes[from + 4]! * 0x1000000 + bytes[from + 5]! * 0x10000 + bytes[from + 6]! * 0x100 + bytes[from + 7]!
    return this.shortest(four * 0x100000000 + low, 0x100000000)
  }

  shortest(argument: number, least: number): number {
    if (argument < least) this.fail('a number or length in more bytes than it needs')
    return argument
  }

  fail(what: string): never {
    throw new P2PError(ErrorCode.WIRE_MALFORMED, `CBOR: ${what}, at byte ${this.at - this.start}`)
  }
}

/** How many bytes the argument takes after the initial byte. */
function argumentSize(info: number): number {
  return info < ONE_BYTE ? 0 : 1 << (info - ONE_BYTE)
}
