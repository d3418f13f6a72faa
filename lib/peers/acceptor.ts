import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { ILimiter } from '../contracts/limiter.ts'
import type { IChannel } from '../contracts/transport.ts'
import { encodeHello, type Hello } from './hello.ts'
import type { LocalNode } from './local-node.ts'
import { hostOf, subnetOf } from './network-address.ts'
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
  /** What follows our hello to a key we have no room for; undefined where there is room. */
  farewellTo(key: Uint8Array): Uint8Array | undefined
}

/** On a private network nobody is rationed, but memory is still bounded. */
const PRIVATE_PENDING_MAX = 1_024

/** Turns sockets that strangers open into links, or closes them: the cheapest refusal first. */
export class Acceptor {
  readonly #options: AcceptorOptions
  /** Handshakes under way from each host. */
  readonly #hosts = new Map<string, number>()
  #pending = 0

  constructor(options: AcceptorOptions) {
    this.#options = options
  }

  /** Handshakes under way. */
  get pending(): number {
    return this.#pending
  }

  /** Throws ERR_PEER_LIMIT_REACHED, ERR_PEER_RATE_LIMITED, or why the handshake failed; the channel is then closed. */
  async accept(channel: IChannel, signal: AbortSignal): Promise<SecureLink> {
    const host = hostOf(channel.remoteAddress)
    const full = this.#full(host, channel.remoteAddress)
    if (full) return await turnAway(channel, full)
    // Counted from here on: a limiter may take its time, and others come meanwhile.
    this.#count(host, 1)
    try {
      const early = await this.#early(channel.remoteAddress)
      if (early) return await turnAway(channel, early)
      return await this.#handshake(channel, signal)
    } finally {
      this.#count(host, -1)
    }
  }

  #full(host: string, address: string): P2PError | undefined {
    const { node: { limits }, isPrivate, connectionsFrom } = this.#options
    const pendingMax = isPrivate() ? PRIVATE_PENDING_MAX : limits.handshakesPendingMax
    if (this.#pending >= pendingMax) return limitReached(`${this.#pending} handshakes are already under way`, address)
    if (isPrivate()) return undefined
    const open = connectionsFrom(host) + (this.#hosts.get(host) ?? 0)
    if (open < limits.connectionsPerAddressMax) return undefined
    return limitReached(`${open} connections are already open or on their way`, address)
  }

  async #early(address: string): Promise<P2PError | undefined> {
    const { isPrivate, nodeLimiter, subnetLimiter } = this.#options
    if (isPrivate()) return undefined
    const waitMs = (await subnetLimiter.take(subnetOf(address))) || (await nodeLimiter.take('node'))
    if (waitMs === 0) return undefined
    return new P2PError(ErrorCode.PEER_RATE_LIMITED, `too many handshakes from ${subnetOf(address)}: the next is welcome in ${waitMs} ms`)
  }

  #count(host: string, change: 1 | -1): void {
    this.#pending += change
    const count = (this.#hosts.get(host) ?? 0) + change
    if (count === 0) this.#hosts.delete(host)
    else this.#hosts.set(host, count)
  }

  #handshake(channel: IChannel, signal: AbortSignal): Promise<SecureLink> {
    const { node, hello, farewellTo } = this.#options
    return acceptSecure(channel, {
      farewellTo,
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
