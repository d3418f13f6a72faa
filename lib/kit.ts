/** The typed way to write a protocol. */
export { Bytes, type BytesRange } from './protocol-kit/bytes.ts'
export { defineProtocol, type DefinedProtocol } from './protocol-kit/define-protocol.ts'
export { ProtocolHandler, type SayOptions } from './protocol-kit/protocol-handler.ts'
export { EffectTimers, runEffects, type EffectSink } from './protocol-kit/run-effects.ts'
