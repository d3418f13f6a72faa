import type { ICryptoBackend } from '../contracts/crypto.ts'

/** Hashing and the cipher. */
export type SymmetricPart = Pick<ICryptoBackend, 'symmetric' | 'sha256' | 'hmacSha256' | 'seal' | 'open' | 'stream'>

/** The operations on the curve. */
export type CurvePart = Pick<ICryptoBackend,
  | 'curve' | 'verify' | 'isPoint' | 'liftX' | 'pointAdd' | 'pointMultiply'
  | 'publicKeyOf' | 'evenSecret' | 'sign' | 'ecdh' | 'ecdhOnce'>

/** Only the functions of a part. */
export type Operations<Part> = Omit<Part, 'curve' | 'symmetric'>

/** A backend out of two parts. Frozen: whoever holds it may not change what `verify` means to the others. */
export function composeBackend(name: string, curve: CurvePart, symmetric: SymmetricPart): ICryptoBackend {
  const { sha256, hmacSha256, seal, open, stream } = symmetric
  return Object.freeze({ name, ...curve, symmetric: symmetric.symmetric, sha256, hmacSha256, seal, open, stream })
}
