import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { P2PMessage, PeerId } from '../contracts/message.ts'
import { PeerState, type DisconnectReason } from '../contracts/peer.ts'
import { compareBytes, equalBytes } from '../foundation/bytes.ts'
import { toHex } from '../foundation/hex.ts'
import { startHeartbeat } from './heartbeat.ts'
import { Link, type LinkEnding, type LinkOwner } from './link.ts'
import { isFault, isPeersOwn } from './link-errors.ts'
import { InboundGate } from './inbound-gate.ts'
import type { LocalNode } from './local-node.ts'
import type { NameBook } from './name-book.ts'
import { subnetOf } from './network-address.ts'
import type { SecureLink } from './noise/secure-link.ts'
import { PeerRecord, type PeerTable } from './peer-table.ts'
import type { Reputation } from './reputation.ts'

export interface LinkKeeperOptions {
  node: LocalNode
  table: PeerTable
  names: NameBook
  connectionsMax: number
  /** Of those, kept for links of our own choice. */
  reserved: number
  heartbeatIntervalMs: number
  isPrivate(): boolean
  reputation: Reputation
  onMessage(record: PeerRecord, message: P2PMessage): Promise<void> | undefined
  onConnected(record: PeerRecord): void
  onDisconnected(record: PeerRecord, reason: DisconnectReason): void
  onError(error: P2PError, record: PeerRecord): void
}

/** How a link came to be, for whoever admits it. */
export interface Admission {
  /** The user asked for this peer. */
  asked: boolean
  /** It is dialled again when the link is lost. */
  wanted: boolean
  shortLived: boolean
  /** Before anybody is told: the place to bind a name. */
  greet?: (record: PeerRecord) => void
}

/** Two links that came up within this time of each other were dialled at once. */
const SIMULTANEOUS_MS = 10_000
/** Of a stranger's rates, for a peer that is only just not refused. */
const GRAYLISTED_SHARE = 0.1

/**
 * Keeps at most one link for each key: admits new ones, settles which of two stays, and tells of
 * peers coming and going. Simultaneous dials are settled by the peer with the larger id, so that both
 * ends agree without another word; what was queued on the lesser link moves to the other.
 */
export class LinkKeeper implements LinkOwner {
  /** Peers that had to go for others. */
  evicted = 0
  readonly #options: LinkKeeperOptions
  readonly #gate: InboundGate

  constructor(options: LinkKeeperOptions) {
    this.#options = options
    this.#gate = new InboundGate(options)
  }

