import { randomBytes } from 'node:crypto'
import { ascii, concat, EMPTY, readUint, uint } from './bytes.ts'
import { decode, encode } from './cbor.ts'
import { idOf, sha256, sign, tagged, type KeyPair } from './keys.ts'

/** docs/wire.md, sections 5, 6 and 8. Every piece can also be made wrong. */

export const Kind = { MESSAGE: 0x01, BURST: 0x02, FRAGMENT: 0x03, HELLO: 0x10, PING: 0x11, PONG: 0x12, CLOSE: 0x13 } as const
export const Close = { GOODBYE: 0, SHUTDOWN: 1, MISBEHAVIOUR: 2, TIMEOUT: 3, ERROR: 4, NO_ROOM: 5, DUPLICATE: 6, MISMATCH: 7 } as const
export const VERSION = 1

// Section 5.

/** One part; `length` may be a lie. */
export function part(kind: number, body: Uint8Array, length = body.length): Uint8Array {
  return concat(Uint8Array.of(kind), uint(length, 4), body)
}

export interface Part { kind: number; body: Uint8Array }

/** Throws where the plaintext is not parts from end to end. */
export function partsOf(plaintext: Uint8Array): Part[] {
  const parts: Part[] = []
  let at = 0
  while (at < plaintext.length) {
    if (at + 5 > plaintext.length) throw new Error('an end within a part\'s head')
    const size = readUint(plaintext, at + 1, 4)
    if (at + 5 + size > plaintext.length) throw new Error('an end within a part')
    parts.push({ kind: plaintext[at]!, body: plaintext.subarray(at + 5, at + 5 + size) })
    at += 5 + size
  }
  if (parts.length === 0) throw new Error('no part')
  return parts
}

/** One fragment; everything it says may be a lie. */
export function fragment(id: number, total: number, offset: number, bytes: Uint8Array): Uint8Array {
  return part(Kind.FRAGMENT, concat(uint(id, 4), uint(total, 4), uint(offset, 4), bytes))
}

export function fragmentsOf(frame: Uint8Array, id: number, pieceSize: number): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < frame.length; at += pieceSize) pieces.push(fragment(id, frame.length, at, frame.subarray(at, at + pieceSize)))
  return pieces
}

export function closePart(reason: number, text: string | Uint8Array = EMPTY): Uint8Array {
  return part(Kind.CLOSE, concat(Uint8Array.of(reason), typeof text === 'string' ? ascii(text) : text))
}

export interface HelloFields {
  boot: Uint8Array
  timestamp: number
  role: string
  addresses: string[]
  protocols: [string, number][]
  work: Uint8Array
}

export function helloBytes(fields: Partial<HelloFields> = {}): Uint8Array {
  const { boot = new Uint8Array(randomBytes(16)), timestamp = Date.now(), role = 'node', addresses = [], protocols = [], work = EMPTY } = fields
  return encode([1, boot, timestamp, role, addresses, protocols, work])
}

export function helloOf(bytes: Uint8Array): HelloFields {
  const [version, boot, timestamp, role, addresses, protocols, work] = decode(bytes) as [number, Uint8Array, number, string, string[], [string, number][], Uint8Array]
  if (version !== 1) throw new Error(`hello of version ${version}`)
  return { boot, timestamp, role, addresses, protocols, work }
}

// Section 6.

export interface HeaderFields {
  network: unknown
  protocol: unknown
  type: unknown
  to: unknown
  timestamp: unknown
  boot: unknown
  messageId: unknown
  inReplyTo: unknown
  slot: unknown
  salt: unknown
}

/** The header of docs/wire.md as an array, field by field: any of them may be wrong. */
export function headerBytes(fields: HeaderFields): Uint8Array {
  const { network, protocol, type, to, timestamp, boot, messageId, inReplyTo, slot, salt } = fields
  return encode([network, protocol, type, to, timestamp, boot, messageId, inReplyTo, slot, salt])
}

export const Auth = { CHANNEL: 0, SIGNATURE: 1, BURST: 2 } as const

export interface FrameFields {
  version?: number
  auth: number
  author: Uint8Array
  proof?: Uint8Array
  header: Uint8Array
  headerLength?: number
  payload: Uint8Array
}

