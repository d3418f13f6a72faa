import type { P2PEvents } from '../contracts/events.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { OutgoingMessage } from '../contracts/message.ts'
import type { PeerAddresses, PeerInfo, PeerState } from '../contracts/peer.ts'
import type { ITransport } from '../contracts/transport.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { SafeEmitter } from '../foundation/safe-emitter.ts'
import { PeerManager, type PeerManagerOptions } from './peer-manager.ts'

/**
 * One connection to one peer, usable alone: dial, speak, hear, close. Inside it is a manager that
 * holds a single link, so the handshake, heartbeats and limits are the same as everywhere.
 */
export class PeerConnection extends SafeEmitter<P2PEvents> implements AsyncDisposable {
  readonly #manager: PeerManager
  readonly #transport: ITransport
  readonly #expected: PeerInfo
  #peer: PeerInfo | undefined

  /** `peer` names whom to expect: an id or `publicKey` pins the key, any other peerId is a local name for whoever answers. */
  constructor(peer: PeerInfo, transport: ITransport, options: Omit<PeerManagerOptions, 'transports' | 'route'> = {}) {
    super()
    this.#expected = peer
    this.#transport = transport
    this.#manager = new PeerManager({ maxConnections: 1, reconnect: false, ...options, transports: [transport] })
    for (const event of ['connected', 'disconnected', 'message', 'error'] as const) {
      this.#manager.on(event, (...args: unknown[]) => void this.emit(event, ...(args as [never, never])))
    }
  }

  /** What is known of the peer; its state moves as the link does. */
  get peer(): PeerInfo {
    return this.#peer ?? this.#expected
  }

  get state(): PeerState {
    return this.peer.state
  }

  /** Unix time in milliseconds of the last frame. */
  get lastSeen(): number {
    return this.peer.lastSeen
  }

  get isConnected(): boolean {
    return this.#manager.list().length > 0
  }

  /** Dials the address, or the one in the peer's info. Rejects with what the dial or the handshake says. */
  async connect(address?: string, options?: WaitOptions): Promise<PeerInfo> {
    const addresses = address === undefined ? this.#expected.addresses : ({ [this.#transport.name]: address } as PeerAddresses)
    this.#peer = await this.#manager.connect({ ...this.#expected, addresses }, options)
    return this.#peer
  }

  /** Signed, to this peer. Rejects with ERR_PEER_NOT_CONNECTED before `connect` and after `close`. */
  async send(message: OutgoingMessage, options?: WaitOptions): Promise<{ messageId: string }> {
    if (this.#peer === undefined) {
      throw new P2PError(ErrorCode.PEER_NOT_CONNECTED, `${this.#expected.peerId} is not connected; call connect(address) first`, { peerId: this.#expected.peerId })
    }
    return await this.#manager.sendTo(this.#peer.peerId, message, options)
  }

  /** Ends the link in good order. Harmless when called twice. */
  async close(): Promise<void> {
    await this.#manager.close('local')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
