import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { tagPrefix } from '../../crypto/tagged-hash.ts'
import { ID_BYTES } from './limits.ts'

export type Hasher = Pick<ICryptoBackend, 'sha256'>

// docs/wire.md section 6. Only offsets are read here; whether the frame is any good, `context.verify` says.
const VERSION = 1
const AUTH_SIGNATURE = 1
const AUTH_BURST = 2
const AUTHOR_AT = 2
const PROOF_AT = 34
const SIGNATURE_BYTES = 64
const COUNT_MIN = 2
const COUNT_MAX = 64
const HASH_BYTES = 32
const PREFIX_BYTES = 64

/** Where header and payload of a signed frame begin. */
export interface FrameParts {
  readonly proofEnd: number
  readonly headerStart: number
  readonly payloadStart: number
}

/** Null for what is not shaped like a signed frame. */
export function partsOf(frame: Uint8Array): FrameParts | null {
  if (frame[0] !== VERSION) return null
  const proofEnd = PROOF_AT + proofSize(frame)
  if (proofEnd === PROOF_AT || proofEnd + 2 > frame.length) return null
  const headerStart = proofEnd + 2
  const payloadStart = headerStart + uint16At(frame, proofEnd)
  return payloadStart > headerStart && payloadStart < frame.length ? { proofEnd, headerStart, payloadStart } : null
}

/** 0 for a frame that is not signed. */
function proofSize(frame: Uint8Array): number {
  if (frame[1] === AUTH_SIGNATURE) return SIGNATURE_BYTES
  if (frame[1] !== AUTH_BURST || frame.length < PROOF_AT + SIGNATURE_BYTES + 4) return 0
  const count = uint16At(frame, PROOF_AT + SIGNATURE_BYTES)
  const index = uint16At(frame, PROOF_AT + SIGNATURE_BYTES + 2)
  if (count < COUNT_MIN || count > COUNT_MAX || index >= count) return 0
  return SIGNATURE_BYTES + 4 + HASH_BYTES * pathLength(index, count)
}

/** Hashes in the path of a leaf in RFC 9162's tree over `count` leaves. */
function pathLength(index: number, count: number): number {
  let length = 0
  while (count > 1) {
    // The largest power of two below `count` splits the tree.
    const left = 1 << (31 - Math.clz32(count - 1))
    if (index < left) count = left
    else {
      index -= left
      count -= left
    }
    length++
  }
  return length
}

/** The last word of the header's salt: different for every message, and not to be trusted to be. */
export function saltOf(frame: Uint8Array, { payloadStart }: FrameParts): number {
  const at = payloadStart - 4
  return ((frame[at]! << 24) | (frame[at + 1]! << 16) | (frame[at + 2]! << 8) | frame[at + 3]!) >>> 0
}

/** Computes ids into buffers of its own: nothing runs between filling and hashing. */
export class ItemIds {
  readonly #hasher: Hasher
  readonly #input = new Uint8Array(PREFIX_BYTES + 1 + 3 * HASH_BYTES)

  constructor(hasher: Hasher) {
    this.#hasher = hasher
    this.#input.set(tagPrefix(hasher, 'peerweft/message'))
    this.#input[PREFIX_BYTES] = VERSION
  }

  /** The message hash: what header and payload say, by whom, whatever the signature. */
  idOf(frame: Uint8Array, { headerStart, payloadStart }: FrameParts): Uint8Array {
    const header = this.#hasher.sha256(frame.subarray(headerStart, payloadStart))
    const payload = this.#hasher.sha256(frame.subarray(payloadStart))
    const input = this.#input
    input.set(frame.subarray(AUTHOR_AT, PROOF_AT), PREFIX_BYTES + 1)
    input.set(header, PREFIX_BYTES + 1 + HASH_BYTES)
    input.set(payload, PREFIX_BYTES + 1 + 2 * HASH_BYTES)
    return this.#hasher.sha256(input)
  }

  /** Names this copy: the id with the proof that came with it. */
  copyOf(id: Uint8Array, frame: Uint8Array, { proofEnd }: FrameParts): Uint8Array {
    const proof = frame.subarray(PROOF_AT, proofEnd)
    const input = new Uint8Array(ID_BYTES + proof.length)
    input.set(id)
    input.set(proof, ID_BYTES)
    return this.#hasher.sha256(input)
  }
}

/** An id as a key for a Map: sixteen characters of two bytes each, far quicker than hex. */
export function keyOf(ids: Uint8Array, at = 0): string {
  return String.fromCharCode(
    wordAt(ids, at), wordAt(ids, at + 2), wordAt(ids, at + 4), wordAt(ids, at + 6), wordAt(ids, at + 8), wordAt(ids, at + 10), wordAt(ids, at + 12), wordAt(ids, at + 14),
    wordAt(ids, at + 16), wordAt(ids, at + 18), wordAt(ids, at + 20), wordAt(ids, at + 22), wordAt(ids, at + 24), wordAt(ids, at + 26), wordAt(ids, at + 28), wordAt(ids, at + 30),
  )
}

/** The ids one after the other, as words carry them. */
export function joinIds(ids: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(ids.length * ID_BYTES)
  ids.forEach((id, index) => joined.set(id, index * ID_BYTES))
  return joined
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

function uint16At(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!
}
