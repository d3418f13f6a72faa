import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { ILimiter } from '../contracts/limiter.ts'
import type { IChannel } from '../contracts/transport.ts'
import { encodeHello, type Hello } from './hello.ts'
import type { LocalNode } from './local-node.ts'
import { hostOf, subnetOf } from './network-address.ts'
import { NamedEphemerals } from './noise/ephemeral.ts'
import { acceptSecure, type SecureLink } from './noise/secure-link.ts'

export interface AcceptorOptions {
  node: LocalNode
  hello(): Hello
  /** True on a test network of one's own: no limit by address, and handshakes are not rationed. */
  isPrivate(): boolean
  /** Handshakes a second: node-wide, and for one subnet. */
  nodeLimiter: ILimiter
  subnetLimiter: ILimiter
  /** Connections open now from a host. */
  connectionsFrom(host: string): number
  /** What follows our hello to a key we do not let in; undefined where it is welcome. */
  farewellTo(key: Uint8Array, hello: Hello, from: string): Promise<Uint8Array | undefined>
}

/** On a private network nobody is rationed, but memory is still bounded. */
const PRIVATE_PENDING_MAX = 1_024

/** A handshake under way. */
interface Pending {
  readonly host: string
  readonly subnet: string
  readonly abort: AbortController
}

/** Turns sockets that strangers open into links, or closes them: the cheapest refusal first. */
export class Acceptor {
  readonly #options: AcceptorOptions
  /** The oldest first. */
  readonly #pending = new Set<Pending>()
  readonly #ephemerals: NamedEphemerals

  constructor(options: AcceptorOptions) {
    const { node } = options
    this.#options = options
    this.#ephemerals = new NamedEphemerals(node.spareEphemeral)
  }

  /** What a listener says with its answer to a dial: the key that our act two will bring. */
  greet(): Uint8Array {
    return this.#ephemerals.name()
  }

  /** Forgets the keys that were named and never used. */
  wipe(): void {
    this.#ephemerals.wipe()
  }

  /** Handshakes under way. */
  get pending(): number {
    return this.#pending.size
  }

  /** Throws ERR_PEER_LIMIT_REACHED, ERR_PEER_RATE_LIMITED, or why the handshake failed; the channel is then closed. */
  async accept(channel: IChannel, signal: AbortSignal): Promise<SecureLink> {
    const { remoteAddress } = channel
    const mine: Pending = { host: hostOf(remoteAddress), subnet: subnetOf(remoteAddress), abort: new AbortController() }
    const full = this.#full(mine, remoteAddress)
    if (full) return await turnAway(channel, full)
    // Counted from here on: a limiter may take its time, and others come meanwhile.
    this.#pending.add(mine)
    try {
      const early = await this.#early(mine)
      if (early) return await turnAway(channel, early)
      return await this.#handshake(channel, AbortSignal.any([signal, mine.abort.signal]))
    } catch (error) {
      mine.abort.signal.throwIfAborted()
      throw error
    } finally {
      this.#pending.delete(mine)
      this.#options.node.spareEphemeral.refill()
    }
  }

  #full(mine: Pending, address: string): P2PError | undefined {
    const { node: { limits }, isPrivate, connectionsFrom } = this.#options
    const pendingMax = isPrivate() ? PRIVATE_PENDING_MAX : limits.handshakesPendingMax
    if (this.#pending.size >= pendingMax && !this.#makeRoom(mine)) return limitReached(`${this.#pending.size} handshakes are already under way`, address)
    if (isPrivate()) return undefined
    const open = connectionsFrom(mine.host) + [...this.#pending].filter(({ host }) => host === mine.host).length
    if (open < limits.connectionsPerAddressMax) return undefined
    return limitReached(`${open} connections are already open or on their way`, address)
  }

  /** Those who let their handshakes stall must not keep others out: the most crowded subnet gives up its oldest to one less crowded. */
  #makeRoom(mine: Pending): boolean {
    const counts = new Map<string, number>()
    for (const { subnet } of this.#pending) counts.set(subnet, (counts.get(subnet) ?? 0) + 1)
    const most = Math.max(...counts.values())
    if ((counts.get(mine.subnet) ?? 0) >= most) return false
    const oldest = [...this.#pending].find(({ subnet }) => counts.get(subnet) === most)!
    this.#pending.delete(oldest)
    oldest.abort.abort(limitReached('it took its time with the handshake, and others wait', oldest.host))
    return true
  }

  async #early({ subnet }: Pending): Promise<P2PError | undefined> {
    const { isPrivate, nodeLimiter, subnetLimiter } = this.#options
    if (isPrivate()) return undefined
    const waitMs = (await subnetLimiter.take(subnet)) || (await nodeLimiter.take('node'))
    if (waitMs === 0) return undefined
    return new P2PError(ErrorCode.PEER_RATE_LIMITED, `too many handshakes from ${subnet}: the next is welcome in ${waitMs} ms`)
  }

  #handshake(channel: IChannel, signal: AbortSignal): Promise<SecureLink> {
    const { node, hello, farewellTo } = this.#options
    return acceptSecure(channel, {
      farewellTo: (key, remoteHello) => farewellTo(key, remoteHello, channel.remoteAddress),
      ephemeralOf: greeting => this.#ephemerals.take(greeting),
      identity: node.identity,
      crypto: node.crypto,
      random: node.secretRandom,
      networkId: node.networkId,
      hello: encodeHello(hello()),
      limits: node.limits,
      clock: node.clock,
      signal,
    })
  }
}

async function turnAway(channel: IChannel, refusal: P2PError): Promise<never> {
  await channel.close('limit')
  throw refusal
}

function limitReached(why: string, address: string): P2PError {
  return new P2PError(ErrorCode.PEER_LIMIT_REACHED, `refused a connection from ${address}: ${why}`)
}
