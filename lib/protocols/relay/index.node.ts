import { baseBackend } from '../../crypto/select.node.ts'
import { Relay as AnyRelay } from './handler.ts'
import type { RelayOptions } from './options.ts'

/** Messages to peers without a link, carried sealed by others; with Node's own SHA-256. */
export class Relay extends AnyRelay {
  constructor(options: RelayOptions = {}) {
    super({ hasher: baseBackend(), ...options })
  }
}

export { relayProtocol, type RelayProtocol } from './definition.ts'
export type { RelayOptions } from './options.ts'
export type { RelayStats } from './state.ts'
