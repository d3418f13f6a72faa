import type { ICryptoBackend } from '../contracts/crypto.ts'
import type { Equivocation } from '../contracts/equivocation.ts'
import { createNobleBackend } from '../crypto/noble.ts'
import { compareBytes, concatBytes, equalBytes } from '../foundation/bytes.ts'
import { toHex } from '../foundation/hex.ts'
import { decodeCbor, encodeCbor } from './cbor.ts'
import type { Evidence } from './evidence.ts'
import { Auth, encodeFrame, parseFrame, SIGNATURE_BYTES, type Frame } from './frame.ts'
import { messageHashOf } from './hashing.ts'
import type { Header } from './header-fields.ts'
import { HeaderReader } from './header-reader.ts'
import { plainBytes } from './plain-bytes.ts'
import { ProofChecker } from './proof.ts'

/** Three texts and two statements of at most 1.5 KiB each. */
export const EQUIVOCATION_BYTES_MAX = 4_096
const VERSION = 1
const HASH_BYTES = 32
const HEADER_BYTES_MAX = 1_024

/** What one node keeps of a signed message in order to show it: its frame with the payload's hash in the payload's place. */
export type Statement = Uint8Array

/** The statement that a signed message makes. */
export function statementOf({ author, header, proof, payloadHash }: Pick<Evidence, 'author' | 'header' | 'proof' | 'payloadHash'>): Statement {
  // A burst's proof is longer than a signature: so it tells itself.
  const auth = proof.length === SIGNATURE_BYTES ? Auth.SIGNATURE : Auth.BURST
  return encodeFrame(auth, author, proof, header, payloadHash)
}

/** The statement that a message frame makes, checked for form alone. Throws ERR_WIRE_*. */
export function statementOfFrame(bytes: Uint8Array, crypto: Pick<ICryptoBackend, 'sha256'> = createNobleBackend()): Statement {
  const frame = parseFrame(bytes, Math.max(bytes.length, 1), HEADER_BYTES_MAX)
  return concatBytes(frame.bytes.subarray(0, frame.payloadStart), crypto.sha256(frame.payload))
}

/** Joins two statements into a proof, in one order whoever does it, so that equal proofs have equal bytes. */
export function equivocationProof(a: Statement, b: Statement): Uint8Array {
  return encodeCbor(isBefore(a, b) ? [VERSION, a, b] : [VERSION, b, a])
}

/**
 * What a proof shows, or undefined where it shows nothing. Needs nothing but the proof: whoever gets the same bytes finds the
 * same. Takes bytes from anywhere and never throws.
 */
export function checkEquivocation(proof: Uint8Array, crypto: ICryptoBackend = createNobleBackend()): Equivocation | undefined {
  try {
    return checked(proof, crypto)
  } catch {
    return undefined
  }
}

/** The same of two message frames, such as a `P2PError` has as `evidence`. */
export function equivocationIn(evidence: readonly Uint8Array[], crypto: ICryptoBackend = createNobleBackend()): Equivocation | undefined {
  const [first, second] = evidence
  if (first === undefined || second === undefined) return undefined
  try {
    return checked(equivocationProof(statementOfFrame(first, crypto), statementOfFrame(second, crypto)), crypto)
  } catch {
    return undefined
  }
}

/** Where a statement was made. Two of them in one place are equivocation: another boot, type or protocol is another place. */
export function placeOf(author: Uint8Array, { network, protocol, type, slot, boot }: Header): string | undefined {
  if (protocol === null || slot === null) return undefined
  return JSON.stringify([toHex(author), toHex(boot), network, protocol, type, slot])
}

interface Claim {
  readonly frame: Frame
  readonly header: Header
  readonly place: string
  readonly payloadHash: Uint8Array
}

function checked(bytes: Uint8Array, crypto: ICryptoBackend): Equivocation | undefined {
  if (bytes.length > EQUIVOCATION_BYTES_MAX) return undefined
  const proof = plainBytes(bytes)
  const fields = decodeCbor(proof)
  if (!Array.isArray(fields) || fields.length !== 3) return undefined
  const [version, a, b] = fields as unknown[]
  if (version !== VERSION || !(a instanceof Uint8Array) || !(b instanceof Uint8Array) || !isBefore(a, b)) return undefined
  const first = claimOf(a)
  const second = claimOf(b)
  // Cheap questions first: a forged proof shall not cost two products on the curve.
  if (first === undefined || second === undefined || first.place !== second.place) return undefined
  if (equalBytes(first.payloadHash, second.payloadHash)) return undefined
  if (!isSigned(first, crypto) || !isSigned(second, crypto)) return undefined
  const { network, protocol, type, slot, boot } = first.header
  return { author: toHex(first.frame.author), network, protocol: protocol!, type, slot: slot!, boot: boot.slice(), proof: encodeCbor([VERSION, a, b]) }
}

function claimOf(statement: Statement): Claim | undefined {
  const frame = parseFrame(statement.slice(), statement.length, HEADER_BYTES_MAX)
  if (frame.auth === Auth.CHANNEL || frame.payload.length !== HASH_BYTES) return undefined
  const header = new HeaderReader().read(frame.bytes, frame.headerStart, frame.payloadStart)
  const place = placeOf(frame.author, header)
  return place === undefined ? undefined : { frame, header, place, payloadHash: frame.payload }
}

function isSigned({ frame, header, payloadHash }: Claim, crypto: ICryptoBackend): boolean {
  const checker = new ProofChecker({ crypto: () => crypto, network: header.network, burstRootsMax: 1 })
  return checker.proves(frame, messageHashOf(crypto, frame.author, crypto.sha256(frame.header), payloadHash), '')
}

function isBefore(a: Uint8Array, b: Uint8Array): boolean {
  return compareBytes(a, b) < 0
}
