import type { PeerId } from './message.ts'
import type { WaitOptions } from './wait.ts'

/** The role behind `sendTo(..., { route: 'any' })`: carries sealed bytes to a peer we have no link to. */
export interface IRelay {
  /** Resolves when the target has acknowledged. */
  send(to: PeerId, sealed: Uint8Array, options?: WaitOptions): Promise<void>
}
