import type { IClock } from '../contracts/clock.ts'
import type { P2PError } from '../contracts/errors.ts'
import type { OutgoingMessage, P2PMessage, PeerId } from '../contracts/message.ts'
import type { DisconnectReason, PeerInfo } from '../contracts/peer.ts'
import type { IProtocolHandler, ProtocolContext } from '../contracts/protocol.ts'
import type { IPubSub } from '../contracts/pubsub.ts'
import type { IResourceDirectory } from '../contracts/resources.ts'
import type { IStore } from '../contracts/store.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { guardedAddresses, guardedPubSub, guardedResources, guardedStore } from './guarded.ts'
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
  draw(length: number): Uint8Array
  connect(peer: PeerInfo | PeerId, options?: WaitOptions & { shortLived?: boolean }): Promise<PeerInfo>
  disconnect(peerId: PeerId, reason?: DisconnectReason): Promise<void>
  send(protocol: string, to: PeerId, message: OutgoingMessage, options?: WaitOptions): Promise<void>
  broadcast(protocol: string, message: OutgoingMessage, options?: WaitOptions & { except?: readonly PeerId[] }): Promise<void>
  request(protocol: string, to: PeerId, message: OutgoingMessage, options?: WaitOptions): Promise<P2PMessage>
  reply(to: P2PMessage, payload: unknown, options?: WaitOptions): Promise<void>
  author(protocol: string, message: OutgoingMessage): Promise<Uint8Array>
  verify(frame: Uint8Array): Promise<P2PMessage>
  deliver(frame: Uint8Array, via: PeerInfo): Promise<void>
  ephemeral(registration: Registration, handler: IProtocolHandler): Promise<AsyncDisposable>
  useful(peerId: PeerId, how: 'gossip' | 'answer'): void
  report(protocol: string, error: P2PError): void
}

/** The house as one protocol sees it: every message leaves stamped with its name, and nothing works after it has left. */
export function scopedContext(house: House, registration: Registration): ProtocolContext {
  const protocol = registration.handler.protocolName
  const { signal } = registration.abort
  const mustBeRegistered = (): void => signal.throwIfAborted()
  return {
    get localPeer() {
      return house.localPeer()
    },
    clock: house.clock,
    resources: guardedResources(house.resources, mustBeRegistered),
    pubsub: guardedPubSub(house.pubsub, mustBeRegistered),
    addresses: guardedAddresses(house.addresses, mustBeRegistered),
    // What `onUnregister` puts away is still stored.
    store: guardedStore(house.storeOf(protocol), () => registration.over.signal.throwIfAborted()),
    signal,
    peers: () => (signal.aborted ? [] : house.speakers(protocol)),
    randomBytes: length => house.draw(length),
    connect: async (peer, options) => {
      mustBeRegistered()
      return await house.connect(peer, options)
    },
    disconnect: async (peerId, reason) => {
      mustBeRegistered()
      await house.disconnect(peerId, reason)
    },
    // Not async, unlike the rest: a promise for each message would cost more than the message.
    send: (to, message, options) => (signal.aborted ? Promise.reject(signal.reason as Error) : house.send(protocol, to, message, options)),
    broadcast: async (message, options) => {
      mustBeRegistered()
      await house.broadcast(protocol, message, options)
    },
    request: async (to, message, options) => {
      mustBeRegistered()
      return await house.request(protocol, to, message, options)
    },
    reply: async (to, payload, options) => {
      mustBeRegistered()
      await house.reply(to, payload, options)
    },
    author: async message => {
      mustBeRegistered()
      return await house.author(protocol, message)
    },
    verify: async frame => {
      mustBeRegistered()
      return await house.verify(frame)
    },
    deliver: async (frame, via) => {
      mustBeRegistered()
      await house.deliver(frame, via)
    },
    ephemeral: async handler => {
      mustBeRegistered()
      return await house.ephemeral(registration, handler)
    },
    useful: (peerId, how) => {
      if (!signal.aborted) house.useful(peerId, how)
    },
    report: error => house.report(protocol, error),
  }
}
