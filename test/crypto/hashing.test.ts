import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hkdf2 } from '../../lib/crypto/hkdf.ts'
import { tagPrefix, taggedHash } from '../../lib/crypto/tagged-hash.ts'
import { everyBackend, noble } from './support/backends.ts'
import { ascii, concat, hex, toHex } from './support/bytes.ts'

const tagged = suite('tagged hashes')

tagged('the hash is that of the tag\'s hash twice, then the parts in order', () => {
  for (const { backend } of everyBackend) {
    const tag = backend.sha256(ascii('peerweft/leaf'))
    const expected = toHex(backend.sha256(concat(tag, tag, ascii('one'), ascii('two'))))
    for (let round = 0; round < 2; round++) assert.is(toHex(taggedHash(backend, 'peerweft/leaf', ascii('one'), ascii('two'))), expected)
    assert.is(toHex(taggedHash(backend, 'peerweft/leaf', ascii('onetwo'))), expected)
  }
})

tagged('another tag is another hash', () => {
  assert.is.not(toHex(taggedHash(noble, 'peerweft/leaf')), toHex(taggedHash(noble, 'peerweft/node')))
})

tagged('a tag is hashed once', () => {
  let hashes = 0
  const counting = { sha256: (data: Uint8Array) => { hashes++; return noble.sha256(data) } }
  for (let round = 0; round < 5; round++) taggedHash(counting, 'peerweft/leaf', ascii('x'))
  assert.is(hashes, 6)
})

tagged('tags past the limit are right, and not kept', () => {
  let hashes = 0
  const counting = { sha256: (data: Uint8Array) => { hashes++; return noble.sha256(data) } }
  for (let index = 0; index < 200; index++) assert.is(toHex(tagPrefix(counting, `tag ${index}`)), toHex(tagPrefix(noble, `tag ${index}`)))
  hashes = 0
  tagPrefix(counting, 'tag 0')
  assert.is(hashes, 0)
  tagPrefix(counting, 'tag 199')
  assert.is(hashes, 1)
})

tagged('a backend that hashes wrongly spoils nobody else\'s tags', () => {
  taggedHash({ sha256: () => new Uint8Array(32) }, 'peerweft/only here', ascii('x'))
  const tag = noble.sha256(ascii('peerweft/only here'))
  assert.is(toHex(taggedHash(noble, 'peerweft/only here', ascii('x'))), toHex(noble.sha256(concat(tag, tag, ascii('x')))))
})

tagged.run()

const hkdf = suite('HKDF with two outputs')

hkdf('RFC 5869, test case 3: the published output, as far as it goes', () => {
  for (const { backend } of everyBackend) {
    const [first, second] = hkdf2(backend, new Uint8Array(0), new Uint8Array(22).fill(0x0b))
    assert.is(toHex(first) + toHex(second).slice(0, 20), '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8')
    assert.equal([first.length, second.length], [32, 32])
  }
})

hkdf('BOLT 8, appendix A: the keys of act one', () => {
  // ck is the hash of the protocol's name; ss the first Diffie-Hellman; then the published ck and temp_k1.
  const ck = noble.sha256(ascii('Noise_XK_secp256k1_ChaChaPoly_SHA256'))
  assert.is(toHex(ck), '2640f52eebcd9e882958951c794250eedb28002c05d7dc2ea0f195406042caf1')
  const [next, key] = hkdf2(noble, ck, hex('1e2fb3c8fe8fb9f262f649f64d26ecf0f2c0a805a767cf02dc2d77a6ef1fdcc3'))
  assert.is(toHex(next), 'b61ec1191326fa240decc9564369dbb3ae2b34341d1e11ad64ed89f89180582f')
  assert.is(toHex(key), 'e68f69b7f096d7917245f5e5cf8ae1595febe4d4644333c99f9c4a1282031c9f')
})

hkdf('salt and input stay as they were', () => {
  const [salt, ikm] = [ascii('salt'), ascii('ikm')]
  hkdf2(noble, salt, ikm)
  assert.equal([salt, ikm], [ascii('salt'), ascii('ikm')])
})

hkdf.run()
