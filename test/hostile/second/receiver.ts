import { concat, hex, readUint } from './bytes.ts'
import { decode, encode } from './cbor.ts'
import {
  Auth, burstDigest, burstProof, frame as frameOf, Kind, messageHash, parseFrame, partsOf, pathOf, rootByPath, rootOf, VERSION, type Parsed, type Said,
} from './wire.ts'

/**
 * docs/wire.md, section 9, a second time: what a receiver may take of a plaintext, and what it must. Held against what
 * lib has taken, message by message. It keeps no counters, blames nobody and is in no hurry.
 */
export interface ReceiverOptions {
  network: string
  /** The receiver's own key, x-only. */
  own: Uint8Array
  /** The key at the other end of the link. */
  peer: Uint8Array
  now: () => number
  verify: (signature: Uint8Array, digest: Uint8Array, author: Uint8Array) => boolean
  mayBePlain: (protocol: string | null, type: string) => boolean
  /** When a receiver started that may have run before. */
  startedMs?: number | undefined
  /** What was seen, for all links of one receiver. */
  memory: Memory
}

/** Remembered for so long: what lib holds for 300 s at least and 400 s at most. */
const SEEN_MS_MIN = 300_000
const SEEN_MS_MAX = 400_000
const AGE_MS_MAX = 120_000
const LEAD_MS_MAX = 30_000
const RESTART_MS = 30_000
const FRAME_BYTES_MAX = 98_304
const FRAGMENTED_BYTES_MAX = 1_048_576
const FRAGMENT_MS_MAX = 30_000
/** Of words that the link vouches for, so many ids are remembered at least. */
const RECENT_MIN = 1_000

export class Memory {
  /** When lib last noted it for certain, and when it may have. The latest last. */
  readonly #known = new Map<string, { surelyMs: number; perhapsMs: number }>()

  /** 'yes' within the time it must be remembered, 'perhaps' within the time it may. */
  has(key: string, nowMs: number): 'yes' | 'perhaps' | 'no' {
    const known = this.#known.get(key)
    if (known === undefined || nowMs - known.perhapsMs > SEEN_MS_MAX) return 'no'
    return nowMs - known.surelyMs < SEEN_MS_MIN ? 'yes' : 'perhaps'
  }

  add(key: string, nowMs: number): void {
    this.#known.delete(key)
    this.#known.set(key, { surelyMs: nowMs, perhapsMs: nowMs })
  }

  /** Where lib had forgotten it, it has noted it now; whether it had, cannot be told. */
  addPerhaps(key: string, nowMs: number): void {
    const surelyMs = this.#known.get(key)?.surelyMs ?? -Infinity
    this.#known.delete(key)
    this.#known.set(key, { surelyMs, perhapsMs: nowMs })
  }

  forgetOld(nowMs: number): void {
    for (const [key, { perhapsMs }] of this.#known) {
      if (nowMs - perhapsMs <= SEEN_MS_MAX) return
      this.#known.delete(key)
    }
  }
}

/** A message as both sides can name it. */
export interface Taken {
  auth: number
  /** For signed ones the form that proves itself alone; for others the frame. */
  frame: Uint8Array
}

/** What lib took, to be held against: for signed messages the very bytes, for others what can be told of the header. */
export interface Claimed {
  from: string
  messageId: string
  frame: Uint8Array | undefined
  payload: unknown
}

export type Verdict =
  | { kind: 'agreed'; taken: number }
  /** Lib took something that the page does not let in. */
  | { kind: 'accepted'; what: Claimed }
  /** Lib let something out that the page lets in. */
  | { kind: 'missed'; what: Taken }

