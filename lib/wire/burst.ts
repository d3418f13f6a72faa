import type { ICryptoBackend } from '../contracts/crypto.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { Auth, BURST_COUNT_MAX, BURST_COUNT_MIN, BURST_PROOF_BYTES, burstProof, encodeFrame, frameSize, SIGNATURE_BYTES } from './frame.ts'
import { leafHash, nodeHash, WIRE_VERSION } from './hashing.ts'
import { MerkleTree, pathLength } from './merkle.ts'
import { plainBytes } from './plain-bytes.ts'

export { burstDigest } from './hashing.ts'

/** What a burst holds of each message. */
export interface BurstMessage {
  readonly header: Uint8Array
  readonly payload: Uint8Array
}

/** Messages that left together under one signature: docs/wire.md, section 8. */
export interface Burst<M extends BurstMessage = BurstMessage> {
  readonly author: Uint8Array
  /** By the author over `burstDigest`. */
  readonly signature: Uint8Array
  readonly messages: readonly M[]
}

/** version, author, signature, count. */
export const BURST_HEAD_BYTES = 1 + 32 + SIGNATURE_BYTES + 2
/** Lengths of header and payload. */
export const MESSAGE_HEAD_BYTES = 2 + 4

/** The tree over the hashes of a burst's messages. */
export function burstTree(crypto: Pick<ICryptoBackend, 'sha256'>, messageHashes: readonly Uint8Array[]): MerkleTree<Uint8Array> {
  return new MerkleTree(messageHashes.map(hash => leafHash(crypto, hash)), (left, right) => nodeHash(crypto, left, right))
}

/** The size of a whole burst with these messages. */
export function burstSize(messages: readonly BurstMessage[]): number {
  return messages.reduce((size, { header, payload }) => size + MESSAGE_HEAD_BYTES + header.length + payload.length, BURST_HEAD_BYTES)
}

/** The body of a whole burst. */
export function encodeBurst({ author, signature, messages }: Burst): Uint8Array {
  const body = new Uint8Array(burstSize(messages))
  const view = new DataView(body.buffer)
  body[0] = WIRE_VERSION
  body.set(author, 1)
  body.set(signature, 33)
  view.setUint16(33 + SIGNATURE_BYTES, messages.length)
  let at = BURST_HEAD_BYTES
  for (const { header, payload } of messages) {
    view.setUint16(at, header.length)
    view.setUint32(at + 2, payload.length)
    body.set(header, at + MESSAGE_HEAD_BYTES)
    body.set(payload, at + MESSAGE_HEAD_BYTES + header.length)
    at += MESSAGE_HEAD_BYTES + header.length + payload.length
  }
  return body
}

/** Checks the shape of a whole burst; what it returns are views of `bytes`. Throws ERR_WIRE_WRONG_VERSION, ERR_WIRE_MALFORMED. */
export function parseBurst(bytes: Uint8Array, headerBytesMax: number = DEFAULT_LIMITS.headerBytesMax): Burst {
  const body = plainBytes(bytes)
  if (body.length < BURST_HEAD_BYTES) malformed(`expected at least ${BURST_HEAD_BYTES} bytes, got ${body.length}`)
  if (body[0] !== WIRE_VERSION) throw new P2PError(ErrorCode.WIRE_WRONG_VERSION, `expected a burst of version ${WIRE_VERSION}, got ${body[0]}`)
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const count = view.getUint16(33 + SIGNATURE_BYTES)
  if (count < BURST_COUNT_MIN || count > BURST_COUNT_MAX) malformed(`expected ${BURST_COUNT_MIN} to ${BURST_COUNT_MAX} messages, got ${count}`)
  const messages: BurstMessage[] = []
  let at = BURST_HEAD_BYTES
  while (messages.length < count) at = parseMessage(body, view, at, headerBytesMax, messages)
  if (at !== body.length) malformed(`${body.length - at} bytes after the last message`)
  return { author: body.subarray(1, 33), signature: body.subarray(33, 33 + SIGNATURE_BYTES), messages }
}

/** Appends the message at `at` and returns where the next one begins. */
function parseMessage(body: Uint8Array, view: DataView, at: number, headerBytesMax: number, messages: BurstMessage[]): number {
  if (at + MESSAGE_HEAD_BYTES > body.length) malformed(`an end before message ${messages.length}`)
  const headerStart = at + MESSAGE_HEAD_BYTES
  const payloadStart = headerStart + view.getUint16(at)
  const end = payloadStart + view.getUint32(at + 2)
  if (payloadStart === headerStart || payloadStart - headerStart > headerBytesMax) {
    malformed(`expected a header of 1 to ${headerBytesMax} bytes, got ${payloadStart - headerStart}`)
  }
  if (end === payloadStart || end > body.length) malformed(`expected a payload of 1 to ${body.length - payloadStart} bytes, got ${end - payloadStart}`)
  messages.push({ header: body.subarray(headerStart, payloadStart), payload: body.subarray(payloadStart, end) })
  return end
}

/** What proves one message of a burst. */
export interface BurstProof {
  readonly author: Uint8Array
  readonly signature: Uint8Array
  readonly count: number
  readonly index: number
  /** Leaf to root, as `MerkleTree.path` has it. */
  readonly path: readonly Uint8Array[]
}

/** One message of a burst by itself, with what proves it: the frame to relay, to keep or to show. */
export function aloneFrame({ author, signature, count, index, path }: BurstProof, { header, payload }: BurstMessage): Uint8Array {
  return encodeFrame(Auth.BURST, author, burstProof(signature, count, index, path), header, payload)
}

/** The size of that frame. */
export function aloneSize({ header, payload }: BurstMessage, index: number, count: number): number {
  return frameSize(BURST_PROOF_BYTES + 32 * pathLength(index, count), header.length, payload.length)
}

function malformed(text: string): never {
  throw new P2PError(ErrorCode.WIRE_MALFORMED, `burst: ${text}`)
}
