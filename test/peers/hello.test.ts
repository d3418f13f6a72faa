import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PError } from '../../lib/contracts/errors.ts'
import { fromHex, toHex } from '../../lib/foundation/hex.ts'
import { decodeHello, encodeHello, type Hello } from '../../lib/peers/hello.ts'
import { encodeCbor } from '../../lib/wire/cbor.ts'

const hellos = suite('hello')

const BOOT = new Uint8Array(16).fill(0xb0)
const BOB: Hello = {
  boot: BOOT,
  timestampMs: 1_700_000_000_000,
  role: 'node',
  addresses: ['wss://bob.example:9735/p2p'],
  protocols: [{ name: 'peerweft/gossip', version: 1 }, { name: 'x', version: 0xffff }],
  work: Uint8Array.of(1, 2, 3),
}
const FIELDS = [1, BOOT, 1_700_000_000_000, 'node', ['wss://bob.example:9735/p2p'], [['peerweft/gossip', 1], ['x', 0xffff]], Uint8Array.of(1, 2, 3)] as const

/** Bob's hello with one field replaced. */
function withField(index: number, value: unknown): Uint8Array {
  return encodeCbor(FIELDS.map((field, at) => at === index ? value : field))
}

function refused(bytes: Uint8Array): P2PError {
  try {
    decodeHello(bytes)
  } catch (error) {
    if (error instanceof P2PError && error.code === 'ERR_WIRE_MALFORMED') return error
    throw error
  }
  throw new Error(`expected ${toHex(bytes)} to be refused`)
}

hellos('a hello comes back as it was', () => {
  assert.equal(decodeHello(encodeHello(BOB)), BOB)
  assert.equal(encodeHello(BOB), encodeCbor(FIELDS))
})

hellos('the smallest hello is these bytes', () => {
  const bytes = encodeHello({ boot: new Uint8Array(16), timestampMs: 0, role: 'client', addresses: [], protocols: [], work: new Uint8Array(0) })
  assert.is(toHex(bytes), `870150${'00'.repeat(16)}0066636c69656e74808040`)
  assert.is(decodeHello(bytes).role, 'client')
})

hellos('what was read does not change with the frame it came in', () => {
  const bytes = encodeHello(BOB)
  const hello = decodeHello(bytes)
  bytes.fill(0)
  assert.equal(hello, BOB)
})

hellos('anything written within the bounds is read again', () => {
  fc.assert(fc.property(helloArbitrary(), hello => {
    let bytes: Uint8Array
    try {
      bytes = encodeHello(hello)
    } catch (error) {
      // All the largest fields together are more than a hello may be.
      return error instanceof RangeError && /at most 900 bytes/.test(error.message)
    }
    assert.equal(decodeHello(bytes), hello)
    return bytes.length <= 900
  }), { numRuns: 500 })
})

hellos('bytes that nobody encoded are refused or mean exactly one hello', () => {
  const valid = encodeHello(BOB)
  const arbitrary = fc.oneof(
    fc.uint8Array({ maxLength: 1_000 }),
    fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map(changes => {
      const bytes = valid.slice()
      for (const [at, byte] of changes) bytes[at] = byte
      return bytes
    }),
    fc.nat(valid.length - 1).map(length => valid.subarray(0, length)),
    fc.tuple(fc.nat(6), fc.anything()).map(([index, value]) => {
      try {
        return withField(index, value)
      } catch {
        return new Uint8Array(0)
      }
    }),
  )
  fc.assert(fc.property(arbitrary, bytes => {
    let hello: Hello
    try {
      hello = decodeHello(bytes)
    } catch (error) {
      return error instanceof P2PError && error.code === 'ERR_WIRE_MALFORMED'
    }
    return toHex(encodeHello(hello)) === toHex(bytes)
  }), { numRuns: 500 })
})

