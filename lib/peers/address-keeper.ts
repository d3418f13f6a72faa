import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { PeerId } from '../contracts/message.ts'
import type { PeerAddresses } from '../contracts/peer.ts'
import type { ITransport } from '../contracts/transport.ts'
import { textOf } from '../foundation/error-text.ts'
import { prefixedStore } from '../foundation/memory-store.ts'
import { AddressBook, type Heard } from './address-book.ts'
import { ENTRY_ADDRESSES_MAX, type AddressEntry } from './address-entry.ts'
import { AddressStore, type Anchor } from './address-store.ts'
import { transportFor } from './dialer.ts'
import type { Link } from './link.ts'
import type { LocalNode } from './local-node.ts'
import { isLocalHost, netgroupOf } from './network-address.ts'

export interface AddressKeeperOptions {
  node: LocalNode
  transports: readonly ITransport[]
  isPrivate(): boolean
  /** Links at present: without any, nobody is blamed for not answering, and nothing is left for later. */
  links(): number
  onError(error: P2PError): void
}

export interface AddressStats {
  known: number
  /** Those that have answered a handshake of ours. */
  tried: number
  /** Stored records and entries that were torn or malformed, and left out. */
  refused: number
  /** What came of all that was heard: docs/limits.md. */
  heard: Readonly<Record<Heard, number>>
  /** Tried peers that failed a test and made room, and that passed one. */
  replaced: number
  defended: number
}

const ADDRESS_BYTES_MAX = 128
/** What has changed is stored this long after it did, at the latest: a crash loses no more. */
const SAVE_MS = 5 * 60_000

/** The node's address book with its surroundings: what may enter it, where it is stored, and what a link teaches it. */
export class AddressKeeper {
  readonly #options: AddressKeeperOptions
  readonly #store: AddressStore
  readonly #dirty = new Set<number>()
  #book: AddressBook
  #anchors: readonly Anchor[] = []
  #loading: Promise<void> | undefined
  #isStored = false
  #saving: Promise<void> = Promise.resolve()
  #timer: Disposable | undefined

  constructor(options: AddressKeeperOptions) {
    const { node } = options
    this.#options = options
    const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array => node.crypto().hmacSha256(key, data)
    this.#store = new AddressStore({ store: prefixedStore(node.store, 'addresses/'), hmac, random: node.secretRandom })
    // Until the store was read: nothing is lost then, since `load` is awaited before anybody is dialled or heeded.
    this.#book = this.#bookWith(new Uint8Array(32))
  }

  get book(): AddressBook {
    return this.#book
  }

