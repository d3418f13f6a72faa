import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { baseProduct, sumOfProducts } from '../../crypto/sum-of-products.ts'
import { taggedHash } from '../../crypto/tagged-hash.ts'
import { compareBytes, equalBytes } from '../../foundation/bytes.ts'
import { toHex } from '../../foundation/hex.ts'
import { InvalidContribution } from './contribution.ts'
import { addPoints, hashToScalar, isEven, mod, negated, ORDER, POINT_BYTES, toBig, type MaybePoint } from './points.ts'

/** A tweak of the aggregate key: plain (BIP32) or x-only (BIP341). */
export interface Tweak {
  /** 32 bytes, a number below n. */
  readonly tweak: Uint8Array
  readonly xOnly: boolean
}

/** BIP327's KeyAgg context, with what signing needs of the list beside it. Shared between sessions: do not write to it. */
export interface AggregateKey {
  /** 33 bytes each, in the order of aggregation. */
  readonly keys: readonly Uint8Array[]
  /** KeyAggCoeff of each. */
  readonly coefficients: readonly bigint[]
  /** Q, compressed: 33 bytes, after the tweaks. */
  readonly point: Uint8Array
  /** Q's x, 32 bytes: what a verifier is given. */
  readonly publicKey: Uint8Array
  /** 1 or n - 1. */
  readonly gAcc: bigint
  readonly tweakAcc: bigint
  /** HashKeys(pk1..u). */
  readonly listHash: Uint8Array
  /** GetSecondKey: 33 zero bytes where all are the same. */
  readonly secondKey: Uint8Array
}

/** BIP327, KeySort: a sorted copy. */
export function sortKeys(keys: readonly Uint8Array[]): Uint8Array[] {
  return [...keys].sort(compareBytes)
}

/** BIP327, KeyAgg. Throws `InvalidContribution` naming the first key that is no point, and RangeError for an empty list. */
export function aggregateKeys(backend: ICryptoBackend, keys: readonly Uint8Array[]): AggregateKey {
  if (keys.length === 0) throw new RangeError('expected at least one key to aggregate, got none')
  const short = keys.findIndex(key => key.length !== POINT_BYTES)
  if (short >= 0) throw new InvalidContribution(short, 'pubkey')
  const own = keys.map(key => key.slice())
  const secondKey = own.find(key => !equalBytes(key, own[0]!)) ?? new Uint8Array(POINT_BYTES)
  const listHash = taggedHash(backend, 'KeyAgg list', ...own)
  const coefficients = own.map(key => equalBytes(key, secondKey) ? 1n : hashToScalar(backend, 'KeyAgg coefficient', listHash, key))
  const point = summed(backend, own, coefficients)
  // Not reachable by anybody who cannot invert the hash.
  if (point === null) throw new RangeError('the keys add up to infinity')
  return { keys: own, coefficients, point, publicKey: point.slice(1), gAcc: 1n, tweakAcc: 0n, listHash, secondKey }
}

/** Whether each is a point is looked at only when they do not add up: it takes as long as adding them. */
function summed(backend: ICryptoBackend, keys: readonly Uint8Array[], coefficients: readonly bigint[]): MaybePoint {
  try {
    return sumOfProducts(backend, keys, coefficients)
  } catch (error) {
    const bad = keys.findIndex(key => !backend.isPoint(key))
    throw bad >= 0 ? new InvalidContribution(bad, 'pubkey') : error
  }
}

/** BIP327, ApplyTweak, one after the other. Throws RangeError for a tweak that is not a number below n, and for one that leads to infinity. */
export function applyTweaks(backend: ICryptoBackend, aggregate: AggregateKey, tweaks: readonly Tweak[]): AggregateKey {
  return tweaks.reduce((tweaked, tweak) => applyTweak(backend, tweaked, tweak), aggregate)
}

function applyTweak(backend: ICryptoBackend, aggregate: AggregateKey, { tweak, xOnly }: Tweak): AggregateKey {
  if (tweak.length !== 32) throw new RangeError(`expected a tweak of 32 bytes, got ${tweak.length}`)
  const t = toBig(tweak)
  if (t >= ORDER) throw new RangeError('expected a tweak below n, got a larger number')
  const { point: Q, gAcc, tweakAcc } = aggregate
  const flips = xOnly && !isEven(Q)
  const g = flips ? ORDER - 1n : 1n
  const point = addPoints(backend, flips ? negated(Q) : Q, baseProduct(backend, t))
  if (point === null) throw new RangeError('the tweaked key is infinity')
  return { ...aggregate, point, publicKey: point.slice(1), gAcc: mod(g * gAcc), tweakAcc: mod(t + g * tweakAcc) }
}

/** Aggregates kept; the one used longest ago goes first. A wallet has a few, and each costs its list. */
const AGGREGATES_MAX = 64

/** Aggregates by their list of keys: the same signers sign again, and a hundred keys take a twentieth of a second. */
export class KeyAggregator {
  readonly #backend: () => ICryptoBackend
  readonly #known = new Map<string, AggregateKey>()

  constructor(backend: () => ICryptoBackend) {
    this.#backend = backend
  }

  get size(): number {
    return this.#known.size
  }

  /** As `aggregateKeys`. */
  aggregate(keys: readonly Uint8Array[]): AggregateKey {
    const name = toHex(taggedHash(this.#backend(), 'KeyAgg list', ...keys.map(key => Uint8Array.of(key.length, ...key))))
    const known = this.#known.get(name)
    this.#known.delete(name)
    const aggregate = known ?? aggregateKeys(this.#backend(), keys)
    this.#known.set(name, aggregate)
    if (this.#known.size > AGGREGATES_MAX) this.#known.delete(this.#known.keys().next().value!)
    return aggregate
  }
}
