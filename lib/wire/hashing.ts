import type { ICryptoBackend } from '../contracts/crypto.ts'
import { tagPrefix } from '../crypto/tagged-hash.ts'
import { utf8 } from '../foundation/bytes.ts'

/** docs/wire.md: the four tags keep a hash made for one purpose from being shown for another. */
const MESSAGE_TAG = 'peerweft/message'
const LEAF_TAG = 'peerweft/leaf'
const NODE_TAG = 'peerweft/node'
const BURST_TAG = 'peerweft/burst'
/** Never on the wire: what one node remembers of a message so as to know a second one like it. */
const DUPLICATE_TAG = 'peerweft/duplicate'

export const WIRE_VERSION = 1
const HASH_BYTES = 32
const PREFIX_BYTES = 64

type Hasher = Pick<ICryptoBackend, 'sha256'>

/**
 * T(tag, x) for x of one size, without a new array for each: prefix and x share a buffer that is filled
 * again every time. Nothing runs between filling and hashing, so one buffer is enough.
 */
class FixedTaggedHash {
  readonly #tag: string
  readonly #input: Uint8Array
  /** Where x goes. */
  readonly content: Uint8Array
  #prefixedBy: Hasher | undefined

  constructor(tag: string, size: number) {
    this.#tag = tag
    this.#input = new Uint8Array(PREFIX_BYTES + size)
    this.content = this.#input.subarray(PREFIX_BYTES)
  }

  digest(hasher: Hasher): Uint8Array {
    if (this.#prefixedBy !== hasher) {
      this.#input.set(tagPrefix(hasher, this.#tag))
      this.#prefixedBy = hasher
    }
    return hasher.sha256(this.#input)
  }
}

const messageInput = new FixedTaggedHash(MESSAGE_TAG, 1 + 3 * HASH_BYTES)
const leafInput = new FixedTaggedHash(LEAF_TAG, HASH_BYTES)
const nodeInput = new FixedTaggedHash(NODE_TAG, 2 * HASH_BYTES)

/** What a plain signature signs, and what is remembered as seen: docs/wire.md, section 6. */
export function messageHash(crypto: Hasher, author: Uint8Array, header: Uint8Array, payload: Uint8Array): Uint8Array {
  return messageHashOf(crypto, author, crypto.sha256(header), crypto.sha256(payload))
}

/** The same from the hashes of header and payload. */
export function messageHashOf(crypto: Hasher, author: Uint8Array, headerHash: Uint8Array, payloadHash: Uint8Array): Uint8Array {
  const { content } = messageInput
  content[0] = WIRE_VERSION
  content.set(author, 1)
  content.set(headerHash, 1 + HASH_BYTES)
  content.set(payloadHash, 1 + 2 * HASH_BYTES)
  return messageInput.digest(crypto)
}

export function leafHash(crypto: Hasher, hash: Uint8Array): Uint8Array {
  leafInput.content.set(hash)
  return leafInput.digest(crypto)
}

export function nodeHash(crypto: Hasher, left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput.content.set(left)
  nodeInput.content.set(right, HASH_BYTES)
  return nodeInput.digest(crypto)
}

/** What the one signature of a burst signs: docs/wire.md, section 8. */
export function burstDigest(crypto: Hasher, network: string, count: number, root: Uint8Array): Uint8Array {
  const name = utf8(network)
  const input = new Uint8Array(PREFIX_BYTES + 1 + name.length + 3 + HASH_BYTES)
  input.set(tagPrefix(crypto, BURST_TAG))
  input[PREFIX_BYTES] = name.length
  input.set(name, PREFIX_BYTES + 1)
  const at = PREFIX_BYTES + 1 + name.length
  input[at] = WIRE_VERSION
  input[at + 1] = count >>> 8
  input[at + 2] = count
  input.set(root, at + 3)
  return crypto.sha256(input)
}

/**
 * What two signed messages have in common if the second is to be dropped: docs/wire.md, section 9, step 10.
 * `scope` is 16 bytes of boot or 32 of a payload's hash, so the two kinds cannot be taken for each other.
 */
export function duplicateHash(crypto: Hasher, author: Uint8Array, scope: Uint8Array, name: string): Uint8Array {
  const words = utf8(name)
  const input = new Uint8Array(PREFIX_BYTES + 1 + author.length + scope.length + words.length)
  input.set(tagPrefix(crypto, DUPLICATE_TAG))
  input[PREFIX_BYTES] = scope.length
  input.set(author, PREFIX_BYTES + 1)
  input.set(scope, PREFIX_BYTES + 1 + author.length)
  input.set(words, PREFIX_BYTES + 1 + author.length + scope.length)
  return crypto.sha256(input)
}
