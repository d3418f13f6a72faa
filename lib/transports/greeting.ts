import { fromHex, toHex } from '../foundation/hex.ts'

/** The header of a listener's answer that carries its greeting, as hex digits. */
export const GREETING_HEADER = 'peerweft-greeting'
export const GREETING_BYTES_MAX = 64
const FITTING = /^(?:[0-9a-f]{2}){1,64}$/

/** Throws RangeError for what does not fit: that is the owner's mistake. */
export function greetingText(greeting: Uint8Array): string {
  if (greeting.length > GREETING_BYTES_MAX) throw new RangeError(`a greeting has at most ${GREETING_BYTES_MAX} bytes, got ${greeting.length}`)
  return toHex(greeting)
}

/** Undefined for anything but hex digits of a fitting number: a stranger wrote it, and it may be left unread. */
export function readGreeting(text: unknown): Uint8Array | undefined {
  return typeof text === 'string' && FITTING.test(text) ? fromHex(text) : undefined
}
