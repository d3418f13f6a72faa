import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { OutgoingMessage, P2PMessage, PeerId } from '../contracts/message.ts'
import type { DisconnectReason, PeerInfo } from '../contracts/peer.ts'
import type { IProtocolHandler, ProtocolContext } from '../contracts/protocol.ts'
import type { IPubSub } from '../contracts/pubsub.ts'
import type { IResourceDirectory } from '../contracts/resources.ts'
import type { IStore } from '../contracts/store.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import type { NodeClock } from './node-clock.ts'

/** What a simulated node does for its handlers; each call says which protocol asks. */
export interface MeshHouse {
  readonly clock: NodeClock
  readonly info: PeerInfo
  readonly addresses: ProtocolContext['addresses']
  /** The handler here that plays a role for the others. */
  role<R extends 'resources' | 'pubsub'>(role: R): IProtocolHandler[R]
  storeOf(protocol: string): IStore
  speakers(protocol: string): PeerInfo[]
  draw(length: number): Uint8Array
  connect(peer: PeerInfo | PeerId, options: WaitOptions & { shortLived?: boolean }): Promise<PeerInfo>
  disconnect(peerId: PeerId, reason: DisconnectReason): Promise<void>
  send(protocol: string, to: PeerId, message: OutgoingMessage): Promise<void>
  broadcast(protocol: string, message: OutgoingMessage, except: readonly PeerId[]): Promise<void>
  request(protocol: string, to: PeerId, message: OutgoingMessage, options: WaitOptions): Promise<P2PMessage>
  reply(protocol: string, to: P2PMessage, payload: unknown): Promise<void>
  author(protocol: string, message: OutgoingMessage): Uint8Array
  verify(frame: Uint8Array): P2PMessage
  deliver(frame: Uint8Array, via: PeerInfo): Promise<void>
  ephemeral(protocol: string, handler: IProtocolHandler): AsyncDisposable
  report(error: P2PError): void
}

/** A `ProtocolContext` over nothing but the heap of events, written from the public types alone. */
export function meshContext(house: MeshHouse, protocol: string, signal: AbortSignal): ProtocolContext {
  // What throws here must reject there.
  const asked = async <T>(run: () => T | Promise<T>): Promise<T> => {
    signal.throwIfAborted()
    return await run()
  }
  return {
    get localPeer() {
      return house.info
    },
    clock: house.clock,
    resources: resourcesOf(house),
    pubsub: pubsubOf(house),
    addresses: house.addresses,
    get store() {
      return house.storeOf(protocol)
    },
    signal,
    peers: () => signal.aborted ? [] : house.speakers(protocol),
    randomBytes: length => house.draw(length),
    connect: (peer, options = {}) => asked(() => house.connect(peer, options)),
    disconnect: (peerId, reason = 'local') => asked(() => house.disconnect(peerId, reason)),
    // Without a promise of its own: there are millions of them.
    send: (to, message) => signal.aborted ? Promise.reject(signal.reason as Error) : house.send(protocol, to, message),
    broadcast: (message, options) => signal.aborted ? Promise.reject(signal.reason as Error) : house.broadcast(protocol, message, options?.except ?? []),
    request: (to, message, options = {}) => asked(() => house.request(protocol, to, message, options)),
    reply: (to, payload) => asked(() => house.reply(protocol, to, payload)),
    author: message => asked(() => house.author(protocol, message)),
    verify: frame => asked(() => house.verify(frame)),
    deliver: (frame, via) => asked(() => house.deliver(frame, via)),
    ephemeral: handler => asked(() => house.ephemeral(protocol, handler)),
    report: error => house.report(error),
  }
}

function resourcesOf(house: MeshHouse): IResourceDirectory {
  const player = (): IResourceDirectory => house.role('resources') ?? missing(ErrorCode.RESOURCE_NO_DIRECTORY, 'resources')
  return {
    announce: async (type, id, data, options) => await player().announce(type, id, data, options),
    discover: async (type, filters, options) => await player().discover(type, filters, options),
    discoverPage: async (type, filters, options) => await player().discoverPage(type, filters, options),
    get: async (type, id, options) => await player().get(type, id, options),
    watch: (type, filters, options) => player().watch(type, filters, options),
    getStats: () => house.role('resources')?.getStats() ?? { totalAnnouncements: 0 },
  }
}

function pubsubOf(house: MeshHouse): IPubSub {
  const player = (): IPubSub => house.role('pubsub') ?? missing(ErrorCode.PUBSUB_NO_PROVIDER, 'pubsub')
  return {
    publish: async (topic, payload, options) => await player().publish(topic, payload, options),
    subscribe: (...args: Parameters<IPubSub['subscribe']>) => player().subscribe(...args),
  }
}

function missing(code: ErrorCode, role: string): never {
  throw new P2PError(code, `no handler on this simulated node plays the role '${role}'`)
}
