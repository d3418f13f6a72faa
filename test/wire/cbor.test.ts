import { deepStrictEqual } from 'node:assert/strict'
import * as cborg from 'cborg'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromHex, toHex } from '../../lib/foundation/hex.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { decodeCbor, encodeCbor } from '../../lib/wire/cbor.ts'
import { mutation, payload } from './support/arbitraries.ts'
import { codeOf, refusal } from './support/refusal.ts'

const RUNS = { numRuns: 500 }

const rfc8949 = suite('RFC 8949, appendix A')

/** Those examples that docs/wire.md, section 7 lets through: diagnostic value and bytes. */
const EXAMPLES: [unknown, string][] = [
  [0, '00'], [1, '01'], [10, '0a'], [23, '17'], [24, '1818'], [25, '1819'], [100, '1864'], [1000, '1903e8'],
  [1000000, '1a000f4240'], [1000000000000, '1b000000e8d4a51000'], [18446744073709551615n, '1bffffffffffffffff'],
  [-18446744073709551616n, '3bffffffffffffffff'], [-1, '20'], [-10, '29'], [-100, '3863'], [-1000, '3903e7'],
  [-0, 'f98000'], [1.1, 'fb3ff199999999999a'], [100000, '1a000186a0'], [3.4028234663852886e38, 'fa7f7fffff'],
  [1e300, 'fb7e37e43c8800759c'], [-4.1, 'fbc010666666666666'],
  [Infinity, 'f97c00'], [NaN, 'f97e00'], [-Infinity, 'f9fc00'],
  [false, 'f4'], [true, 'f5'], [null, 'f6'], [undefined, 'f7'],
  [new Uint8Array(0), '40'], [fromHex('01020304'), '4401020304'],
  ['', '60'], ['a', '6161'], ['IETF', '6449455446'], ['"\\', '62225c'], ['\u00fc', '62c3bc'], ['\u6c34', '63e6b0b4'], ['\ud800\udd51', '64f0908591'],
  [[], '80'], [[1, 2, 3], '83010203'], [[1, [2, 3], [4, 5]], '8301820203820405'],
  [Array.from({ length: 25 }, (_, index) => index + 1), '98190102030405060708090a0b0c0d0e0f101112131415161718181819'],
  [{}, 'a0'], [{ a: 1, b: [2, 3] }, 'a26161016162820203'], [['a', { b: 'c' }], '826161a161626163'],
  [{ a: 'A', b: 'B', c: 'C', d: 'D', e: 'E' }, 'a56161614161626142616361436164614461656145'],
]

/** Other spellings of numbers, which we read and would write in fewer bytes or as integers. */
const READ_ONLY: [unknown, string][] = [
  [0, 'f90000'], [1, 'f93c00'], [1.5, 'f93e00'], [65504, 'f97bff'], [5.960464477539063e-8, 'f90001'], [0.00006103515625, 'f90400'], [-4, 'f9c400'],
  [Infinity, 'fa7f800000'], [NaN, 'fa7fc00000'], [-Infinity, 'faff800000'], [100000, 'fa47c35000'], [3.4028234663852886e38, 'fb47efffffe0000000'],
  [Infinity, 'fb7ff0000000000000'], [NaN, 'fb7ff8000000000000'],
]

/** Tags, simple values, keys that are not text, indefinite lengths. */
const REFUSED = [
  'c249010000000000000000', 'c349010000000000000000', 'f0', 'f818', 'f8ff', 'c074323031332d30332d32315432303a30343a30305a', 'c11a514b67b0', 'd74401020304',
  'd818456449455446', 'a201020304', '5f42010243030405ff', '7f657374726561646d696e67ff', '9fff', '9f018202039f0405ffff', '83018202039f0405ff', 'bf61610161629f0203ffff', 'bf6346756ef563416d7421ff',
]

rfc8949('the examples are written and read as printed', () => {
  for (const [value, hex] of EXAMPLES) {
    assert.is(toHex(encodeCbor(value)), hex)
    deepStrictEqual(decodeCbor(fromHex(hex)), value)
  }
})

rfc8949('longer spellings of floats are read', () => {
  for (const [value, hex] of READ_ONLY) deepStrictEqual(decodeCbor(fromHex(hex)), value)
})

rfc8949('examples with tags, simple values, other keys and indefinite lengths are refused', () => {
  for (const hex of REFUSED) assert.is(refusal(() => decodeCbor(fromHex(hex))).code, 'ERR_WIRE_MALFORMED', hex)
})

rfc8949.run()

const codec = suite('CBOR')

/** As it comes back: a bigint that a number can hold exactly does so. */
function normal(value: unknown): unknown {
  if (typeof value === 'bigint') return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value
  if (Array.isArray(value)) return value.map(normal)
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normal(item)]))
}

