import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { taggedHash } from '../../crypto/tagged-hash.ts'
import { mod, P, toNumber } from './field.ts'
import { u8 } from './hashes.ts'
import { powersOf } from './power-sums.ts'
import type { Sliced } from './roots.ts'

/** A keystream element is 48 bytes reduced mod p: 2^-128 away from even. */
export const PRG_BYTES = 48
const NONCE = new Uint8Array(12)

export type PadCrypto = Pick<ICryptoBackend, 'sha256' | 'stream' | 'ecdh'>

/** PRG: `count` elements of the ChaCha20 keystream of a key used for nothing else (nonce 0, counter 0). */
export function prg(crypto: Pick<ICryptoBackend, 'stream'>, key: Uint8Array, count: number): bigint[] {
  const stream = crypto.stream(key, NONCE, count * PRG_BYTES)
  return Array.from({ length: count }, (_, k) => toNumber(stream.subarray(k * PRG_BYTES, (k + 1) * PRG_BYTES)) % P)
}

/** One end of a pair: indices in the run, and both ends' public keys. */
export interface Pair { mine: number; theirs: number; secret: Uint8Array; publicKeys: readonly Uint8Array[] }

/** K_ij of PROTOCOL.md. Throws RangeError where theirs is no point, which the phase before has refused. */
export function pairKey(crypto: PadCrypto, runId: Uint8Array, { mine, theirs, secret, publicKeys }: Pair): Uint8Array {
  const shared = crypto.ecdh(secret, publicKeys[theirs]!)
  if (shared === null) throw new RangeError(`expected a point from peer ${theirs}`)
  const [low, high] = mine < theirs ? [mine, theirs] : [theirs, mine]
  return taggedHash(crypto, 'mix/pad', runId, u8(low), u8(high), publicKeys[low]!, publicKeys[high]!, shared)
}

/** What peer `index` publishes: the powers of its message, and over them a pad for each other peer that the two sides add and subtract. */
export function* paddedVector(
  crypto: PadCrypto, runId: Uint8Array, index: number, secret: Uint8Array, publicKeys: readonly Uint8Array[], message: bigint,
): Sliced<bigint[]> {
  const count = publicKeys.length
  const vector = powersOf(message, count)
  for (let theirs = 0; theirs < count; theirs++) {
    if (theirs === index) continue
    const pad = prg(crypto, pairKey(crypto, runId, { mine: index, theirs, secret, publicKeys }), count)
    for (let k = 0; k < count; k++) vector[k]! += theirs > index ? pad[k]! : -pad[k]!
    yield
  }
  return vector.map(mod)
}
