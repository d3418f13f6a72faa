import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ICryptoBackend } from '../../lib/contracts/crypto.ts'
import { createNobleBackend } from '../../lib/crypto/noble.ts'
import { simCrypto, STAND_IN } from '../../lib/testing/stand-in-crypto.ts'
import { SimRandom } from '../../lib/testing/sim-random.ts'

const test = suite('stand-in cryptography')

const ORDER = Uint8Array.from('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'.match(/../g)!, digits => Number.parseInt(digits, 16))
const ZERO = new Uint8Array(32)
const NOTHING = new Uint8Array(0)
const NONCE = new Uint8Array(12)

/** What must hold for the stand-in and for a real backend alike. */
const backends: [string, ICryptoBackend][] = [['the stand-in', simCrypto(1)], ['noble', createNobleBackend()]]

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice()
  changed[bit >> 3]! ^= 1 << (bit & 7)
  return changed
}

function keyOf(backend: ICryptoBackend, secret: Uint8Array): Uint8Array {
  return backend.publicKeyOf(backend.evenSecret(secret)).subarray(1)
}

for (const [name, backend] of backends) {
  const random = new SimRandom(`draws for ${name}`)
  const times = name === 'noble' ? 3 : 50

  test(`${name}: a signature verifies under its key and message, and nothing else does`, () => {
    for (let time = 0; time < times; time++) {
      const secret = random.bytes(32)
      const message = random.bytes(32)
      const signature = backend.sign(message, secret, random.bytes(32))
      const key = keyOf(backend, secret)
      assert.is(signature.length, 64)
      assert.is(backend.verify(signature, message, key), true)
      assert.is(backend.verify(flipped(signature, random.below(512)), message, key), false)
      assert.is(backend.verify(signature, flipped(message, random.below(256)), key), false)
      assert.is(backend.verify(signature, message, keyOf(backend, random.bytes(32))), false)
    }
    for (const junk of [NOTHING, new Uint8Array(63), new Uint8Array(64), new Uint8Array(65)]) assert.is(backend.verify(junk, ZERO, keyOf(backend, random.bytes(32))), false)
    assert.is(backend.verify(new Uint8Array(64), ZERO, new Uint8Array(31)), false)
  })

  test(`${name}: a signature depends on its auxiliary randomness, and messages have any length`, () => {
    const secret = random.bytes(32)
    const key = keyOf(backend, secret)
    for (const length of [0, 1, 31, 32, 100]) {
      const message = random.bytes(length)
      const [one, other] = [backend.sign(message, secret, random.bytes(32)), backend.sign(message, secret, random.bytes(32))]
      assert.not.equal(one, other)
      assert.ok(backend.verify(one, message, key) && backend.verify(other, message, key))
    }
  })

  test(`${name}: a secret and its negative share a key, and both sign for it`, () => {
    for (let time = 0; time < times; time++) {
      const secret = random.bytes(32)
      const even = backend.evenSecret(secret)
      assert.is(backend.publicKeyOf(even)[0], 2)
      assert.equal(backend.publicKeyOf(secret).subarray(1), backend.publicKeyOf(even).subarray(1))
      assert.ok(backend.verify(backend.sign(ZERO, secret, ZERO), ZERO, keyOf(backend, secret)))
      assert.equal(backend.evenSecret(even), even)
    }
  })

  test(`${name}: what is no scalar is refused with RangeError, by all that take secrets`, () => {
    const point = backend.publicKeyOf(random.bytes(32))
    for (const secret of [ZERO, ORDER, new Uint8Array(32).fill(255), new Uint8Array(31), new Uint8Array(33)]) {
      for (const use of [() => backend.publicKeyOf(secret), () => backend.evenSecret(secret), () => backend.sign(ZERO, secret, ZERO), () => backend.ecdh(secret, point)]) {
        assert.throws(use, (error: unknown) => error instanceof RangeError)
      }
    }
    assert.throws(() => backend.sign(ZERO, random.bytes(32), new Uint8Array(31)), (error: unknown) => error instanceof RangeError)
  })

  test(`${name}: about half of all 32 bytes are a key, and lift_x agrees with isPoint`, () => {
    let keys = 0
    for (let time = 0; time < 200; time++) {
      const x = random.bytes(32)
      const lifted = backend.liftX(x)
      const odd = Uint8Array.of(3, ...x)
      assert.is(backend.isPoint(odd), lifted !== null)
      if (lifted === null) continue
      keys++
      assert.equal(lifted, Uint8Array.of(2, ...x))
      assert.is(backend.isPoint(lifted), true)
    }
    assert.ok(keys > 60 && keys < 140, `${keys} of 200`)
    const point = backend.publicKeyOf(random.bytes(32))
    for (const junk of [NOTHING, point.subarray(1), Uint8Array.of(4, ...point.subarray(1)), Uint8Array.of(...point, 0)]) assert.is(backend.isPoint(junk), false)
    for (const junk of [NOTHING, point, new Uint8Array(31)]) assert.is(backend.liftX(junk), null)
  })

  test(`${name}: both ends agree on a secret, whatever the parity, and nobody else has it`, () => {
    const shared = new Set<string>()
    for (let time = 0; time < times; time++) {
      const [a, b] = [random.bytes(32), random.bytes(32)]
      const [ours, theirs] = [backend.ecdh(a, backend.publicKeyOf(b)), backend.ecdh(b, backend.publicKeyOf(a))]
      assert.is(ours!.length, 32)
      assert.equal(ours, theirs)
      shared.add(ours!.join())
    }
    assert.is(shared.size, times)
    assert.is(backend.ecdh(random.bytes(32), new Uint8Array(33)), null)
  })

  test(`${name}: what was sealed opens with key, nonce and data, and with one bit changed in any it does not`, () => {
    for (const length of [0, 1, 15, 16, 17, 300]) {
      const [key, nonce, data, plaintext] = [random.bytes(32), random.bytes(12), random.bytes(20), random.bytes(length)]
      const sealed = backend.seal(key, nonce, data, plaintext)
      assert.is(sealed.length, length + 16)
      assert.equal(backend.open(key, nonce, data, sealed), plaintext)
      assert.is(backend.open(flipped(key, 3), nonce, data, sealed), null)
      assert.is(backend.open(key, flipped(nonce, 3), data, sealed), null)
      assert.is(backend.open(key, nonce, flipped(data, 3), sealed), null)
      for (let bit = 0; bit < sealed.length * 8; bit += 7) assert.is(backend.open(key, nonce, data, flipped(sealed, bit)), null, `bit ${bit}`)
      assert.is(backend.open(key, nonce, data, sealed.subarray(0, -1)), null)
    }
    assert.is(backend.open(ZERO, NONCE, NOTHING, new Uint8Array(15)), null)
    assert.throws(() => backend.seal(new Uint8Array(31), NONCE, NOTHING, NOTHING), (error: unknown) => error instanceof RangeError)
    assert.throws(() => backend.open(ZERO, new Uint8Array(11), NOTHING, new Uint8Array(16)), (error: unknown) => error instanceof RangeError)
  })

  test(`${name}: a plaintext does not show, nor does it look alike under another nonce`, () => {
    const plaintext = new Uint8Array(64)
    const one = backend.seal(ZERO, NONCE, NOTHING, plaintext)
    const other = backend.seal(ZERO, flipped(NONCE, 0), NOTHING, plaintext)
    assert.not.equal(one.subarray(0, 64), plaintext)
    assert.not.equal(one.subarray(0, 64), other.subarray(0, 64))
    assert.is(backend.stream(ZERO, NONCE, 100).length, 100)
    assert.not.equal(backend.stream(ZERO, NONCE, 100), backend.stream(ZERO, flipped(NONCE, 0), 100))
    assert.throws(() => backend.stream(ZERO, NONCE, -1), (error: unknown) => error instanceof RangeError)
  })
}