codec('every value comes back as it was', () => {
  fc.assert(fc.property(payload, value => deepStrictEqual(decodeCbor(encodeCbor(value)), normal(value))), RUNS)
})

codec('cborg reads what we write', () => {
  // cborg drops a byte order mark at a text's beginning, and takes -2^53 for a safe integer.
  fc.assert(fc.property(payload, value => {
    fc.pre(!toHex(encodeCbor(value)).includes('efbbbf'))
    deepStrictEqual(decodeCbor(encodeCbor(value)), normal(cborg.decode(encodeCbor(value), { strict: true, rejectDuplicateMapKeys: true })))
  }), RUNS)
})

codec('we read what cborg writes', () => {
  fc.assert(fc.property(payload, value => deepStrictEqual(decodeCbor(cborg.encode(value)), normal(withoutMinusZero(value)))), RUNS)
})

/** cborg writes -0 as 0. */
function withoutMinusZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map(withoutMinusZero)
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutMinusZero(item)]))
}

codec('a changed encoding is refused, or is one that cborg reads the same', () => {
  fc.assert(fc.property(payload, fc.array(mutation, { minLength: 1, maxLength: 3 }), (value, mutations) => {
    const bytes = mutations.reduce((mutated, mutate) => mutate(mutated), encodeCbor(value))
    const code = codeOf(() => decodeCbor(bytes))
    if (code === undefined && !toHex(bytes).includes('efbbbf')) {
      deepStrictEqual(decodeCbor(bytes), normal(cborg.decode(bytes, { strict: true, allowIndefinite: false, rejectDuplicateMapKeys: true })))
    } else assert.ok(code === undefined || code === 'ERR_WIRE_MALFORMED', code)
  }), { numRuns: 5_000 })
})

codec('random bytes are refused or read, and never crash', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
    const code = codeOf(() => decodeCbor(bytes))
    assert.ok(code === undefined || code === 'ERR_WIRE_MALFORMED', code)
  }), { numRuns: 20_000 })
})

codec('a map keeps the order of its fields', () => {
  assert.equal(Object.keys(decodeCbor(encodeCbor({ zebra: 1, a: 2, mouse: 3 })) as object), ['zebra', 'a', 'mouse'])
})

codec('a text keeps the byte order mark it begins with', () => {
  assert.is(decodeCbor(encodeCbor('\ufeffabc')), '\ufeffabc')
  assert.equal(decodeCbor(encodeCbor({ '\ufeffa': 1, a: 2 })), { '\ufeffa': 1, a: 2 })
})

codec('texts of every length around the changes of form come back', () => {
  for (const letter of ['a', '\u00e9', '\u6c34', '\u{1f600}']) {
    for (const length of [0, 1, 7, 8, 9, 22, 23, 24, 31, 32, 33, 63, 64, 65, 127, 128, 200, 255, 256, 257, 21_845, 21_846, 65_535, 65_536]) {
      const text = letter.repeat(length)
      assert.is(decodeCbor(encodeCbor(text)), text, `${length} of ${letter}`)
    }
  }
})

codec('integers around every change of form come back, and beyond 2^53 as bigints', () => {
  for (const edge of [24n, 256n, 65_536n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 2n]) {
    for (const value of [edge - 1n, edge, edge + 1n]) {
      assert.is(decodeCbor(encodeCbor(value)), normal(value))
      assert.is(decodeCbor(encodeCbor(-value)), normal(-value))
    }
  }
  assert.is(decodeCbor(fromHex('1b0020000000000000')), 2n ** 53n)
  assert.is(decodeCbor(fromHex('3b001fffffffffffff')), -(2n ** 53n))
  assert.is(decodeCbor(fromHex('3b001ffffffffffffe')), Number.MIN_SAFE_INTEGER)
})

codec('bytes are copies: changing the payload leaves the frame as it was, and the reverse', () => {
  const encoded = encodeCbor({ body: Uint8Array.of(1, 2, 3) })
  const { body } = decodeCbor(encoded) as { body: Uint8Array }
  body.fill(9)
  assert.equal((decodeCbor(encoded) as { body: Uint8Array }).body, Uint8Array.of(1, 2, 3))
  assert.is(body.buffer.byteLength, 3, 'and show nothing of what lay beside them')
})

codec('Buffers are read and written as the bytes they are', () => {
  assert.equal(encodeCbor(Buffer.from('abc')), fromHex('43616263'))
  const encoded = Buffer.from('43616263', 'hex')
  const decoded = decodeCbor(encoded) as Uint8Array
  assert.is(decoded.constructor, Uint8Array)
  // A Buffer's own slice would be a view.
  encoded.fill(0)
  assert.equal(decoded, fromHex('616263'))
})

