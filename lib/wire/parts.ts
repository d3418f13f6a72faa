import { ErrorCode, P2PError } from '../contracts/errors.ts'
import { EMPTY_BYTES, fromUtf8, utf8 } from '../foundation/bytes.ts'
import { plainBytes } from './plain-bytes.ts'

/** What a sealed frame may hold: docs/wire.md, section 5. */
export const PartKind = {
  MESSAGE: 0x01,
  BURST: 0x02,
  FRAGMENT: 0x03,
  HELLO: 0x10,
  PING: 0x11,
  PONG: 0x12,
  CLOSE: 0x13,
} as const
export type PartKind = (typeof PartKind)[keyof typeof PartKind]

export interface Part {
  readonly kind: number
  readonly body: Uint8Array
}

/** Kind and length before each body. */
export const PART_HEAD_BYTES = 5
export const PING_BYTES = 8
export const CLOSE_TEXT_BYTES_MAX = 200
/** id, total and offset, before the bytes themselves, of which there is at least one. */
export const FRAGMENT_HEAD_BYTES = 12
/** From here on kinds belong to later versions. */
const IGNORED_FROM = 0x80

/** How many bytes `writeParts` will make of them. */
export function partsSize(parts: readonly Part[]): number {
  let size = 0
  for (const { body } of parts) size += PART_HEAD_BYTES + body.length
  return size
}

/** The plaintext of one sealed frame: all parts in order, in one buffer. */
export function writeParts(parts: readonly Part[]): Uint8Array {
  const plaintext = new Uint8Array(partsSize(parts))
  let at = 0
  for (const { kind, body } of parts) {
    const size = body.length
    plaintext[at] = kind
    plaintext[at + 1] = size >>> 24
    plaintext[at + 2] = size >>> 16
    plaintext[at + 3] = size >>> 8
    plaintext[at + 4] = size
    plaintext.set(body, at + PART_HEAD_BYTES)
    at += PART_HEAD_BYTES + size
  }
  return plaintext
}

/**
 * Walks over the parts of one frame, at the reader's own pace. All of it is checked first, so that a malformed frame
 * has no effect at all; kinds of later versions are left out. Throws ERR_WIRE_MALFORMED when made.
 */
export class PartWalk {
  readonly #plaintext: Uint8Array
  #at = 0
  /** Of the part that `next` came to. */
  kind: PartKind = PartKind.MESSAGE
  /** A view of the plaintext. */
  body: Uint8Array = EMPTY_BYTES

  constructor(bytes: Uint8Array) {
    const plaintext = this.#plaintext = plainBytes(bytes)
    if (plaintext.length === 0) malformed('expected at least one part, got none')
    for (let at = 0; at < plaintext.length; at = bodyEnd(plaintext, at)) checkPart(plaintext, at)
  }

  /** Goes on to the next part; false when there is none. */
  next(): boolean {
    const plaintext = this.#plaintext
    while (this.#at < plaintext.length) {
      const start = this.#at
      this.#at = bodyEnd(plaintext, start)
      if (plaintext[start]! >= IGNORED_FROM) continue
      this.kind = plaintext[start]! as PartKind
      this.body = plaintext.subarray(start + PART_HEAD_BYTES, this.#at)
      return true
    }
    return false
  }
}

/** Hands each part to `visit`, all in one go. Throws ERR_WIRE_MALFORMED. */
export function readParts(bytes: Uint8Array, visit: (kind: PartKind, body: Uint8Array) => void): void {
  for (const walk = new PartWalk(bytes); walk.next();) visit(walk.kind, walk.body)
}

function bodyEnd(plaintext: Uint8Array, at: number): number {
  return at + PART_HEAD_BYTES + uint32At(plaintext, at + 1)
}

function checkPart(plaintext: Uint8Array, at: number): void {
  if (at + PART_HEAD_BYTES > plaintext.length) malformed(`an end within the head of the part at byte ${at}`)
  const end = bodyEnd(plaintext, at)
  if (end > plaintext.length) malformed(`an end within the part at byte ${at}: ${end - plaintext.length} bytes are missing`)
  checkBody(plaintext[at]!, plaintext, at + PART_HEAD_BYTES, end)
}

/** What can be told without looking at messages, which are refused one by one. */
function checkBody(kind: number, plaintext: Uint8Array, start: number, end: number): void {
  const size = end - start
  switch (kind) {
    case PartKind.MESSAGE:
    case PartKind.BURST:
    case PartKind.HELLO:
      return
    case PartKind.FRAGMENT:
      if (size <= FRAGMENT_HEAD_BYTES) malformed(`expected a fragment of more than ${FRAGMENT_HEAD_BYTES} bytes, got ${size}`)
      return
    case PartKind.PING:
    case PartKind.PONG:
      if (size !== PING_BYTES) malformed(`expected a ping or pong of ${PING_BYTES} bytes, got ${size}`)
      return
    case PartKind.CLOSE:
      parseClose(plaintext.subarray(start, end))
      return
    default:
      if (kind < IGNORED_FROM) malformed(`unknown part 0x${kind.toString(16).padStart(2, '0')}`)
  }
}

/** The body of a close: why, as a number of docs/wire.md, and in words, cut to 200 bytes. */
export function encodeClose(reason: number, text = ''): Uint8Array {
  const words = utf8(cutToBytes(text, CLOSE_TEXT_BYTES_MAX))
  const body = new Uint8Array(1 + words.length)
  body[0] = reason
  body.set(words, 1)
  return body
}

/** Throws ERR_WIRE_MALFORMED. */
export function parseClose(body: Uint8Array): { reason: number; text: string } {
  if (body.length < 1 || body.length > 1 + CLOSE_TEXT_BYTES_MAX) malformed(`expected a close of 1 to ${1 + CLOSE_TEXT_BYTES_MAX} bytes, got ${body.length}`)
  try {
    return { reason: body[0]!, text: fromUtf8(body.subarray(1)) }
  } catch {
    return malformed('expected the text of a close to be UTF-8')
  }
}

/** As many whole characters as fit. */
function cutToBytes(text: string, bytesMax: number): string {
  let cut = ''
  let size = 0
  for (const character of text) {
    size += utf8(character).length
    if (size > bytesMax) break
    cut += character
  }
  return cut
}

function uint32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x1000000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!)
}

function malformed(text: string): never {
  throw new P2PError(ErrorCode.WIRE_MALFORMED, `parts: ${text}`)
}
