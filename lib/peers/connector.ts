import { ErrorCode, P2PError } from '../contracts/errors.ts'
import { PeerState, type PeerInfo } from '../contracts/peer.ts'
import type { ITransport } from '../contracts/transport.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { fromHex, toHex } from '../foundation/hex.ts'
import { dialPeer } from './dialer.ts'
import type { Hello } from './hello.ts'
import type { LinkKeeper } from './link-keeper.ts'
import type { LocalNode } from './local-node.ts'
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
  transports: readonly ITransport[]
  connectionsMax: number
  /** Whether lost peers are dialled again at all. */
  reconnect: boolean
  /** Aborts when the house closes. */
  closing: AbortSignal
  hello(): Hello
}

/** From a caller's wish to a linked peer: one dial at a time for each key or address, names bound to what answered. */
export class Connector {
  readonly #options: ConnectorOptions
  readonly #dialling = new Map<string, Promise<PeerRecord>>()

  constructor(options: ConnectorOptions) {
    this.#options = options
  }

  async connect(peer: PeerInfo | string, options: ConnectOptions): Promise<PeerRecord> {
    const { node, table } = this.#options
    const wish = wishFor(peer, this.#options)
    if (wish.id === node.id) throw new P2PError(ErrorCode.PEER_IS_SELF, 'a node does not connect to itself', { peerId: node.id })
    const linked = wish.id === undefined ? undefined : table.get(wish.id)
    if (linked?.link !== undefined) return await this.#welcome(linked, wish, options)
    this.#mustHaveRoom(options)
    const attempt = this.#sharedAttempt(wish, options)
    const record = await withDeadline(node.clock, options, () => attempt, { what: `connecting to ${wish.who}` })
    return await this.#welcome(record, wish, options)
  }

  /** Who comes while a dial is under way shares it. A caller that gives up leaves it to the others. */
  #sharedAttempt(wish: Wish, options: ConnectOptions): Promise<PeerRecord> {
    const key = wish.id ?? JSON.stringify(wish.addresses)
    let attempt = this.#dialling.get(key)
    if (attempt === undefined) {
      attempt = this.#attempt(wish, options).finally(() => this.#dialling.delete(key))
      attempt.catch(() => {})
      this.#dialling.set(key, attempt)
    }
    return attempt
  }

  async #attempt(wish: Wish, options: ConnectOptions): Promise<PeerRecord> {
    const { node, table, keeper, transports, closing, hello } = this.#options
    const known = wish.id === undefined ? undefined : table.ensure(wish.id, node.clock.elapsedMs())
    if (known) {
      known.addAddresses(wish.addresses)
      known.state = PeerState.CONNECTING
    }
    try {
      const target = { who: wish.who, key: wish.id === undefined ? undefined : fromHex(wish.id), addresses: known?.addresses ?? wish.addresses }
      const secure = await dialPeer(target, { node, transports, hello }, closing)
      if (closing.aborted) {
        void secure.channel.close('shutdown')
        closing.throwIfAborted()
      }
      this.#mustFitName(secure, wish)
      const record = keeper.admit(secure, {
        wanted: this.#keeps(options),
        shortLived: options.shortLived ?? false,
        greet: peer => this.#bind(peer, wish),
      })
      record.addAddresses(wish.addresses)
      return record
    } catch (error) {
      if (known && known.link === undefined) known.state = PeerState.FAILED
      throw error
    }
  }

  /** A second caller may have shared the dial under another name, or met a peer that was linked already. */
  async #welcome(record: PeerRecord, wish: Wish, options: ConnectOptions): Promise<PeerRecord> {
    await this.#bind(record, wish)
    if (options.keep ?? !options.shortLived) {
      record.wanted = this.#keeps(options)
      record.shortLived = false
    }
    if (wish.metadata) record.addMetadata(wish.metadata)
    record.refresh(this.#options.names)
    return record
  }

  /** Binds the name the caller used, and remembers how far the key is to be trusted. */
  #bind(record: PeerRecord, wish: Wish): Promise<void> {
    if (wish.given) record.trust('given')
    if (wish.name === undefined) return Promise.resolve()
    return this.#options.names.bind(wish.name, record.id, wish.given ? 'given' : 'pinned')
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
    return this.#options.reconnect && (options.keep ?? !options.shortLived)
  }

  #mustHaveRoom({ shortLived }: ConnectOptions): void {
    const { keeper, node: { limits }, connectionsMax } = this.#options
    const max = shortLived ? limits.shortLivedConnectionsMax : connectionsMax
    const used = shortLived ? keeper.shortLivedConnections : keeper.connections
    if (used < max) return
    throw new P2PError(ErrorCode.PEER_LIMIT_REACHED, `${used} of ${max} connections are open; disconnect one, or raise ${shortLived ? 'limits.shortLivedConnectionsMax' : 'maxConnections'}`)
  }
}
