import { ErrorCode, P2PError } from '../contracts/errors.ts'
import { EMPTY_BYTES } from '../foundation/bytes.ts'
import { CborType } from './byte-writer.ts'
import { BOOT_BYTES, HEADER_FIELDS, KEY_BYTES, NAME_BYTES_MAX, NETWORK_BYTES_MAX, SALT_BYTES, SLOT_BYTES_MAX, type Header } from './header-fields.ts'
import { TextCache } from './text-cache.ts'
import { textAt } from './utf8.ts'

const NULL = 0xf6
/** Networks, protocols and types met by one node: a few dozen when all is well. */
const NAMES_KEPT = 256

/**
 * Reads headers by hand, as their shape is fixed: strictly as docs/wire.md, sections 6 and 7 have it. Names that
 * come again and again, and the boot of who speaks now, are recognised by their bytes and not built anew.
 */
export class HeaderReader {
  readonly #names = new TextCache(NAMES_KEPT)
  #boot: Uint8Array = new Uint8Array(BOOT_BYTES)
  #bytes: Uint8Array = EMPTY_BYTES
  #at = 0
  #end = 0

  /** The header in `bytes[start..end)` of a plain Uint8Array. Throws ERR_WIRE_MALFORMED. `to` and `salt` are views of `bytes`. */
  read(bytes: Uint8Array, start: number, end: number): Header {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    if (this.#byte() !== (CborType.ARRAY | HEADER_FIELDS)) this.#fail(`an array of ${HEADER_FIELDS}`)
    const header: Header = {
      network: this.#name('network', NETWORK_BYTES_MAX),
      protocol: this.#isNull() ? null : this.#name('protocol', NAME_BYTES_MAX),
      type: this.#name('type', NAME_BYTES_MAX),
      to: this.#isNull() ? null : this.#view('to', KEY_BYTES),
      timestampMs: this.#timestamp(),
      boot: this.#knownBoot(),
      messageId: this.#text('messageId', NAME_BYTES_MAX),
      inReplyTo: this.#isNull() ? null : this.#text('inReplyTo', NAME_BYTES_MAX),
      slot: this.#isNull() ? null : this.#text('slot', SLOT_BYTES_MAX),
      salt: this.#view('salt', SALT_BYTES),
    }
    if (this.#at !== end) this.#fail('nothing after the salt')
    return header
  }

  #name(field: string, bytesMax: number): string {
    const size = this.#textSize(field, bytesMax)
    try {
      return this.#names.read(this.#bytes, this.#at, this.#at += size)
    } catch {
      return this.#fail(`UTF-8 in ${field}`)
    }
  }

  #text(field: string, bytesMax: number): string {
    const size = this.#textSize(field, bytesMax)
    try {
      return textAt(this.#bytes, this.#at, this.#at += size)
    } catch {
      return this.#fail(`UTF-8 in ${field}`)
    }
  }

  /** All our texts are shorter than 256 bytes, so the size is in the first byte or the one after it. */
  #textSize(field: string, bytesMax: number): number {
    const initial = this.#byte()
    let size = initial - CborType.TEXT
    if (size === 24) {
      size = this.#byte()
      if (size < 24) this.#fail(`a length in its shortest form in ${field}`)
    } else if (size < 1 || size > 24) this.#fail(`text of 1 to ${bytesMax} bytes as ${field}`)
    if (size > bytesMax || size > this.#end - this.#at) this.#fail(`text of 1 to ${bytesMax} bytes as ${field}`)
    return size
  }

  #isNull(): boolean {
    if (this.#bytes[this.#at] !== NULL || this.#at >= this.#end) return false
    this.#at++
    return true
  }

  #view(field: string, size: number): Uint8Array {
    this.#bytesHead(field, size)
    return this.#bytes.subarray(this.#at, this.#at += size)
  }

  #knownBoot(): Uint8Array {
    this.#bytesHead('boot', BOOT_BYTES)
    const start = this.#at
    this.#at += BOOT_BYTES
    for (let index = 0; index < BOOT_BYTES; index++) {
      if (this.#bytes[start + index] !== this.#boot[index]) return (this.#boot = this.#bytes.slice(start, this.#at))
    }
    return this.#boot
  }

  #bytesHead(field: string, size: number): void {
    const isRight = size < 24
      ? this.#byte() === (CborType.BYTES | size)
      : this.#byte() === (CborType.BYTES | 24) && this.#byte() === size
    if (!isRight || size > this.#end - this.#at) this.#fail(`${size} bytes as ${field}`)
  }

  #timestamp(): number {
    const initial = this.#byte()
    if (initial < 24) return initial
    if (initial > 27) return this.#fail('an unsigned integer as timestamp')
    const size = 1 << (initial - 24)
    let value = 0
    for (let index = 0; index < size; index++) value = value * 256 + this.#byte()
    const least = size === 1 ? 24 : 2 ** (4 * size)
    if (value < least || !Number.isSafeInteger(value)) this.#fail('a timestamp in its shortest form, below 2^53')
    return value
  }

  #byte(): number {
    if (this.#at >= this.#end) this.#fail('more bytes')
    return this.#bytes[this.#at++]!
  }

  #fail(expected: string): never {
    throw new P2PError(ErrorCode.WIRE_MALFORMED, `header: expected ${expected}, at byte ${this.#at} of the frame`)
  }
}
