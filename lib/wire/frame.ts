import { ErrorCode, P2PError } from '../contracts/errors.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { WIRE_VERSION } from './hashing.ts'
import { pathLength } from './merkle.ts'
import { plainBytes } from './plain-bytes.ts'

export { messageHash, WIRE_VERSION } from './hashing.ts'

/** Who answers for a message: docs/wire.md, section 6. */
export const Auth = {
  /** The key at the other end of the link. */
  CHANNEL: 0,
  /** The author, by a signature over this message. */
  SIGNATURE: 1,
  /** The author, by a signature over this message and others that left with it. */
  BURST: 2,
} as const
export type Auth = (typeof Auth)[keyof typeof Auth]

const AUTHOR_AT = 2
const PROOF_AT = 34
export const SIGNATURE_BYTES = 64
const HASH_BYTES = 32
/** Signature, count and index; the path follows. */
export const BURST_PROOF_BYTES = SIGNATURE_BYTES + 4
/** RFC 9162's tree over so many leaves is six levels deep. */
export const BURST_COUNT_MAX = 64
export const BURST_COUNT_MIN = 2

/** A frame whose outer shape has been checked, and nothing else. Its parts are views of `bytes`. */
export class Frame {
  readonly bytes: Uint8Array
  readonly auth: Auth
  readonly headerStart: number
  readonly payloadStart: number

  constructor(bytes: Uint8Array, auth: Auth, headerStart: number, payloadStart: number) {
    this.bytes = bytes
    this.auth = auth
    this.headerStart = headerStart
    this.payloadStart = payloadStart
  }

  get author(): Uint8Array {
    return this.bytes.subarray(AUTHOR_AT, PROOF_AT)
  }

  /** Everything between author and header's length: empty for channel auth. */
  get proof(): Uint8Array {
    return this.bytes.subarray(PROOF_AT, this.headerStart - 2)
  }

  /** Of the message, or of the burst. Not for channel auth. */
  get signature(): Uint8Array {
    return this.bytes.subarray(PROOF_AT, PROOF_AT + SIGNATURE_BYTES)
  }

  /** Messages in the burst. Only for burst auth, as are index and path. */
  get count(): number {
    return uint16At(this.bytes, PROOF_AT + SIGNATURE_BYTES)
  }

  get index(): number {
    return uint16At(this.bytes, PROOF_AT + SIGNATURE_BYTES + 2)
  }

  get path(): Uint8Array[] {
    const hashes: Uint8Array[] = []
    for (let at = PROOF_AT + BURST_PROOF_BYTES; at < this.headerStart - 2; at += HASH_BYTES) hashes.push(this.bytes.subarray(at, at + HASH_BYTES))
    return hashes
  }

  get header(): Uint8Array {
    return this.bytes.subarray(this.headerStart, this.payloadStart)
  }

  get payload(): Uint8Array {
    return this.bytes.subarray(this.payloadStart)
  }

  /** Whether the author is this key, without a view being made. */
  isBy(key: Uint8Array): boolean {
    for (let index = 0; index < HASH_BYTES; index++) if (this.bytes[AUTHOR_AT + index] !== key[index]) return false
    return true
  }
}

/** Checks a frame's shape and sizes. Throws ERR_WIRE_FRAME_TOO_LARGE, ERR_WIRE_WRONG_VERSION, ERR_WIRE_MALFORMED. */
export function parseFrame(bytes: Uint8Array, bytesMax: number, headerBytesMax: number = DEFAULT_LIMITS.headerBytesMax): Frame {
  if (bytes.length > bytesMax) throw new P2PError(ErrorCode.WIRE_FRAME_TOO_LARGE, `expected a frame of at most ${bytesMax} bytes, got ${bytes.length}`)
  if (bytes.length === 0) malformed('expected a frame, got nothing')
  if (bytes[0] !== WIRE_VERSION) throw new P2PError(ErrorCode.WIRE_WRONG_VERSION, `expected a frame of version ${WIRE_VERSION}, got ${bytes[0]}`)
  const auth = bytes[1]
  if (auth !== Auth.CHANNEL && auth !== Auth.SIGNATURE && auth !== Auth.BURST) return malformed(`expected auth 0, 1 or 2, got ${auth}`)
  const headerLengthAt = PROOF_AT + proofSize(bytes, auth)
  const headerStart = headerLengthAt + 2
  if (headerStart > bytes.length) malformed(`expected a whole frame, got ${bytes.length} bytes of one`)
  const headerSize = uint16At(bytes, headerLengthAt)
  if (headerSize === 0 || headerSize > headerBytesMax) malformed(`expected a header of 1 to ${headerBytesMax} bytes, got ${headerSize}`)
  const payloadStart = headerStart + headerSize
  if (payloadStart >= bytes.length) malformed(`expected a header of ${headerSize} bytes and a payload, got ${bytes.length - headerStart} bytes`)
  return new Frame(plainBytes(bytes), auth, headerStart, payloadStart)
}

/** The size of the proof by what it says of itself; the length of a path is never stated, it follows from the tree's shape. */
function proofSize(bytes: Uint8Array, auth: Auth): number {
  if (auth === Auth.CHANNEL) return 0
  if (auth === Auth.SIGNATURE) return SIGNATURE_BYTES
  if (bytes.length < PROOF_AT + BURST_PROOF_BYTES) malformed(`expected a whole frame, got ${bytes.length} bytes of one`)
  const count = uint16At(bytes, PROOF_AT + SIGNATURE_BYTES)
  const index = uint16At(bytes, PROOF_AT + SIGNATURE_BYTES + 2)
  if (count < BURST_COUNT_MIN || count > BURST_COUNT_MAX) malformed(`expected a burst of ${BURST_COUNT_MIN} to ${BURST_COUNT_MAX} messages, got ${count}`)
  if (index >= count) malformed(`expected an index below ${count}, got ${index}`)
  return BURST_PROOF_BYTES + HASH_BYTES * pathLength(index, count)
}

/** Puts a frame together. `proof` is empty, a signature, or what `burstProof` made. */
export function encodeFrame(auth: Auth, author: Uint8Array, proof: Uint8Array, header: Uint8Array, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(frameSize(proof.length, header.length, payload.length))
  frame[0] = WIRE_VERSION
  frame[1] = auth
  frame.set(author, AUTHOR_AT)
  frame.set(proof, PROOF_AT)
  const headerStart = PROOF_AT + proof.length + 2
  frame[headerStart - 2] = header.length >>> 8
  frame[headerStart - 1] = header.length
  frame.set(header, headerStart)
  frame.set(payload, headerStart + header.length)
  return frame
}

/** signature || count || index || path. */
export function burstProof(signature: Uint8Array, count: number, index: number, path: readonly Uint8Array[]): Uint8Array {
  const proof = new Uint8Array(BURST_PROOF_BYTES + HASH_BYTES * path.length)
  proof.set(signature)
  proof[SIGNATURE_BYTES] = count >>> 8
  proof[SIGNATURE_BYTES + 1] = count
  proof[SIGNATURE_BYTES + 2] = index >>> 8
  proof[SIGNATURE_BYTES + 3] = index
  path.forEach((hash, level) => proof.set(hash, BURST_PROOF_BYTES + HASH_BYTES * level))
  return proof
}

export function frameSize(proofBytes: number, headerBytes: number, payloadBytes: number): number {
  return PROOF_AT + proofBytes + 2 + headerBytes + payloadBytes
}

function uint16At(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!
}

function malformed(text: string): never {
  throw new P2PError(ErrorCode.WIRE_MALFORMED, text)
}