for (const [name, index, values] of [
  ['version', 0, [0, 2, '1', null, -1]],
  ['boot', 1, [new Uint8Array(15), new Uint8Array(17), 'sixteen letters!', null]],
  ['timestamp', 2, [-1, 2 ** 53, 1.5, '0', null]],
  ['role', 3, ['relay', '', 'Node', 0, null, 'a'.repeat(17)]],
  ['addresses', 4, [null, {}, [1], Array(5).fill('ws://a'), [`ws://${'a'.repeat(124)}`], [''], ['ws:'], ['//host'], ['ws://a b'], ['ws://a\n'], ['ws://a\u0000'], ['ws://a\u001b[31m'], ['ws://\u202ea'], ['no scheme']]],
  ['protocols', 5, [null, {}, ['a'], [['a']], [['a', 1, 1]], [['a', -1]], [['a', 65_536]], [['a', 1.5]], [['a', '1']], [['', 1]], [['a'.repeat(65), 1]], [['é'.repeat(33), 1]], Array(33).fill(['a', 1])]],
  ['work', 6, [new Uint8Array(65), null, 'work']],
] as const) {
  hellos(`a ${name} out of bounds is refused`, () => {
    for (const value of values) assert.match(refused(withField(index, value)).message, /^hello: expected /)
  })
}

hellos('bounds themselves are allowed', () => {
  const largest: Hello = { ...BOB, addresses: Array(4).fill(`ws://${'a'.repeat(123)}`), work: new Uint8Array(64), protocols: [{ name: 'a'.repeat(64), version: 0 }] }
  assert.equal(decodeHello(encodeHello(largest)), largest)
  const most: Hello = { ...BOB, protocols: Array(32).fill({ name: 'ten-letter', version: 1 }) }
  assert.equal(decodeHello(encodeHello(most)), most)
})

hellos('a hello with a field more or less is refused', () => {
  assert.match(refused(encodeCbor(FIELDS.slice(0, 6))).message, /expected 7 fields/)
  assert.match(refused(encodeCbor([...FIELDS, null])).message, /expected 7 fields, got 8/)
  assert.match(refused(encodeCbor({})).message, /expected an array/)
})

hellos('a hello of more than 900 bytes is refused before it is read', () => {
  assert.match(refused(new Uint8Array(901)).message, /at most 900 bytes, got 901/)
})

hellos('a whole number written as a float is refused', () => {
  // 870150…: the version 01 becomes the float f93c00, which is also 1.
  const bytes = encodeHello(BOB)
  const disguised = fromHex(`87f93c00${toHex(bytes.subarray(2))}`)
  assert.instance(refused(disguised), P2PError)
})

hellos('what no receiver would take is not sent', () => {
  const wrong: Partial<Hello>[] = [
    { boot: new Uint8Array(15) }, { timestampMs: -1 }, { timestampMs: 0.5 }, { addresses: Array(5).fill('ws://a') }, { addresses: ['ws://a b'] },
    { protocols: [{ name: '', version: 1 }] }, { protocols: [{ name: 'a', version: 65_536 }] }, { work: new Uint8Array(65) },
    { protocols: Array.from({ length: 32 }, (_, index) => ({ name: `a name of some length for protocol ${index}`, version: 1 })) },
  ]
  for (const part of wrong) assert.throws(() => encodeHello({ ...BOB, ...part }), (error: unknown) => error instanceof RangeError)
})

function helloArbitrary(): fc.Arbitrary<Hello> {
  const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength, maxLength })
  const address = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)), minLength: 1, maxLength: 125 }).map(rest => `ws:${rest}`)
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 64 }).filter(text => new TextEncoder().encode(text).length <= 64)
  return fc.record({
    boot: bytes(16, 16),
    timestampMs: fc.maxSafeNat(),
    role: fc.constantFrom('node' as const, 'client' as const),
    addresses: fc.array(address, { maxLength: 4 }),
    protocols: fc.array(fc.record({ name, version: fc.nat(0xffff) }, { noNullPrototype: true }), { maxLength: 32 }),
    work: bytes(0, 64),
  }, { noNullPrototype: true })
}

hellos.run()
