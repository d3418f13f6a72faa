import type { ProtocolContext } from '../../contracts/protocol.ts'

/** What the context draws: seeded in a simulation, the platform's otherwise. */
export function draw(context: ProtocolContext, length: number): Uint8Array {
  // eslint-disable-next-line no-restricted-properties -- the context's own generator is the parameter that the rule asks for
  return context.randomBytes(length)
}

/** A number in [0, 1). */
export function fraction(context: ProtocolContext): number {
  const bytes = draw(context, 4)
  return ((bytes[0]! << 24 | bytes[1]! << 16 | bytes[2]! << 8 | bytes[3]!) >>> 0) / 2 ** 32
}

/** Some of them, each as likely as any other. */
export function sample<T>(context: ProtocolContext, values: readonly T[], count: number): T[] {
  const rest = [...values]
  const drawn: T[] = []
  while (drawn.length < count && rest.length > 0) drawn.push(...rest.splice(Math.floor(fraction(context) * rest.length), 1))
  return drawn
}
