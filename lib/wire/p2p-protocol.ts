import type { IClock } from '../contracts/clock.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import type { P2PMessage, PeerId } from '../contracts/message.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { fromUtf8, utf8 } from '../foundation/bytes.ts'
import { systemClock } from '../foundation/clock.ts'
import { toHex } from '../foundation/hex.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { secureRandom } from '../foundation/random.ts'
import { encodeCbor } from './cbor.ts'
import { frameSize, SIGNATURE_BYTES } from './frame.ts'
import { BOOT_BYTES, KEY_BYTES, NAME_BYTES_MAX, NETWORK_BYTES_MAX, SALT_BYTES, SLOT_BYTES_MAX } from './header-fields.ts'
import { encodeHeader } from './header.ts'
import { fromJsonText, toJsonText } from './message-json.ts'

export interface P2PProtocolOptions {
  clock?: Pick<IClock, 'now'> | undefined
  random?: RandomBytes | undefined
  limits?: Limits | undefined
}

export type MessageOptions = Partial<Pick<P2PMessage, 'to' | 'timestamp' | 'messageId' | 'protocol' | 'inReplyTo' | 'slot'>>

/** A random id for every message made by hand: 16 bytes never meet by chance. */
const ID_BYTES = 16

/**
 * Makes, checks and stores messages as plain objects and JSON, for applications. What travels between nodes is
 * CBOR, signed or sealed, and made elsewhere: docs/wire.md.
 */
export class P2PProtocol {
  readonly #clock: Pick<IClock, 'now'>
  readonly #random: RandomBytes
  readonly #limits: Limits

  constructor({ clock = systemClock, random = secureRandom, limits = DEFAULT_LIMITS }: P2PProtocolOptions = {}) {
    this.#clock = clock
    this.#random = random
    this.#limits = limits
  }