  /** Links that count against `maxConnections`. */
  get connections(): number {
    let count = 0
    for (const record of this.#options.table.connected()) if (!record.shortLived) count++
    return count
  }

  get shortLivedConnections(): number {
    let count = 0
    for (const record of this.#options.table.connected()) if (record.shortLived) count++
    return count
  }

  /** Whether there is room for a link to this key: one that is linked already takes no more. `from` is where it dials us from, if it does. */
  hasRoomFor(id: PeerId, shortLived: boolean, from?: string): boolean {
    if (this.#options.table.get(id)?.link !== undefined) return true
    if (from !== undefined && !this.#options.isPrivate()) return this.#gate.judge(from).kind !== 'refuse'
    return shortLived
      ? this.shortLivedConnections < this.#options.node.limits.shortLivedConnectionsMax
      : this.connections < this.#options.connectionsMax
  }

  /** Takes a finished handshake in. Throws ERR_PEER_LIMIT_REACHED, ERR_PEER_DISCOURAGED or ERR_PEER_BANNED, having told the peer so. */
  admit(secure: SecureLink, admission: Admission): PeerRecord {
    const { node, table, reputation } = this.#options
    const id = toHex(secure.remoteKey)
    const refusal = reputation.refusalOf(id, 'refused a connection with')
    if (refusal) this.turnAway(secure, 'misbehaviour', refusal)
    const from = secure.direction === 'inbound' ? secure.channel.remoteAddress : undefined
    if (!this.hasRoomFor(id, admission.shortLived, from)) this.turnAway(secure, 'limit', this.#noRoom(id))
    if (from !== undefined) this.#makeRoom(id, from)
    const record = table.ensure(id, node.clock.elapsedMs())
    const link = this.#makeLink(secure, record)
    if (admission.asked) record.asked = true
    if (admission.wanted) record.wanted = true
    // A link that was said goodbye on is as good as gone.
    if (record.link?.isOpen === false) this.#cutAll(record, 'local')
    if (record.link === undefined) this.#open(record, link, admission)
    else this.#settle(record, record.link, link, admission)
    link.start()
    return record
  }

  /** On a public network the least useful of those who dialled us gives way. */
  #makeRoom(id: PeerId, from: string): void {
    const { table, isPrivate } = this.#options
    if (isPrivate() || table.get(id)?.link !== undefined) return
    const verdict = this.#gate.judge(from)
    const record = verdict.kind === 'evict' ? table.get(verdict.id) : undefined
    if (record === undefined) return
    this.evicted++
    void this.close(record, 'limit', 'somebody else needs the place')
  }

  /** Ends both links of a peer, if it has any, in good order. */
  async close(record: PeerRecord, reason: DisconnectReason, text = ''): Promise<void> {
    if (record.openLink) record.state = PeerState.DISCONNECTING
    await Promise.all([record.spare?.close(reason, { text }), record.link?.close(reason, { text })])
  }

  // What links say.

  message(link: Link, message: P2PMessage): Promise<void> | undefined {
    const record = this.#options.table.get(link.id)
    if (record === undefined) return undefined
    record.seen(link.lastSeen)
    if (record.shortLived) this.touch(record)
    return this.#options.onMessage(record, message)
  }

  /** Something was said on a link: for those that are dropped when idle. */
  touch(record: PeerRecord): void {
    record.touchedAtMs = this.#options.node.clock.elapsedMs()
  }

  refused(link: Link, error: P2PError): void {
    const record = this.#options.table.get(link.id)
    if (record === undefined) return
    this.#options.onError(error, record)
    if (error.peerId === link.id && isFault(error)) this.#options.reputation.charge(link.id, error.code)
  }

  helloChanged(link: Link): void {
    this.#options.table.get(link.id)?.refresh(this.#options.names)
  }

  closed(link: Link, ending: LinkEnding): void {
    const record = this.#options.table.get(link.id)
    if (record === undefined) return
    if (ending.reason === 'misbehaviour' && ending.error && isPeersOwn(ending.error)) this.#options.reputation.chargeCut(link.id, ending.error.code)
    if (record.spare === link) return this.#dropSpare(record, link)
    if (record.link !== link) return
    if (record.spare !== undefined) this.#promoteSpare(record, link, record.spare)
    else this.#lose(record, ending)
  }

  /** Told at the end of the handshake already, where it was known then: this is for who came between. */
  turnAway(secure: SecureLink, reason: DisconnectReason, error: P2PError): never {
    const link = this.#makeLink(secure, new PeerRecord(toHex(secure.remoteKey)))
    link.start()
    void link.close(reason)
    throw error
  }

  #noRoom(id: PeerId): P2PError {
    return new P2PError(ErrorCode.PEER_LIMIT_REACHED, `no room for ${id}: ${this.connections} of ${this.#options.connectionsMax} connections are open`, { peerId: id })
  }

  /** Where keys cost nothing and nobody vouches for this one, the subnet it comes from answers for it. */
  #makeLink(secure: SecureLink, record: PeerRecord): Link {
    const { node, isPrivate } = this.#options
    const trusted = (): boolean => record.asked || isPrivate()
    const hand = trusted() ? undefined : subnetOf(secure.channel.remoteAddress)
    const link = new Link({ node, secure, owner: this, trusted, hand })
    this.#throttle(link)
    return link
  }

  /** Somebody's standing has become worse: read it more slowly, or be done with it. */
  standingChanged(id: PeerId): void {
    const record = this.#options.table.get(id)
    if (record?.link === undefined) return
    if (this.#options.reputation.banOf(id) !== undefined) void this.close(record, 'misbehaviour')
    else this.#throttle(record.link)
  }

  #throttle(link: Link): void {
    const { reputation } = this.#options
    if (reputation.standingOf(link.id) === 'good') return
    link.rates.throttle(() => {
      const standing = reputation.standingOf(link.id)
      return standing === 'good' ? undefined : standing === 'throttled' ? 1 : GRAYLISTED_SHARE
    })
  }

  #open(record: PeerRecord, link: Link, admission: Admission): void {
    record.link = link
    record.shortLived = admission.shortLived && !record.asked
    record.state = PeerState.CONNECTED
    if (record.room.trust === undefined) record.trust('first-use')
    admission.greet?.(record)
    this.#useLink(record, link)
    if (record.shortLived) this.#watchIdle(record, this.#options.node.limits.shortLivedIdleMsMax)
    this.#options.onConnected(record)
  }

  #watchIdle(record: PeerRecord, restMs: number): void {
    const { clock, limits } = this.#options.node
    record.idleWatch = clock.schedule(restMs, () => {
      if (!record.shortLived) return
      const idleMs = clock.elapsedMs() - record.touchedAtMs
      if (idleMs >= limits.shortLivedIdleMsMax) void this.close(record, 'local')
      else this.#watchIdle(record, limits.shortLivedIdleMsMax - idleMs)
    })
  }