codec('a getter that encodes something itself does not disturb what is being encoded', () => {
  const inner = { get nested() { return encodeCbor({ deep: [1, 2, 3] }) } }
  assert.equal(decodeCbor(encodeCbor({ before: 'x', inner, after: 'y' })), { before: 'x', inner: { nested: encodeCbor({ deep: [1, 2, 3] }) }, after: 'y' })
})

codec('Maps with text keys and instances of simple classes are written as maps', () => {
  class Point { x = 1; y = 2 }
  assert.equal(decodeCbor(encodeCbor(new Map<string, unknown>([['a', 1], ['b', new Point()]]))), { a: 1, b: { x: 1, y: 2 } })
  assert.equal(decodeCbor(encodeCbor(Object.assign(Object.create(null), { a: 1 }))), { a: 1 })
})

codec('what was read cannot reach the prototype of objects', () => {
  const decoded = decodeCbor(encodeCbor({ constructor: 1, toString: 2, hasOwnProperty: 3 })) as Record<string, unknown>
  assert.is(decoded['constructor'], 1)
  assert.is(Object.getPrototypeOf(decoded), Object.prototype)
  assert.is(refusal(() => decodeCbor(fromHex('a1695f5f70726f746f5f5fa0'))).code, 'ERR_WIRE_MALFORMED')
})

codec.run()

const limits = suite('CBOR within limits')

function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)]
}

limits('sixteen levels of nesting are read and written, seventeen are not', () => {
  assert.equal(decodeCbor(encodeCbor(nested(16))), nested(16))
  assert.is(refusal(() => encodeCbor(nested(17))).code, 'ERR_WIRE_UNENCODABLE')
  for (const [head, tail] of [['81', '80'], ['a16161', 'a0']] as const) {
    assert.is(codeOf(() => decodeCbor(fromHex(head.repeat(15) + tail))), undefined)
    assert.match(refusal(() => decodeCbor(fromHex(head.repeat(16) + tail))).message, 'too deep')
  }
  assert.match(refusal(() => decodeCbor(new Uint8Array(98_304).fill(0x81))).message, 'too deep')
})

limits('16,384 values are read and written, one more is not', () => {
  const most = new Array<number>(16_384).fill(0)
  assert.equal(decodeCbor(encodeCbor(most)), most)
  assert.is(refusal(() => encodeCbor([...most, 0])).code, 'ERR_WIRE_UNENCODABLE')
  assert.match(refusal(() => decodeCbor(cborg.encode([...most, 0]))).message, 'too many values')
  // A key and its value are two.
  const map = Object.fromEntries(Array.from({ length: 8_193 }, (_, index) => [`k${index}`, 0]))
  assert.is(refusal(() => encodeCbor(map)).code, 'ERR_WIRE_UNENCODABLE')
  assert.match(refusal(() => decodeCbor(cborg.encode(map))).message, 'too many values')
})

limits('a count that the bytes cannot hold is refused before anything is built', () => {
  for (const hex of ['9a00004000', '99400000', 'b9200000', '9bffffffffffffffff', '5affffffff', '7b7fffffffffffffff', 'bb0020000000000000']) {
    assert.is(refusal(() => decodeCbor(fromHex(hex))).code, 'ERR_WIRE_MALFORMED', hex)
  }
})

limits('a caller may set narrower limits', () => {
  const narrow = { ...DEFAULT_LIMITS, payloadDepthMax: 2, payloadItemsMax: 4 }
  assert.equal(decodeCbor(encodeCbor([[1, 2], 3], narrow), narrow), [[1, 2], 3])
  assert.is(refusal(() => decodeCbor(encodeCbor([[1, 2], 3, 4]), narrow)).code, 'ERR_WIRE_MALFORMED')
  assert.is(refusal(() => decodeCbor(encodeCbor([[[]]]), narrow)).code, 'ERR_WIRE_MALFORMED')
  assert.is(refusal(() => encodeCbor([[[]]], narrow)).code, 'ERR_WIRE_UNENCODABLE')
})

limits.run()

const refused = suite('CBOR refused')

