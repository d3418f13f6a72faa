import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import { ANSWER, type Question, type Questions } from './definition.ts'
import { FRAME_BYTES_MAX, INLINE_FRAMES_MAX, LIST_ROW_BYTES, PAGE_ENTRIES_MAX, PER_KEY_MAX, ROW_BYTES, ROWS_MAX, TOKEN_BYTES } from './limits.ts'

/**
 * The body of a carried answer, once its frame has been verified; null where it is another's, to another question, or of another shape. Schemas
 * check what comes over a link; this came inside a frame.
 */
export function readAnswer<Q extends Question>(message: P2PMessage, from: PeerId, nonce: Uint8Array, question: Q): Questions[Q]['reply'] | null {
  if (message.from !== from || message.protocol !== 'dht' || message.type !== ANSWER) return null
  const said = objectIn(message.payload)
  if (said === null || said.question !== question || !(said.nonce instanceof Uint8Array) || !equalBytes(said.nonce, nonce)) return null
  const body = objectIn(said.body)
  return body !== null && SHAPES[question](body) ? body as unknown as Questions[Q]['reply'] : null
}

const SHAPES: Readonly<Record<Question, (body: Record<string, unknown>) => boolean>> = {
  find: body => isBytes(body.closer, ROW_BYTES * ROWS_MAX) && isBytes(body.token, TOKEN_BYTES) && isCount(body.count, PER_KEY_MAX)
    && typeof body.split === 'boolean' && areFrames(body.frames, INLINE_FRAMES_MAX),
  put: body => typeof body.verdict === 'string' && body.verdict.length <= 16 && isCount(body.waitMs, 0xffff_ffff)
    && isCount(body.seq, Number.MAX_SAFE_INTEGER) && typeof body.split === 'boolean',
  list: body => isBytes(body.rows, LIST_ROW_BYTES * PER_KEY_MAX) && typeof body.split === 'boolean',
  fetch: body => areFrames(body.frames, PAGE_ENTRIES_MAX),
  where: body => areFrames(body.records, ROWS_MAX),
}

function objectIn(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? value as Record<string, unknown> : null
}

function isBytes(value: unknown, max: number): boolean {
  return value instanceof Uint8Array && value.length <= max
}

function isCount(value: unknown, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max
}

function areFrames(value: unknown, max: number): boolean {
  return Array.isArray(value) && value.length <= max && value.every(frame => isBytes(frame, FRAME_BYTES_MAX))
}
