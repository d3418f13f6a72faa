import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { CborType, type ByteWriter } from './byte-writer.ts'
import { borrowWriter, returnWriter } from './cbor-writer.ts'
import { BOOT_BYTES, HEADER_FIELDS, KEY_BYTES, NAME_BYTES_MAX, NETWORK_BYTES_MAX, SALT_BYTES, SLOT_BYTES_MAX, type Header } from './header-fields.ts'
import { HeaderReader } from './header-reader.ts'
import { plainBytes } from './plain-bytes.ts'

export type { Header } from './header-fields.ts'

/** The header in CBOR. Throws ERR_WIRE_UNENCODABLE, which names the field, and ERR_WIRE_FRAME_TOO_LARGE. */
export function encodeHeader(header: Header, limits: Pick<Limits, 'headerBytesMax'> = DEFAULT_LIMITS): Uint8Array {
  const writer = borrowWriter()
  try {
    writeHeader(writer, header, limits)
    return writer.take()
  } finally {
    returnWriter(writer)
  }
}

/** The header of bytes from outside. Throws ERR_WIRE_MALFORMED. Its byte fields are views of `bytes`. */
export function decodeHeader(bytes: Uint8Array, limits: Pick<Limits, 'headerBytesMax'> = DEFAULT_LIMITS): Header {
  if (bytes.length > limits.headerBytesMax) {
    throw new P2PError(ErrorCode.WIRE_MALFORMED, `expected a header of at most ${limits.headerBytesMax} bytes, got ${bytes.length}`)
  }
  return new HeaderReader().read(plainBytes(bytes), 0, bytes.length)
}

/** Appends the header. */
export function writeHeader(writer: ByteWriter, header: Header, limits: Pick<Limits, 'headerBytesMax'>): void {
  const start = writer.at
  writer.byte(CborType.ARRAY | HEADER_FIELDS)
  text(writer, 'network', header.network, NETWORK_BYTES_MAX)
  textOrNull(writer, 'protocol', header.protocol, NAME_BYTES_MAX)
  text(writer, 'type', header.type, NAME_BYTES_MAX)
  if (header.to === null) writer.byte(NULL)
  else bytes(writer, 'to', header.to, KEY_BYTES)
  timestamp(writer, header.timestampMs)
  bytes(writer, 'boot', header.boot, BOOT_BYTES)
  text(writer, 'messageId', header.messageId, NAME_BYTES_MAX)
  textOrNull(writer, 'inReplyTo', header.inReplyTo, NAME_BYTES_MAX)
  textOrNull(writer, 'slot', header.slot, SLOT_BYTES_MAX)
  bytes(writer, 'salt', header.salt, SALT_BYTES)
  if (writer.at - start > limits.headerBytesMax) {
    throw new P2PError(ErrorCode.WIRE_FRAME_TOO_LARGE, `a header may have ${limits.headerBytesMax} bytes, this one has ${writer.at - start}`)
  }
}

const NULL = 0xf6

function text(writer: ByteWriter, name: string, value: string, bytesMax: number): void {
  const size = typeof value === 'string' ? writer.text(value) : -1
  if (size < 1 || size > bytesMax) refuse(name, `text of 1 to ${bytesMax} bytes`, value)
}

function textOrNull(writer: ByteWriter, name: string, value: string | null, bytesMax: number): void {
  if (value === null) writer.byte(NULL)
  else text(writer, name, value, bytesMax)
}

function bytes(writer: ByteWriter, name: string, value: Uint8Array, size: number): void {
  if (!(value instanceof Uint8Array) || value.length !== size) refuse(name, `${size} bytes`, value)
  writer.byteString(value)
}

function timestamp(writer: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) refuse('timestamp', 'Unix time in whole milliseconds', value)
  writer.head(CborType.UNSIGNED, value)
}

function refuse(name: string, expected: string, value: unknown): never {
  const got = value instanceof Uint8Array ? `${value.length} bytes` : typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value)
  throw new P2PError(ErrorCode.WIRE_UNENCODABLE, `${name} must be ${expected}, got ${got}`)
}
