import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { PeerId } from '../../contracts/message.ts'
import { taggedHash } from '../../crypto/tagged-hash.ts'
import { concatBytes, fromUtf8, utf8 } from '../../foundation/bytes.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import { PayloadChecks } from '../../protocol-kit/payload-check.ts'
import type { TweakRule } from '../../bitcoin/taproot.ts'
import { musig2Invitation } from './definition.ts'
import type { SessionTerms, Subject } from './terms.ts'

/** What the initiator tells a member, sealed to the member's key. */
export interface Invitation {
  readonly terms: SessionTerms
  readonly creatorIndex: number
  /** On whatever clock: how long is left. */
  readonly remainingMs: number
  /** The initiator's own join, as its frame: who invites holds a key of the session. */
  readonly join: Uint8Array
}

const NONCE_BYTES = 12
const checks = new PayloadChecks(musig2Invitation)

/**
 * What a member shows to be let in on a rendezvous: nobody without its key, or the initiator's one-time secret, can compute it, and it serves this
 * asker at this initiator alone.
 */
export function rendezvousTag(backend: ICryptoBackend, shared: Uint8Array, rendezvous: Uint8Array, asker: PeerId, initiator: PeerId): Uint8Array {
  return taggedHash(backend, 'musig2/tag', shared, rendezvous, fromHex(asker), fromHex(initiator))
}

/** `random` gives the nonce: the same member may ask twice. */
export function sealInvitation(backend: ICryptoBackend, shared: Uint8Array, tag: Uint8Array, invitation: Invitation, random: (length: number) => Uint8Array): Uint8Array {
  const nonce = random(NONCE_BYTES)
  return concatBytes(nonce, backend.seal(boxKey(backend, shared, tag), nonce, tag, utf8(JSON.stringify(toJson(invitation)))))
}

/** Null for what does not open, or is no invitation: whoever made it holds no key of ours in common, or is broken. */
export function openInvitation(backend: ICryptoBackend, shared: Uint8Array, tag: Uint8Array, box: Uint8Array): Invitation | null {
  const plain = box.length <= NONCE_BYTES ? null : backend.open(boxKey(backend, shared, tag), box.slice(0, NONCE_BYTES), tag, box.subarray(NONCE_BYTES))
  if (plain === null) return null
  let json: unknown
  try {
    json = JSON.parse(fromUtf8(plain))
  } catch {
    return null
  }
  return checks.message('invitation').fits(json) ? fromJson(json as Json) : null
}

function boxKey(backend: ICryptoBackend, shared: Uint8Array, tag: Uint8Array): Uint8Array {
  return taggedHash(backend, 'musig2/box', shared, tag)
}

type Json = Omit<ReturnType<typeof toJson>, 'version'>

function toJson({ terms, creatorIndex, remainingMs, join }: Invitation) {
  const { keys, tweaks, subject, description } = terms
  return {
    version: 1,
    keys: keys.map(toHex),
    tweaks: tweaks.map(tweakToJson),
    subject: subject.kind === 'message' ? { kind: 'message' as const, message: toHex(subject.message) } : { kind: 'psbt' as const, psbt: toHex(subject.psbt), inputIndex: subject.inputIndex },
    description, creatorIndex, remainingMs: Math.max(0, Math.floor(remainingMs)), join: toHex(join),
  }
}

function tweakToJson(rule: TweakRule) {
  switch (rule.kind) {
    case 'bip32': return { kind: 'bip32' as const, path: [...rule.path] }
    case 'taproot': return { kind: 'taproot' as const, ...(rule.merkleRoot === undefined ? {} : { merkleRoot: toHex(rule.merkleRoot) }) }
    case 'raw': return { kind: 'raw' as const, tweak: toHex(rule.tweak), xOnly: rule.xOnly }
  }
}

function fromJson({ keys, tweaks, subject, description, creatorIndex, remainingMs, join }: Json): Invitation {
  const what: Subject = subject.kind === 'message' ? { kind: 'message', message: fromHex(subject.message) } : { kind: 'psbt', psbt: fromHex(subject.psbt), inputIndex: subject.inputIndex }
  return { terms: { keys: keys.map(fromHex), tweaks: tweaks.map(tweakFromJson), subject: what, description }, creatorIndex, remainingMs, join: fromHex(join) }
}

function tweakFromJson(rule: ReturnType<typeof tweakToJson>): TweakRule {
  switch (rule.kind) {
    case 'bip32': return { kind: 'bip32', path: rule.path }
    case 'taproot': return rule.merkleRoot === undefined ? { kind: 'taproot' } : { kind: 'taproot', merkleRoot: fromHex(rule.merkleRoot) }
    case 'raw': return { kind: 'raw', tweak: fromHex(rule.tweak), xOnly: rule.xOnly }
  }
}
