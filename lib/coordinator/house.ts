import type { P2PError } from '../contracts/errors.ts'
import type { P2PMessage } from '../contracts/message.ts'
import type { IProtocolHandler } from '../contracts/protocol.ts'
import type { ITransport } from '../contracts/transport.ts'
import { fromHex } from '../foundation/hex.ts'
import { prefixedStore } from '../foundation/memory-store.ts'
import type { LocalNode } from '../peers/local-node.ts'
import type { PeerManager } from '../peers/peer-manager.ts'
import { PeerRecordBook } from '../peers/peer-records.ts'
import type { Furniture, P2PConfig } from './config.ts'
import type { Outbound } from './outbound.ts'
import { speaks } from './outbound.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { Registry } from './registry.ts'
import { pubsubRole, resourcesRole } from './roles.ts'
import type { House } from './scoped-context.ts'
import { distantSender, type Sender } from './surface.ts'

/** The rooms of one coordinator, built once. */
export interface HouseParts {
  config: P2PConfig
  furniture: Furniture | undefined
  node: LocalNode
  registry: Registry
  manager: PeerManager
  pending: PendingRequests
  outbound: Outbound
  transports: readonly ITransport[]
}

export interface HouseOptions extends HouseParts {
  route(message: P2PMessage, sender: Sender): Promise<void> | undefined
  onError(error: P2PError, sender: Sender | undefined): void
  ephemeral(config: P2PConfig, handler: IProtocolHandler): Promise<AsyncDisposable>
}

/** What the coordinator does for its plugins: the way out of their rooms. */
export function createHouse(options: HouseOptions): House {
  const { config, node, registry, manager, outbound, transports } = options
  const senderOf = (id: string): Sender => manager.table.get(id) ?? distantSender(id, manager.names.nameOf(id))
  return {
    clock: node.clock,
    resources: resourcesRole(registry),
    pubsub: pubsubRole(registry),
    addresses: new PeerRecordBook(node, manager),
    localPeer: () => manager.localInfo(),
    storeOf: protocol => prefixedStore(node.store, `protocol/${protocol}/`),
    speakers: protocol => [...manager.table.open()].filter(record => speaks(record, protocol)).map(record => record.room),
    randomBytes: length => node.secretRandom(length),
    connect: async (peer, connectOptions) => (await manager.connectRecord(peer, { keep: false, ...connectOptions })).room,
    disconnect: (peerId, reason) => manager.disconnect(peerId, reason),
    send: (protocol, to, message, waitOptions) => outbound.send(protocol, to, message, waitOptions),
    broadcast: async (protocol, message, broadcastOptions) => void (await outbound.broadcast(protocol, message, { ...broadcastOptions, onlySpeakers: true })),
    request: (protocol, to, message, waitOptions) => outbound.request(protocol, to, message, waitOptions ?? {}),
    reply: async (to, payload, waitOptions) => void (await outbound.reply(to, payload, waitOptions ?? {})),
    author: (protocol, message) => outbound.author(protocol, message),
    verify: async frame => node.intake.verify(frame),
    deliver: async (frame, via) => {
      const message = node.intake.deliver(frame, via.publicKey ?? fromHex(manager.names.resolve(via.peerId) ?? ''))
      await options.route(message, senderOf(message.from))
    },
    ephemeral: async (protocol, handler, signal) => {
      signal.throwIfAborted()
      const opened = await options.ephemeral(ephemeralConfig(config, node, transports, protocol), handler)
      const close = (): void => void opened[Symbol.asyncDispose]()
      signal.addEventListener('abort', close, { once: true })
      return opened
    },
    report: (_, error) => options.onError(error, error.peerId === undefined ? undefined : senderFor(manager.names.resolve(error.peerId), senderOf)),
  }
}

function senderFor(id: string | undefined, senderOf: (id: string) => Sender): Sender | undefined {
  return id === undefined ? undefined : senderOf(id)
}

/** The parent's surroundings, a fresh key, and one drawer of the parent's store. */
function ephemeralConfig(config: P2PConfig, node: LocalNode, transports: readonly ITransport[], protocol: string): P2PConfig {
  const { peerId: _name, identity: _identity, names: _names, bootstrap: _bootstrap, ...surroundings } = config
  return { ...surroundings, transports, store: prefixedStore(node.store, `protocol/${protocol}/ephemeral/`), reconnect: false }
}