const MALFORMED: [string, string][] = [
  ['', 'an end'], ['18', 'a length'], ['1817', 'more bytes than it needs'], ['190017', 'more bytes'], ['1900ff', 'more bytes'], ['1a0000ffff', 'more bytes'], ['1b00000000ffffffff', 'more bytes'],
  ['3817', 'more bytes'], ['5817' + '00'.repeat(23), 'more bytes'], ['7801' + '61', 'more bytes'], ['9801f6', 'more bytes'], ['b801616100', 'more bytes'],
  ['1c', 'reserved'], ['1d', 'reserved'], ['1e', 'reserved'], ['1f', 'reserved'], ['5f', 'indefinite'], ['7f', 'indefinite'], ['9f', 'indefinite'], ['bf', 'indefinite'], ['ff', 'simple'],
  ['c0f6', 'a tag'], ['f3', 'simple'], ['e0', 'simple'], ['f8f6', 'simple'], ['fc', 'simple'], ['fd', 'simple'],
  ['43aabb', 'beyond the end'], ['6361', 'beyond the end'], ['fb3ff19999', 'beyond the end'], ['8201', 'more values announced'], ['8261', 'more values announced'], ['a1', 'more values'], ['a16161', 'an end'], ['81', 'more values'],
  ['a10102', 'not text'], ['a1f6f6', 'not text'], ['a14161f6', 'not text'], ['a1806100', 'not text'],
  ['a2616101616102', 'twice'], ['82a2616101616102f6', 'twice'],
  ['61ff', 'not UTF-8'], ['62c080', 'not UTF-8'], ['63eda080', 'not UTF-8'], ['64f4908080', 'not UTF-8'], ['62c328', 'not UTF-8'], ['61c3', 'not UTF-8'], ['63e08080', 'not UTF-8'], ['a162c08000', 'not UTF-8'],
  ['0000', 'after'], ['f6f6', 'after'], ['8000', 'after'],
  ['a1695f5f70726f746f5f5f00', '__proto__'],
]

refused('each form that section 7 rules out, with the reason', () => {
  for (const [hex, reason] of MALFORMED) {
    const error = refusal(() => decodeCbor(fromHex(hex)))
    assert.is(error.code, 'ERR_WIRE_MALFORMED', hex)
    assert.ok(error.message.includes(reason), `${hex}: ${error.message}`)
  }
})

refused('text is UTF-8 exactly where the platform says so', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const sequence = fc.array(fc.oneof(fc.constantFrom(0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff), fc.nat(255)), { maxLength: 8 })
  fc.assert(fc.property(sequence, units => {
    const native = ((): string | undefined => {
      try {
        return decoder.decode(Uint8Array.from(units))
      } catch {
        return undefined
      }
    })()
    const cbor = Uint8Array.of(0x60 | units.length, ...units)
    if (native === undefined) assert.is(codeOf(() => decodeCbor(cbor)), 'ERR_WIRE_MALFORMED')
    else assert.is(decodeCbor(cbor), native)
  }), { numRuns: 20_000 })
})

const cyclic: Record<string, unknown> = { name: 'a' }
cyclic['self'] = [cyclic]

const UNENCODABLE: [string, unknown, string][] = [
  ['a function', { on: { click: () => 1 } }, 'value.on.click: a function'],
  ['a symbol', [1, Symbol('x')], 'value[1]: a symbol'],
  ['something cyclic', cyclic, 'contains itself'],
  ['a Map with keys that are not text', { m: new Map([[1, 2]]) }, 'value.m: a Map with a key that is not text but number'],
  ['a Set', new Set([1]), 'a Set'],
  ['a date', { at: new Date(0) }, 'value.at: a Date'],
  ['an error', [new Error('x')], 'value[0]: a Error'],
  ['a promise', Promise.resolve(1), 'a Promise'],
  ['a regular expression', /x/, 'a RegExp'],
  ['bytes of another kind', { words: new Uint16Array(2) }, 'value.words: a Uint16Array'],
  ['an ArrayBuffer', new ArrayBuffer(2), 'a ArrayBuffer'],
  ['an integer beyond 64 bits', [2n ** 64n], 'value[0]: an integer of more than 64 bits'],
  ['its negative', -(2n ** 64n) - 1n, 'more than 64 bits'],
  ['half a surrogate pair', { text: 'a\ud800b' }, 'value.text: a text with half'],
  ['the same in a long text', ['x'.repeat(100) + '\udc00'], 'value[0]: a text with half'],
  ['the same in a key', { ['\ud800']: 1 }, 'a text with half'],
  ['the key __proto__', JSON.parse('{"a":{"__proto__":1}}'), 'value.a.__proto__: a key'],
]

for (const [what, value, reason] of UNENCODABLE) {
  refused(`${what} cannot be encoded, and the error names the place`, () => {
    const error = refusal(() => encodeCbor(value))
    assert.is(error.code, 'ERR_WIRE_UNENCODABLE')
    assert.ok(error.message.includes(reason), error.message)
  })
}

refused('a refusal leaves the writer fit for the next value', () => {
  refusal(() => encodeCbor({ a: [1, 2, () => 3] }))
  assert.equal(encodeCbor([1]), fromHex('8101'))
})

refused.run()
