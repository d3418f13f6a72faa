import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { nobleSymmetric } from '../../lib/crypto/noble-symmetric.ts'
import { nodeSymmetric } from '../../lib/crypto/node-symmetric.node.ts'
import { bytes } from './support/arbitraries.ts'
import { flipBit, outcome, toHex } from './support/bytes.ts'

const agreement = suite('hashing and sealing on node:crypto')

const inputs = fc.tuple(bytes(32), bytes(12), bytes(0, 80), bytes(0, 600))

agreement('sha256 is the same for every length', () => {
  for (let size = 0; size <= 300; size++) {
    const data = new Uint8Array(size).fill(size)
    assert.is(toHex(nodeSymmetric.sha256(data)), toHex(nobleSymmetric.sha256(data)))
  }
  const long = new Uint8Array(1 << 20).fill(0xa5)
  assert.is(toHex(nodeSymmetric.sha256(long)), toHex(nobleSymmetric.sha256(long)))
})

agreement('sha256 has every byte value in its answers', () => {
  const seen = new Set<number>()
  for (let round = 0; round < 200; round++) for (const byte of nodeSymmetric.sha256(Uint8Array.of(round))) seen.add(byte)
  assert.is(seen.size, 256)
})

agreement('hmacSha256 is the same for keys shorter and longer than a block', () => {
  fc.assert(fc.property(bytes(0, 200), bytes(0, 300), (key, data) => {
    assert.is(toHex(nodeSymmetric.hmacSha256(key, data)), toHex(nobleSymmetric.hmacSha256(key, data)))
  }), { numRuns: 300 })
})

agreement('what one seals, the other seals to the same bytes and opens', () => {
  fc.assert(fc.property(inputs, ([key, nonce, data, plaintext]) => {
    const sealed = nobleSymmetric.seal(key, nonce, data, plaintext)
    assert.is(toHex(nodeSymmetric.seal(key, nonce, data, plaintext)), toHex(sealed))
    assert.is(toHex(nodeSymmetric.open(key, nonce, data, sealed)!), toHex(plaintext))
    assert.is(toHex(nobleSymmetric.open(key, nonce, data, sealed)!), toHex(plaintext))
  }), { numRuns: 300 })
})

agreement('one bit changed in the key, the nonce, the data, the text or the tag opens on neither', () => {
  fc.assert(fc.property(inputs, fc.nat(), ([key, nonce, data, plaintext], at) => {
    const parts = [key, nonce, data, nobleSymmetric.seal(key, nonce, data, plaintext)]
    const filled = parts.filter(part => part.length > 0)
    const victim = filled[at % filled.length]!
    const [k, n, d, s] = parts.map(part => part === victim ? flipBit(part, at % (8 * part.length)) : part)
    assert.is(nodeSymmetric.open(k!, n!, d!, s!), null)
    assert.is(nobleSymmetric.open(k!, n!, d!, s!), null)
  }), { numRuns: 300 })
})

agreement('a sealed text cut anywhere, or shorter than a tag, opens on neither', () => {
  const key = new Uint8Array(32)
  const nonce = new Uint8Array(12)
  const sealed = nobleSymmetric.seal(key, nonce, new Uint8Array(0), new Uint8Array(40))
  for (let size = 0; size < sealed.length; size++) {
    for (const part of [nodeSymmetric, nobleSymmetric]) assert.is(part.open(key, nonce, new Uint8Array(0), sealed.slice(0, size)), null)
  }
})

agreement('64 KiB seal and open the same', () => {
  const [key, nonce] = [new Uint8Array(32).fill(3), new Uint8Array(12).fill(4)]
  const plaintext = Uint8Array.from({ length: 65_536 }, (_, index) => index * 7)
  const sealed = nodeSymmetric.seal(key, nonce, nonce, plaintext)
  assert.is(toHex(sealed), toHex(nobleSymmetric.seal(key, nonce, nonce, plaintext)))
  assert.equal(nodeSymmetric.open(key, nonce, nonce, sealed), plaintext)
})

agreement('the stream is the same for any length', () => {
  fc.assert(fc.property(bytes(32), bytes(12), fc.nat({ max: 3000 }), (key, nonce, length) => {
    const stream = nodeSymmetric.stream(key, nonce, length)
    assert.is(stream.length, length)
    assert.is(toHex(stream), toHex(nobleSymmetric.stream(key, nonce, length)))
  }), { numRuns: 200 })
})

agreement('keys, nonces and lengths that are none are RangeErrors on both', () => {
  const [key, nonce, text] = [new Uint8Array(32), new Uint8Array(12), new Uint8Array(40)]
  for (const part of [nodeSymmetric, nobleSymmetric]) {
    for (const call of [
      () => part.seal(key.slice(1), nonce, text, text), () => part.seal(key, nonce.slice(1), text, text),
      () => part.open(key.slice(1), nonce, text, text), () => part.open(key, new Uint8Array(8), text, text),
      () => part.stream(key.slice(1), nonce, 1), () => part.stream(key, nonce.slice(1), 1), () => part.stream(key, nonce, -1), () => part.stream(key, nonce, 0.5),
    ]) assert.is(outcome(call), 'throws RangeError')
  }
})

agreement.run()
