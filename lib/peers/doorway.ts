import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { PeerId } from '../contracts/message.ts'
import type { PeerAddresses } from '../contracts/peer.ts'
import type { ISybilCost, SybilStats } from '../contracts/sybil-cost.ts'
import type { IChannel, IListener, ITransport } from '../contracts/transport.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { toHex } from '../foundation/hex.ts'
import { TokenBucketLimiter } from '../foundation/token-bucket.ts'
import { encodeClose, PartKind, writeParts } from '../wire/parts.ts'
import { Acceptor } from './acceptor.ts'
import { CloseCode } from './close-reason.ts'
import { transportFor } from './dialer.ts'
import { encodeHello, type Hello } from './hello.ts'
import type { LinkKeeper } from './link-keeper.ts'
import type { LocalNode } from './local-node.ts'
import { hostOf, isLoopback } from './network-address.ts'
import type { PeerTable } from './peer-table.ts'
import type { Reputation } from './reputation.ts'
import { SybilGate } from './sybil-gate.ts'

export interface DoorwayOptions {
  node: LocalNode
  table: PeerTable
  keeper: LinkKeeper
  reputation: Reputation
  sybilCost: ISybilCost | false | undefined
  transports: readonly ITransport[]
  network: 'public' | 'private' | undefined
  /** Aborts when the house closes. */
  closing: AbortSignal
  /** What to do with a channel that came through a listener. */
  accept(channel: IChannel): Promise<void>
  /** A handshake or a listener failed, and nobody waits for it. */
  onFailure(error: unknown): void
}

const UNWELCOME = writeParts([{ kind: PartKind.CLOSE, body: encodeClose(CloseCode.MISBEHAVIOUR, 'refused for what this key did before') }])
const NO_ROOM = writeParts([{ kind: PartKind.CLOSE, body: encodeClose(CloseCode.LIMIT, 'no room') }])
/** Addresses one hello may claim: docs/wire.md, section 5. */
const CLAIMS_MAX = 4
/** Subnets remembered for their handshakes: some 100 bytes each. */
const SUBNETS_MAX = 10_000
/** A subnet may open this many at once before its rate counts (peers.md: burst 5). */
const SUBNET_BURST = 5

/** Where others come in: the listeners, what they are told of us, and who is let through. */
export class Doorway {
  readonly #options: DoorwayOptions
  readonly #acceptor: Acceptor
  readonly #gate: SybilGate
  /** Hellos that show too little, and the level that was asked. */
  readonly #lacking = new WeakMap<Hello, number>()
  readonly #listeners = new Set<IListener>()

