import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { taggedHash } from '../../lib/crypto/tagged-hash.ts'
import { concatBytes, equalBytes } from '../../lib/foundation/bytes.ts'
import { Auth, burstProof, encodeFrame, frameSize, messageHash, parseFrame } from '../../lib/wire/frame.ts'
import { pathLength } from '../../lib/wire/merkle.ts'
import { bytes, mutation } from './support/arbitraries.ts'
import { Person } from './support/people.ts'
import { codeOf, refusal } from './support/refusal.ts'

const frames = suite('frame')

const MAX = 98_304
const author = new Uint8Array(32).fill(0xaa)
const signature = new Uint8Array(64).fill(0xbb)
const header = new Uint8Array(100).fill(0xcc)
const payload = new Uint8Array(200).fill(0xdd)
const none = new Uint8Array(0)
const path = (length: number): Uint8Array[] => Array.from({ length }, (_, level) => new Uint8Array(32).fill(level))

frames('a frame of each auth comes apart into what it was made of', () => {
  fc.assert(fc.property(bytes(32), bytes(64), bytes(1, 1_024), bytes(1, 2_000), fc.integer({ min: 2, max: 64 }), fc.nat(63), (by, signed, head, body, count, at) => {
    const index = at % count
    const hashes = path(pathLength(index, count))
    for (const [auth, proof] of [[Auth.CHANNEL, none], [Auth.SIGNATURE, signed], [Auth.BURST, burstProof(signed, count, index, hashes)]] as const) {
      const frame = encodeFrame(auth, by, proof, head, body)
      const parsed = parseFrame(frame, MAX)
      assert.is(frame.length, frameSize(proof.length, head.length, body.length))
      assert.is(parsed.auth, auth)
      assert.equal([parsed.author, parsed.proof, parsed.header, parsed.payload], [by, proof, head, body])
      if (auth !== Auth.CHANNEL) assert.equal(parsed.signature, signed)
      if (auth === Auth.BURST) assert.equal([parsed.count, parsed.index, parsed.path], [count, index, hashes])
      assert.ok(parsed.isBy(by))
      assert.not.ok(parsed.isBy(by.map((byte, place) => (place === 31 ? byte ^ 1 : byte))))
    }
  }), { numRuns: 500 })
})

frames('a frame in a Buffer is read as plain bytes', () => {
  const parsed = parseFrame(Buffer.from(encodeFrame(Auth.SIGNATURE, author, signature, header, payload)), MAX)
  assert.is(parsed.bytes.constructor, Uint8Array)
  assert.is(parsed.header.constructor, Uint8Array)
})

frames('the message hash is the tagged hash of version, author and both hashes', () => {
  const { crypto } = new Person('alice')
  const expected = taggedHash(crypto, 'peerweft/message', Uint8Array.of(1), author, crypto.sha256(header), crypto.sha256(payload))
  assert.equal(messageHash(crypto, author, header, payload), expected)
  assert.not.equal(messageHash(crypto, author, payload, header), expected)
})

const plain = encodeFrame(Auth.SIGNATURE, author, signature, header, payload)
const channel = encodeFrame(Auth.CHANNEL, author, none, header, payload)
const burst = encodeFrame(Auth.BURST, author, burstProof(signature, 3, 2, path(1)), header, payload)
const changed = (frame: Uint8Array, at: number, ...to: number[]): Uint8Array => {
  const copy = frame.slice()
  copy.set(to, at)
  return copy
}

frames('a frame that is too large is refused before anything is read', () => {
  assert.is(codeOf(() => parseFrame(plain, plain.length)), undefined)
  assert.is(codeOf(() => parseFrame(plain, plain.length - 1)), 'ERR_WIRE_FRAME_TOO_LARGE')
  assert.is(codeOf(() => parseFrame(new Uint8Array(MAX + 1), MAX)), 'ERR_WIRE_FRAME_TOO_LARGE')
})

frames('another version is told from a malformed frame', () => {
  for (const version of [0, 2, 255]) assert.is(codeOf(() => parseFrame(changed(plain, 0, version), MAX)), 'ERR_WIRE_WRONG_VERSION')
})

frames('each way to be malformed', () => {
  const cases: [string, Uint8Array, string][] = [
    ['nothing', none, 'got nothing'],
    ['auth 3', changed(plain, 1, 3), 'auth 0, 1 or 2'],
    ['auth 255', changed(plain, 1, 255), 'auth 0, 1 or 2'],
    ['no header', changed(channel, 34, 0, 0), 'header of 1 to 1024'],
    ['a header of 1,025 bytes', changed(encodeFrame(Auth.CHANNEL, author, none, new Uint8Array(1_025), payload), 34, 4, 1), 'header of 1 to 1024'],
    ['no payload', encodeFrame(Auth.CHANNEL, author, none, header, none), 'and a payload'],
    ['a header beyond the end', changed(channel, 34, 4, 0), 'and a payload'],
    ['a burst of none', changed(burst, 98, 0, 0), '2 to 64'],
    ['a burst of one', changed(burst, 98, 0, 1), '2 to 64'],
    ['a burst of 65', changed(burst, 98, 0, 65), '2 to 64'],
    ['a burst of 259', changed(burst, 98, 1, 3), '2 to 64'],
    ['an index that is the count', changed(burst, 100, 0, 3), 'index below 3'],
    ['an index of 258', changed(burst, 100, 1, 2), 'index below 3'],
  ]
  for (const [what, frame, reason] of cases) {
    const error = refusal(() => parseFrame(frame, MAX))
    assert.is(error.code, 'ERR_WIRE_MALFORMED', what)
    assert.ok(error.message.includes(reason), `${what}: ${error.message}`)
  }
})

frames('every frame that is cut short is refused until its payload has begun', () => {
  for (const frame of [plain, channel, burst]) {
    for (let size = 0; size <= frame.length - payload.length; size++) assert.is(codeOf(() => parseFrame(frame.subarray(0, size), MAX)), 'ERR_WIRE_MALFORMED', `${size} bytes`)
    assert.is(codeOf(() => parseFrame(frame.subarray(0, frame.length - payload.length + 1), MAX)), undefined)
  }
})

frames('changed and random bytes are refused or read, and what is read writes the same bytes', () => {
  const check = (input: Uint8Array): void => {
    const code = codeOf(() => parseFrame(input, MAX))
    assert.ok([undefined, 'ERR_WIRE_MALFORMED', 'ERR_WIRE_WRONG_VERSION'].includes(code), code)
    if (code !== undefined) return
    const { auth, author: by, proof, header: head, payload: body } = parseFrame(input, MAX)
    assert.ok(equalBytes(encodeFrame(auth, by, proof, head, body), input))
  }
  fc.assert(fc.property(fc.constantFrom(plain, channel, burst), fc.array(mutation, { minLength: 1, maxLength: 4 }), (frame, mutations) => check(mutations.reduce((from, mutate) => mutate(from), frame))), { numRuns: 3_000 })
  fc.assert(fc.property(fc.nat(2), bytes(0, 300), (auth, rest) => check(concatBytes(Uint8Array.of(1, auth), rest))), { numRuns: 3_000 })
})

frames.run()
