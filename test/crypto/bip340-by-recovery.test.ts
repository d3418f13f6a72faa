import { Point } from '@noble/secp256k1'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readClaim, verifyByParts, verifyByRecovery, type Claim, type Recover } from '../../lib/crypto/bip340.ts'
import { evenPoint, fromBig, ORDER, toBig } from '../../lib/crypto/internal.ts'
import type { Secp256k1Bindings } from '../../lib/crypto/native-curve.ts'
import { OFF_CURVE, secret } from './support/arbitraries.ts'
import { addons, noble } from './support/backends.ts'
import { concat } from './support/bytes.ts'

/**
 * In a real signature e is a hash, so nobody can make one whose e is 0, whose key is x = n, or whose R has an x past n.
 * Here e is chosen freely, and each of those cases is a valid claim.
 */

/** s G - e P by noble's own points, or null for infinity. */
function expectedR(s: bigint, e: bigint, px: bigint): Point | null {
  const P = Point.fromBytes(evenPoint(fromBig(px)))
  const R = Point.BASE.multiplyUnsafe(s).add(P.multiplyUnsafe((ORDER - e) % ORDER))
  return R.is0() ? null : R
}

/** x coordinates on the curve at the edges: n itself, n + 2, n + 18, p - 3, p - 19. */
const EDGE_XS: readonly bigint[] = [
  ORDER, ORDER + 2n, ORDER + 18n, 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn - 3n, 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn - 19n,
]
const key = fc.oneof(fc.constantFrom(...EDGE_XS), secret.map(value => toBig(noble.publicKeyOf(value).subarray(1))))
const number = fc.oneof(fc.constantFrom(1n, 2n, ORDER - 1n), secret.map(toBig))
const challenge = fc.oneof({ weight: 1, arbitrary: fc.constant(0n) }, { weight: 4, arbitrary: number })

function recoverOn(addon: Secp256k1Bindings, asked: number[] = []): Recover {
  return (signature, recoveryId, message) => {
    asked.push(recoveryId)
    try {
      return addon.ecdsaRecover(signature, recoveryId, message)
    } catch {
      return null
    }
  }
}

for (const { label, addon } of addons) {
  const algebra = suite(`BIP340 by one key recovery, ${label}`)
  const byRecovery = (claim: Claim): boolean => verifyByRecovery(recoverOn(addon), noble, claim)
  const ways = [byRecovery, (claim: Claim): boolean => verifyByParts(noble, claim)]

  algebra('the true R with an even Y is accepted, with an odd Y refused', () => {
    let accepted = 0
    fc.assert(fc.property(key, number, challenge, (px, s, e) => {
      const R = expectedR(s, e, px)
      if (R === null) return
      const claim = { r: fromBig(R.x), s, e, px }
      const even = (R.y & 1n) === 0n
      if (even) accepted++
      for (const way of ways) assert.is(way(claim), even)
    }), { numRuns: 150 })
    assert.ok(accepted > 20, `expected about half of 150 claims to be valid, got ${accepted}`)
  })

  algebra('any other r is refused, those of n or more among them', () => {
    fc.assert(fc.property(key, number, challenge, fc.oneof(key, number), (px, s, e, r) => {
      const R = expectedR(s, e, px)
      if (R !== null && R.x === r) return
      for (const way of ways) assert.is(way({ r: fromBig(r), s, e, px }), false)
    }), { numRuns: 80 })
  })

  algebra('an R whose x is n or more is accepted: only s is a scalar', () => {
    for (const x of EDGE_XS) {
      // P = e^-1 (s G - R) for a chosen R; the s that gives P an even Y is soon found.
      const R = Point.fromBytes(evenPoint(fromBig(x)))
      const e = 1n
      const s = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n].find(candidate => (Point.BASE.multiply(candidate).subtract(R).y & 1n) === 0n)!
      const claim = { r: fromBig(x), s, e, px: Point.BASE.multiply(s).subtract(R).x }
      for (const way of ways) assert.is(way(claim), true)
      for (const way of ways) assert.is(way({ ...claim, s: s + 1n }), false)
    }
  })

  algebra('s G = e P makes R infinite, which is refused', () => {
    fc.assert(fc.property(secret, number, (value, e) => {
      const d = toBig(noble.evenSecret(value))
      const px = toBig(noble.publicKeyOf(value).subarray(1))
      for (const r of [px, 0n]) for (const way of ways) assert.is(way({ r: fromBig(r), s: e * d % ORDER, e, px }), false)
    }), { numRuns: 30 })
  })

  algebra('a key off the curve is refused', () => {
    for (const px of [toBig(OFF_CURVE), 0n, ORDER + 1n, 5n]) for (const way of ways) assert.is(way({ r: fromBig(2n), s: 3n, e: 4n, px }), false)
  })

  algebra('recovery id 2 is for keys of n or more; e = 0 and x(P) = n go by parts', () => {
    const asked: number[] = []
    const recover = recoverOn(addon, asked)
    const r = fromBig(2n)
    for (const px of [2n, ORDER + 2n]) verifyByRecovery(recover, noble, { r, s: 3n, e: 4n, px })
    assert.equal(asked, [0, 2])
    verifyByRecovery(recover, noble, { r, s: 3n, e: 0n, px: 2n })
    verifyByRecovery(recover, noble, { r, s: 3n, e: 4n, px: ORDER })
    assert.equal(asked, [0, 2])
  })

  algebra.run()
}

const ranges = suite('BIP340 ranges')

ranges('a claim needs r < p, 0 < s < n, x < p and the right lengths', () => {
  const [good, text] = [fromBig(5n), new Uint8Array(32)]
  const read = (r: Uint8Array, s: Uint8Array, px: Uint8Array): Claim | null => readClaim(noble, concat(r, s), text, px)
  const field = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn
  assert.ok(read(good, good, good))
  assert.ok(read(fromBig(field - 1n), good, good))
  assert.ok(read(good, fromBig(ORDER - 1n), fromBig(field - 1n)))
  assert.is(read(fromBig(field), good, good), null)
  assert.is(read(good, fromBig(ORDER), good), null)
  assert.is(read(good, fromBig(0n), good), null)
  assert.is(read(good, good, fromBig(field)), null)
  assert.is(read(good, good.slice(1), good), null)
  assert.is(read(good, good, good.slice(1)), null)
})

ranges('e is the challenge hash mod n, over any length of message', () => {
  const planted = { sha256: () => fromBig(ORDER + 7n) }
  assert.is(readClaim(planted, concat(fromBig(5n), fromBig(6n)), new Uint8Array(0), fromBig(8n))!.e, 7n)
  const zero = { sha256: () => fromBig(ORDER) }
  assert.is(readClaim(zero, concat(fromBig(5n), fromBig(6n)), new Uint8Array(99), fromBig(8n))!.e, 0n)
})

ranges.run()