  constructor(options: DoorwayOptions) {
    const { node: { clock, limits } } = options
    this.#options = options
    this.#gate = new SybilGate({ node: options.node, cost: options.sybilCost, isPrivate: () => !this.#isOpenToStrangers, isAskedFor: id => options.table.get(id)?.asked ?? false })
    this.#acceptor = new Acceptor({
      node: options.node,
      hello: () => this.hello(),
      isPrivate: () => this.isPrivate,
      nodeLimiter: new TokenBucketLimiter({ clock, perSecond: limits.handshakesPerSecond, burst: limits.handshakesPerSecond, keysMax: 1 }),
      subnetLimiter: new TokenBucketLimiter({ clock, perSecond: limits.handshakesPerSubnetPerSecond, burst: SUBNET_BURST, keysMax: SUBNETS_MAX }),
      connectionsFrom: host => this.#connectionsFrom(host),
      farewellTo: (key, hello, from) => this.#farewellTo(toHex(key), hello, from),
    })
  }

  /** True on a test network of one's own: told so, or listening on loopback alone. */
  get isPrivate(): boolean {
    const { network } = this.#options
    if (network !== undefined) return network === 'private'
    return this.#listeners.size > 0 && [...this.#listeners].every(listener => isLoopback(listener.address))
  }

  /** Channels that somebody hands in, where nothing listens, come from no stranger. */
  get #isOpenToStrangers(): boolean {
    return !this.isPrivate && (this.#options.network === 'public' || this.#listeners.size > 0)
  }

  get addresses(): string[] {
    return [...this.#listeners].map(listener => listener.address)
  }

  get pendingHandshakes(): number {
    return this.#acceptor.pending
  }

  /** One address for each transport, as in a `PeerInfo`. */
  peerAddresses(): PeerAddresses {
    const addresses: Record<string, string> = {}
    for (const address of this.addresses) {
      const transport = transportFor(address, this.#options.transports)
      if (transport) addresses[transport.name] = address
    }
    return addresses
  }

  /** What this node says of itself in the sealed part of each handshake. */
  hello(): Hello {
    const addresses = this.addresses
    const { node } = this.#options
    return withFittingAddresses({
      boot: node.boot,
      timestampMs: node.clock.now(),
      role: addresses.length > 0 ? 'node' : 'client',
      addresses,
      protocols: node.vocabulary.list(),
      work: this.#gate.own,
    })
  }

  /** Throws ERR_TRANSPORT_NOT_AVAILABLE or ERR_TRANSPORT_LISTEN_FAILED. */
  async open(address: string, options: WaitOptions): Promise<IListener> {
    const { transports, closing } = this.#options
    const transport = transportFor(address, transports)
    if (transport?.listen === undefined) {
      throw new P2PError(ErrorCode.TRANSPORT_NOT_AVAILABLE, `no transport of this node can listen on ${address}; it has ${transports.map(each => each.name).join(', ') || 'none'}`)
    }
    const listener = await transport.listen(address, { ...options, greet: () => this.#acceptor.greet() })
    if (closing.aborted) void listener.close()
    closing.throwIfAborted()
    this.#listeners.add(listener)
    void this.#serve(listener)
    return listener
  }

  /** Handshakes with whoever opened the channel, and lets the link in. What fails closes it. */
  async accept(channel: IChannel, options: WaitOptions): Promise<void> {
    const { node, keeper, closing } = this.#options
    const secure = await withDeadline(node.clock, options, signal => this.#acceptor.accept(channel, AbortSignal.any([signal, closing])), { what: 'a handshake' })
    if (closing.aborted) void secure.channel.close('shutdown')
    closing.throwIfAborted()
    const level = this.#lacking.get(secure.remoteHello)
    if (level !== undefined) keeper.turnAway(secure, 'limit', tooLittleWork(toHex(secure.remoteKey), level))
    keeper.admit(secure, { asked: false, wanted: false, shortLived: false })
  }

  /** Pays what a listener asks of this node's key. */
  async payWork(level: number, signal: AbortSignal): Promise<void> {
    await this.#gate.pay(level, signal)
  }

  /** What this node has paid before. */
  async load(): Promise<void> {
    await this.#gate.load()
  }

  get sybil(): SybilStats {
    return this.#gate.stats
  }

  async close(): Promise<void> {
    await Promise.all([...this.#listeners].map(listener => listener.close()))
    this.#acceptor.wipe()
    this.#options.node.spareEphemeral.wipe()
  }

  async #serve(listener: IListener): Promise<void> {
    const { accept, onFailure } = this.#options
    try {
      for await (const channel of listener.channels) accept(channel).catch(onFailure)
    } catch (error) {
      onFailure(error)
    } finally {
      this.#listeners.delete(listener)
    }
  }

  /** The last of what a refused key costs us: said with our hello, so that the dialler knows why. */
  async #farewellTo(id: PeerId, hello: Hello, from: string): Promise<Uint8Array | undefined> {
    const { keeper, reputation } = this.#options
    if (reputation.banOf(id) !== undefined) return UNWELCOME
    const level = await this.#gate.lacking(id, hello.work)
    if (level !== undefined) {
      this.#lacking.set(hello, level)
      return writeParts([{ kind: PartKind.CLOSE, body: encodeClose(CloseCode.WORK, String(level)) }])
    }
    return keeper.hasRoomFor(id, false, from) ? undefined : NO_ROOM
  }

  #connectionsFrom(host: string): number {
    let count = 0
    for (const record of this.#options.table.connected()) if (hostOf(record.link!.remoteAddress) === host) count++
    return count
  }
}

function tooLittleWork(id: PeerId, level: number): P2PError {
  return new P2PError(ErrorCode.PEER_WORK_REQUIRED, `turned ${id} away: its hello shows less than the ${level} bits of work asked of strangers now; it was told`, { peerId: id })
}

/** What cannot be claimed is left out: it still works for those who were told otherwise. */
function withFittingAddresses(hello: Hello): Hello {
  const addresses: string[] = []
  for (const address of hello.addresses) {
    if (addresses.length < CLAIMS_MAX && isEncodable({ ...hello, addresses: [...addresses, address] })) addresses.push(address)
  }
  return { ...hello, addresses }
}

function isEncodable(hello: Hello): boolean {
  try {
    encodeHello(hello)
    return true
  } catch {
    return false
  }
}
