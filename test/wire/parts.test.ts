import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { concatBytes, utf8 } from '../../lib/foundation/bytes.ts'
import { fromHex } from '../../lib/foundation/hex.ts'
import { encodeClose, parseClose, PartKind, partsSize, readParts, writeParts, type Part } from '../../lib/wire/parts.ts'
import { bytes, mutation } from './support/arbitraries.ts'
import { codeOf, refusal } from './support/refusal.ts'

const parts = suite('parts')

function read(plaintext: Uint8Array): Part[] {
  const found: Part[] = []
  readParts(plaintext, (kind, body) => found.push({ kind, body }))
  return found
}

const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ kind: fc.constantFrom(PartKind.MESSAGE, PartKind.BURST, PartKind.HELLO), body: bytes(0, 300) }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant(PartKind.FRAGMENT), body: bytes(13, 300) }, { noNullPrototype: true }),
  fc.record({ kind: fc.constantFrom(PartKind.PING, PartKind.PONG), body: bytes(8) }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant(PartKind.CLOSE), body: fc.string({ maxLength: 50 }).map(text => encodeClose(0, text)) }, { noNullPrototype: true }),
)

parts('many parts come back in order', () => {
  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 20 }), several => {
    const plaintext = writeParts(several)
    assert.is(plaintext.length, partsSize(several))
    assert.equal(read(plaintext), several)
  }), { numRuns: 500 })
})

parts('a part is its kind, its length in four bytes, and its body', () => {
  assert.equal(writeParts([{ kind: 0x11, body: fromHex('0102030405060708') }, { kind: 0x01, body: fromHex('ff') }]), fromHex('110000000801020304050607080100000001ff'))
  assert.is(writeParts([{ kind: 1, body: new Uint8Array(0x012345) }])[2], 0x01)
})

parts('kinds of later versions are left out, whatever is in them', () => {
  const later = [0x80, 0x9f, 0xff].map(kind => ({ kind, body: utf8('later') }))
  const ping = { kind: PartKind.PING, body: new Uint8Array(8) }
  assert.equal(read(writeParts([...later, ping, ...later])), [ping])
  assert.equal(read(writeParts(later)), [])
})

parts('a malformed frame is refused as a whole, before its first part is handed on', () => {
  const ping = fromHex('11000000080102030405060708')
  const cases: [string, string][] = [
    ['', 'at least one part'], ['0100', 'an end within the head'], ['0100000001', 'an end within the part'], ['01ffffffff00', 'an end within the part'], ['0180000000', 'an end within the part'],
    ['0000000000', 'unknown part 0x00'], ['0400000000', 'unknown part 0x04'], ['0f00000000', 'unknown part'], ['1400000000', 'unknown part'], ['7f00000000', 'unknown part 0x7f'],
    ['110000000701020304050607', 'of 8 bytes, got 7'], ['1200000009010203040506070809', 'of 8 bytes, got 9'],
    ['1300000000', 'a close of 1 to 201'], ['1300000002' + '00ff', 'UTF-8'], ['13000000ca' + '00'.repeat(202), 'a close of 1 to 201'],
    ['030000000c' + '00'.repeat(12), 'more than 12 bytes'], ['0300000000', 'more than 12 bytes'],
  ]
  for (const [hex, reason] of cases) {
    for (const plaintext of hex === '' ? [new Uint8Array(0)] : [fromHex(hex), concatBytes(ping, fromHex(hex)), concatBytes(ping, ping, fromHex(hex))]) {
      const error = refusal(() => readParts(plaintext, () => {
        throw new Error('a part of a malformed frame was handed on')
      }))
      assert.is(error.code, 'ERR_WIRE_MALFORMED')
      assert.ok(error.message.includes(reason), `${hex}: ${error.message}`)
    }
  }
})

parts('changed bytes are refused or read, and never crash', () => {
  fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), fc.array(mutation, { minLength: 1, maxLength: 3 }), (several, mutations) => {
    const input = mutations.reduce((from, mutate) => mutate(from), writeParts(several))
    const code = codeOf(() => read(input))
    assert.ok(code === undefined || code === 'ERR_WIRE_MALFORMED', code)
  }), { numRuns: 3_000 })
})

parts('bodies are plain bytes even in a Buffer', () => {
  assert.is(read(Buffer.from(writeParts([{ kind: PartKind.MESSAGE, body: utf8('abc') }])))[0]!.body.constructor, Uint8Array)
})

parts('a close says why, in a number and in at most 200 bytes of whole letters', () => {
  assert.equal(parseClose(encodeClose(2, 'you broke a rule')), { reason: 2, text: 'you broke a rule' })
  assert.equal(parseClose(encodeClose(0)), { reason: 0, text: '' })
  assert.equal(parseClose(encodeClose(1, 'x'.repeat(500))), { reason: 1, text: 'x'.repeat(200) })
  assert.equal(parseClose(encodeClose(1, '\u{1f600}'.repeat(51))), { reason: 1, text: '\u{1f600}'.repeat(50) })
})

parts.run()
