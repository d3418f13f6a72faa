import { ascii, concat, readUint, uint } from './bytes.ts'

/** CBOR as docs/wire.md, section 7 has it: written and read strictly, and with a way to write it wrongly. */

/** Bytes that stand in for a value as they are. */
export class Raw {
  readonly bytes: Uint8Array

  constructor(...bytes: (number | Uint8Array)[]) {
    this.bytes = concat(...bytes.map(each => (typeof each === 'number' ? Uint8Array.of(each) : each)))
  }
}

const TAIL_SIZES = [1, 2, 4, 8] as const

/** Initial byte and argument in the shortest form. */
export function head(major: number, argument: number | bigint): Uint8Array {
  const value = BigInt(argument)
  if (value < 24n) return Uint8Array.of((major << 5) | Number(value))
  const place = TAIL_SIZES.findIndex(size => value < 1n << BigInt(8 * size))
  return longHead(major, value, place)
}

/** The same with the argument in 1, 2, 4 or 8 bytes (`place` 0 to 3), whether it needs them or not. */
export function longHead(major: number, argument: number | bigint, place: number): Uint8Array {
  return concat(Uint8Array.of((major << 5) | (24 + place)), uint(argument, TAIL_SIZES[place]!))
}

export function encode(value: unknown): Uint8Array {
  if (value instanceof Raw) return value.bytes
  if (value === false) return Uint8Array.of(0xf4)
  if (value === true) return Uint8Array.of(0xf5)
  if (value === null) return Uint8Array.of(0xf6)
  if (value === undefined) return Uint8Array.of(0xf7)
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0))) {
    const whole = BigInt(value)
    return whole < 0n ? head(1, -1n - whole) : head(0, whole)
  }
  if (typeof value === 'number') return concat(Uint8Array.of(0xfb), float64(value))
  if (typeof value === 'string') return text(ascii(value))
  if (value instanceof Uint8Array) return concat(head(2, value.length), value)
  if (Array.isArray(value)) return concat(head(4, value.length), ...value.map(encode))
  if (typeof value !== 'object') throw new TypeError(`no CBOR for a ${typeof value}`)
  const entries = Object.entries(value as Record<string, unknown>)
  return concat(head(5, entries.length), ...entries.flatMap(([key, item]) => [encode(key), encode(item)]))
}

/** A text string of these bytes, UTF-8 or not. */
export function text(bytes: Uint8Array): Uint8Array {
  return concat(head(3, bytes.length), bytes)
}

function float64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value)
  return bytes
}

/** What a receiver refuses. */
export class CborError extends Error {}

const DEPTH_MAX = 16
const VALUES_MAX = 16_384
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The one value these bytes are. Throws CborError where section 7 refuses them. */
export function decode(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  if (reader.at !== bytes.length) throw new CborError('bytes after the end')
  return value
}

class Reader {
  at = 0
  #values = 0
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  value(depth: number): unknown {
    const initial = this.#take(1)[0]!
    const major = initial >> 5
    const info = initial & 31
    if (major === 7) return this.#simple(info)
    if (major === 6) throw new CborError('a tag')
    const argument = this.#argument(info)
    if (major === 0) return argument <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(argument) : argument
    if (major === 1) return argument < BigInt(Number.MAX_SAFE_INTEGER) ? -1 - Number(argument) : -1n - argument
    if (major === 2) return this.#take(argument).slice()
    if (major === 3) return this.#text(argument)
    if (depth >= DEPTH_MAX) throw new CborError('too deep')
    const parts = argument * (major === 5 ? 2n : 1n)
    if (BigInt(this.#values) + parts > BigInt(VALUES_MAX)) throw new CborError('too many values')
    this.#values += Number(parts)
    return major === 4 ? this.#array(Number(argument), depth) : this.#map(Number(argument), depth)
  }

  #array(count: number, depth: number): unknown[] {
    const items: unknown[] = []
    while (items.length < count) items.push(this.value(depth + 1))
    return items
  }

  #map(count: number, depth: number): Record<string, unknown> {
    const found = new Map<string, unknown>()
    for (let index = 0; index < count; index++) {
      const initial = this.#take(1)[0]!
      if (initial >> 5 !== 3) throw new CborError('a key that is no text')
      const key = this.#text(this.#argument(initial & 31))
      if (key === '__proto__' || found.has(key)) throw new CborError(`the key ${key}`)
      found.set(key, this.value(depth + 1))
    }
    return Object.fromEntries(found)
  }

  #text(size: bigint): string {
    try {
      return utf8.decode(this.#take(size))
    } catch {
      throw new CborError('no UTF-8')
    }
  }

  #simple(info: number): unknown {
    if (info === 20 || info === 21) return info === 21
    if (info === 22) return null
    if (info === 23) return undefined
    if (info === 25) return half(readUint(this.#take(2), 0, 2))
    const size = info === 26 ? 4 : info === 27 ? 8 : 0
    if (size === 0) throw new CborError('a simple value')
    const bytes = this.#take(size).slice()
    const view = new DataView(bytes.buffer)
    return size === 4 ? view.getFloat32(0) : view.getFloat64(0)
  }

  #argument(info: number): bigint {
    if (info < 24) return BigInt(info)
    if (info > 27) throw new CborError('an indefinite length')
    const place = info - 24
    const bytes = this.#take(TAIL_SIZES[place]!)
    const argument = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
    const least = place === 0 ? 24n : 1n << BigInt(8 * TAIL_SIZES[place - 1]!)
    if (argument < least) throw new CborError('not the shortest form')
    return argument
  }

  #take(size: number | bigint): Uint8Array {
    if (BigInt(size) > BigInt(this.#bytes.length - this.at)) throw new CborError('an end in the middle')
    return this.#bytes.subarray(this.at, this.at += Number(size))
  }
}

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}
