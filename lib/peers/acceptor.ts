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
}

/** On a private network nobody is rationed, but memory is still bounded. */
const PRIVATE_PENDING_MAX = 1_024

/** Turns sockets that strangers open into links, or closes them: the cheapest refusal first. */
export class Acceptor {
  readonly #options: AcceptorOptions
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
    const refusal = await this.#refusal(channel.remoteAddress)
    if (refusal) {
      await channel.close('limit')
      throw refusal
    }
    this.#pending++
    try {
      return await this.#handshake(channel, signal)
    } finally {
      this.#pending--
    }
  }

  async #refusal(address: string): Promise<P2PError | undefined> {
    const { node: { limits }, isPrivate, nodeLimiter, subnetLimiter, connectionsFrom } = this.#options
    const pendingMax = isPrivate() ? PRIVATE_PENDING_MAX : limits.handshakesPendingMax
    if (this.#pending >= pendingMax) return limitReached(`${this.#pending} handshakes are already under way`, address)
    if (isPrivate()) return undefined
    if (connectionsFrom(hostOf(address)) >= limits.connectionsPerAddressMax) {
      return limitReached(`${limits.connectionsPerAddressMax} connections are already open`, address)
    }
    const waitMs = (await subnetLimiter.take(subnetOf(address))) || (await nodeLimiter.take('node'))
    if (waitMs === 0) return undefined
    return new P2PError(ErrorCode.PEER_RATE_LIMITED, `too many handshakes from ${subnetOf(address)}: the next is welcome in ${waitMs} ms`)
  }

  #handshake(channel: IChannel, signal: AbortSignal): Promise<SecureLink> {
    const { node, hello } = this.#options
    return acceptSecure(channel, {
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

function limitReached(why: string, address: string): P2PError {
  return new P2PError(ErrorCode.PEER_LIMIT_REACHED, `refused a connection from ${address}: ${why}`)
}
