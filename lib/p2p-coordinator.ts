import type { Furniture, P2PConfig } from './coordinator/config.ts'
import { Coordinator } from './coordinator/coordinator.ts'
import { baseBackend, chooseBackend } from './crypto/select.node.ts'
import { createNobleBackend } from './crypto/noble.ts'
import { WebSocketTransport } from './transports/websocket.node.ts'

const nodeFurniture: Furniture = {
  transports: ({ clock, limits }) => [new WebSocketTransport({ clock, limits })],
  baseBackend: name => (name === 'noble' ? createNobleBackend() : baseBackend()),
  bestBackend: name => chooseBackend(name),
}

/** The coordinator for Node: WebSocket where no transports are given, and the fastest cryptography this machine has. */
export class P2PCoordinator extends Coordinator {
  constructor(config: P2PConfig = {}) {
    super(config, nodeFurniture)
  }
}
