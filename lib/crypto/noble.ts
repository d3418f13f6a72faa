import type { ICryptoBackend } from '../contracts/crypto.ts'
import { composeBackend, type SymmetricPart } from './compose.ts'
import { createNobleCurve } from './noble-curve.ts'
import { nobleSymmetric } from './noble-symmetric.ts'

/**
 * Pure JavaScript, the same everywhere. Its BigInt arithmetic is not constant time: docs/security.md.
 * In Node `symmetric` comes from node:crypto, which is faster at hashing and sealing.
 */
export function createNobleBackend(symmetric: SymmetricPart = nobleSymmetric): ICryptoBackend {
  return composeBackend('noble', createNobleCurve(symmetric.sha256), symmetric)
}
