import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import { taggedHash } from '../../crypto/tagged-hash.ts'
import { concatBytes } from '../../foundation/bytes.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import { PayloadChecks } from '../../protocol-kit/payload-check.ts'
import { musig2Statements } from './definition.ts'

export type StatementType = 'join' | 'nonce' | 'partial' | 'abort'
/** Why a member leaves. Its word counts for its own part alone. */
export type LeaveReason = 'declined' | 'cancelled' | 'restarted' | 'failed'

interface Said {
  readonly author: PeerId
  readonly index: number
  /** 16 bytes as hex: one start of the author's program. */
  readonly boot: string
  /** The author's signed frame: what is passed on, and what is shown as evidence. */
  readonly frame: Uint8Array
}
export interface Join extends Said { readonly type: 'join'; readonly proof: Uint8Array; readonly record: Uint8Array }
export interface Nonce extends Said { readonly type: 'nonce'; readonly nonce: Uint8Array; readonly roster: string }
export interface Partial extends Said { readonly type: 'partial'; readonly partial: Uint8Array; readonly nonces: string }
export interface Abort extends Said { readonly type: 'abort'; readonly proof: Uint8Array; readonly reason: LeaveReason; readonly text: string }
/** What a member has signed, read and fit for its schema; whether it may say so is for the rules. */
export type Statement = Join | Nonce | Partial | Abort

const checks = new PayloadChecks(musig2Statements)

/** A member may fill each once: two different contents in one are equivocation. */
export function slotOf(type: StatementType, session: Uint8Array, index: number): string {
  return `${toHex(session)}/${type}/${index}`
}

/** Of a frame that `context.verify` has let through: null where it is none of this session's statements. */
export function readStatement(message: P2PMessage, session: Uint8Array, frame: Uint8Array): Statement | null {
  const { type } = message
  if (message.protocol !== musig2Statements.name || !Object.hasOwn(musig2Statements.messages, type)) return null
  if (!checks.message(type).fits(message.payload)) return null
  const payload = message.payload as Record<string, unknown> & { session: Uint8Array; index: number; boot: Uint8Array }
  if (toHex(payload.session) !== toHex(session) || message.slot !== slotOf(type as StatementType, session, payload.index)) return null
  const said = { author: message.from, index: payload.index, boot: toHex(payload.boot), frame }
  switch (type as StatementType) {
    case 'join': return { ...said, type: 'join', proof: payload.proof as Uint8Array, record: payload.record as Uint8Array }
    case 'nonce': return { ...said, type: 'nonce', nonce: payload.nonce as Uint8Array, roster: toHex(payload.roster as Uint8Array) }
    case 'partial': return { ...said, type: 'partial', partial: payload.partial as Uint8Array, nonces: toHex(payload.nonces as Uint8Array) }
    case 'abort': return { ...said, type: 'abort', proof: payload.proof as Uint8Array, reason: payload.reason as LeaveReason, text: payload.text as string }
  }
}

/** What of a statement may not be said in two ways; the proof, the record and the signature may differ from one telling to the next. */
export function contentOf(statement: Statement): string {
  switch (statement.type) {
    case 'join': return statement.author
    case 'nonce': return `${toHex(statement.nonce)} ${statement.roster}`
    case 'partial': return `${toHex(statement.partial)} ${statement.nonces}`
    case 'abort': return 'abort'
  }
}

/** What the holder of a key signs (BIP340) to speak for it in a session from one peer: nobody else can take its slot, nor move it to another peer. */
export function membershipDigest(backend: Pick<ICryptoBackend, 'sha256'>, session: Uint8Array, key: Uint8Array, peer: PeerId): Uint8Array {
  return taggedHash(backend, 'musig2/member', session, key, fromHex(peer))
}

/** H of who speaks for each key, in order: the roster a nonce is made for. */
export function rosterHash(backend: Pick<ICryptoBackend, 'sha256'>, session: Uint8Array, peers: readonly PeerId[]): Uint8Array {
  return taggedHash(backend, 'musig2/roster', session, ...peers.map(fromHex))
}

/** H of all public nonces, in order: what a partial signature was made over. */
export function noncesHash(backend: Pick<ICryptoBackend, 'sha256'>, session: Uint8Array, nonces: readonly Uint8Array[]): Uint8Array {
  return taggedHash(backend, 'musig2/nonces', session, ...nonces.map(nonce => concatBytes(Uint8Array.of(nonce.length), nonce)))
}
