import * as cborg from 'cborg'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromHex, toHex } from '../../lib/foundation/hex.ts'
import { HeaderReader } from '../../lib/wire/header-reader.ts'
import { decodeHeader, encodeHeader, type Header } from '../../lib/wire/header.ts'
import { bytes, mutation, name } from './support/arbitraries.ts'
import { codeOf, refusal } from './support/refusal.ts'

const headers = suite('header')

const HEADER: Header = {
  network: 'test', protocol: 'chat', type: 'note', to: new Uint8Array(32).fill(2), timestampMs: 1_700_000_000_000,
  boot: new Uint8Array(16).fill(3), messageId: '03030303-0', inReplyTo: 'a1', slot: 's/1', salt: new Uint8Array(16).fill(4),
}

const arbitraryHeader: fc.Arbitrary<Header> = fc.record({
  network: name(32), protocol: fc.option(name(64)), type: name(64), to: fc.option(bytes(32)),
  timestampMs: fc.oneof(fc.maxSafeNat(), fc.nat(70_000), fc.constantFrom(0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER)),
  boot: bytes(16), messageId: name(64), inReplyTo: fc.option(name(64)), slot: fc.option(name(128)), salt: bytes(16),
}, { noNullPrototype: true })

/** The same by the library: an array of ten in the order of docs/wire.md, section 6. */
function fieldsOf(header: Header): unknown[] {
  return [header.network, header.protocol, header.type, header.to, header.timestampMs, header.boot, header.messageId, header.inReplyTo, header.slot, header.salt]
}

headers('a header comes back as it was', () => {
  fc.assert(fc.property(arbitraryHeader, header => assert.equal(decodeHeader(encodeHeader(header)), header)), { numRuns: 500 })
})

headers('the bytes are those cborg makes of the ten fields', () => {
  fc.assert(fc.property(arbitraryHeader, header => assert.is(toHex(encodeHeader(header)), toHex(cborg.encode(fieldsOf(header))))), { numRuns: 500 })
})

headers('one reader reads many headers, whatever it read before', () => {
  const reader = new HeaderReader()
  fc.assert(fc.property(fc.array(arbitraryHeader, { maxLength: 5 }), several => {
    const read = several.map(header => encodeHeader(header)).map(encoded => reader.read(encoded, 0, encoded.length))
    assert.equal(read, several)
  }), { numRuns: 500 })
})

headers('names with the same ends, middle and length are not taken for each other', () => {
  const reader = new HeaderReader()
  for (const type of ['abcde', 'axcye', 'abcde', 'azcqe', 'abcde']) {
    const encoded = encodeHeader({ ...HEADER, type })
    assert.is(reader.read(encoded, 0, encoded.length).type, type)
  }
})

headers('a changed header is refused, or is one that cborg reads the same', () => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  fc.assert(fc.property(arbitraryHeader, fc.array(mutation, { minLength: 1, maxLength: 3 }), (header, mutations) => {
    const mutated = mutations.reduce((from, mutate) => mutate(from), encodeHeader(header))
    const code = codeOf(() => decodeHeader(mutated))
    if (code !== undefined) return assert.is(code, 'ERR_WIRE_MALFORMED')
    if (decoder.decode(mutated).includes('\ufeff')) return
    assert.equal(fieldsOf(decodeHeader(mutated)), cborg.decode(mutated, { strict: true }))
  }), { numRuns: 5_000 })
})

headers('the boot stays what it was when the frame is written over', () => {
  const encoded = encodeHeader(HEADER)
  const { boot } = decodeHeader(encoded)
  encoded.fill(0)
  assert.equal(boot, HEADER.boot)
})

