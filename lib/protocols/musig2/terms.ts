import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { taggedHash } from '../../crypto/tagged-hash.ts'
import { concatBytes, equalBytes, utf8 } from '../../foundation/bytes.ts'
import type { TweakRule } from '../../bitcoin/taproot.ts'
import { DESCRIPTION_CHARS_MAX, MESSAGE_BYTES_MAX, PATH_STEPS_MAX, PSBT_BYTES_MAX, SIGNERS_MAX, TWEAKS_MAX } from './limits.ts'

/** What is to be signed: bytes, or one taproot input of a PSBT, whose digest everybody computes anew. */
export type Subject =
  | { readonly kind: 'message'; readonly message: Uint8Array }
  | { readonly kind: 'psbt'; readonly psbt: Uint8Array; readonly inputIndex: number }

/** Everything a session is about. Another message, list of keys, order, tweak or description is another session. */
export interface SessionTerms {
  /** 33 bytes each, in the order of aggregation. */
  readonly keys: readonly Uint8Array[]
  readonly tweaks: readonly TweakRule[]
  readonly subject: Subject
  /** The initiator's words: untrusted. */
  readonly description: string
}

const VERSION = Uint8Array.of(1)

/** H("musig2/session", ...) of the terms and the initiator's nonce, which is the rendezvous. */
export function sessionIdOf(backend: Pick<ICryptoBackend, 'sha256'>, terms: SessionTerms, rendezvous: Uint8Array): Uint8Array {
  const { keys, tweaks, subject, description } = terms
  const what = subject.kind === 'message'
    ? [Uint8Array.of(0), sized(subject.message)]
    : [Uint8Array.of(1), uint32(subject.inputIndex), sized(subject.psbt)]
  return taggedHash(backend, 'musig2/session', VERSION, uint32(keys.length), ...keys, uint32(tweaks.length), ...tweaks.map(tweakBytes), ...what, sized(utf8(description)), rendezvous)
}

function tweakBytes(rule: TweakRule): Uint8Array {
  switch (rule.kind) {
    case 'bip32': return concatBytes(Uint8Array.of(0), uint32(rule.path.length), ...rule.path.map(uint32))
    case 'taproot': return concatBytes(Uint8Array.of(1), sized(rule.merkleRoot ?? new Uint8Array(0)))
    case 'raw': return concatBytes(Uint8Array.of(rule.xOnly ? 3 : 2), rule.tweak)
  }
}

/** Throws TypeError or RangeError for terms that no session can have. The keys' points are checked by aggregating them. */
export function checkTerms({ keys, tweaks, subject, description }: SessionTerms): void {
  if (keys.length < 2 || keys.length > SIGNERS_MAX) throw new RangeError(`expected 2 to ${SIGNERS_MAX} signers, got ${keys.length}`)
  keys.forEach((key, index) => {
    if (!(key instanceof Uint8Array) || key.length !== 33) throw new TypeError(`expected signer ${index} as a compressed key of 33 bytes`)
    // BIP327 allows it; here a slot belongs to one member.
    const twin = keys.findIndex(other => equalBytes(other, key))
    if (twin !== index) throw new RangeError(`signers ${twin} and ${index} have the same key; give each signer once`)
  })
  if (tweaks.length > TWEAKS_MAX) throw new RangeError(`expected at most ${TWEAKS_MAX} tweaks, got ${tweaks.length}`)
  tweaks.forEach(checkTweak)
  if (typeof description !== 'string' || description.length > DESCRIPTION_CHARS_MAX) throw new RangeError(`expected a description of at most ${DESCRIPTION_CHARS_MAX} characters`)
  checkSubject(subject)
}

function checkTweak(rule: TweakRule): void {
  switch (rule.kind) {
    case 'bip32':
      if (rule.path.length === 0 || rule.path.length > PATH_STEPS_MAX) throw new RangeError(`expected a path of 1 to ${PATH_STEPS_MAX} steps, got ${rule.path.length}`)
      for (const step of rule.path) if (!Number.isInteger(step) || step < 0 || step > 0x7fff_ffff) throw new RangeError(`expected unhardened steps from 0 to 2^31 - 1, got ${step}: nobody has the aggregate's secret`)
      return
    case 'taproot':
      if (rule.merkleRoot !== undefined && rule.merkleRoot.length !== 32) throw new RangeError(`expected a merkle root of 32 bytes, got ${rule.merkleRoot.length}`)
      return
    case 'raw':
      if (rule.tweak.length !== 32) throw new RangeError(`expected a tweak of 32 bytes, got ${rule.tweak.length}`)
      return
    default:
      throw new TypeError(`expected a tweak of kind 'bip32', 'taproot' or 'raw', got ${JSON.stringify((rule as { kind?: unknown }).kind)}`)
  }
}

function checkSubject(subject: Subject): void {
  if (subject.kind === 'message') {
    if (!(subject.message instanceof Uint8Array) || subject.message.length > MESSAGE_BYTES_MAX) throw new RangeError(`expected a message of at most ${MESSAGE_BYTES_MAX} bytes`)
  } else {
    if (!(subject.psbt instanceof Uint8Array) || subject.psbt.length === 0 || subject.psbt.length > PSBT_BYTES_MAX) throw new RangeError(`expected a PSBT of 1 to ${PSBT_BYTES_MAX} bytes`)
    if (!Number.isInteger(subject.inputIndex) || subject.inputIndex < 0) throw new RangeError(`expected the index of an input, got ${subject.inputIndex}`)
  }
}

function sized(bytes: Uint8Array): Uint8Array {
  return concatBytes(uint32(bytes.length), bytes)
}

function uint32(number: number): Uint8Array {
  return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number)
}
