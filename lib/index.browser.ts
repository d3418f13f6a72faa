/** peerweft for browsers: the same names as in Node. */
export * from './core.ts'
export * from './kit.ts'
export { P2PCoordinator } from './p2p-coordinator.browser.ts'
export { MemoryHub, MemoryTransport } from './transports/memory.ts'
export { WebSocketTransport } from './transports/websocket.browser.ts'
