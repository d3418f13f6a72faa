import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { PeerId } from '../contracts/message.ts'
import { PeerState, type PeerAddresses, type PeerInfo } from '../contracts/peer.ts'
import type { ITransport } from '../contracts/transport.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { fromHex, toHex } from '../foundation/hex.ts'
import { dialPeer, type DialTarget } from './dialer.ts'
import type { Hello } from './hello.ts'
import type { LinkKeeper } from './link-keeper.ts'
import type { LocalNode } from './local-node.ts'
import type { AddressKeeper } from './address-keeper.ts'
import type { NameBook } from './name-book.ts'
import type { SecureLink } from './noise/secure-link.ts'
import type { PeerRecord, PeerTable } from './peer-table.ts'
import { wishFor, type Wish } from './wish.ts'

export interface ConnectOptions extends WaitOptions {
  /** A link for a lookup: outside `maxConnections`, within its own bound, dropped when idle. */
  shortLived?: boolean
  /** Dial again when the link is lost; by default true, false for short-lived links. */
  keep?: boolean
}

export interface ConnectorOptions {
  node: LocalNode
  table: PeerTable
  names: NameBook
  keeper: LinkKeeper
  addresses: AddressKeeper
  isPrivate(): boolean
  transports: readonly ITransport[]
  connectionsMax: number
  /** Whether lost peers are dialled again at all. */
  reconnect: boolean
  /** Aborts when the house closes. */
  closing: AbortSignal
  hello(): Hello
  /** Pays what a listener asks of strangers. */
  payWork(level: number, signal: AbortSignal): Promise<void>
}

/** One dial under way, and how many wait for it. */
interface Attempt {
  readonly wish: Wish
  readonly done: Promise<PeerRecord>
  readonly abort: AbortController
  waiting: number
}

/** From a caller's wish to a linked peer: one dial at a time for each key or address, names bound to what answered. */
export class Connector {
  readonly #options: ConnectorOptions
  readonly #attempts = new Map<string, Attempt>()

  constructor(options: ConnectorOptions) {
    this.#options = options
  }

