import type { ProtocolContext } from '../../contracts/protocol.ts'
import { randomFraction } from '../../foundation/random.ts'
import { draw } from '../../protocol-kit/draw.ts'

/** A number in [0, 1). */
export function fraction(context: ProtocolContext): number {
  return randomFraction(length => draw(context, length))
}

/** Some of them, each as likely as any other. */
export function sample<T>(context: ProtocolContext, values: readonly T[], count: number): T[] {
  const rest = [...values]
  const drawn: T[] = []
  while (drawn.length < count && rest.length > 0) drawn.push(...rest.splice(Math.floor(fraction(context) * rest.length), 1))
  return drawn
}
