import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromBig, ORDER, toBig } from '../../lib/crypto/internal.ts'
import { bytes, message, point, scalar, secret } from './support/arbitraries.ts'
import { everyBackend, noble, others } from './support/backends.ts'
import { outcome, toHex } from './support/bytes.ts'

for (const { label, backend } of others) {
  const secrets = suite(`secrets on ${label}`)

  secrets('sign makes the same bytes of the same randomness, and refuses the same keys', () => {
    fc.assert(fc.property(message, scalar, bytes(32), (text, key, auxRand) => {
      assert.is(outcome(() => backend.sign(text, key, auxRand)), outcome(() => noble.sign(text, key, auxRand)))
    }), { numRuns: 120 })
  })

  secrets('publicKeyOf and evenSecret give the same, and refuse the same keys', () => {
    fc.assert(fc.property(scalar, key => {
      assert.is(outcome(() => backend.publicKeyOf(key)), outcome(() => noble.publicKeyOf(key)))
      assert.is(outcome(() => backend.evenSecret(key)), outcome(() => noble.evenSecret(key)))
    }), { numRuns: 200 })
  })

  secrets('ecdh gives the same, and null for the same points', () => {
    fc.assert(fc.property(scalar, point, (key, other) => {
      const expected = outcome(() => noble.ecdh(key, other))
      assert.is(outcome(() => backend.ecdh(key, other)), expected)
      if (backend.ecdhOnce) assert.is(outcome(() => backend.ecdhOnce!(key, other)), expected)
    }), { numRuns: 200 })
  })

  secrets.run()
}

for (const { label, backend } of everyBackend) {
  const rules = suite(`secrets on ${label}`)

  rules('the even secret has an even-Y point with the same x, and is its own even secret', () => {
    fc.assert(fc.property(secret, key => {
      const even = backend.evenSecret(key)
      const lifted = backend.publicKeyOf(even)
      assert.is(lifted[0], 2)
      assert.is(toHex(lifted.slice(1)), toHex(backend.publicKeyOf(key).slice(1)))
      assert.is(toHex(backend.evenSecret(even)), toHex(even))
    }), { numRuns: 30 })
  })

  rules('both sides of ecdh come to the same hash', () => {
    fc.assert(fc.property(secret, secret, (alice, bob) => {
      assert.is(toHex(backend.ecdh(alice, backend.publicKeyOf(bob))!), toHex(backend.ecdh(bob, backend.publicKeyOf(alice))!))
    }), { numRuns: 15 })
  })

  rules('other randomness makes another signature, and both are valid', () => {
    const key = fromBig(7n)
    const text = new Uint8Array(32)
    const [one, two] = [new Uint8Array(32), new Uint8Array(32).fill(1)].map(auxRand => backend.sign(text, key, auxRand))
    assert.is.not(toHex(one!), toHex(two!))
    for (const signature of [one!, two!]) assert.ok(noble.verify(signature, text, backend.publicKeyOf(key).slice(1)))
  })

  rules('a secret of zero, of n or of another length is a RangeError that does not show it', () => {
    const good = new Uint8Array(32).fill(1)
    const bad = [0n, ORDER, 2n ** 256n - 1n].map(fromBig).concat(new Uint8Array(31).fill(1), new Uint8Array(33).fill(1))
    for (const key of bad) {
      for (const call of [
        () => backend.publicKeyOf(key), () => backend.evenSecret(key), () => backend.sign(good, key, good), () => backend.ecdh(key, backend.publicKeyOf(good)),
      ]) assert.throws(call, (error: Error) => error instanceof RangeError && !error.message.includes(toHex(key).slice(0, 16)))
    }
    assert.throws(() => backend.sign(good, good, new Uint8Array(31)), (error: Error) => error instanceof RangeError)
  })

  rules('the negative of a secret is n minus it', () => {
    const odd = new Uint8Array(32).fill(0x11)
    assert.is(toBig(backend.evenSecret(odd)), ORDER - toBig(odd))
  })

  rules.run()
}
