import type { IClock } from '../contracts/clock.ts'
import type { P2PError } from '../contracts/errors.ts'
import type { OutgoingMessage, P2PMessage, PeerId } from '../contracts/message.ts'
import type { DisconnectReason, PeerInfo } from '../contracts/peer.ts'
import type { IProtocolHandler, ProtocolContext } from '../contracts/protocol.ts'
import type { IPubSub } from '../contracts/pubsub.ts'
import type { IResourceDirectory } from '../contracts/resources.ts'
import type { IStore } from '../contracts/store.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import type { Registration } from './registry.ts'

/** What the house does for a plugin; each call says which protocol asks, and its messages leave under that name. */
export interface House {
  readonly clock: IClock
  readonly resources: IResourceDirectory
  readonly pubsub: IPubSub
  readonly addresses: ProtocolContext['addresses']
  localPeer(): PeerInfo
  storeOf(protocol: string): IStore
  speakers(protocol: string): PeerInfo[]
  randomBytes(length: number): Uint8Array
  connect(peer: PeerInfo | PeerId, options?: WaitOptions & { shortLived?: boolean }): Promise<PeerInfo>
  disconnect(peerId: PeerId, reason?: DisconnectReason): Promise<void>
  send(protocol: string, to: PeerId, message: OutgoingMessage, options?: WaitOptions): Promise<void>
  broadcast(protocol: string, message: OutgoingMessage, options?: WaitOptions & { except?: readonly PeerId[] }): Promise<void>
  request(protocol: string, to: PeerId, message: OutgoingMessage, options?: WaitOptions): Promise<P2PMessage>
  reply(to: P2PMessage, payload: unknown, options?: WaitOptions): Promise<void>
  author(protocol: string, message: OutgoingMessage): Promise<Uint8Array>
  verify(frame: Uint8Array): Promise<P2PMessage>
  deliver(frame: Uint8Array, via: PeerInfo): Promise<void>
  ephemeral(protocol: string, handler: IProtocolHandler, signal: AbortSignal): Promise<AsyncDisposable>
  report(protocol: string, error: P2PError): void
}

/** The house as one protocol sees it: every message leaves stamped with its name, and nothing works after it has left. */
export function scopedContext(house: House, registration: Registration): ProtocolContext {
  const protocol = registration.handler.protocolName
  const { signal } = registration.abort
  const store = house.storeOf(protocol)
  return {
    get localPeer() {
      return house.localPeer()
    },
    clock: house.clock,
    resources: house.resources,
    pubsub: house.pubsub,
    addresses: house.addresses,
    store,
    signal,
    peers: () => house.speakers(protocol),
    randomBytes: length => house.randomBytes(length),
    connect: (peer, options) => house.connect(peer, options),
    disconnect: (peerId, reason) => house.disconnect(peerId, reason),
    // Not async, unlike the rest: a promise for each message would cost more than the message.
    send: (to, message, options) => (signal.aborted ? Promise.reject(signal.reason as Error) : house.send(protocol, to, message, options)),
    broadcast: async (message, options) => {
      signal.throwIfAborted()
      await house.broadcast(protocol, message, options)
    },
    request: async (to, message, options) => {
      signal.throwIfAborted()
      return await house.request(protocol, to, message, options)
    },
    reply: async (to, payload, options) => {
      signal.throwIfAborted()
      await house.reply(to, payload, options)
    },
    author: async message => {
      signal.throwIfAborted()
      return await house.author(protocol, message)
    },
    verify: frame => house.verify(frame),
    deliver: (frame, via) => house.deliver(frame, via),
    ephemeral: handler => house.ephemeral(protocol, handler, signal),
    report: error => house.report(protocol, error),
  }
}
