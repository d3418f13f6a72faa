import type { EventEmitter } from 'eventemitter3'
import type { P2PEvents } from '../../../lib/contracts/events.ts'
import type { OutgoingMessage, PeerId } from '../../../lib/contracts/message.ts'
import type { PeerInfo } from '../../../lib/contracts/peer.ts'
import type { IProtocolHandler } from '../../../lib/contracts/protocol.ts'
import type { ITransport } from '../../../lib/contracts/transport.ts'
import type { Bytes } from '../../../lib/protocol-kit/bytes.ts'
import type { defineProtocol } from '../../../lib/protocol-kit/define-protocol.ts'
import type { ProtocolHandler } from '../../../lib/protocol-kit/protocol-handler.ts'

/** Where `npm run build` put the package; filled in when this program is compiled. */
declare const BUILT_ENTRY: string

/** As much of a coordinator as the measuring programs use. */
export interface Coordinator extends EventEmitter<P2PEvents> {
  readonly peerId: PeerId
  registerProtocol(handler: IProtocolHandler): void
  listen(address: string): Promise<{ readonly address: string }>
  connectToPeer(peer: PeerInfo | string): Promise<PeerInfo>
  disconnectFromPeer(peerId: PeerId): Promise<void>
  getConnectedPeers(): PeerInfo[]
  sendTo(peerId: PeerId, message: OutgoingMessage): Promise<unknown>
  shutdown(): Promise<void>
}

interface Peerweft {
  P2PCoordinator: new (config: { transports: readonly ITransport[]; maxConnections?: number }) => Coordinator
  WebSocketTransport: new () => ITransport
  ProtocolHandler: typeof ProtocolHandler
  defineProtocol: typeof defineProtocol
  Bytes: typeof Bytes
}

/** The built package: what a user's program would load, not the sources beside this file. */
export const peerweft = await import(BUILT_ENTRY) as Peerweft