  get stats(): AddressStats {
    const { replaced, defended, ...heard } = this.#book.counts
    return { known: this.#book.size, tried: this.#book.tried, refused: this.#store.refused, heard, replaced, defended }
  }

  /** Those to dial first after a restart. */
  get anchors(): readonly Anchor[] {
    return this.#anchors
  }

  /** Reads what an earlier run has stored, once. A store that fails is reported, and not written to. */
  load(): Promise<void> {
    return (this.#loading ??= this.#load())
  }

  async #load(): Promise<void> {
    try {
      const book = this.#bookWith(await this.#store.key())
      for await (const entry of this.#store.entries()) book.restore(entry)
      this.#anchors = await this.#store.anchors()
      this.#book = book
      for (const { id, address } of this.#anchors) this.#hearAnchor(id, address)
      this.#isStored = true
      this.#dirty.clear()
    } catch (error) {
      this.#book = this.#bookWith(this.#options.node.secretRandom(32))
      this.#failed('read', error)
    }
  }

  /** In the book as a rule; but its slice may have been torn. */
  #hearAnchor(id: PeerId, address: string): void {
    if (this.#book.get(id) === undefined) this.#book.hear({ id, addresses: [address], saidAtMs: 0 }, this.groupOf(address))
  }

  #bookWith(key: Uint8Array): AddressBook {
    const { node, isPrivate } = this.#options
    return new AddressBook({
      key,
      hmac: (secret, data) => node.crypto().hmacSha256(secret, data),
      clock: node.clock,
      random: node.random,
      groupOf: address => this.groupOf(address),
      isRationed: () => !isPrivate(),
      onChange: entry => this.#changed(entry),
    })
  }

  /** On a private network every address stands for itself: all may be in one netgroup. */
  groupOf(address: string): string {
    return this.#options.isPrivate() ? address : netgroupOf(address)
  }

  /** What of somebody's claims may be stored, passed on and dialled: one address for each transport, nothing local from the open network. */
  dialable(claimed: unknown): string[] {
    const found = new Map<string, string>()
    if (!Array.isArray(claimed) || claimed.length > ENTRY_ADDRESSES_MAX) return []
    for (const address of claimed as unknown[]) {
      if (typeof address !== 'string' || address.length > ADDRESS_BYTES_MAX || !this.#isFit(address)) continue
      const transport = transportFor(address, this.#options.transports)
      if (transport && !found.has(transport.name)) found.set(transport.name, address)
    }
    return [...found.values()]
  }

  /** Else a stranger could have us knock at doors inside our own network. Asked again whenever an address is used: this node may have gone public since. */
  #isFit(address: string): boolean {
    return this.#options.isPrivate() || !isLocalHost(address)
  }

  /** A signed word of where a peer is, told by whoever has this remote address. */
  async hear(id: PeerId, addresses: readonly string[], saidAtMs: number, from: string | undefined): Promise<Heard> {
    await this.load()
    return this.#book.hear({ id, addresses, saidAtMs }, from === undefined ? undefined : this.groupOf(from))
  }

  /** A link stands: whom we dialled is where we dialled it; what it claims of itself is hearsay, and does not outdate what it signed. */
  connected({ id, secure, remoteAddress, hello }: Link): void {
    if (secure.direction === 'outbound') this.answered(id, remoteAddress)
    this.claimed(id, hello.addresses, remoteAddress)
  }

  answered(id: PeerId, address: string): void {
    if (this.dialable([address]).length > 0) this.#book.answered(id, address)
  }

  claimed(id: PeerId, addresses: readonly string[], remoteAddress: string): void {
    const claims = this.dialable(addresses)
    if (claims.length > 0) this.#book.hear({ id, addresses: claims, saidAtMs: this.#book.get(id)?.saidAtMs ?? 0 }, this.groupOf(remoteAddress))
  }

  /** The last link has gone: the process may end, so nothing is left for later. */
  disconnected(): void {
    if (this.#options.links() === 0) void this.save()
  }

  dialled(id: PeerId): void {
    this.#book.dialled(id)
  }

  /** A dial led nowhere. A peer without room is there all the same, and with no other link the fault may be ours. */
  failed(id: PeerId, error: unknown): void {
    const isThere = error instanceof P2PError && (error.code === ErrorCode.PEER_LIMIT_REACHED || error.code === ErrorCode.PEER_DISCONNECTED)
    this.#book.failed(id, !isThere && this.#options.links() > 0)
  }

  /** Where the book has a peer, by transport. */
  addressesOf(id: PeerId): PeerAddresses {
    return this.#byTransport(this.#book.get(id))
  }

  /** Up to `count` peers that may be dialled and told of. */
  sample(count: number): { id: PeerId; addresses: PeerAddresses; answeredAtMs: number }[] {
    return this.#book.sample(count, entry => entry.addresses.some(address => this.#isFit(address)))
      .map(entry => ({ id: entry.id, addresses: this.#byTransport(entry), answeredAtMs: entry.answeredAtMs }))
  }

  #byTransport(entry: AddressEntry | undefined): PeerAddresses {
    const addresses: Record<string, string> = {}
    for (const address of entry === undefined ? [] : this.dialable(entry.addresses)) addresses[transportFor(address, this.#options.transports)!.name] = address
    return addresses
  }

  // Storing.

  keepAnchors(anchors: readonly Anchor[]): void {
    if (JSON.stringify(anchors) === JSON.stringify(this.#anchors)) return
    this.#anchors = anchors
    this.#dirty.add(ANCHORS)
    this.#plan()
  }

  /** Writes what has changed; resolves when that is done. A failure is reported, and tried again with the next change. */
  save(): Promise<void> {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    return (this.#saving = this.#saving.then(() => this.#save()))
  }

  async close(): Promise<void> {
    await this.#loading
    await this.save()
  }

  async #save(): Promise<void> {
    if (!this.#isStored || this.#dirty.size === 0) return
    const dirty = [...this.#dirty]
    this.#dirty.clear()
    const slices = new Map<number, AddressEntry[]>(dirty.filter(slice => slice !== ANCHORS).map(slice => [slice, []]))
    for (const entry of this.#book) slices.get(entry.slice)?.push(entry)
    try {
      for (const slice of dirty) {
        if (slice === ANCHORS) await this.#store.writeAnchors(this.#anchors)
        else await this.#store.writeSlice(slice, slices.get(slice)!)
      }
    } catch (error) {
      for (const slice of dirty) this.#dirty.add(slice)
      this.#failed('written', error)
    }
  }

  #changed({ slice }: AddressEntry): void {
    this.#dirty.add(slice)
    this.#plan()
  }

  /** A timer only while there are links: without any it would be all that keeps the process alive. */
  #plan(): void {
    if (this.#timer !== undefined || !this.#isStored || this.#options.links() === 0) return
    this.#timer = this.#options.node.clock.schedule(SAVE_MS, () => {
      this.#timer = undefined
      void this.save()
    })
  }

  #failed(what: string, cause: unknown): void {
    this.#options.onError(new P2PError(ErrorCode.PEER_RECORD_LOST, `the address book could not be ${what}: ${textOf(cause)}; this run goes on without it`, { cause }))
  }
}

/** Beside the slices' numbers. */
const ANCHORS = -1