export class Receiver {
  readonly #options: ReceiverOptions
  readonly #assemblies = new Map<number, { total: number; bytes: Uint8Array; startedMs: number }>()
  readonly #recent = new Map<string, number>()
  #recentCount = 0
  #lastBoot = ''
  #bootSince = 0
  /** True once a close has been read. */
  over = false
  #claimed: Claimed[] = []
  #taken = 0
  #missed: Taken | undefined

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  /** Reads a plaintext beside lib, which took `claimed` of it. */
  judge(plaintext: Uint8Array, claimed: readonly Claimed[]): Verdict {
    this.#claimed = [...claimed]
    this.#taken = 0
    this.#missed = undefined
    this.#read(plaintext)
    if (this.#missed) return { kind: 'missed', what: this.#missed }
    const [extra] = this.#claimed
    return extra ? { kind: 'accepted', what: extra } : { kind: 'agreed', taken: this.#taken }
  }

  #read(plaintext: Uint8Array): void {
    const parts = attempt(() => partsOf(plaintext))
    if (parts === undefined || !parts.every(part => this.#isPart(part.kind, part.body))) return
    for (const { kind, body } of parts) {
      if (this.over) return
      if (kind === Kind.MESSAGE) this.#message(body, FRAME_BYTES_MAX)
      else if (kind === Kind.BURST) this.#burst(body)
      // A fragment or a hello that is malformed ends the reading of its plaintext.
      else if (kind === Kind.FRAGMENT && !this.#fragment(body)) return
      else if (kind === Kind.HELLO && !isHello(body)) return
      else if (kind === Kind.CLOSE) this.over = true
    }
  }

  #isPart(kind: number, body: Uint8Array): boolean {
    if (kind >= 0x80) return true
    switch (kind) {
      case Kind.MESSAGE: case Kind.BURST: case Kind.HELLO: return true
      case Kind.FRAGMENT: return body.length > 12
      case Kind.PING: case Kind.PONG: return body.length === 8
      case Kind.CLOSE: return body.length >= 1 && body.length <= 201 && isText(body.subarray(1))
      default: return false
    }
  }

  /** False for one that breaks the rules, which ends its message. */
  #fragment(body: Uint8Array): boolean {
    const nowMs = this.#options.now()
    for (const [id, { startedMs }] of this.#assemblies) if (nowMs - startedMs >= FRAGMENT_MS_MAX) this.#assemblies.delete(id)
    const [id, total, offset] = [readUint(body, 0, 4), readUint(body, 4, 4), readUint(body, 8, 4)]
    const bytes = body.subarray(12)
    const known = this.#assemblies.get(id)
    const begins = offset === 0
    if (begins && (known !== undefined || total > FRAGMENTED_BYTES_MAX || this.#assemblies.size >= 2)) {
      this.#assemblies.delete(id)
      return false
    }
    const assembly = begins ? { total, bytes: new Uint8Array(0), startedMs: nowMs } : known
    if (assembly === undefined || assembly.total !== total || assembly.bytes.length !== offset || offset + bytes.length > total) {
      this.#assemblies.delete(id)
      return false
    }
    assembly.bytes = concat(assembly.bytes, bytes)
    if (assembly.bytes.length < total) this.#assemblies.set(id, assembly)
    else {
      this.#assemblies.delete(id)
      this.#message(assembly.bytes, FRAME_BYTES_MAX)
    }
    return true
  }

  #message(bytes: Uint8Array, bytesMax: number): void {
    if (bytes.length > bytesMax) return
    const parsed = attempt(() => parseFrame(bytes))
    if (parsed === undefined) return
    if (parsed.auth === Auth.CHANNEL) return this.#plain(parsed, bytes)
    const hash = messageHash(parsed.author, parsed.header, parsed.payload)
    if (!this.#isProven(parsed, hash)) return
    this.#signed(parsed, hash, bytes)
  }

  #isProven({ auth, author, proof }: Parsed, hash: Uint8Array): boolean {
    const { verify, network } = this.#options
    const signature = proof.subarray(0, 64)
    if (auth === Auth.SIGNATURE) return verify(signature, hash, author)
    const [count, index] = [readUint(proof, 64, 2), readUint(proof, 66, 2)]
    const path: Uint8Array[] = []
    for (let at = 68; at < proof.length; at += 32) path.push(proof.subarray(at, at + 32))
    const root = rootByPath(hash, index, count, path)
    return root !== null && verify(signature, burstDigest(network, count, root), author)
  }

  #burst(body: Uint8Array): void {
    const burst = attempt(() => wholeBurstOf(body))
    if (burst === undefined) return
    const { author, signature, messages } = burst
    const hashes = messages.map(({ header, payload }) => messageHash(author, header, payload))
    const alone = messages.map(({ header, payload }, index) =>
      frameOf({ auth: Auth.BURST, author, proof: burstProof(signature, messages.length, index, pathOf(index, hashes)), header, payload }))
    if (alone.some(bytes => bytes.length > FRAME_BYTES_MAX)) return
    if (!this.#options.verify(signature, burstDigest(this.#options.network, messages.length, rootOf(hashes)), author)) return
    messages.forEach((message, index) => this.#signed({ auth: Auth.BURST, author, ...message }, hashes[index]!, alone[index]!))
  }

  #signed(parsed: Pick<Parsed, 'auth' | 'author' | 'header' | 'payload'>, hash: Uint8Array, frame: Uint8Array): void {
    const { memory, now, startedMs, peer } = this.#options
    const header = this.#headerOf(parsed.header)
    if (header === undefined) return
    if (startedMs !== undefined && header.timestamp < startedMs + RESTART_MS && !equal(parsed.author, peer)) return
    const said = header.slot === null
      ? `said ${hex(parsed.author)} ${hex(header.boot)} ${header.messageId}`
      : `stated ${hex(parsed.author)} ${JSON.stringify([header.protocol, header.type, header.slot])} ${hex(parsed.payload)}`
    const nowMs = now()
    const [seen, repeated] = [memory.has(`seen ${hex(hash)}`, nowMs), memory.has(said, nowMs)]
    if (seen === 'yes') return
    const isNew = seen === 'no' && repeated === 'no'
    // Marked as seen before it is looked at for repeats and for the form of its payload.
    const good = repeated !== 'yes' && attempt(() => ({ value: decode(parsed.payload) })) !== undefined
    const taken = good && this.#take({ auth: parsed.auth, frame }, claim => claim.frame !== undefined && equal(claim.frame, frame), isNew)
    if (seen === 'no' || taken) memory.add(`seen ${hex(hash)}`, nowMs)
    else memory.addPerhaps(`seen ${hex(hash)}`, nowMs)
    if (isNew || taken) memory.add(said, nowMs)
    else if (repeated !== 'yes') memory.addPerhaps(said, nowMs)
  }

  #plain(parsed: Parsed, frame: Uint8Array): void {
    const { peer, mayBePlain } = this.#options
    const header = this.#headerOf(parsed.header)
    if (header === undefined || !equal(parsed.author, peer) || !mayBePlain(header.protocol, header.type)) return
    const id = header.slot === null ? `${hex(header.boot)} ${header.messageId}` : `${hex(header.boot)} ${JSON.stringify([header.protocol, header.type, header.slot])} ${hex(parsed.payload)}`
    const known = this.#recent.get(id)
    // Who speaks as another process in between may be heard twice: lib then forgets what the first has said.
    if (this.#lastBoot !== hex(header.boot)) this.#bootSince = this.#recentCount
    this.#lastBoot = hex(header.boot)
    if (known !== undefined && known >= this.#bootSince && this.#recentCount - known < RECENT_MIN) return
    this.#recent.set(id, this.#recentCount++)
    const payload = attempt(() => ({ value: decode(parsed.payload) }))
    if (payload === undefined) return
    this.#take({ auth: Auth.CHANNEL, frame }, claim => claim.frame === undefined && claim.from === hex(peer) && claim.messageId === header.messageId, known === undefined)
  }

  /** Takes it as lib did; that lib did not is a miss only where there was no choice. */
  #take(taken: Taken, fits: (claim: Claimed) => boolean, mustBeTaken: boolean): boolean {
    const [next] = this.#claimed
    if (next === undefined || !fits(next)) {
      if (mustBeTaken) this.#missed ??= taken
      return false
    }
    this.#claimed.shift()
    this.#taken++
    return true
  }

  #headerOf(bytes: Uint8Array): { protocol: string | null; type: string; timestamp: number; boot: Uint8Array; messageId: string; slot: string | null } | undefined {
    const { network: own, own: ownKey, now } = this.#options
    const fields = attempt(() => decode(bytes))
    if (!Array.isArray(fields) || fields.length !== 10) return undefined
    const [network, protocol, type, to, timestamp, boot, messageId, inReplyTo, slot, salt] = fields as unknown[]
    if (!isName(network, 32) || !(protocol === null || isName(protocol, 64)) || !isName(type, 64)) return undefined
    if (!(to === null || isBytes(to, 32)) || !isBytes(boot, 16) || !isBytes(salt, 16)) return undefined
    // A whole number in a float is a float; where the timestamp stands, its first byte tells.
    if (typeof timestamp !== 'number' || !Number.isSafeInteger(timestamp) || timestamp < 0 || !isIntegerFrom(bytes, 4)) return undefined
    if (!isName(messageId, 64) || !(inReplyTo === null || isName(inReplyTo, 64)) || !(slot === null || isName(slot, 128))) return undefined
    const ageMs = now() - timestamp
    if (network !== own || !(to === null || equal(to, ownKey)) || ageMs > AGE_MS_MAX || ageMs < -LEAD_MS_MAX) return undefined
    return { protocol, type, timestamp, boot, messageId, slot }
  }
}

/** The head of the array's item at this index is an unsigned integer; the items before it are flat. */
function isIntegerFrom(header: Uint8Array, index: number): boolean {
  let at = 1
  for (let item = 0; item < index; item++) {
    const major = header[at]! >> 5
    const info = header[at]! & 31
    const [argument, size] = info < 24 ? [info, 1] : [readUint(header, at + 1, 1 << (info - 24)), 1 + (1 << (info - 24))]
    at += size + (major === 2 || major === 3 ? argument : 0)
  }
  return header[at]! >> 5 === 0
}

/** Section 5. That numbers are written as integers, and what a URL may consist of, the page does not say. */
function isHello(body: Uint8Array): boolean {
  const fields = attempt(() => decode(body))
  if (body.length > 900 || !Array.isArray(fields) || fields.length !== 7 || !equal(encode(fields), body)) return false
  const [version, boot, timestamp, role, addresses, protocols, work] = fields as unknown[]
  return version === 1 && isBytes(boot, 16) && isCount(timestamp, Number.MAX_SAFE_INTEGER) && (role === 'node' || role === 'client')
    && Array.isArray(addresses) && addresses.length <= 4 && addresses.every(url => isName(url, 128) && /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(url))
    && Array.isArray(protocols) && protocols.length <= 32 && protocols.every(isProtocol)
    && work instanceof Uint8Array && work.length <= 64
}

function isProtocol(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && isName(value[0], 64) && isCount(value[1], 65_535)
}

function isCount(value: unknown, max: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max
}

function wholeBurstOf(body: Uint8Array): { author: Uint8Array; signature: Uint8Array; messages: Said[] } {
  if (body.length < 99 || body[0] !== VERSION) throw new Error('head')
  const count = readUint(body, 97, 2)
  if (count < 2 || count > 64) throw new Error('count')
  const messages: Said[] = []
  let at = 99
  while (messages.length < count) {
    if (at + 6 > body.length) throw new Error('short')
    const [headerSize, payloadSize] = [readUint(body, at, 2), readUint(body, at + 2, 4)]
    const end = at + 6 + headerSize + payloadSize
    if (headerSize < 1 || headerSize > 1_024 || payloadSize < 1 || end > body.length) throw new Error('lengths')
    messages.push({ header: body.subarray(at + 6, at + 6 + headerSize), payload: body.subarray(at + 6 + headerSize, end) })
    at = end
  }
  if (at !== body.length) throw new Error('bytes after the last')
  return { author: body.subarray(1, 33), signature: body.subarray(33, 97), messages }
}

const isName = (value: unknown, bytesMax: number): value is string =>
  typeof value === 'string' && value !== '' && Buffer.byteLength(value, 'utf8') <= bytesMax
const isBytes = (value: unknown, size: number): value is Uint8Array => value instanceof Uint8Array && value.length === size
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const utf8 = new TextDecoder('utf-8', { fatal: true })
const isText = (bytes: Uint8Array): boolean => attempt(() => utf8.decode(bytes)) !== undefined

/** What it returns, or undefined where it throws. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}
