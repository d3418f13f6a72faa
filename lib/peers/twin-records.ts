import type { IStore } from '../contracts/store.ts'
import { concatBytes, equalBytes, utf8 } from '../foundation/bytes.ts'
import { decodeCbor, encodeCbor } from '../wire/cbor.ts'

type Hmac = (key: Uint8Array, data: Uint8Array) => Uint8Array

const VERSION = 1
const TAG_BYTES = 16
/** One record holds a slice of the address book: some thousand entries of a dozen values. */
const CBOR_LIMITS = { payloadDepthMax: 8, payloadItemsMax: 500_000 }

/**
 * Records that survive a torn write: each lives under two keys that are written in turn, with a number and a checksum, so that the
 * one before stands until the next is whole. What does not check out is refused and counted, never thrown.
 */
export class TwinRecords {
  readonly #store: IStore
  readonly #hmac: Hmac
  readonly #numbers = new Map<string, number>()
  #refused = 0

  constructor(store: IStore, hmac: Hmac) {
    this.#store = store
    this.#hmac = hmac
  }

  /** Records that were torn or of another making. */
  get refused(): number {
    return this.#refused
  }

  /** The newest that is whole; undefined where there is none. Rejects only where the store does. */
  async read(name: string): Promise<unknown> {
    const twins = await Promise.all([0, 1].map(async turn => this.#opened(name, await this.#store.get(`${name}/${turn}`))))
    const [newest] = twins.filter(twin => twin !== undefined).sort((a, b) => b.number - a.number)
    if (newest !== undefined) this.#numbers.set(name, newest.number)
    return newest?.value
  }

  async write(name: string, value: unknown): Promise<void> {
    const number = (this.#numbers.get(name) ?? 0) + 1
    const bytes = encodeCbor([VERSION, number, value], CBOR_LIMITS)
    await this.#store.put(`${name}/${number % 2}`, concatBytes(this.#tag(name, bytes), bytes), { sync: true })
    this.#numbers.set(name, number)
  }

  #opened(name: string, record: Uint8Array | undefined): { number: number; value: unknown } | undefined {
    if (record === undefined) return undefined
    const bytes = record.subarray(TAG_BYTES)
    const content = equalBytes(this.#tag(name, bytes), record.subarray(0, TAG_BYTES)) ? contentOf(bytes) : undefined
    if (content === undefined) this.#refused++
    return content
  }

  /** Not a secret: it tells a torn write, and nobody else writes here (docs/security.md). */
  #tag(name: string, bytes: Uint8Array): Uint8Array {
    return this.#hmac(utf8(`record ${name}`), bytes).subarray(0, TAG_BYTES)
  }
}

/** Undefined for what another version of us has written. */
function contentOf(bytes: Uint8Array): { number: number; value: unknown } | undefined {
  try {
    const [version, number, value] = decodeCbor(bytes, CBOR_LIMITS) as unknown[]
    return version === VERSION && typeof number === 'number' ? { number, value } : undefined
  } catch {
    return undefined
  }
}
