import type { Furniture, P2PConfig } from './coordinator/config.ts'
import { Coordinator } from './coordinator/coordinator.ts'
import { baseBackend, chooseBackend } from './crypto/select.ts'
import { WebSocketTransport } from './transports/websocket.browser.ts'

const browserFurniture: Furniture = {
  transports: ({ clock, limits }) => [new WebSocketTransport({ clock, limits })],
  baseBackend: () => baseBackend(),
  bestBackend: name => chooseBackend(name),
}

/** The coordinator for browsers: it dials over the browser's own WebSocket, and cannot listen. */
export class P2PCoordinator extends Coordinator {
  constructor(config: P2PConfig = {}) {
    super(config, browserFurniture)
  }
}