  async connect(peer: PeerInfo | string, options: ConnectOptions): Promise<PeerRecord> {
    const { node } = this.#options
    const wish = wishFor(peer, this.#options)
    if (wish.id === node.id) throw new P2PError(ErrorCode.PEER_IS_SELF, 'a node does not connect to itself', { peerId: node.id })
    const record = await withDeadline(node.clock, options, signal => this.#linkedOrDialled(wish, options, signal), { what: `connecting to ${wish.who}` })
    return await this.#welcome(record, wish, options)
  }

  /** Whether a peer answers where the book has it. The link is ended before anybody hears of it, and takes nobody's place. */
  async probe(id: PeerId, options: WaitOptions): Promise<void> {
    const { node, addresses, closing } = this.#options
    addresses.dialled(id)
    try {
      const secure = await withDeadline(node.clock, options, signal => dialPeer({ who: id, key: fromHex(id), addresses: {}, hearsay: addresses.addressesOf(id) }, this.#options, AbortSignal.any([closing, signal])), { what: `feeling for ${id}` })
      addresses.answered(id, secure.channel.remoteAddress)
      secure.wipe()
      await secure.channel.close('local')
    } catch (error) {
      if (!closing.aborted) addresses.failed(id, error)
      throw error
    }
  }

  /** Gives up dialling a peer, by the id or the name its callers used. */
  abandon(idOrName: PeerId): void {
    const id = this.#options.names.resolve(idOrName)
    for (const { wish, abort } of [...this.#attempts.values()]) {
      if (wish.who !== idOrName && (id === undefined || wish.id !== id)) continue
      abort.abort(new P2PError(ErrorCode.PEER_DISCONNECTED, `${idOrName} was disconnected from while being dialled`, { peerId: idOrName }))
    }
  }

  async #linkedOrDialled(wish: Wish, options: ConnectOptions, signal: AbortSignal): Promise<PeerRecord> {
    const known = wish.id === undefined ? undefined : this.#options.table.get(wish.id)
    // One side has said goodbye: what comes after it needs a link of its own.
    if (known?.link !== undefined && !known.link.isOpen) await known.link.close('local')
    if (known?.link === undefined) {
      this.#mustHaveRoom(options)
      return await this.#dialled(wish, options, signal)
    }
    if (known.shortLived && !options.shortLived) this.#mustHaveRoom(options)
    return known
  }

  /** Who comes while a dial is under way shares it; it goes on as long as anybody waits. */
  async #dialled(wish: Wish, options: ConnectOptions, signal: AbortSignal): Promise<PeerRecord> {
    const key = wish.id ?? JSON.stringify(wish.addresses)
    const attempt = this.#attempts.get(key) ?? this.#begin(key, wish, options)
    const leave = (): void => {
      if (--attempt.waiting === 0) attempt.abort.abort(signal.reason)
    }
    attempt.waiting++
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await attempt.done
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  #begin(key: string, wish: Wish, options: ConnectOptions): Attempt {
    const abort = new AbortController()
    const forget = (): void => {
      if (this.#attempts.get(key) === attempt) this.#attempts.delete(key)
    }
    const done = this.#attempt(wish, options, AbortSignal.any([this.#options.closing, abort.signal])).finally(forget)
    const attempt: Attempt = { wish, done, abort, waiting: 0 }
    abort.signal.addEventListener('abort', forget, { once: true })
    this.#attempts.set(key, attempt)
    return attempt
  }

  async #attempt(wish: Wish, options: ConnectOptions, signal: AbortSignal): Promise<PeerRecord> {
    const { node, table, keeper, addresses } = this.#options
    const known = wish.id === undefined ? undefined : table.ensure(wish.id, node.clock.elapsedMs())
    if (known) {
      known.addAddresses(wish.addresses)
      known.state = PeerState.CONNECTING
    }
    try {
      if (wish.id !== undefined) addresses.dialled(wish.id)
      const secure = await dialPeer(this.#targetOf(wish, known), this.#options, signal)
      if (signal.aborted) {
        void secure.channel.close('local')
        signal.throwIfAborted()
      }
      this.#mustFitName(secure, wish)
      const record = keeper.admit(secure, {
        asked: isAskedFor(options),
        wanted: this.#keeps(options),
        shortLived: options.shortLived ?? false,
        // The name is bound at once; whether it could be stored, `#welcome` tells the caller.
        greet: peer => void this.#bind(peer, wish).catch(() => {}),
      })
      this.#noteWhere(record, wish, secure.channel.remoteAddress)
      return record
    } catch (error) {
      if (wish.id !== undefined && !signal.aborted) addresses.failed(wish.id, error)
      if (known && known.link === undefined) known.state = signal.aborted ? PeerState.DISCONNECTED : PeerState.FAILED
      throw error
    }
  }

  /** Where the caller says, and nowhere else; else where we have it, then where the address book does. */
  #targetOf(wish: Wish, known: PeerRecord | undefined): DialTarget {
    if (wish.id === undefined || known === undefined) return { who: wish.who, addresses: wish.addresses }
    const isTold = Object.keys(wish.addresses).length > 0
    const given: Record<string, unknown> = {}
    const hearsay: Record<string, unknown> = isTold ? {} : { ...this.#options.addresses.addressesOf(wish.id) }
    for (const [name, address] of Object.entries(known.addresses)) {
      if (!known.hearsay.has(address)) given[name] = address
      else if (!isTold) hearsay[name] ??= address
    }
    return { who: wish.who, key: fromHex(wish.id), addresses: given as PeerAddresses, hearsay: hearsay as PeerAddresses }
  }

  /** Others may have told us where it is: then that is where to look for it when the link is lost. */
  #noteWhere(record: PeerRecord, wish: Wish, remoteAddress: string): void {
    record.addAddresses(wish.addresses)
    if (record.hasAddress) return
    for (const [name, address] of Object.entries(this.#options.addresses.addressesOf(record.id))) if (address === remoteAddress) record.addHearsay({ [name]: address })
  }

  /** A second caller may have shared the dial under another name, or met a peer that was linked already. */
  async #welcome(record: PeerRecord, wish: Wish, options: ConnectOptions): Promise<PeerRecord> {
    await this.#bind(record, wish)
    if (isAskedFor(options)) {
      record.asked = true
      record.wanted = this.#keeps(options)
    }
    if (!options.shortLived) record.shortLived = false
    if (wish.metadata) record.addMetadata(wish.metadata)
    record.refresh(this.#options.names)
    return record
  }

  /** Binds the name the caller used, and remembers how far the key is to be trusted. */
  async #bind(record: PeerRecord, wish: Wish): Promise<void> {
    if (wish.given) record.trust('given')
    if (wish.name !== undefined) await this.#options.names.bind(wish.name, record.id, wish.given ? 'given' : 'pinned')
  }

  /** Whoever answered under a pinned name must hold its key; else the link is ended before anybody hears of it. */
  #mustFitName(secure: SecureLink, wish: Wish): void {
    if (wish.name === undefined) return
    try {
      this.#options.names.mustAdmit(wish.name, toHex(secure.remoteKey))
    } catch (error) {
      void secure.channel.close('error')
      throw error
    }
  }

  #keeps(options: ConnectOptions): boolean {
    return this.#options.reconnect && isAskedFor(options)
  }

  #mustHaveRoom({ shortLived }: ConnectOptions): void {
    const { keeper, node: { limits }, connectionsMax } = this.#options
    const max = shortLived ? limits.shortLivedConnectionsMax : connectionsMax
    const used = shortLived ? keeper.shortLivedConnections : keeper.connections
    if (used < max) return
    throw new P2PError(ErrorCode.PEER_LIMIT_REACHED, `${used} of ${max} connections are open; disconnect one, or raise ${shortLived ? 'limits.shortLivedConnectionsMax' : 'maxConnections'}`)
  }
}

/** By the user, rather than by a plugin or for a lookup. */
function isAskedFor(options: ConnectOptions): boolean {
  return options.keep ?? !options.shortLived
}
