import type { PeerId } from '../contracts/message.ts'
import { PeerState, type PeerAddresses, type PeerInfo } from '../contracts/peer.ts'
import { fromHex } from '../foundation/hex.ts'
import type { Link } from './link.ts'
import type { NameBook } from './name-book.ts'

/**
 * One peer we know: its links, if any, and what to tell others about it. The two infos are live:
 * they change as the peer does. `room` speaks in keys, for protocols; `surface` in the user's names.
 */
export class PeerRecord {
  readonly id: PeerId
  readonly publicKey: Uint8Array
  readonly room: PeerInfo
  readonly surface: PeerInfo
  /** The link messages leave by. */
  link: Link | undefined
  /** A second link to the same peer, until the peer with the larger id has chosen one. */
  spare: Link | undefined
  /** Ends the spare when nobody chooses. */
  spareWatch: Disposable | undefined
  heartbeat: Disposable | undefined
  /** The user asked for this peer: it is no stranger. */
  asked = false
  /** It is dialled again when the link is lost. */
  wanted = false
  /** Held for a lookup: not counted among the connections, dropped when idle. */
  shortLived = false
  /** Watches a link held for a lookup. */
  idleWatch: Disposable | undefined
  /** When it last brought gossip that was new, and an answer that was of use, on the monotonic clock: plugins say so. */
  novelAtMs: number | undefined
  usefulAtMs: number | undefined
  /** When it last did something, on the monotonic clock. */
  touchedAtMs = 0
  /** Those of its addresses that others told us of, and that it answered at. */
  readonly hearsay = new Set<unknown>()

  constructor(id: PeerId) {
    this.id = id
    this.publicKey = fromHex(id)
    const info = (): PeerInfo => ({ peerId: id, publicKey: this.publicKey, addresses: {}, state: PeerState.DISCONNECTED, lastSeen: 0 })
    this.room = info()
    this.surface = info()
  }

  get state(): PeerState {
    return this.room.state
  }

  set state(state: PeerState) {
    this.room.state = this.surface.state = state
  }

  get addresses(): PeerAddresses {
    return this.room.addresses
  }

  get hasAddress(): boolean {
    return Object.keys(this.room.addresses).length > 0
  }

  /** The link, unless one side has said goodbye on it. */
  get openLink(): Link | undefined {
    return this.link?.isOpen ? this.link : undefined
  }

  /** Where its user, or it itself by a signed word, says it is. */
  addAddresses(addresses: PeerAddresses): void {
    for (const address of Object.values(addresses)) this.hearsay.delete(address)
    this.room.addresses = this.surface.addresses = { ...this.room.addresses, ...addresses }
  }

  /** Where it answered, which others had told us. */
  addHearsay(addresses: PeerAddresses): void {
    this.addAddresses(addresses)
    for (const address of Object.values(addresses)) this.hearsay.add(address)
  }

  addMetadata(metadata: Record<string, unknown>): void {
    this.room.metadata = this.surface.metadata = { ...this.room.metadata, ...metadata }
  }

  /** Copies what the link has learned into the infos. */
  refresh(names: NameBook): void {
    const name = names.nameOf(this.id)
    this.surface.peerId = name ?? this.id
    for (const info of [this.room, this.surface]) {
      if (name === undefined) delete info.name
      else info.name = name
      const trust = names.trustOf(this.id) ?? info.trust
      if (trust !== undefined) info.trust = trust
      if (this.link === undefined) continue
      info.direction = this.link.direction
      info.remoteAddress = this.link.remoteAddress
      info.lastSeen = this.link.lastSeen
      info.protocols = this.link.hello.protocols
      if (this.link.roundTripMs !== undefined) info.roundTripMs = this.link.roundTripMs
    }
  }

  seen(atMs: number): void {
    this.room.lastSeen = this.surface.lastSeen = atMs
  }

  trust(trust: NonNullable<PeerInfo['trust']>): void {
    this.room.trust = this.surface.trust = trust
  }
}

/** Everybody this node knows, connected or not; those without a link are bounded in number. */
export class PeerTable {
  readonly #records = new Map<PeerId, PeerRecord>()
  readonly #unlinkedMax: number
  #linked = 0

  constructor(unlinkedMax: number) {
    this.#unlinkedMax = unlinkedMax
  }

  get size(): number {
    return this.#records.size
  }

  /** Those with a link. */
  get linked(): number {
    return this.#linked
  }

  get(id: PeerId): PeerRecord | undefined {
    return this.#records.get(id)
  }

  /** The record of an id, made when there is none; room is made by forgetting who cannot be dialled, then who was quiet longest. */
  ensure(id: PeerId, nowMs: number): PeerRecord {
    let record = this.#records.get(id)
    if (record === undefined) {
      if (this.#records.size - this.#linked >= this.#unlinkedMax) this.#forgetQuietest()
      record = new PeerRecord(id)
      this.#records.set(id, record)
    }
    record.touchedAtMs = nowMs
    return record
  }

  /** Keeps the count of linked records true; call after `link` was set or cleared. */
  recount(): void {
    this.#linked = 0
    for (const record of this.#records.values()) if (record.link !== undefined) this.#linked++
  }

  delete(id: PeerId): void {
    this.#records.delete(id)
  }

  /** Those one can speak to. */
  *open(): IterableIterator<PeerRecord> {
    for (const record of this.#records.values()) if (record.openLink !== undefined) yield record
  }

  /** Those with a link, be it one that is being closed. */
  *connected(): IterableIterator<PeerRecord> {
    for (const record of this.#records.values()) if (record.link !== undefined) yield record
  }

  [Symbol.iterator](): IterableIterator<PeerRecord> {
    return this.#records.values()
  }

  #forgetQuietest(): void {
    let quietest: PeerRecord | undefined
    for (const record of this.#records.values()) {
      if (record.link !== undefined || record.wanted) continue
      if (quietest === undefined || isLessUseful(record, quietest)) quietest = record
    }
    if (quietest) this.#records.delete(quietest.id)
  }
}

/** Strangers come and go at no cost to them: an address somebody vouched for outlives them. */
function isLessUseful(a: PeerRecord, b: PeerRecord): boolean {
  if (a.hasAddress !== b.hasAddress) return !a.hasAddress
  return a.touchedAtMs < b.touchedAtMs
}
