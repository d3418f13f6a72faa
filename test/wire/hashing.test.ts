import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createNobleBackend } from '../../lib/crypto/noble.ts'
import { concatBytes, utf8 } from '../../lib/foundation/bytes.ts'
import { duplicateHash, leafHash, messageHashOf, nodeHash } from '../../lib/wire/hashing.ts'
import { Person } from './support/people.ts'

const hashing = suite('hashing')

const { crypto } = new Person('alice')
const bytes = (fill: number, size = 32): Uint8Array => new Uint8Array(size).fill(fill)

hashing('what is hashed for one purpose is never what is hashed for another', () => {
  const hashes = [leafHash(crypto, bytes(1)), nodeHash(crypto, bytes(1), bytes(1)), messageHashOf(crypto, bytes(1), bytes(1), bytes(1)), crypto.sha256(bytes(1))]
  assert.is(new Set(hashes.map(String)).size, hashes.length)
})

hashing('another backend, and the first one again, give the same hashes', () => {
  const other = createNobleBackend()
  for (const backend of [crypto, other, crypto]) {
    assert.equal(leafHash(backend, bytes(3)), leafHash(other, bytes(3)))
    assert.equal(nodeHash(backend, bytes(3), bytes(4)), nodeHash(other, bytes(3), bytes(4)))
  }
})

hashing('an id under a boot is never taken for a statement in a slot', () => {
  const [boot, sixteen] = [bytes(1, 16), 'sixteen letters.']
  assert.not.equal(duplicateHash(crypto, bytes(9), boot, `${sixteen}rest`), duplicateHash(crypto, bytes(9), concatBytes(boot, utf8(sixteen)), 'rest'))
})

hashing.run()