test('hashing is the real one', () => {
  const [[, standIn], [, noble]] = backends as [[string, ICryptoBackend], [string, ICryptoBackend]]
  assert.equal(standIn.sha256(Uint8Array.of(1, 2, 3)), noble.sha256(Uint8Array.of(1, 2, 3)))
  assert.equal(standIn.hmacSha256(ZERO, NONCE), noble.hmacSha256(ZERO, NONCE))
})

test('two seeds are two worlds: keys and signatures of one mean nothing in the other', () => {
  const [one, other] = [simCrypto(1), simCrypto(2)]
  const secret = new Uint8Array(32).fill(7)
  assert.not.equal(one.publicKeyOf(secret), other.publicKeyOf(secret))
  assert.is(other.verify(one.sign(ZERO, secret, ZERO), ZERO, keyOf(one, secret)), false)
})

test('nobody takes it for real: its name says what it is, and points do not compute', () => {
  const backend = simCrypto(1)
  assert.equal([backend.name, backend.curve, backend.symmetric], [STAND_IN, STAND_IN, STAND_IN])
  assert.match(STAND_IN, /simulation/)
  const point = backend.publicKeyOf(new Uint8Array(32).fill(7))
  assert.throws(() => backend.pointAdd(point, point), /no algebra/)
  assert.throws(() => backend.pointMultiply(point, ZERO), /no algebra/)
})

test.run()
