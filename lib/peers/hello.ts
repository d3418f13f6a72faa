import { ErrorCode, P2PError } from '../contracts/errors.ts'
import { equalBytes, utf8 } from '../foundation/bytes.ts'
import { decodeCbor, encodeCbor } from '../wire/cbor.ts'
import { HELLO_BYTES_MAX } from './noise/pattern.ts'

/** What a node says of itself in the sealed part of the handshake, and again whenever it changes. */
export interface Hello {
  /** 16 random bytes, new at each start of the process. */
  boot: Uint8Array
  /** Unix time in milliseconds, on the speaker's clock. */
  timestampMs: number
  role: 'node' | 'client'
  /** URLs at which it says it can be dialled: a claim, not a fact. */
  addresses: string[]
  protocols: { name: string; version: number }[]
  /** Proof of work, where the network asks for one; else empty. */
  work: Uint8Array
}

// docs/wire.md, section 5.
const HELLO_VERSION = 1
const BOOT_BYTES = 16
const ADDRESSES_MAX = 4
const ADDRESS_BYTES_MAX = 128
const PROTOCOLS_MAX = 32
/** As long as the field of a message's header that it will be compared with (docs/wire.md, section 6). */
const PROTOCOL_NAME_BYTES_MAX = 64
const PROTOCOL_VERSION_MAX = 0xffff
const WORK_BYTES_MAX = 64
/** RFC 3986: a scheme, then printable ASCII. What strangers claim ends up in logs and on terminals. */
const ADDRESS = /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i

/** The hello in CBOR. Throws RangeError for one that no receiver would take. */
export function encodeHello(hello: Hello): Uint8Array {
  const problem = problemOf(hello)
  if (problem !== undefined) throw new RangeError(`hello: ${problem}`)
  const bytes = toBytes(hello)
  if (bytes.length > HELLO_BYTES_MAX) throw new RangeError(`hello: expected at most ${HELLO_BYTES_MAX} bytes, got ${bytes.length}: name fewer protocols or addresses`)
  return bytes
}

/** The hello a stranger sent. Throws ERR_WIRE_MALFORMED for anything that `encodeHello` would not have made. */
export function decodeHello(bytes: Uint8Array): Hello {
  if (bytes.length > HELLO_BYTES_MAX) malformed(`expected at most ${HELLO_BYTES_MAX} bytes, got ${bytes.length}`)
  const hello = fromFields(decodeCbor(bytes))
  const problem = problemOf(hello)
  if (problem !== undefined) malformed(problem)
  // Whole numbers written as floats are the one thing CBOR's own rules leave open.
  if (!equalBytes(toBytes(hello), bytes)) malformed('expected whole numbers to be written as integers')
  return hello
}

function toBytes({ boot, timestampMs, role, addresses, protocols, work }: Hello): Uint8Array {
  return encodeCbor([HELLO_VERSION, boot, timestampMs, role, addresses, protocols.map(({ name, version }) => [name, version]), work])
}

/** The fields by name and of the right types, but of any size: `problemOf` looks at those. */
function fromFields(value: unknown): Hello {
  if (!Array.isArray(value)) malformed('expected an array')
  const [helloVersion, boot, timestampMs, role, addresses, protocols, work, ...more] = value as unknown[]
  if (helloVersion !== HELLO_VERSION) malformed(`expected version ${HELLO_VERSION}, got ${typeof helloVersion === 'number' ? helloVersion : typeof helloVersion}`)
  if (work === undefined || more.length > 0) malformed(`expected 7 fields, got ${value.length}`)
  if (!(boot instanceof Uint8Array) || !(work instanceof Uint8Array)) malformed('expected boot and work to be bytes')
  if (typeof timestampMs !== 'number') malformed('expected the timestamp to be a number')
  if (role !== 'node' && role !== 'client') malformed('expected role "node" or "client"')
  if (!isArrayOf(addresses, isText)) malformed('expected addresses to be an array of texts')
  if (!isArrayOf(protocols, isNameAndVersion)) malformed('expected protocols to be an array of [name, version]')
  return {
    boot: new Uint8Array(boot),
    timestampMs,
    role,
    addresses,
    protocols: protocols.map(([name, version]) => ({ name, version })),
    work: new Uint8Array(work),
  }
}

/** What is wrong with it, if anything: the bounds of docs/wire.md, the same for both directions. */
function problemOf({ boot, timestampMs, addresses, protocols, work }: Hello): string | undefined {
  if (boot.length !== BOOT_BYTES) return `expected a boot of ${BOOT_BYTES} bytes, got ${boot.length}`
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) return 'expected the timestamp to be a whole number of milliseconds'
  if (addresses.length > ADDRESSES_MAX) return `expected at most ${ADDRESSES_MAX} addresses, got ${addresses.length}`
  if (!addresses.every(address => address.length <= ADDRESS_BYTES_MAX && ADDRESS.test(address))) return `expected each address to be a URL of at most ${ADDRESS_BYTES_MAX} printable ASCII characters`
  if (protocols.length > PROTOCOLS_MAX) return `expected at most ${PROTOCOLS_MAX} protocols, got ${protocols.length}`
  if (!protocols.every(({ name }) => name.length > 0 && utf8(name).length <= PROTOCOL_NAME_BYTES_MAX)) return `expected each protocol to have a name of 1 to ${PROTOCOL_NAME_BYTES_MAX} bytes`
  if (!protocols.every(({ version }) => Number.isInteger(version) && version >= 0 && version <= PROTOCOL_VERSION_MAX)) return `expected each version to be a whole number from 0 to ${PROTOCOL_VERSION_MAX}`
  if (work.length > WORK_BYTES_MAX) return `expected at most ${WORK_BYTES_MAX} bytes of work, got ${work.length}`
  return undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isNameAndVersion(value: unknown): value is [string, number] {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number'
}

function isArrayOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isItem)
}

function malformed(reason: string): never {
  throw new P2PError(ErrorCode.WIRE_MALFORMED, `hello: ${reason}`)
}
