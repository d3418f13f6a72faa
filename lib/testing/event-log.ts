import { nobleSymmetric } from '../crypto/noble-symmetric.ts'
import { concatBytes, EMPTY_BYTES, utf8 } from '../foundation/bytes.ts'
import { toHex } from '../foundation/hex.ts'

/** Entries are hashed in pieces of about this size: each hash is of the one before and the piece. */
const PIECE_BYTES = 64 * 1024
/** kind, length of the text, and three numbers of eight bytes. */
const HEAD_BYTES = 3 + 3 * 8
/** An application's own words in the log may be longer; they are cut. */
const TEXT_BYTES_MAX = 1_000

export interface EventLogOptions {
  /** How many of the latest entries to keep readable. Infinity keeps all, to compare two runs line by line. */
  keep?: number
}

interface Entry { kind: string; timeMs: number; a: number; b: number; text: string | undefined }

/**
 * What happened, in order, as one SHA-256: two runs with the same hash did the same. Entries are a kind, a time and two
 * numbers, or a text; the latest can be read, for whoever has to find out what went wrong.
 */
export class EventLog {
  readonly #keep: number
  readonly #kinds = new Map<string, number>()
  readonly #piece = new Uint8Array(PIECE_BYTES)
  readonly #view = new DataView(this.#piece.buffer)
  #at = 0
  #hash: Uint8Array = new Uint8Array(32)
  #entries = 0
  #latest: Entry[] = []

  constructor({ keep = 200 }: EventLogOptions = {}) {
    this.#keep = keep
  }

  /** Entries so far. */
  get entries(): number {
    return this.#entries
  }

  /** An entry of numbers, cheap enough for every frame and timer, and perhaps a text. */
  note(kind: string, timeMs: number, a: number, b = 0, text?: string): void {
    this.#append(this.#kindOf(kind), timeMs, a, b, text)
    this.#entries++
    if (this.#keep > 0) this.#remember({ kind, timeMs, a, b, text })
  }

  /** SHA-256 over everything so far, as hex. Asking changes nothing. */
  hash(): string {
    return toHex(this.#chained())
  }

  /** The latest entries, oldest first. */
  tail(count = 40): string[] {
    return this.#latest.slice(-count).map(({ kind, timeMs, a, b, text }) => `${timeMs.toFixed(3)} ${kind} ${a} ${b}${text === undefined ? '' : ` ${text}`}`)
  }

  #close(): void {
    this.#hash = this.#chained()
    this.#at = 0
  }

  #chained(): Uint8Array {
    return nobleSymmetric.sha256(concatBytes(this.#hash, this.#piece.subarray(0, this.#at)))
  }

  #append(kind: number, timeMs: number, a: number, b: number, text: string | undefined): void {
    const bytes = text === undefined ? EMPTY_BYTES : utf8(text).subarray(0, TEXT_BYTES_MAX)
    const size = HEAD_BYTES + bytes.length
    if (this.#at + size > PIECE_BYTES) this.#close()
    const view = this.#view
    view.setUint8(this.#at, kind)
    view.setUint16(this.#at + 1, bytes.length)
    view.setFloat64(this.#at + 3, timeMs)
    view.setFloat64(this.#at + 11, a)
    view.setFloat64(this.#at + 19, b)
    this.#piece.set(bytes, this.#at + HEAD_BYTES)
    this.#at += size
  }

  /** Kinds are numbered as they come; an entry of kind 0 says which name the next number has. */
  #kindOf(kind: string): number {
    let number = this.#kinds.get(kind)
    if (number === undefined) {
      number = this.#kinds.size + 1
      this.#kinds.set(kind, number)
      this.#append(0, 0, number, 0, kind)
    }
    return number
  }

  #remember(entry: Entry): void {
    this.#latest.push(entry)
    if (this.#latest.length > 2 * this.#keep) this.#latest = this.#latest.slice(-this.#keep)
  }
}
