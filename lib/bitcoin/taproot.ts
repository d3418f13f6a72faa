import type { ICryptoBackend } from '../contracts/crypto.ts'
import { hmacSha512 } from '../crypto/hmac-sha512.ts'
import { taggedHash } from '../crypto/tagged-hash.ts'
import { concatBytes } from '../foundation/bytes.ts'
import { fromHex } from '../foundation/hex.ts'
import { applyTweaks, type AggregateKey, type Tweak } from './bip327/index.ts'

/**
 * How an aggregate key becomes the key that signs. Rules, so that every signer computes the tweaks itself; `raw` is a number that somebody chose, which
 * nobody should take from a stranger: who chooses a tweak chooses the key.
 */
export type TweakRule =
  /** Plain tweaks along an unhardened path from the aggregate key, by BIP32 under BIP328's fixed chain code. */
  | { readonly kind: 'bip32'; readonly path: readonly number[] }
  /** BIP341's output key; without a merkle root the one that commits to no script (BIP86). */
  | { readonly kind: 'taproot'; readonly merkleRoot?: Uint8Array | undefined }
  | { readonly kind: 'raw'; readonly tweak: Uint8Array; readonly xOnly: boolean }

/** BIP328: SHA-256 of "MuSig2MuSig2MuSig2", the chain code of every aggregate key. */
const CHAIN_CODE = fromHex('868087ca02a6f974c4598924c36b57762d32cb45717167e300622c7167e38965')
const HARDENED = 0x8000_0000

/** BIP341, taproot_tweak_pubkey: the tweak of an x-only internal key. `merkleRoot` is 32 bytes, or left out for no scripts. */
export function taprootTweak(backend: Pick<ICryptoBackend, 'sha256'>, internalKey: Uint8Array, merkleRoot: Uint8Array = new Uint8Array(0)): Uint8Array {
  return taggedHash(backend, 'TapTweak', internalKey, merkleRoot)
}

/** The aggregate key after the rules, in order. Throws RangeError for a rule that leads to no key. */
export function applyTweakRules(backend: ICryptoBackend, aggregate: AggregateKey, rules: readonly TweakRule[]): AggregateKey {
  return rules.reduce((tweaked, rule) => applyTweaks(backend, tweaked, tweaksOf(backend, tweaked, rule)), aggregate)
}

function tweaksOf(backend: ICryptoBackend, aggregate: AggregateKey, rule: TweakRule): readonly Tweak[] {
  switch (rule.kind) {
    case 'bip32': return derivationTweaks(backend, aggregate.point, rule.path)
    case 'taproot': return [{ tweak: taprootTweak(backend, aggregate.publicKey, rule.merkleRoot), xOnly: true }]
    case 'raw': return [{ tweak: rule.tweak, xOnly: rule.xOnly }]
  }
}

/** BIP32, CKDpub, step by step from a compressed key: the plain tweak of each step. Throws RangeError for a hardened step. */
export function derivationTweaks(backend: ICryptoBackend, point: Uint8Array, path: readonly number[], chainCode: Uint8Array = CHAIN_CODE): Tweak[] {
  let [parent, code] = [point, chainCode]
  return path.map(step => {
    if (!Number.isInteger(step) || step < 0 || step >= HARDENED) throw new RangeError(`expected an unhardened step from 0 to 2^31 - 1, got ${step}: nobody has the aggregate's secret`)
    const I = hmacSha512(code, concatBytes(parent, Uint8Array.of(step >>> 24, step >>> 16, step >>> 8, step)))
    const tweak = I.slice(0, 32)
    code = I.slice(32)
    // Not a point with probability 2^-127: BIP32 says to go on with the next index, which is the caller's to choose.
    const child = backend.pointAdd(parent, backend.publicKeyOf(tweak))
    if (child === null) throw new RangeError(`step ${step} leads to no key; take the next`)
    parent = child
    return { tweak, xOnly: false }
  })
}
