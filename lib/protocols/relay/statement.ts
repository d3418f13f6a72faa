import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import { toHex } from '../../foundation/hex.ts'
import { HERE, RECEIVED, SEEKING } from './definition.ts'
import type { Statement } from './events.ts'
import { DIGEST_BYTES, ID_BYTES, KEY_BYTES } from './limits.ts'

// docs/wire.md, section 6: version (1), auth (1), author (32).
const AUTHOR_AT = 2
const AUTHOR_END = 34

/** Whose statement it claims to be, read before any signature is checked; undefined for bytes too short to say. */
export function claimedAuthor(statement: Uint8Array): PeerId | undefined {
  return statement.length > AUTHOR_END ? toHex(statement.subarray(AUTHOR_AT, AUTHOR_END)) : undefined
}

/** What a verified message states; null where it is no statement of this protocol. */
export function statementOf({ protocol, type, from, payload, timestamp }: P2PMessage): Statement | null {
  if (protocol !== 'relay' || typeof payload !== 'object' || payload === null) return null
  const { id, target, seeker, digest } = payload as Record<string, unknown>
  if (!isBytes(id, ID_BYTES)) return null
  if (type === SEEKING && isBytes(target, KEY_BYTES)) return { type, by: from, id: toHex(id), target: toHex(target), timestampMs: timestamp }
  if (type === HERE && isBytes(seeker, KEY_BYTES)) return { type, by: from, id: toHex(id), seeker: toHex(seeker) }
  if (type === RECEIVED && isBytes(digest, DIGEST_BYTES)) return { type, by: from, id: toHex(id), digest: toHex(digest) }
  return null
}

function isBytes(value: unknown, size: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === size
}
