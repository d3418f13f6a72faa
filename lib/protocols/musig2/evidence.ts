import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { P2PMessage, PeerId } from '../../contracts/message.ts'
import { toHex } from '../../foundation/hex.ts'
import { addNonces, isPublicNonce, signingSession, verifyPartial, type AggregateKey } from '../../bitcoin/bip327/index.ts'
import type { AbortReason } from './events.ts'
import { SIGNERS_MAX } from './limits.ts'
import { contentOf, membershipDigest, noncesHash, readStatement, type Nonce, type Partial, type Statement } from './statement.ts'

/** What a session was about, where that is known: without it only contradictions and nonces that are none can be judged. */
export interface KnownTerms {
  readonly aggregate: AggregateKey
  readonly message: Uint8Array
}

export interface Proven {
  readonly reason: Extract<AbortReason, 'two-joins' | 'two-nonces' | 'two-partials' | 'bad-nonce' | 'bad-partial'>
  readonly sessionId: string
  /** The signer at fault. */
  readonly index: number
  /** Whose signatures prove it: of two joins, both peers. */
  readonly authors: readonly PeerId[]
}

interface Told { readonly session: Uint8Array; readonly statement: Statement }

/**
 * What frames prove to somebody who was not there, or null: whoever shows them is believed in nothing. `verify` checks a frame's signature, as
 * `ProtocolContext.verify` does.
 */
export async function provenBy(frames: readonly Uint8Array[], verify: (frame: Uint8Array) => Promise<P2PMessage>, backend: ICryptoBackend, terms?: KnownTerms): Promise<Proven | null> {
  if (frames.length === 0 || frames.length > SIGNERS_MAX + 2) return null
  const told: Told[] = []
  for (const frame of frames) {
    const each = await read(frame, verify)
    if (each === null) return null
    told.push(each)
  }
  const { session } = told[0]!
  if (told.some(each => toHex(each.session) !== toHex(session))) return null
  const statements = told.map(({ statement }) => statement)
  return twice(session, statements, backend, terms) ?? badNonce(session, statements, backend) ?? badPartial(session, statements, backend, terms)
}

async function read(frame: Uint8Array, verify: (frame: Uint8Array) => Promise<P2PMessage>): Promise<Told | null> {
  try {
    const message = await verify(frame)
    const session = (message.payload as { session?: unknown } | null)?.session
    const statement = session instanceof Uint8Array && session.length === 32 ? readStatement(message, session, frame) : null
    return statement === null ? null : { session: session as Uint8Array, statement }
  } catch {
    return null
  }
}

/** Two in one slot: of one author in one run of its program, or two joins that both prove the key. */
function twice(session: Uint8Array, statements: readonly Statement[], backend: ICryptoBackend, terms?: KnownTerms): Proven | null {
  if (statements.length !== 2) return null
  const [one, other] = statements as [Statement, Statement]
  if (one.type !== other.type || one.index !== other.index || contentOf(one) === contentOf(other) || one.type === 'abort') return null
  const proven = (reason: Proven['reason'], authors: readonly PeerId[]): Proven => ({ reason, sessionId: toHex(session), index: one.index, authors })
  if (one.type !== 'join') return one.author === other.author && one.boot === other.boot ? proven(one.type === 'nonce' ? 'two-nonces' : 'two-partials', [one.author]) : null
  const key = terms?.aggregate.keys[one.index]
  if (key === undefined) return null
  const isProved = (join: Statement): boolean => join.type === 'join' && backend.verify(join.proof, membershipDigest(backend, session, key, join.author), key.subarray(1))
  return isProved(one) && isProved(other) ? proven('two-joins', [one.author, other.author]) : null
}

function badNonce(session: Uint8Array, statements: readonly Statement[], backend: ICryptoBackend): Proven | null {
  const [nonce] = statements
  if (statements.length !== 1 || nonce!.type !== 'nonce' || isPublicNonce(backend, nonce!.nonce)) return null
  return { reason: 'bad-nonce', sessionId: toHex(session), index: nonce!.index, authors: [nonce!.author] }
}

/** All nonces in order and a partial signature that names exactly them: whoever shows it cannot have chosen others, for their hash is in what the culprit signed. */
function badPartial(session: Uint8Array, statements: readonly Statement[], backend: ICryptoBackend, terms?: KnownTerms): Proven | null {
  if (terms === undefined) return null
  const count = terms.aggregate.keys.length
  const nonces = statements.slice(0, count).filter((statement): statement is Nonce => statement.type === 'nonce').map(({ nonce }) => nonce)
  const partial = statements.slice(count).find((statement): statement is Partial => statement.type === 'partial')
  if (nonces.length !== count || partial === undefined || partial.index >= count || nonces.some(nonce => !isPublicNonce(backend, nonce))) return null
  if (toHex(noncesHash(backend, session, nonces)) !== partial.nonces) return null
  const signing = signingSession(backend, terms.aggregate, addNonces(backend, nonces), terms.message)
  if (verifyPartial(backend, signing, partial.index, nonces[partial.index]!, partial.partial)) return null
  return { reason: 'bad-partial', sessionId: toHex(session), index: partial.index, authors: [partial.author] }
}
