import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromBig, ORDER } from '../../lib/crypto/internal.ts'
import { bytes, point, scalar, secret, xOnly } from './support/arbitraries.ts'
import { everyBackend, noble, others } from './support/backends.ts'
import { outcome, toHex } from './support/bytes.ts'

for (const { label, backend } of others) {
  const agreement = suite(`points on ${label}`)

  agreement('isPoint says yes to the same bytes', () => {
    fc.assert(fc.property(point, candidate => {
      assert.is(backend.isPoint(candidate), noble.isPoint(candidate))
    }), { numRuns: 300 })
  })

  agreement('liftX finds the same points', () => {
    fc.assert(fc.property(fc.oneof(xOnly, bytes(0, 40)), x => {
      assert.is(outcome(() => backend.liftX(x)), outcome(() => noble.liftX(x)))
    }), { numRuns: 300 })
  })

  agreement('pointAdd has the same sums', () => {
    fc.assert(fc.property(point, point, (a, b) => {
      assert.is(outcome(() => backend.pointAdd(a, b)), outcome(() => noble.pointAdd(a, b)))
    }), { numRuns: 200 })
  })

  agreement('pointMultiply has the same products', () => {
    fc.assert(fc.property(point, scalar, (candidate, factor) => {
      assert.is(outcome(() => backend.pointMultiply(candidate, factor)), outcome(() => noble.pointMultiply(candidate, factor)))
    }), { numRuns: 200 })
  })

  agreement.run()
}

for (const { label, backend } of everyBackend) {
  const rules = suite(`points on ${label}`)
  const P = backend.publicKeyOf(new Uint8Array(32).fill(0x11))
  const minusP = Uint8Array.of(P[0]! ^ 1, ...P.slice(1))

  rules('P + -P is infinity, which has no bytes', () => assert.is(backend.pointAdd(P, minusP), null))

  rules('P + P is 2 P', () => assert.is(toHex(backend.pointAdd(P, P)!), toHex(backend.pointMultiply(P, fromBig(2n))!)))

  rules('0 P is infinity, n P is no product of a scalar, (n - 1) P is -P and 1 P is P', () => {
    assert.is(backend.pointMultiply(P, fromBig(0n)), null)
    assert.is(backend.pointMultiply(P, fromBig(ORDER)), null)
    assert.is(toHex(backend.pointMultiply(P, fromBig(ORDER - 1n))!), toHex(minusP))
    assert.is(toHex(backend.pointMultiply(P, fromBig(1n))!), toHex(P))
  })

  rules('a lifted x has an even Y', () => {
    assert.is(toHex(backend.liftX(P.slice(1))!), `02${toHex(P.slice(1))}`)
  })

  rules('a product of sums is a sum of products', () => {
    fc.assert(fc.property(secret, secret, (a, b) => {
      const [A, B] = [backend.publicKeyOf(a), backend.publicKeyOf(b)]
      const left = backend.pointMultiply(A, b)
      assert.is(toHex(left!), toHex(backend.pointMultiply(B, a)!))
    }), { numRuns: 10 })
  })

  rules('an x at or past the field is on no curve, and x = n, which is on it, is taken', () => {
    assert.is(backend.liftX(fromBig(2n ** 256n - 1n)), null)
    assert.is(backend.isPoint(Uint8Array.of(2, ...fromBig(ORDER))), true)
    assert.is(backend.isPoint(Uint8Array.of(2, ...fromBig(0n))), false)
  })

  rules.run()
}
