import type { ICryptoBackend } from '../contracts/crypto.ts'
import { join } from './internal.ts'

type Hasher = Pick<ICryptoBackend, 'sha256'>

/** Tags are written in code, never received; past this many somebody makes them up, and they are not kept. */
const TAGS_MAX = 64

/** By backend, so that one that hashes wrongly in its self-test leaves nothing behind for the others. */
const prefixes = new WeakMap<Hasher, Map<string, Uint8Array>>()

/** BIP340: SHA-256 of SHA-256(tag) || SHA-256(tag) || the parts in order. */
export function taggedHash(backend: Hasher, tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return backend.sha256(join(tagPrefix(backend, tag), ...parts))
}

/** SHA-256(tag) twice, which is one block of SHA-256. Kept; do not write to it. */
export function tagPrefix(backend: Hasher, tag: string): Uint8Array {
  let ofBackend = prefixes.get(backend)
  if (ofBackend === undefined) prefixes.set(backend, ofBackend = new Map())
  const known = ofBackend.get(tag)
  if (known !== undefined) return known
  const hash = backend.sha256(new TextEncoder().encode(tag))
  const prefix = join(hash, hash)
  if (ofBackend.size < TAGS_MAX) ofBackend.set(tag, prefix)
  return prefix
}