export function frame({ version = VERSION, auth, author, proof = EMPTY, header, headerLength = header.length, payload }: FrameFields): Uint8Array {
  return concat(Uint8Array.of(version, auth), author, proof, uint(headerLength, 2), header, payload)
}

export function messageHash(author: Uint8Array, header: Uint8Array, payload: Uint8Array): Uint8Array {
  return tagged('peerweft/message', Uint8Array.of(VERSION), author, sha256(header), sha256(payload))
}

// Section 8: RFC 9162, 2.1.1 and 2.1.3.1, by their recursive definitions.

const leaf = (hash: Uint8Array): Uint8Array => tagged('peerweft/leaf', hash)
const node = (left: Uint8Array, right: Uint8Array): Uint8Array => tagged('peerweft/node', left, right)

/** The largest power of two below the count. */
function splitAt(count: number): number {
  let size = 1
  while (size * 2 < count) size *= 2
  return size
}

export function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 1) return leaf(hashes[0]!)
  const k = splitAt(hashes.length)
  return node(rootOf(hashes.slice(0, k)), rootOf(hashes.slice(k)))
}

export function pathOf(index: number, hashes: readonly Uint8Array[]): Uint8Array[] {
  if (hashes.length === 1) return []
  const k = splitAt(hashes.length)
  return index < k
    ? [...pathOf(index, hashes.slice(0, k)), rootOf(hashes.slice(k))]
    : [...pathOf(index - k, hashes.slice(k)), rootOf(hashes.slice(0, k))]
}

/** The root a path leads to, by the same recursion; null where the path is not as long as the place demands. */
export function rootByPath(hash: Uint8Array, index: number, count: number, path: readonly Uint8Array[]): Uint8Array | null {
  if (count === 1) return path.length === 0 ? leaf(hash) : null
  const k = splitAt(count)
  const sibling = path.at(-1)
  if (sibling === undefined) return null
  const below = index < k ? rootByPath(hash, index, k, path.slice(0, -1)) : rootByPath(hash, index - k, count - k, path.slice(0, -1))
  if (below === null) return null
  return index < k ? node(below, sibling) : node(sibling, below)
}

export function burstDigest(network: string, count: number, root: Uint8Array): Uint8Array {
  const name = ascii(network)
  return tagged('peerweft/burst', Uint8Array.of(name.length), name, Uint8Array.of(VERSION), uint(count, 2), root)
}

export function burstProof(signature: Uint8Array, count: number, index: number, path: readonly Uint8Array[]): Uint8Array {
  return concat(signature, uint(count, 2), uint(index, 2), ...path)
}

export interface Said { header: Uint8Array; payload: Uint8Array }

/** The body of a whole burst; `count` may be a lie. */
export function wholeBurst(author: Uint8Array, signature: Uint8Array, messages: readonly Said[], count = messages.length, version = VERSION): Uint8Array {
  return concat(
    Uint8Array.of(version), author, signature, uint(count, 2),
    ...messages.map(({ header, payload }) => concat(uint(header.length, 2), uint(payload.length, 4), header, payload)),
  )
}

export interface Burst {
  signature: Uint8Array
  hashes: Uint8Array[]
  messages: readonly Said[]
  /** The body of part 02. */
  whole: Uint8Array
  /** Each message by itself. */
  alone: Uint8Array[]
}

/** What somebody with a key says; each field may be overridden, rightly or wrongly. */
export class Author {
  readonly key: KeyPair
  readonly network: string
  readonly boot: Uint8Array
  #count = 0

  constructor(key: KeyPair, network = 'peerweft', boot: Uint8Array = new Uint8Array(randomBytes(16))) {
    this.key = key
    this.network = network
    this.boot = boot
  }

  get id(): string {
    return idOf(this.key)
  }

  get x(): Uint8Array {
    return this.key.point.subarray(1)
  }

  fields(overrides: Partial<HeaderFields> = {}): HeaderFields {
    return {
      network: this.network, protocol: null, type: 'note', to: null, timestamp: Date.now(), boot: this.boot,
      messageId: `m${this.#count++}`, inReplyTo: null, slot: null, salt: new Uint8Array(randomBytes(16)), ...overrides,
    }
  }

