import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { taggedHash } from '../../lib/crypto/tagged-hash.ts'
import { concatBytes, utf8 } from '../../lib/foundation/bytes.ts'
import { aloneFrame, aloneSize, burstDigest, burstSize, burstTree, encodeBurst, parseBurst, type BurstMessage } from '../../lib/wire/burst.ts'
import { Auth, parseFrame } from '../../lib/wire/frame.ts'
import { leafHash, nodeHash } from '../../lib/wire/hashing.ts'
import { rootFromPath } from '../../lib/wire/merkle.ts'
import { bytes, mutation } from './support/arbitraries.ts'
import { Person } from './support/people.ts'
import { codeOf, refusal } from './support/refusal.ts'

const bursts = suite('burst')

const { crypto } = new Person('alice')
const author = new Uint8Array(32).fill(0xaa)
const signature = new Uint8Array(64).fill(0xbb)
const messages = (count: number): BurstMessage[] => Array.from({ length: count }, (_, index) => ({ header: new Uint8Array(10).fill(index), payload: new Uint8Array(20 + index).fill(0x80 + index) }))
const HEAD = 1 + 32 + 64 + 2

bursts('a whole burst comes apart into what it was made of', () => {
  const message = fc.record({ header: bytes(1, 1_024), payload: bytes(1, 300) }, { noNullPrototype: true })
  fc.assert(fc.property(bytes(32), bytes(64), fc.array(message, { minLength: 2, maxLength: 64 }), (by, signed, all) => {
    const body = encodeBurst({ author: by, signature: signed, messages: all })
    assert.is(body.length, burstSize(all))
    assert.equal(parseBurst(body), { author: by, signature: signed, messages: all })
    assert.equal(parseBurst(Buffer.from(body)).author.constructor, Uint8Array)
  }), { numRuns: 500 })
})

bursts('leaf, node and what is signed are the tagged hashes of section 8', () => {
  const [a, b] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  assert.equal(leafHash(crypto, a), taggedHash(crypto, 'peerweft/leaf', a))
  assert.equal(nodeHash(crypto, a, b), taggedHash(crypto, 'peerweft/node', a, b))
  const digest = taggedHash(crypto, 'peerweft/burst', Uint8Array.of(4), utf8('test'), Uint8Array.of(1), Uint8Array.of(0, 3), a)
  assert.equal(burstDigest(crypto, 'test', 3, a), digest)
  for (const other of [burstDigest(crypto, 'tes', 3, a), burstDigest(crypto, 'test', 4, a), burstDigest(crypto, 'test', 3, b)]) assert.not.equal(other, digest)
})

bursts('each message alone leads to the root of all', () => {
  for (const count of [2, 3, 5, 8, 33, 64]) {
    const all = messages(count)
    const hashes = all.map((_, index) => crypto.sha256(Uint8Array.of(index)))
    const tree = burstTree(crypto, hashes)
    all.forEach((message, index) => {
      const frame = parseFrame(aloneFrame({ author, signature, count, index, path: tree.path(index) }, message), 98_304)
      assert.is(frame.bytes.length, aloneSize(message, index, count))
      assert.is(frame.auth, Auth.BURST)
      assert.equal([frame.author, frame.signature, frame.count, frame.index, frame.header, frame.payload], [author, signature, count, index, message.header, message.payload])
      const root = rootFromPath(leafHash(crypto, hashes[index]!), index, count, frame.path, (left, right) => nodeHash(crypto, left, right))
      assert.equal(root, tree.root)
    })
  }
})

bursts('each way to be malformed', () => {
  const body = encodeBurst({ author, signature, messages: messages(3) })
  const changed = (at: number, ...to: number[]): Uint8Array => {
    const copy = body.slice()
    copy.set(to, at)
    return copy
  }
  const cases: [string, Uint8Array, string][] = [
    ['nothing', new Uint8Array(0), 'at least 99'],
    ['a head alone', body.subarray(0, HEAD - 1), 'at least 99'],
    ['no message', changed(HEAD - 2, 0, 0), '2 to 64'],
    ['one message', changed(HEAD - 2, 0, 1), '2 to 64'],
    ['65 messages', changed(HEAD - 2, 0, 65), '2 to 64'],
    ['fewer than it says', changed(HEAD - 2, 0, 4), 'an end before message 3'],
    ['more than it says', changed(HEAD - 2, 0, 2), 'after the last message'],
    ['a byte too much', concatBytes(body, Uint8Array.of(0)), 'after the last message'],
    ['a byte too few', body.subarray(0, -1), 'a payload of 1 to'],
    ['an empty header', changed(HEAD, 0, 0), 'header of 1 to'],
    ['a header of 1,025 bytes', changed(HEAD, 4, 1), 'header of 1 to'],
    ['an empty payload', changed(HEAD + 2, 0, 0, 0, 0), 'payload of 1 to'],
    ['a payload of 4 GiB', changed(HEAD + 2, 255, 255, 255, 255), 'payload of 1 to'],
  ]
  for (const [what, input, reason] of cases) {
    const error = refusal(() => parseBurst(input))
    assert.is(error.code, 'ERR_WIRE_MALFORMED', what)
    assert.ok(error.message.includes(reason), `${what}: ${error.message}`)
  }
  assert.is(codeOf(() => parseBurst(changed(0, 2))), 'ERR_WIRE_WRONG_VERSION')
})

bursts('changed bytes are refused or read, and what is read writes the same bytes', () => {
  const body = encodeBurst({ author, signature, messages: messages(5) })
  fc.assert(fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), mutations => {
    const input = mutations.reduce((from, mutate) => mutate(from), body)
    const code = codeOf(() => parseBurst(input))
    if (code === undefined) assert.equal(encodeBurst(parseBurst(input)), input)
    else assert.ok(['ERR_WIRE_MALFORMED', 'ERR_WIRE_WRONG_VERSION'].includes(code), code)
  }), { numRuns: 3_000 })
})

bursts.run()
