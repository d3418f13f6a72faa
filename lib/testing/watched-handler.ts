import type { P2PMessage } from '../contracts/message.ts'
import type { PeerInfo } from '../contracts/peer.ts'
import type { IProtocolHandler, ProtocolContext } from '../contracts/protocol.ts'

/** The same handler, with `watch` told of every message just before. What it does not have, this does not have either. */
export function watchedHandler(handler: IProtocolHandler, watch: (message: P2PMessage, from: PeerInfo) => void): IProtocolHandler {
  const watched: IProtocolHandler = {
    protocolName: handler.protocolName,
    // Not async: a microtask more would change when things happen.
    handleMessage(message, from) {
      watch(message, from)
      return handler.handleMessage(message, from)
    },
  }
  const optional: Partial<IProtocolHandler> = {}
  if (handler.definition) Object.assign(optional, { definition: handler.definition })
  if (handler.onPeerConnected) optional.onPeerConnected = peer => handler.onPeerConnected!(peer)
  if (handler.onPeerDisconnected) optional.onPeerDisconnected = peer => handler.onPeerDisconnected!(peer)
  if (handler.onRegister) optional.onRegister = (context: ProtocolContext) => handler.onRegister!(context)
  if (handler.onUnregister) optional.onUnregister = () => handler.onUnregister!()
  if (handler.cleanup) optional.cleanup = () => handler.cleanup!()
  Object.assign(watched, optional)
  for (const role of ['resources', 'pubsub', 'relay'] as const) {
    Object.defineProperty(watched, role, { get: () => handler[role], enumerable: true })
  }
  return watched
}
