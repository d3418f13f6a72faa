import type { PeerId } from '../contracts/message.ts'
import type { RandomBytes } from '../contracts/random.ts'
import type { IStore } from '../contracts/store.ts'
import { fromHex, toHex } from '../foundation/hex.ts'
import { ENTRY_ADDRESSES_MAX, type AddressEntry } from './address-entry.ts'
import { SLICES } from './address-places.ts'
import { PLACES_MAX } from './address-shelves.ts'
import { TwinRecords } from './twin-records.ts'

/** What of an entry outlives the process: where it belongs is worked out anew. */
export type StoredEntry = Omit<AddressEntry, 'group' | 'slice' | 'places'>

/** A peer that is dialled first after a restart. */
export interface Anchor {
  id: PeerId
  address: string
}

export interface AddressStoreOptions {
  /** A drawer of its own. */
  store: IStore
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array
  /** Draws the secret key. */
  random: RandomBytes
}

const KEY_BYTES = 32
/** An address in a hello or a record is no longer (docs/wire.md, section 5); a netgroup may be a whole one. */
const TEXT_MAX = 160
const ANCHORS_MAX = 8

/** The address book on disk: its key, its slices, its anchors. Nothing read from it is believed before it was looked at. */
export class AddressStore {
  readonly #options: AddressStoreOptions
  readonly #records: TwinRecords
  #malformed = 0
  /** Drawn here, and not stored yet: a book in which nothing was written leaves nothing behind. */
  #newKey: Uint8Array | undefined

  constructor(options: AddressStoreOptions) {
    this.#options = options
    this.#records = new TwinRecords(options.store, options.hmac)
  }

  /** Records and entries that were left out because they were torn or malformed. */
  get refused(): number {
    return this.#records.refused + this.#malformed
  }

  /** The secret that buckets are chosen by; drawn at the first start, and stored with the first slice. */
  async key(): Promise<Uint8Array> {
    const stored = await this.#records.read('key')
    if (stored instanceof Uint8Array && stored.length === KEY_BYTES) return stored
    return (this.#newKey ??= this.#options.random(KEY_BYTES))
  }

  async *entries(): AsyncIterable<StoredEntry> {
    for (let slice = 0; slice < SLICES; slice++) {
      const rows = await this.#records.read(sliceName(slice))
      if (!Array.isArray(rows)) continue
      for (const row of rows as unknown[]) {
        const entry = entryOf(row)
        if (entry === undefined) this.#malformed++
        else yield entry
      }
    }
  }

  async writeSlice(slice: number, entries: readonly StoredEntry[]): Promise<void> {
    if (this.#newKey !== undefined) await this.#records.write('key', this.#newKey)
    this.#newKey = undefined
    await this.#records.write(sliceName(slice), entries.map(rowOf))
  }

  async anchors(): Promise<Anchor[]> {
    const rows = await this.#records.read('anchors')
    if (!Array.isArray(rows)) return []
    return (rows as unknown[]).slice(0, ANCHORS_MAX).flatMap(row => anchorOf(row) ?? (this.#malformed++, []))
  }

  async writeAnchors(anchors: readonly Anchor[]): Promise<void> {
    await this.#records.write('anchors', anchors.map(({ id, address }) => [fromHex(id), address]))
  }
}

function sliceName(slice: number): string {
  return `slice/${slice.toString().padStart(2, '0')}`
}

function rowOf({ id, addresses, sources, saidAtMs, heardAtMs, dialledAtMs, answeredAtMs, failures, isTried }: StoredEntry): unknown[] {
  return [fromHex(id), [...addresses], [...sources], saidAtMs, heardAtMs, dialledAtMs, answeredAtMs, failures, isTried]
}

function entryOf(row: unknown): StoredEntry | undefined {
  if (!Array.isArray(row) || row.length !== 9) return undefined
  const [id, addresses, sources, saidAtMs, heardAtMs, dialledAtMs, answeredAtMs, failures, isTried] = row as unknown[]
  if (!(id instanceof Uint8Array) || id.length !== 32 || typeof isTried !== 'boolean') return undefined
  if (!areTexts(addresses, ENTRY_ADDRESSES_MAX) || addresses.length === 0 || !areTexts(sources, PLACES_MAX)) return undefined
  if (!isCount(saidAtMs) || !isCount(heardAtMs) || !isCount(dialledAtMs) || !isCount(answeredAtMs) || !isCount(failures)) return undefined
  return { id: toHex(id), addresses, sources, saidAtMs, heardAtMs, dialledAtMs, answeredAtMs, failures, isTried }
}

function anchorOf(row: unknown): Anchor[] | undefined {
  if (!Array.isArray(row)) return undefined
  const [id, address] = row as unknown[]
  if (!(id instanceof Uint8Array) || id.length !== 32 || typeof address !== 'string' || address.length > TEXT_MAX) return undefined
  return [{ id: toHex(id), address }]
}

function areTexts(value: unknown, countMax: number): value is string[] {
  return Array.isArray(value) && value.length <= countMax && value.every(text => typeof text === 'string' && text.length > 0 && text.length <= TEXT_MAX)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
