import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { PeerId } from '../contracts/message.ts'
import type { IStore } from '../contracts/store.ts'
import { fromHex, toHex } from '../foundation/hex.ts'

/** How far a key behind a name is to be trusted: told by the user, or pinned when it first answered. */
export type NameTrust = 'given' | 'pinned'

const ID_PATTERN = /^[0-9a-f]{64}$/
const NAME_BYTES_MAX = 128

/** True for a key written as 64 lower-case hex digits. */
export function isPeerId(text: string): boolean {
  return ID_PATTERN.test(text)
}

/**
 * The names one node's user gave to keys. They never travel, and names that strangers claim are
 * never entered: a pinned name keeps its key until the user forgets it.
 */
export class NameBook {
  readonly #store: IStore
  readonly #keys = new Map<string, { id: PeerId; trust: NameTrust }>()
  readonly #names = new Map<PeerId, string>()
  /** Bound here, but not known to be in the store. */
  readonly #unstored = new Set<string>()
  /** Forgotten here, perhaps before the store was read. */
  readonly #forgotten = new Set<string>()

  /** `given` are names the user's configuration binds to ids. Throws RangeError for a name that looks like an id. */
  constructor(store: IStore, given: Readonly<Record<string, PeerId>> = {}) {
    this.#store = store
    for (const [name, id] of Object.entries(given)) {
      if (!isPeerId(id)) throw new RangeError(`names.${name} must be an id of 64 lower-case hex digits, got ${JSON.stringify(id)}`)
      this.#enter(checkedName(name), id, 'given')
    }
  }

  /** Reads pins of earlier runs; configured names win. */
  async load(): Promise<void> {
    for await (const [name, key] of this.#store.entries('')) {
      if (key.length === 32 && !this.#keys.has(name) && !this.#forgotten.has(name)) this.#enter(name, toHex(key), 'pinned')
    }
  }

  /** The id behind an id or a name; undefined for a name nobody bound. */
  resolve(idOrName: PeerId): PeerId | undefined {
    return isPeerId(idOrName) ? idOrName : this.#keys.get(idOrName)?.id
  }

  nameOf(id: PeerId): string | undefined {
    return this.#names.get(id)
  }

  trustOf(id: PeerId): NameTrust | undefined {
    const name = this.#names.get(id)
    return name === undefined ? undefined : this.#keys.get(name)?.trust
  }

  /** Throws ERR_PEER_ID_MISMATCH when the name is bound to another key. */
  mustAdmit(name: string, id: PeerId): void {
    const bound = this.#keys.get(checkedName(name))
    if (bound === undefined || bound.id === id) return
    throw new P2PError(ErrorCode.PEER_ID_MISMATCH, `'${name}' is bound to ${bound.id}, but ${id} answered; call forget('${name}') only if you know that its key has changed`, { peerId: id })
  }

  /**
   * Binds a name to the key that answered, at once; resolves when that is stored. One that could not be stored
   * is tried again by the next call. Throws ERR_PEER_ID_MISMATCH.
   */
  async bind(name: string, id: PeerId, trust: NameTrust): Promise<void> {
    this.mustAdmit(name, id)
    if (this.#keys.has(name) && !this.#unstored.has(name)) return
    if (!this.#keys.has(name)) this.#enter(name, id, trust)
    this.#forgotten.delete(name)
    this.#unstored.add(name)
    await this.#store.put(name, fromHex(id), { sync: true })
    this.#unstored.delete(name)
  }

  /** Unbinds a name, so that a new key may take it; also one that an earlier run has pinned. */
  async forget(name: string): Promise<void> {
    const bound = this.#keys.get(name)
    this.#keys.delete(name)
    this.#unstored.delete(name)
    this.#forgotten.add(name)
    if (bound !== undefined && this.#names.get(bound.id) === name) this.#nameAfresh(bound.id)
    await this.#store.delete(name)
  }

  /** A key may have had another name beside the one that is gone. */
  #nameAfresh(id: PeerId): void {
    this.#names.delete(id)
    for (const [name, bound] of this.#keys) {
      if (bound.id === id) return void this.#names.set(id, name)
    }
  }

  #enter(name: string, id: PeerId, trust: NameTrust): void {
    this.#keys.set(name, { id, trust })
    if (!this.#names.has(id)) this.#names.set(id, name)
  }
}

/** Throws RangeError for a name that could be taken for an id, or for nothing. */
export function checkedName(name: string): string {
  if (typeof name !== 'string') throw new TypeError(`a peer's name must be a string, got ${typeof name}`)
  if (name.length === 0) throw new RangeError('a peer\'s name must not be empty')
  if (/^[0-9a-f]{64}$/i.test(name)) throw new RangeError(`'${name.slice(0, 8)}...' looks like an id; a local name must not have 64 hex digits`)
  if (new TextEncoder().encode(name).length > NAME_BYTES_MAX) throw new RangeError(`a peer's name must be at most ${NAME_BYTES_MAX} bytes`)
  return name
}