  #useLink(record: PeerRecord, link: Link): void {
    const { node, table, names, heartbeatIntervalMs } = this.#options
    record.link = link
    record.refresh(names)
    table.recount()
    record.heartbeat?.[Symbol.dispose]()
    record.heartbeat = startHeartbeat(link, {
      clock: node.clock,
      limits: node.limits,
      intervalMs: heartbeatIntervalMs,
      onAnswer: () => record.refresh(names),
    })
  }

  /** Two links to one key. */
  #settle(record: PeerRecord, old: Link, fresh: Link, admission: Admission): void {
    if (!equalBytes(old.hello.boot, fresh.hello.boot)) return this.#replaceRestarted(record, fresh, admission)
    if (!this.#weDecide(record)) return this.#keepBoth(record, old, fresh)
    if (this.#keepsOld(old, fresh)) void fresh.close('local', { duplicate: true })
    else this.#switchTo(record, old, fresh)
  }

  /** The peer has restarted: what it had before leads nowhere. */
  #replaceRestarted(record: PeerRecord, fresh: Link, admission: Admission): void {
    const { shortLived } = record
    this.#cutAll(record, 'error')
    this.#open(record, fresh, { ...admission, shortLived })
  }

  #cutAll(record: PeerRecord, reason: DisconnectReason): void {
    record.spare?.cut(reason)
    record.link?.cut(reason)
  }

  #weDecide(record: PeerRecord): boolean {
    return compareBytes(this.#options.node.publicKey, record.publicKey) > 0
  }

  /** Of two dialled at once, the one dialled by the larger id; else the newer, since only the peer itself can have made it. */
  #keepsOld(old: Link, fresh: Link): boolean {
    const simultaneous = old.direction !== fresh.direction && fresh.openedAtMs - old.openedAtMs < SIMULTANEOUS_MS
    return simultaneous && old.direction === 'outbound'
  }

  /** What is queued on the old link leaves by it, before its goodbye; what comes by it is still read. */
  #switchTo(record: PeerRecord, old: Link, fresh: Link): void {
    this.#useLink(record, fresh)
    void old.close('local', { duplicate: true })
  }

  /**
   * The other end decides; until it has, both are read, and the newer is spoken on: the older may be one that the
   * other end has lost and will never speak of. Never more than two.
   */
  #keepBoth(record: PeerRecord, old: Link, fresh: Link): void {
    void record.spare?.close('local', { duplicate: true })
    record.spare = old
    record.spareWatch?.[Symbol.dispose]()
    record.spareWatch = this.#options.node.clock.schedule(SIMULTANEOUS_MS, () => void old.close('local', { duplicate: true }))
    this.#useLink(record, fresh)
  }

  /** What was queued on it before the newer came leaves by the newer. */
  #dropSpare(record: PeerRecord, spare: Link): void {
    record.spare = undefined
    if (record.link?.isOpen) spare.handOver(record.link)
    record.spareWatch?.[Symbol.dispose]()
    record.spareWatch = undefined
  }

  #promoteSpare(record: PeerRecord, lost: Link, spare: Link): void {
    record.spare = undefined
    record.spareWatch?.[Symbol.dispose]()
    record.spareWatch = undefined
    lost.handOver(spare)
    this.#useLink(record, spare)
  }

  #lose(record: PeerRecord, ending: LinkEnding): void {
    const { node, table } = this.#options
    record.refresh(this.#options.names)
    record.link = undefined
    record.heartbeat?.[Symbol.dispose]()
    record.heartbeat = undefined
    record.idleWatch?.[Symbol.dispose]()
    record.idleWatch = undefined
    record.state = PeerState.DISCONNECTED
    record.shortLived = false
    record.touchedAtMs = node.clock.elapsedMs()
    table.recount()
    if (ending.error && ending.reason !== 'misbehaviour') this.#options.onError(ending.error, record)
    this.#options.onDisconnected(record, ending.reason)
  }
}
