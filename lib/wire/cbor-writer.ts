import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { ByteWriter, CborType } from './byte-writer.ts'

const FALSE = 0xf4
const TRUE = 0xf5
const NULL = 0xf6
const UNDEFINED = 0xf7
const HALF = 0xf9
const SINGLE = 0xfa
const DOUBLE = 0xfb
const UINT64_MAX = 0xffff_ffff_ffff_ffffn

const floatBytes = new Uint8Array(8)
const float = new DataView(floatBytes.buffer)

type Place = string | number

/**
 * Writes JavaScript values as CBOR, within what docs/wire.md, section 7 lets a receiver accept: what nobody
 * would accept is the caller's mistake, said here and not found out from silence.
 */
export class CborWriter extends ByteWriter {
  /** For the values at the root and at each level below: where it sits in the one that holds it. */
  readonly #places: Place[] = []
  /** The containers around the value being written. */
  readonly #around: unknown[] = []
  #itemsLeft = 0
  #depthMax = 0

  /** Appends one value. Throws ERR_WIRE_UNENCODABLE, which names the place and what is there. */
  value(value: unknown, limits: Pick<Limits, 'payloadDepthMax' | 'payloadItemsMax'> = DEFAULT_LIMITS): void {
    this.#itemsLeft = limits.payloadItemsMax
    this.#depthMax = limits.payloadDepthMax
    this.#around.length = 0
    this.#value(value, 0)
    this.#around.length = 0
  }

  #value(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'number': return this.#number(value)
      case 'string': return this.#text(value, depth)
      case 'boolean': return this.byte(value ? TRUE : FALSE)
      case 'undefined': return this.byte(UNDEFINED)
      case 'bigint': return this.#bigint(value, depth)
      case 'object': return value === null ? this.byte(NULL) : this.#object(value, depth)
      default: return this.#refuse(`a ${typeof value}`, depth)
    }
  }

  #text(text: string, depth: number): void {
    if (this.text(text) < 0) this.#refuse('a text with half of a surrogate pair, which UTF-8 cannot hold', depth)
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.#float(value)
    else if (value >= 0) this.head(CborType.UNSIGNED, value)
    else this.head(CborType.NEGATIVE, -1 - value)
  }

  /** In the fewest bytes that keep the value; half precision only where it needs no rounding rules. */
  #float(value: number): void {
    if (Number.isNaN(value)) this.#half(0x7e00)
    else if (value === Infinity) this.#half(0x7c00)
    else if (value === -Infinity) this.#half(0xfc00)
    else if (value === 0) this.#half(0x8000)
    else if (Math.fround(value) === value) {
      float.setFloat32(0, value)
      this.byte(SINGLE)
      this.raw(floatBytes.subarray(0, 4))
    } else {
      float.setFloat64(0, value)
      this.byte(DOUBLE)
      this.raw(floatBytes)
    }
  }

  #half(bits: number): void {
    this.byte(HALF)
    this.uint16(bits)
  }

  #bigint(value: bigint, depth: number): void {
    const argument = value < 0n ? -1n - value : value
    const type = value < 0n ? CborType.NEGATIVE : CborType.UNSIGNED
    if (argument > UINT64_MAX) this.#refuse('an integer of more than 64 bits', depth)
    if (argument <= BigInt(Number.MAX_SAFE_INTEGER)) return this.head(type, Number(argument))
    this.byte(type | 27)
    this.uint32(Number(argument >> 32n))
    this.uint32(Number(argument & 0xffff_ffffn))
  }

  #object(value: object, depth: number): void {
    if (value instanceof Uint8Array) return this.byteString(value)
    if (depth === this.#depthMax) this.#refuseDepth(value, depth)
    this.#around[depth] = value
    if (Array.isArray(value)) this.#array(value, depth)
    else if (isPlain(value)) this.#map(value as Record<string, unknown>, depth)
    else if (value instanceof Map) this.#entries(value, depth)
    else this.#refuse(`a ${className(value)}`, depth)
  }

  #array(values: readonly unknown[], depth: number): void {
    this.#charge(values.length, depth)
    this.head(CborType.ARRAY, values.length)
    for (let index = 0; index < values.length; index++) {
      this.#places[depth] = index
      this.#value(values[index], depth + 1)
    }
  }

  #map(fields: Readonly<Record<string, unknown>>, depth: number): void {
    const keys = Object.keys(fields)
    this.#charge(2 * keys.length, depth)
    this.head(CborType.MAP, keys.length)
    for (const key of keys) {
      this.#key(key, depth)
      this.#value(fields[key], depth + 1)
    }
  }

  #entries(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    this.#charge(2 * map.size, depth)
    // As they are now: a getter among the values might change the map.
    const entries = [...map]
    this.head(CborType.MAP, entries.length)
    for (const [key, value] of entries) {
      if (typeof key !== 'string') this.#refuse(`a Map with a key that is not text but ${key === null ? 'null' : typeof key}`, depth)
      this.#key(key as string, depth)
      this.#value(value, depth + 1)
    }
  }

  #key(key: string, depth: number): void {
    this.#places[depth] = key
    if (key === '__proto__') this.#refuse('a key that would change what an object is', depth + 1)
    this.#text(key, depth + 1)
  }

  #charge(items: number, depth: number): void {
    this.#itemsLeft -= items
    if (this.#itemsLeft < 0) this.#refuse('more values than a message may hold', depth)
  }

  #refuseDepth(value: object, depth: number): never {
    if (this.#around.slice(0, depth).includes(value)) this.#refuse('something that contains itself', depth)
    return this.#refuse(`nested more than ${this.#depthMax} levels deep`, depth)
  }

  #refuse(what: string, depth: number): never {
    const place = this.#places.slice(0, depth).map(key => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
    throw new P2PError(ErrorCode.WIRE_UNENCODABLE, `cannot encode value${place}: ${what}`)
  }
}

/** Object literals, objects without a prototype, and instances of classes that add nothing of the platform's. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.prototype.toString.call(value) === '[object Object]'
}

function className(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

/** A writer larger than this is not kept: one large message would otherwise hold its memory for good. */
const KEPT_BYTES_MAX = 262_144
/** More than one is in use only where a payload's getter encodes something itself. */
const KEPT_WRITERS_MAX = 4
const FIRST_BYTES = 4_096

const idle: CborWriter[] = []

/** An empty writer. Give it back with `returnWriter`, in a `finally`. */
export function borrowWriter(): CborWriter {
  const writer = idle.pop() ?? new CborWriter(FIRST_BYTES)
  writer.at = 0
  return writer
}

export function returnWriter(writer: CborWriter): void {
  if (writer.bytes.length <= KEPT_BYTES_MAX && idle.length < KEPT_WRITERS_MAX) idle.push(writer)
}