  say(payload: unknown, overrides?: Partial<HeaderFields>): Said {
    return { header: headerBytes(this.fields(overrides)), payload: encode(payload) }
  }

  /** A frame that only the link vouches for. */
  plain({ header, payload }: Said): Uint8Array {
    return frame({ auth: Auth.CHANNEL, author: this.x, header, payload })
  }

  /** A frame with a signature of its own. */
  signed({ header, payload }: Said): Uint8Array {
    return frame({ auth: Auth.SIGNATURE, author: this.x, proof: sign(this.key, messageHash(this.x, header, payload)), header, payload })
  }

  burst(messages: readonly Said[], network = this.network): Burst {
    const hashes = messages.map(({ header, payload }) => messageHash(this.x, header, payload))
    const signature = sign(this.key, burstDigest(network, messages.length, rootOf(hashes)))
    return {
      signature, hashes, messages,
      whole: wholeBurst(this.x, signature, messages),
      alone: messages.map(({ header, payload }, index) =>
        frame({ auth: Auth.BURST, author: this.x, proof: burstProof(signature, messages.length, index, pathOf(index, hashes)), header, payload })),
    }
  }
}

/** A frame as far as its own lengths tell; `path` is what stands between index and header. */
export interface Parsed {
  auth: number
  author: Uint8Array
  proof: Uint8Array
  header: Uint8Array
  payload: Uint8Array
}

/** How many hashes the inclusion path of RFC 9162 has. */
export function pathLength(index: number, count: number): number {
  if (count === 1) return 0
  const k = splitAt(count)
  return 1 + (index < k ? pathLength(index, k) : pathLength(index - k, count - k))
}

/** Throws where it is no frame of this version. */
export function parseFrame(bytes: Uint8Array): Parsed {
  if (bytes[0] !== VERSION) throw new Error('version')
  const auth = bytes[1]!
  if (auth > Auth.BURST || bytes.length < 36) throw new Error('auth')
  let proofSize = auth === Auth.CHANNEL ? 0 : 64
  if (auth === Auth.BURST) {
    if (bytes.length < 34 + 68) throw new Error('short')
    const count = readUint(bytes, 98, 2)
    const index = readUint(bytes, 100, 2)
    if (count < 2 || count > 64 || index >= count) throw new Error('count and index')
    proofSize = 68 + 32 * pathLength(index, count)
  }
  const headerAt = 34 + proofSize + 2
  if (bytes.length < headerAt) throw new Error('short')
  const size = readUint(bytes, headerAt - 2, 2)
  if (size < 1 || size > 1_024 || bytes.length <= headerAt + size) throw new Error('header length')
  return {
    auth, author: bytes.subarray(2, 34), proof: bytes.subarray(34, 34 + proofSize),
    header: bytes.subarray(headerAt, headerAt + size), payload: bytes.subarray(headerAt + size),
  }
}

export interface Message {
  auth: number
  author: Uint8Array
  network: string
  protocol: string | null
  type: string
  to: Uint8Array | null
  timestamp: number
  boot: Uint8Array
  messageId: string
  inReplyTo: string | null
  slot: string | null
  payload: unknown
}

export function messageOf({ auth, author, header, payload }: Pick<Parsed, 'auth' | 'author' | 'header' | 'payload'>): Message {
  const [network, protocol, type, to, timestamp, boot, messageId, inReplyTo, slot] =
    decode(header) as [string, string | null, string, Uint8Array | null, number, Uint8Array, string, string | null, string | null]
  return { auth, author, network, protocol, type, to, timestamp, boot, messageId, inReplyTo, slot, payload: decode(payload) }
}

/** The messages of a whole burst as they lie in it. */
export function burstMessages(body: Uint8Array): { author: Uint8Array; signature: Uint8Array; messages: Said[] } {
  const count = readUint(body, 97, 2)
  const messages: Said[] = []
  let at = 99
  for (let index = 0; index < count; index++) {
    const headerSize = readUint(body, at, 2)
    const payloadSize = readUint(body, at + 2, 4)
    at += 6
    messages.push({ header: body.subarray(at, at + headerSize), payload: body.subarray(at + headerSize, at + headerSize + payloadSize) })
    at += headerSize + payloadSize
  }
  return { author: body.subarray(1, 33), signature: body.subarray(33, 97), messages }
}
