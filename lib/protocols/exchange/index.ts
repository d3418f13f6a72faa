/** Peer exchange: nodes hand each other signed records of where nodes are, and dial until they have links enough. */
export { parseBootstrap, type BootstrapPeer } from './bootstrap.ts'
export { exchangeProtocol, type ExchangeProtocol } from './definition.ts'
export { PeerExchange } from './handler.ts'
export type { ExchangeEvents, ExchangeOptions } from './options.ts'
export type { ExchangeStats } from './state.ts'