  /** A message with everything it needs. Throws ERR_WIRE_UNENCODABLE for one that could not be sent. */
  createMessage<T>(type: string, payload: T, from: PeerId, options: MessageOptions = {}): P2PMessage<T> {
    const message: P2PMessage<T> = { type, from, payload, timestamp: this.#clock.now(), messageId: this.generateMessageId(), ...definedOnly(options) }
    const problem = problemOf(message)
    if (problem !== undefined) throw new P2PError(ErrorCode.WIRE_UNENCODABLE, problem)
    encodeCbor(payload, this.#limits)
    return message
  }

  /** 32 hex digits. */
  generateMessageId(): string {
    return toHex(this.#random(ID_BYTES))
  }

  /** The message as JSON in UTF-8. Bytes and bigints survive; signature and frame are not kept. Throws ERR_WIRE_UNENCODABLE, ERR_WIRE_FRAME_TOO_LARGE. */
  serialize(message: P2PMessage): Uint8Array {
    const problem = problemOf(message)
    if (problem !== undefined) throw new P2PError(ErrorCode.WIRE_UNENCODABLE, problem)
    this.#mustFit(message, this.#limits.messageBytesMax)
    // JSON leaves out what is undefined, and a message without a payload is none.
    return utf8(toJsonText({ ...fieldsOf(message), payload: message.payload === undefined ? null : message.payload }))
  }

  /** What `serialize` made. Throws ERR_WIRE_MALFORMED, saying what was expected and what came, and ERR_WIRE_FRAME_TOO_LARGE. */
  deserialize<T = unknown>(data: Uint8Array | string): P2PMessage<T> {
    const message = parseJson(data, this.#limits)
    const problem = problemOf(message)
    if (problem !== undefined) throw new P2PError(ErrorCode.WIRE_MALFORMED, problem)
    try {
      this.#mustFit(message as P2PMessage, this.#limits.messageBytesMax)
    } catch (error) {
      if (error instanceof P2PError && error.code === ErrorCode.WIRE_UNENCODABLE) throw new P2PError(ErrorCode.WIRE_MALFORMED, error.message, { cause: error })
      throw error
    }
    return fieldsOf(message as P2PMessage<T>)
  }

  /** Whether this has the fields of a message, each of its type and size. `explain` says what is wrong. */
  validateMessage(message: unknown): message is P2PMessage {
    return problemOf(message) === undefined
  }

  /** What keeps this from being a message, in words; undefined for a good one. */
  explain(message: unknown): string | undefined {
    return problemOf(message)
  }

  /** Whether the message, signed, fits into a frame of `bytesMax`: what the network accepts when left out. */
  validateMessageSize(message: P2PMessage, bytesMax: number = this.#limits.messageBytesMax): boolean {
    return this.messageSize(message) <= bytesMax
  }

  /** The size of the message as a signed frame in bytes, on a network with a name of the longest kind. Throws ERR_WIRE_UNENCODABLE. */
  messageSize(message: P2PMessage): number {
    const header = encodeHeader({
      network: 'n'.repeat(NETWORK_BYTES_MAX),
      protocol: message.protocol ?? null,
      type: message.type,
      to: message.to === undefined ? null : new Uint8Array(KEY_BYTES),
      timestampMs: message.timestamp,
      boot: new Uint8Array(BOOT_BYTES),
      messageId: message.messageId,
      inReplyTo: message.inReplyTo ?? null,
      slot: message.slot ?? null,
      salt: new Uint8Array(SALT_BYTES),
    })
    return frameSize(SIGNATURE_BYTES, header.length, encodeCbor(message.payload, this.#limits).length)
  }

  #mustFit(message: P2PMessage, bytesMax: number): void {
    const size = this.messageSize(message)
    if (size > bytesMax) throw new P2PError(ErrorCode.WIRE_FRAME_TOO_LARGE, `expected a message of at most ${bytesMax} bytes on the wire, got ${size}`)
  }
}

/** JSON takes at most so many times the bytes of CBOR: two hex digits a byte, six characters for an escaped one. */
const JSON_FACTOR_MAX = 6

function parseJson(data: Uint8Array | string, limits: Limits): unknown {
  const bytesMax = JSON_FACTOR_MAX * limits.messageBytesMax
  if (data.length > bytesMax) throw new P2PError(ErrorCode.WIRE_FRAME_TOO_LARGE, `expected at most ${bytesMax} bytes of JSON, got ${data.length}`)
  try {
    return fromJsonText(typeof data === 'string' ? data : fromUtf8(data))
  } catch (error) {
    throw new P2PError(ErrorCode.WIRE_MALFORMED, `expected a message as JSON in UTF-8: ${(error as Error).message}`, { cause: error })
  }
}

/** What is not a message about it: the first thing found. */
function problemOf(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return `expected a message, got ${kindOf(message)}`
  const fields = message as Record<string, unknown>
  return problemOfText(fields, 'type', NAME_BYTES_MAX)
    ?? problemOfText(fields, 'from', Infinity)
    ?? problemOfText(fields, 'messageId', NAME_BYTES_MAX)
    ?? problemOfTimestamp(fields.timestamp)
    ?? ('payload' in fields ? undefined : 'message.payload: expected a value, got nothing')
    ?? OPTIONAL.map(([name, bytesMax]) => (fields[name] === undefined ? undefined : problemOfText(fields, name, bytesMax))).find(problem => problem !== undefined)
    ?? BYTES.map(name => problemOfBytes(fields, name)).find(problem => problem !== undefined)
}

const OPTIONAL: readonly [string, number][] = [
  ['to', Infinity], ['protocol', NAME_BYTES_MAX], ['inReplyTo', NAME_BYTES_MAX], ['slot', SLOT_BYTES_MAX], ['via', Infinity],
]
const BYTES = ['signature', 'frame'] as const

function problemOfText(fields: Record<string, unknown>, name: string, bytesMax: number): string | undefined {
  const value = fields[name]
  if (typeof value !== 'string') return `message.${name}: expected text, got ${kindOf(value)}`
  const size = utf8(value).length
  if (size >= 1 && size <= bytesMax) return undefined
  return `message.${name}: expected text of ${bytesMax === Infinity ? 'at least 1 byte' : `1 to ${bytesMax} bytes`}, got ${size}`
}

function problemOfTimestamp(value: unknown): string | undefined {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return undefined
  return `message.timestamp: expected Unix time in whole milliseconds, got ${typeof value === 'number' ? value : kindOf(value)}`
}

function problemOfBytes(fields: Record<string, unknown>, name: string): string | undefined {
  const value = fields[name]
  return value === undefined || value instanceof Uint8Array ? undefined : `message.${name}: expected bytes, got ${kindOf(value)}`
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`
}

/** A plain copy of the fields that say something; what proves them stays with the frame. */
function fieldsOf<T>(message: P2PMessage<T>): P2PMessage<T> {
  const { type, from, to, payload, timestamp, messageId, protocol, inReplyTo, slot, via } = message
  return { type, from, payload, timestamp, messageId, ...definedOnly({ to, protocol, inReplyTo, slot, via }) }
}

function definedOnly<O extends object>(fields: O): { [K in keyof O]?: Exclude<O[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof O]?: Exclude<O[K], undefined> }
}
