import type { ProtocolContext } from '../contracts/protocol.ts'

/** Random bytes of a handler's context: seeded in a simulation, the platform's otherwise. */
export function draw(context: Pick<ProtocolContext, 'randomBytes'>, length: number): Uint8Array {
  // eslint-disable-next-line no-restricted-properties -- the context's own generator is the parameter that the rule asks for
  return context.randomBytes(length)
}
