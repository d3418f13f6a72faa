import { taggedHash } from '../../crypto/tagged-hash.ts'
import type { PeerId } from '../../contracts/message.ts'
import { concatBytes, utf8 } from '../../foundation/bytes.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import { ENTRY_BYTES, POSITIONS_MAX } from './limits.ts'

export interface Hasher {
  sha256(data: Uint8Array): Uint8Array
}

/** Where a node or a key stands: 32 bytes, whose first 32 bits settle nearly every comparison. */
export interface Position {
  readonly bytes: Uint8Array
  readonly head: number
}

export function positionFrom(bytes: Uint8Array): Position {
  return { bytes, head: ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0 }
}

/** Negative where `a` is nearer to `target` than `b`, by XOR. */
export function compareDistance(target: Position, a: Position, b: Position): number {
  const first = (target.head ^ a.head) >>> 0
  const second = (target.head ^ b.head) >>> 0
  if (first !== second) return first - second
  for (let index = 4; index < target.bytes.length; index++) {
    const difference = (target.bytes[index]! ^ a.bytes[index]!) - (target.bytes[index]! ^ b.bytes[index]!)
    if (difference !== 0) return difference
  }
  return 0
}

/** Leading bits that two positions share: 0 to 256. */
export function sharedBits(a: Position, b: Position): number {
  const head = (a.head ^ b.head) >>> 0
  if (head !== 0) return Math.clz32(head)
  for (let index = 4; index < a.bytes.length; index++) {
    const byte = a.bytes[index]! ^ b.bytes[index]!
    if (byte !== 0) return index * 8 + Math.clz32(byte) - 24
  }
  return a.bytes.length * 8
}

/** The distance as a share of the whole space, in [0, 1). */
export function shareBetween(a: Position, b: Position): number {
  let share = ((a.head ^ b.head) >>> 0) / 2 ** 32
  let weight = 2 ** -40
  for (let index = 4; index < 8; index++, weight /= 256) share += (a.bytes[index]! ^ b.bytes[index]!) * weight
  return share
}

/** A place drawn at random among those that share exactly `bits` leading bits with `from`. */
export function randomNear(from: Position, bits: number, random: Uint8Array): Position {
  const bytes = random.slice(0, from.bytes.length)
  for (let bit = 0; bit <= bits && bit < 256; bit++) {
    const at = bit >> 3
    const mask = 128 >> (bit & 7)
    const wanted = (from.bytes[at]! & mask) !== 0
    if (wanted !== (bit === bits)) bytes[at]! |= mask
    else bytes[at]! &= ~mask
  }
  return positionFrom(bytes)
}

/** Positions of nodes by id, remembered: each node is named many times. */
export class Positions {
  readonly #hasher: Hasher
  #known = new Map<PeerId, Position>()
  #before = new Map<PeerId, Position>()

  constructor(hasher: Hasher) {
    this.#hasher = hasher
  }

  of(id: PeerId): Position {
    let position = this.#known.get(id)
    if (position !== undefined) return position
    position = this.#before.get(id) ?? this.make(id)
    if (this.#known.size >= POSITIONS_MAX) {
      this.#before = this.#known
      this.#known = new Map()
    }
    this.#known.set(id, position)
    return position
  }

  protected make(id: PeerId): Position {
    return positionFrom(taggedHash(this.#hasher, 'peerweft/dht/node', fromHex(id)))
  }
}

/** Where things are kept, and what they are called there. */
export class Targets {
  readonly #hasher: Hasher

  constructor(hasher: Hasher) {
    this.#hasher = hasher
  }

  /** Where a thing itself is kept. */
  item(type: string, id: string): Position {
    return positionFrom(taggedHash(this.#hasher, 'peerweft/dht/item', ...sized(type, id)))
  }

  /** Where one shard of a set is kept: `bits` leading bits of the entries in it, of which the first `depth` count. */
  shard(set: string, depth: number, bits: number): Position {
    return positionFrom(taggedHash(this.#hasher, 'peerweft/dht/set', Uint8Array.of(depth, bits), ...sized(set)))
  }

  /** One publisher's one thing. */
  entry(publisher: PeerId, type: string, id: string): Uint8Array {
    return taggedHash(this.#hasher, 'peerweft/dht/entry', fromHex(publisher), ...sized(type, id)).slice(0, ENTRY_BYTES)
  }

  token(secret: Uint8Array, peer: PeerId, target: Uint8Array): Uint8Array {
    return taggedHash(this.#hasher, 'peerweft/dht/token', secret, fromHex(peer), target)
  }
}

/** Texts one after the other, so that no two lists of texts give the same bytes. */
function sized(...texts: readonly string[]): Uint8Array[] {
  return texts.map(text => {
    const bytes = utf8(text)
    return concatBytes(Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes)
  })
}

/** The first `depth` bits of an entry: in which shard it lies. */
export function shardBits(entry: Uint8Array, depth: number): number {
  return depth === 0 ? 0 : entry[0]! >> (8 - depth)
}

export function keyText(bytes: Uint8Array): string {
  return toHex(bytes)
}
