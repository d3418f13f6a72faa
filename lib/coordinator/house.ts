import type { P2PError } from '../contracts/errors.ts'
import type { P2PMessage } from '../contracts/message.ts'
import type { IProtocolHandler } from '../contracts/protocol.ts'
import type { IStore } from '../contracts/store.ts'
import type { ITransport } from '../contracts/transport.ts'
import { fromHex } from '../foundation/hex.ts'
import { MemoryStore, mountedStore, prefixedStore } from '../foundation/memory-store.ts'
import type { LocalNode } from '../peers/local-node.ts'
import type { PeerManager } from '../peers/peer-manager.ts'
import { PeerRecordBook } from '../peers/peer-records.ts'
import { isEnvelope, openEnvelope } from '../peers/sealed-envelope.ts'
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
    storeOf: protocol => storeOf(node.store, protocol),
    speakers: protocol => [...manager.table.open()].filter(record => speaks(record, protocol)).map(record => record.room),
    draw: length => node.secretRandom(length),
    connect: async (peer, connectOptions) => (await manager.connectRecord(peer, { keep: false, ...connectOptions })).room,
    disconnect: (peerId, reason) => manager.disconnect(peerId, reason),
    send: (protocol, to, message, waitOptions) => outbound.send(protocol, to, message, waitOptions),
    broadcast: async (protocol, message, broadcastOptions) => void (await outbound.broadcast(protocol, message, { ...broadcastOptions, onlySpeakers: true })),
    request: (protocol, to, message, waitOptions) => outbound.request(protocol, to, message, waitOptions ?? {}),
    reply: async (to, payload, waitOptions) => void (await outbound.reply(to, payload, waitOptions ?? {})),
    author: (protocol, message) => outbound.author(protocol, message),
    verify: async frame => node.intake.verify(frame),
    deliver: async (frame, via) => {
      const inner = isEnvelope(frame) ? await openEnvelope(node, frame) : frame
      const viaId = manager.names.resolve(via.peerId) ?? ''
      const message = node.intake.deliver(inner, via.publicKey ?? fromHex(viaId), manager.table.get(viaId)?.link?.hand)
      await options.route(message, senderOf(message.from))
    },
    ephemeral: async ({ handler: parent, abort: { signal }, ephemerals }, handler) => {
      const opened = await options.ephemeral(ephemeralConfig(config, transports, storeOf(node.store, parent.protocolName), handler), handler)
      const close = async (): Promise<void> => {
        ephemerals.delete(opened)
        await opened[Symbol.asyncDispose]()
      }
      if (signal.aborted) {
        await close()
        signal.throwIfAborted()
      }
      ephemerals.add(opened)
      return { [Symbol.asyncDispose]: close }
    },
    useful: (peerId, how) => {
      const record = manager.recordOf(peerId)
      if (record !== undefined) record[how === 'gossip' ? 'novelAtMs' : 'usefulAtMs'] = node.clock.elapsedMs()
    },
    report: (_, error) => options.onError(error, error.peerId === undefined ? undefined : senderFor(manager.names.resolve(error.peerId), senderOf)),
  }
}

function senderFor(id: string | undefined, senderOf: (id: string) => Sender): Sender | undefined {
  return id === undefined ? undefined : senderOf(id)
}

/** One protocol's own drawer; a name may hold any character, and must not reach into another's. */
function storeOf(store: IStore, protocol: string): IStore {
  return prefixedStore(store, drawerOf(protocol))
}

function drawerOf(protocol: string): string {
  return `protocol/${encodeURIComponent(protocol)}/`
}

/** The parent's surroundings and its protocol's drawer, but a fresh key and nothing else that lasts. */
function ephemeralConfig(config: P2PConfig, transports: readonly ITransport[], store: IStore, handler: IProtocolHandler): P2PConfig {
  const { peerId: _name, identity: _identity, names: _names, bootstrap: _bootstrap, ...surroundings } = config
  return { ...surroundings, transports, store: mountedStore(new MemoryStore(), drawerOf(handler.protocolName), store), reconnect: false }
}