const WRONG: [string, Partial<Record<keyof Header, unknown>>][] = [
  ['an empty network', { network: '' }], ['a network of 33 bytes', { network: 'x'.repeat(33) }], ['33 bytes in 11 letters', { network: '\u6c34'.repeat(11) }],
  ['an empty protocol', { protocol: '' }], ['a protocol of 65 bytes', { protocol: 'x'.repeat(65) }],
  ['an empty type', { type: '' }], ['a type of 65 bytes', { type: 'x'.repeat(65) }], ['no type', { type: undefined }], ['a type that is a number', { type: 5 }],
  ['a short recipient', { to: new Uint8Array(31) }], ['a recipient with its parity', { to: new Uint8Array(33) }], ['a recipient in hex', { to: '00'.repeat(32) }],
  ['a fraction of a millisecond', { timestampMs: 1.5 }], ['a time before 1970', { timestampMs: -1 }], ['a time beyond 2^53', { timestampMs: 2 ** 53 }], ['no time', { timestampMs: NaN }],
  ['a short boot', { boot: new Uint8Array(15) }], ['an empty id', { messageId: '' }], ['an id of 65 bytes', { messageId: 'x'.repeat(65) }],
  ['an empty answer', { inReplyTo: '' }], ['a slot of 129 bytes', { slot: 'x'.repeat(129) }], ['half a surrogate pair', { slot: '\ud800' }], ['a long salt', { salt: new Uint8Array(17) }],
]

for (const [what, change] of WRONG) {
  headers(`${what} cannot be sent, and the error names the field`, () => {
    const error = refusal(() => encodeHeader({ ...HEADER, ...change } as Header))
    assert.is(error.code, 'ERR_WIRE_UNENCODABLE')
    assert.ok(error.message.startsWith(Object.keys(change)[0]!.replace('Ms', '')), error.message)
  })

  headers(`${what} is refused when it comes`, () => {
    if (change.slot === '\ud800') return assert.is(refusal(() => decodeHeader(replaced(encodeHeader(HEADER), '63732f31', '63eda080'))).code, 'ERR_WIRE_MALFORMED')
    assert.is(refusal(() => decodeHeader(cborg.encode(fieldsOf({ ...HEADER, ...change } as Header)))).code, 'ERR_WIRE_MALFORMED')
  })
}

function replaced(encoded: Uint8Array, from: string, to: string): Uint8Array {
  const hex = toHex(encoded)
  assert.is(hex.split(from).length, 2, `${from} once in ${hex}`)
  return fromHex(hex.replace(from, to))
}

headers('other shapes are refused', () => {
  const encoded = encodeHeader(HEADER)
  const hex = toHex(encoded)
  const shapes = [
    '', '8a', '80', 'a0', '00', `89${hex.slice(2)}`, `8b${hex.slice(2)}`, `980a${hex.slice(2)}`, `9f${hex.slice(2)}ff`, hex.slice(0, -2), `${hex}00`,
    toHex(cborg.encode([...fieldsOf(HEADER), null])), toHex(cborg.encode(fieldsOf(HEADER).slice(0, 9))), toHex(cborg.encode({ network: 'test' })),
    hex.replace('6474657374', '780474657374'), hex.replace('6474657374', '790004' + '74657374'), hex.replace('6474657374', '7f6474657374ff'), hex.replace('6474657374', '4474657374'), hex.replace('6474657374', '64746573ff'), hex.replace('6474657374', 'c06474657374'),
    hex.replace('1b0000018bcfe56800', '1b00000000cfe56800'), hex.replace('1b0000018bcfe56800', 'fb4278bcfe56800000'), hex.replace('1b0000018bcfe56800', '1817'), hex.replace('1b0000018bcfe56800', '2017'), hex.replace('1b0000018bcfe56800', '1b0020000000000000'),
    hex.replace('5003030303', '500303030303'), hex.replace('5820', '5920'), hex.replace('5820', '590020'), hex.replace('5003', '581003'), hex.replace('5820' + '02'.repeat(32), 'f7'),
  ]
  for (const shape of shapes) {
    assert.is.not(shape, hex)
    assert.is(codeOf(() => decodeHeader(fromHex(shape))), 'ERR_WIRE_MALFORMED', shape)
  }
})

headers('a header of more than 1,024 bytes is not looked at', () => {
  assert.match(refusal(() => decodeHeader(new Uint8Array(1_025))).message, 'at most 1024')
})

headers.run()
