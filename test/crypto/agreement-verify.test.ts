import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromBig } from '../../lib/crypto/internal.ts'
import { bytes, EDGES, message, OFF_CURVE, secret, xOnly } from './support/arbitraries.ts'
import { noble, others } from './support/backends.ts'
import { concat, flipBit } from './support/bytes.ts'

/** A valid signature, made by noble. */
const signed = fc.tuple(secret, message, bytes(32)).map(([key, text, auxRand]) => ({
  signature: noble.sign(text, key, auxRand),
  text,
  publicKey: noble.publicKeyOf(key).slice(1),
}))

for (const { label, backend } of others) {
  const verify = suite(`verify on ${label}`)

  verify('what noble signed is accepted', () => {
    fc.assert(fc.property(signed, ({ signature, text, publicKey }) => {
      assert.is(backend.verify(signature, text, publicKey), true)
    }), { numRuns: 40 })
  })

  verify('one bit changed anywhere is refused', () => {
    fc.assert(fc.property(signed, fc.nat(), ({ signature, text, publicKey }, at) => {
      const whole = concat(signature, publicKey, text)
      const changed = flipBit(whole, at % (8 * whole.length))
      const [s, p, m] = [changed.slice(0, 64), changed.slice(64, 96), changed.slice(96)]
      assert.is(backend.verify(s, m, p), false)
      assert.is(noble.verify(s, m, p), false)
    }), { numRuns: 80 })
  })

  verify('r, s and keys at the edges of their ranges are answered as noble answers', () => {
    const edge = fc.constantFrom(...EDGES).map(fromBig)
    const region = fc.constantFrom('r', 's', 'key', 'all')
    fc.assert(fc.property(signed, region, fc.oneof(edge, xOnly), ({ signature, text, publicKey }, where, other) => {
      const r = where === 'r' || where === 'all' ? other : signature.slice(0, 32)
      const s = where === 's' || where === 'all' ? other : signature.slice(32)
      const key = where === 'key' || where === 'all' ? other : publicKey
      assert.is(backend.verify(concat(r, s), text, key), noble.verify(concat(r, s), text, key))
    }), { numRuns: 80 })
  })

  verify('wrong lengths are refused without a throw', () => {
    fc.assert(fc.property(signed, fc.nat({ max: 130 }), fc.constantFrom('signature', 'key'), (valid, size, where) => {
      const resized = (whole: Uint8Array): Uint8Array => concat(whole, new Uint8Array(130)).slice(0, size)
      const signature = where === 'signature' && size !== 64 ? resized(valid.signature) : valid.signature
      const publicKey = where === 'key' && size !== 32 ? resized(valid.publicKey) : valid.publicKey
      if (signature === valid.signature && publicKey === valid.publicKey) return
      assert.is(backend.verify(signature, valid.text, publicKey), false)
      assert.is(noble.verify(signature, valid.text, publicKey), false)
    }), { numRuns: 40 })
  })

  verify('bytes of any kind never make it throw', () => {
    fc.assert(fc.property(bytes(0, 70), bytes(0, 70), bytes(0, 40), (signature, text, publicKey) => {
      assert.is(backend.verify(signature, text, publicKey), false)
    }), { numRuns: 200 })
  })

  verify('a key off the curve is refused again and again, and the next good one is accepted', () => {
    const [valid] = fc.sample(signed, { numRuns: 1, seed: 1 })
    for (let round = 0; round < 3; round++) {
      assert.is(backend.verify(valid!.signature, valid!.text, OFF_CURVE), false)
      assert.is(backend.verify(valid!.signature, valid!.text, valid!.publicKey), true)
    }
  })

  verify.run()
}
