import type { P2PError } from '../contracts/errors.ts'
import type { PeerId } from '../contracts/message.ts'
import type { PeerInfo } from '../contracts/peer.ts'
import type { ITransport } from '../contracts/transport.ts'
import { AddressKeeper, type AddressStats } from './address-keeper.ts'
import type { Anchor } from './address-store.ts'
import type { ConnectOptions } from './connector.ts'
import type { LocalNode } from './local-node.ts'
import type { PeerRecord, PeerTable } from './peer-table.ts'
import { ANCHORS, OutboundSlots, type OutboundStats } from './slots.ts'

/** What of the manager is needed here. */
export interface OutreachManager {
  readonly node: LocalNode
  readonly table: PeerTable
  readonly transports: readonly ITransport[]
  readonly isPrivate: boolean
  readonly isClosed: boolean
  connectRecord(peer: PeerInfo | string, options: ConnectOptions): Promise<PeerRecord>
  disconnect(id: PeerId): Promise<void>
  report(error: P2PError): void
}

export interface OutreachOptions {
  manager: OutreachManager
  /** Links this node makes of its own choice; 0 for none. */
  outboundTarget: number
  probe(id: PeerId): Promise<void>
}

export interface OutreachStats {
  book: AddressStats
  outbound: OutboundStats
}

/** From a start to the first dial: whether this node listens, and so whether its network is private, is known by then. */
const START_MS = 1_000

/** Places kept for links of our own choice: the target, the anchors and a feeler. */
export function reservedFor(outboundTarget: number): number {
  return outboundTarget === 0 ? 0 : outboundTarget + ANCHORS + 1
}

/** How this node finds others by itself: the address book, and the links it makes of its own choice. */
export class Outreach {
  readonly addresses: AddressKeeper
  readonly #manager: OutreachManager
  readonly #slots: OutboundSlots
  readonly #target: number
  #starting: Disposable | undefined

  constructor({ manager, outboundTarget, probe }: OutreachOptions) {
    const { node } = manager
    this.#manager = manager
    this.#target = outboundTarget
    this.addresses = new AddressKeeper({
      node,
      transports: manager.transports,
      isPrivate: () => manager.isPrivate,
      links: () => manager.table.linked,
      onError: error => manager.report(error),
    })
    this.#slots = new OutboundSlots({
      clock: node.clock,
      random: node.random,
      target: outboundTarget,
      book: () => this.addresses.book,
      groupOf: address => this.addresses.groupOf(address),
      outbound: () => this.#outbound(),
      isLinked: id => id === node.id || manager.table.get(id)?.link !== undefined,
      dial: id => didIt(manager.connectRecord(id, { keep: false })),
      probe: id => didIt(probe(id)),
      drop: id => void manager.disconnect(id),
    })
  }

  get stats(): OutreachStats {
    return { book: this.addresses.stats, outbound: this.#slots.stats }
  }

  /** Reads the book, once; a moment later the slots begin to fill. */
  async load(): Promise<void> {
    await this.addresses.load()
    if (this.#starting !== undefined || this.#target === 0 || this.#manager.isClosed) return
    this.#starting = this.#manager.node.clock.schedule(START_MS, () => this.#slots.start(this.addresses.anchors))
  }

  connected({ link }: PeerRecord): void {
    if (link !== undefined) this.addresses.connected(link)
    this.#changed()
  }

  disconnected(): void {
    // Those whose links are closed with the house are the ones to come back to.
    if (this.#manager.isClosed) return
    this.addresses.disconnected()
    this.#changed()
  }

  async close(): Promise<void> {
    this.#starting?.[Symbol.dispose]()
    this.#slots[Symbol.dispose]()
    await this.addresses.close()
  }

  #changed(): void {
    if (this.#target === 0) return
    this.addresses.keepAnchors(this.#slots.anchorsAfter(this.addresses.anchors))
    this.#slots.fill()
  }

  #outbound(): Anchor[] {
    const records = [...this.#manager.table.connected()].filter(({ link, asked, shortLived }) => link!.direction === 'outbound' && !asked && !shortLived)
    return records.sort((a, b) => a.link!.openedAtMs - b.link!.openedAtMs).map(({ id, link }) => ({ id, address: link!.remoteAddress }))
  }
}

/** A dial of our own that fails is nobody's news: there are others. */
async function didIt(dial: Promise<unknown>): Promise<boolean> {
  try {
    await dial
    return true
  } catch {
    return false
  }
}
