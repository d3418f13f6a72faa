import type { ProtocolContext } from '../../contracts/protocol.ts'
import type { RandomBytes } from '../../contracts/random.ts'

/** The context's own generator: seeded in the simulator. Secret nonces do not come from it (`SecretRandom`). */
export function drawFrom(context: ProtocolContext): RandomBytes {
  // eslint-disable-next-line no-restricted-properties -- the context's own, which is injected.
  return length => context.randomBytes(length)
}
