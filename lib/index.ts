/** peerweft for Node: everything in one import. Heavier parts are loaded when first used. */
export * from './core.ts'
export * from './kit.ts'
export { P2PCoordinator } from './p2p-coordinator.ts'
export { MemoryHub, MemoryTransport } from './transports/memory.ts'
export { WebSocketTransport } from './transports/websocket.node.ts'
