import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compareBytes, concatBytes, EMPTY_BYTES, equalBytes, fromUtf8, utf8, wipe } from '../../lib/foundation/bytes.ts'
import { fromHex, toHex } from '../../lib/foundation/hex.ts'

const test = suite('bytes and hex')

const of = (...bytes: number[]): Uint8Array => Uint8Array.of(...bytes)

test('text becomes UTF-8 and comes back as it was, byte order marks and all', () => {
  for (const text of ['', 'abc', 'ü', '日本', '🙂', '\uFEFFmark', 'a\0b']) assert.is(fromUtf8(utf8(text)), text)
  assert.equal(utf8('ü'), of(0xc3, 0xbc))
})

test('bytes that are no UTF-8 are refused', () => {
  for (const bytes of [of(0xff), of(0xc3), of(0xc0, 0x80), of(0xed, 0xa0, 0x80), of(0xf5, 0x80, 0x80, 0x80)]) assert.throws(() => fromUtf8(bytes), (error: unknown) => error instanceof TypeError)
})

test('parts are joined in order, views among them', () => {
  assert.equal(concatBytes(of(1, 2), EMPTY_BYTES, of(9, 3, 4, 9).subarray(1, 3)), of(1, 2, 3, 4))
  assert.equal(concatBytes(), EMPTY_BYTES)
})

test('equal is length and content', () => {
  assert.ok(equalBytes(of(1, 2), of(1, 2)))
  assert.ok(equalBytes(EMPTY_BYTES, of()))
  for (const other of [of(1), of(1, 3), of(1, 2, 0), of()]) assert.not.ok(equalBytes(of(1, 2), other))
})

test('order is that of the first byte that differs, then of length; it is the order of hex', () => {
  const sorted = [of(), of(0), of(0, 0), of(0, 255), of(1), of(127), of(128), of(255), of(255, 0)]
  for (const [i, a] of sorted.entries()) for (const [j, b] of sorted.entries()) assert.is(Math.sign(compareBytes(a, b)), Math.sign(i - j), `${toHex(a)} and ${toHex(b)}`)
  assert.equal(sorted.map(toHex), [...sorted.map(toHex)].sort())
})

test('what is wiped is zero', () => {
  const secret = of(1, 2, 3)
  wipe(secret, undefined)
  assert.equal(secret, of(0, 0, 0))
})

test('hex is lower case, of even length, and comes back', () => {
  const all = Uint8Array.from({ length: 256 }, (_, index) => index)
  assert.is(toHex(all), Buffer.from(all).toString('hex'))
  assert.equal(fromHex(toHex(all)), all)
  assert.equal(fromHex('AbCdeF'), of(0xab, 0xcd, 0xef))
  assert.equal([toHex(of()), fromHex('')], ['', of()])
})

test('what is no hex is refused, and only its beginning shown', () => {
  for (const text of ['a', 'abc', 'zz', '0x00', ' 00', '00 ', 'é0', '٠٠']) assert.throws(() => fromHex(text), (error: Error) => error instanceof RangeError && error.message.includes('expected an even number of hex digits'))
  assert.throws(() => fromHex('z'.repeat(10_000)), (error: Error) => error.message.length < 200)
})

test.run()
