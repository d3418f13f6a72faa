import { utf8 } from '../../foundation/bytes.ts'

/** Bytes of UTF-8 that a header has for a slot: docs/wire.md, section 6. */
const SLOT_BYTES_MAX = 128

/**
 * A publication's slot on the wire: with its topic. What proves that somebody has said two things in one slot looks at protocol, type and slot alone,
 * and one name for slots in two topics must make nobody guilty. Throws RangeError for what does not fit.
 */
export function slotOnWire(topic: string, slot: string): string {
  if (typeof slot !== 'string' || slot === '') throw new RangeError(`a slot is a text that is not empty, got ${JSON.stringify(slot)}`)
  const text = prefixOf(topic) + slot
  const size = utf8(text).length
  if (size > SLOT_BYTES_MAX) throw new RangeError(`a slot and its topic take at most ${SLOT_BYTES_MAX} bytes together, got ${size}`)
  return text
}

/** What the author called it; null for one that is not of this topic. */
export function slotInTopic(topic: string, onWire: string): string | null {
  const prefix = prefixOf(topic)
  return onWire.length > prefix.length && onWire.startsWith(prefix) ? onWire.slice(prefix.length) : null
}

/** The length first, so that no topic with its slot looks like another. */
function prefixOf(topic: string): string {
  return `${topic.length}:${topic}:`
}
