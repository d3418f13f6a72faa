import { ErrorCode, P2PError } from '../contracts/errors.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { CborType } from './byte-writer.ts'
import { scanCbor, type CborLimits } from './cbor-scan.ts'
import { borrowWriter, returnWriter } from './cbor-writer.ts'
import { plainBytes } from './plain-bytes.ts'
import { TextCache } from './text-cache.ts'
import { textAt } from './utf8.ts'

/**
 * One value as CBOR: null, undefined, booleans, numbers, bigints of up to 64 bits, text, Uint8Array, arrays,
 * plain objects, and Maps with text keys. Throws ERR_WIRE_UNENCODABLE, which names the place, for anything else.
 */
export function encodeCbor(value: unknown, limits: CborLimits = DEFAULT_LIMITS): Uint8Array {
  const writer = borrowWriter()
  try {
    writer.value(value, limits)
    return writer.take()
  } finally {
    returnWriter(writer)
  }
}

/**
 * The value of CBOR bytes from outside: docs/wire.md, section 7. Maps become plain objects; integers that
 * a number cannot hold exactly become bigints; byte strings are copies. Throws ERR_WIRE_MALFORMED.
 */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits = DEFAULT_LIMITS): unknown {
  return decodeCborAt(plainBytes(bytes), 0, bytes.length, limits)
}

/** The same for `bytes[start..end)` of a plain Uint8Array, without a view being made. */
export function decodeCborAt(bytes: Uint8Array, start: number, end: number, limits: CborLimits): unknown {
  scanCbor(bytes, start, end, limits)
  return new Builder(bytes, start).value()
}

/** Keys come again with every message of a type. */
const keys = new TextCache(256)

const floatBytes = new Uint8Array(8)
const float = new DataView(floatBytes.buffer)

/** Builds the value of bytes that `scanCbor` has accepted, so nothing is checked again but duplicate keys. */
class Builder {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  value(): unknown {
    const initial = this.#bytes[this.#at++]!
    const info = initial & 0x1f
    switch (initial & 0xe0) {
      case CborType.UNSIGNED: return this.#integer(info)
      case CborType.NEGATIVE: return negative(this.#integer(info))
      case CborType.BYTES: return this.#byteString(this.#argument(info))
      case CborType.TEXT: return this.#text(this.#argument(info))
      case CborType.ARRAY: return this.#array(this.#argument(info))
      case CborType.MAP: return this.#map(this.#argument(info))
      default: return this.#simple(info)
    }
  }

  /**
   * A copy: what a handler does to its payload must not change the frame that is kept as evidence, and a
   * key of 32 bytes that somebody keeps must not hold the 64 KiB it arrived in.
   */
  #byteString(size: number): Uint8Array {
    return this.#bytes.slice(this.#at, this.#at += size)
  }

  #text(size: number): string {
    return textAt(this.#bytes, this.#at, this.#at += size)
  }

  #array(count: number): unknown[] {
    const values: unknown[] = []
    for (let index = 0; index < count; index++) values.push(this.value())
    return values
  }

  #map(count: number): Record<string, unknown> {
    const fields: Record<string, unknown> = {}
    for (let index = 0; index < count; index++) {
      const size = this.#argument(this.#bytes[this.#at++]! & 0x1f)
      const key = keys.read(this.#bytes, this.#at, this.#at += size)
      if (Object.hasOwn(fields, key)) throw new P2PError(ErrorCode.WIRE_MALFORMED, `CBOR: the key ${JSON.stringify(key)} twice in one map`)
      fields[key] = this.value()
    }
    return fields
  }

  #argument(info: number): number {
    if (info < 24) return info
    const size = 1 << (info - 24)
    let argument = 0
    for (let index = 0; index < size; index++) argument = argument * 256 + this.#bytes[this.#at++]!
    return argument
  }

  #integer(info: number): number | bigint {
    if (info < 27) return this.#argument(info)
    const high = this.#argument(26)
    const low = this.#argument(26)
    // 2^21 is the high half of 2^53.
    return high < 0x200000 ? high * 0x100000000 + low : (BigInt(high) << 32n) | BigInt(low)
  }

  #simple(info: number): boolean | null | undefined | number {
    switch (info) {
      case 20: return false
      case 21: return true
      case 22: return null
      case 23: return undefined
      default: return this.#float(1 << (info - 24))
    }
  }

  #float(size: number): number {
    for (let index = 0; index < size; index++) floatBytes[index] = this.#bytes[this.#at++]!
    if (size === 8) return float.getFloat64(0)
    return size === 4 ? float.getFloat32(0) : halfFloat(float.getUint16(0))
  }
}

function negative(argument: number | bigint): number | bigint {
  if (typeof argument === 'bigint') return -1n - argument
  // One below the least number that is exact: -2^53.
  return argument === Number.MAX_SAFE_INTEGER ? -1n - BigInt(argument) : -1 - argument
}

/** RFC 8949, appendix D. */
function halfFloat(half: number): number {
  const exponent = (half >> 10) & 0x1f
  const mantissa = half & 0x3ff
  const sign = half & 0x8000 ? -1 : 1
  if (exponent === 0) return sign * mantissa * 2 ** -24
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN
  return sign * (mantissa + 1024) * 2 ** (exponent - 25)
}
