import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PMessage } from '../../lib/contracts/message.ts'
import { fromUtf8 } from '../../lib/foundation/bytes.ts'
import { P2PProtocol } from '../../lib/wire/p2p-protocol.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { mutation, payload } from './support/arbitraries.ts'
import { note, Person, signed } from './support/people.ts'
import { codeOf, refusal } from './support/refusal.ts'

const clock = new ManualClock()
const protocol = new P2PProtocol({ clock, random: seededRandom('p2p') })

const messages = suite('P2PProtocol')

messages('a message is made whole, with an id of its own and the time', () => {
  const message = protocol.createMessage('greeting', { text: 'hello' }, 'alice')
  const typed: string = message.payload.text
  assert.equal({ ...message, messageId: 'x' }, { type: 'greeting', from: 'alice', payload: { text: 'hello' }, timestamp: clock.now(), messageId: 'x' })
  assert.is(typed, 'hello')
  assert.match(message.messageId, /^[0-9a-f]{32}$/)
  assert.is.not(protocol.createMessage('greeting', 1, 'alice').messageId, message.messageId)
})

messages('options say the rest; what is left undefined is left out', () => {
  const options = { to: 'bob', timestamp: 5, messageId: 'm1', protocol: 'chat', inReplyTo: 'q1', slot: 's' }
  assert.equal(protocol.createMessage('t', null, 'alice', options), { type: 't', from: 'alice', payload: null, ...options })
  assert.equal(Object.keys(protocol.createMessage('t', 1, 'alice', { to: undefined } as object)), ['type', 'from', 'payload', 'timestamp', 'messageId'])
})

messages('works with the machine\'s own clock and randomness', () => {
  const own = new P2PProtocol()
  const ids = new Set(Array.from({ length: 1_000 }, () => own.generateMessageId()))
  assert.is(ids.size, 1_000)
  assert.ok(own.validateMessage(own.createMessage('t', 1, 'alice')))
})

messages('what could not be sent cannot be made', () => {
  assert.is(codeOf(() => protocol.createMessage('', 1, 'alice')), 'ERR_WIRE_UNENCODABLE')
  assert.is(codeOf(() => protocol.createMessage('t', 1, '')), 'ERR_WIRE_UNENCODABLE')
  assert.is(codeOf(() => protocol.createMessage('t', { on: () => 1 }, 'alice')), 'ERR_WIRE_UNENCODABLE')
  assert.is(codeOf(() => protocol.createMessage('t', 1, 'alice', { timestamp: 1.5 })), 'ERR_WIRE_UNENCODABLE')
})

messages('a message comes back from JSON as it was, bytes and bigints included', () => {
  const message = protocol.createMessage('t', { bytes: Uint8Array.of(0, 1, 255), big: 2n ** 60n, none: null, list: [Uint8Array.of(7)] }, 'alice', { to: 'bob' })
  const json = protocol.serialize(message)
  assert.is(typeof JSON.parse(fromUtf8(json)), 'object')
  deepStrictEqual(protocol.deserialize(json), message)
  deepStrictEqual(protocol.deserialize(fromUtf8(json)), message)
})

messages('every payload comes back, but for what JSON turns into something else', () => {
  fc.assert(fc.property(payload, value => {
    const message = protocol.createMessage('t', value, 'alice')
    deepStrictEqual(protocol.deserialize(protocol.serialize(message)).payload, jsonLike(value, true))
  }), { numRuns: 500 })
})

/** JSON has no undefined, NaN, infinities or -0. */
function jsonLike(value: unknown, inArray = false): unknown {
  if (value === undefined) return inArray ? null : undefined
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null
  if (Array.isArray(value)) return value.map(item => jsonLike(item, true))
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => [key, jsonLike(item)]))
}

messages('objects that look like our marks are not taken for them', () => {
  for (const value of [{ $bytes: 'ff' }, { $bigint: '5' }, { $$bytes: 'ff' }, { $: 1 }, { $x: { $bytes: 'ff' } }, { $bytes: 'ff', more: 1 }]) {
    deepStrictEqual(protocol.deserialize(protocol.serialize(protocol.createMessage('t', value, 'alice'))).payload, value)
  }
})

messages('a received message is stored without what proves it', async () => {
  const [alice, bob] = [new Person('alice'), new Person('bob')]
  const message = bob.intake.receiveFrame((await signed(alice, note({ text: 'x' }))).frame, alice.source)
  assert.equal(protocol.deserialize(protocol.serialize(message)), { ...message })
})

messages('a good message is told from others, with words for what is wrong', () => {
  const good: P2PMessage = { type: 't', from: 'alice', payload: 1, timestamp: 5, messageId: 'm' }
  assert.ok(protocol.validateMessage(good))
  assert.is(protocol.explain(good), undefined)
  assert.ok(protocol.validateMessage({ ...good, to: 'bob', protocol: 'p', inReplyTo: 'q', slot: 's', via: 'carol', signature: new Uint8Array(64), frame: new Uint8Array(1) }))
  const { type: _type, ...untyped } = good
  const { payload: _payload, ...empty } = good
  const cases: [unknown, string][] = [
    [null, 'expected a message, got null'], [undefined, 'expected a message, got nothing'], ['text', 'expected a message, got a string'], [[], 'expected a message, got an array'],
    [untyped, 'message.type: expected text, got nothing'], [{ ...good, type: 5 }, 'message.type: expected text, got a number'], [{ ...good, type: '' }, 'message.type: expected text of 1 to 64 bytes, got 0'],
    [{ ...good, type: 'x'.repeat(65) }, 'message.type: expected text of 1 to 64 bytes, got 65'], [{ ...good, from: 5 }, 'message.from: expected text, got a number'], [{ ...good, from: '' }, 'message.from: expected text of at least 1 byte, got 0'],
    [{ ...good, messageId: null }, 'message.messageId: expected text, got null'], [{ ...good, timestamp: '5' }, 'message.timestamp: expected Unix time in whole milliseconds, got a string'],
    [{ ...good, timestamp: 1.5 }, 'message.timestamp: expected Unix time in whole milliseconds, got 1.5'], [{ ...good, timestamp: -1 }, 'message.timestamp: expected Unix time in whole milliseconds, got -1'],
    [empty, 'message.payload: expected a value, got nothing'], [{ ...good, to: 5 }, 'message.to: expected text, got a number'], [{ ...good, protocol: '' }, 'message.protocol: expected text of 1 to 64 bytes, got 0'],
    [{ ...good, inReplyTo: {} }, 'message.inReplyTo: expected text, got a object'], [{ ...good, slot: 'x'.repeat(129) }, 'message.slot: expected text of 1 to 128 bytes, got 129'], [{ ...good, signature: 'ff' }, 'message.signature: expected bytes, got a string'],
  ]
  for (const [value, problem] of cases) {
    assert.not.ok(protocol.validateMessage(value))
    assert.is(protocol.explain(value), problem)
  }
})

messages('text that is no message is refused with what was expected and what came', () => {
  const cases: [string | Uint8Array, string][] = [
    ['', 'as JSON'], ['{', 'as JSON'], ['null', 'expected a message, got null'], ['[]', 'got an array'], ['{}', 'message.type: expected text, got nothing'],
    [Uint8Array.of(0xff), 'as JSON'], ['{"$bytes":5}', 'marked'], ['{"$bytes":"f"}', 'hex'], ['{"$bigint":"x"}', 'marked'], ['{"$other":1}', 'marked'], ['['.repeat(100_000), 'as JSON'],
    ['{"type":"t","from":"a","timestamp":1,"messageId":"m","payload":{"__proto__":1}}', '__proto__'],
  ]
  for (const [text, reason] of cases) {
    const error = refusal(() => protocol.deserialize(text))
    assert.is(error.code, 'ERR_WIRE_MALFORMED', String(text).slice(0, 50))
    assert.ok(error.message.includes(reason), error.message)
  }
})

messages('changed text is refused or read, and never crashes', () => {
  const json = protocol.serialize(protocol.createMessage('t', { a: [1, { b: Uint8Array.of(1) }], c: 5n ** 25n }, 'alice'))
  fc.assert(fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), mutations => {
    const code = codeOf(() => protocol.deserialize(mutations.reduce((from, mutate) => mutate(from), json)))
    assert.ok(code === undefined || code === 'ERR_WIRE_MALFORMED', code)
  }), { numRuns: 2_000 })
})

messages('a message that is too large is known before it is sent', async () => {
  const large = protocol.createMessage('t', new Uint8Array(98_304), 'alice')
  const small = protocol.createMessage('t', new Uint8Array(97_000), 'alice')
  assert.equal([protocol.validateMessageSize(small), protocol.validateMessageSize(large)], [true, false])
  assert.equal([protocol.validateMessageSize(small, 1_000), protocol.validateMessageSize(large, 200_000)], [false, true])
  assert.is(codeOf(() => protocol.serialize(large)), 'ERR_WIRE_FRAME_TOO_LARGE')
  assert.is(codeOf(() => protocol.deserialize(JSON.stringify({ type: 't', from: 'a', timestamp: 1, messageId: 'm', payload: 'x'.repeat(98_304) }))), 'ERR_WIRE_FRAME_TOO_LARGE')
  assert.is(codeOf(() => protocol.deserialize('x'.repeat(600_000))), 'ERR_WIRE_FRAME_TOO_LARGE')
})

messages('the size is that of the signed frame, or a few bytes more', async () => {
  const alice = new Person('alice')
  const message = protocol.createMessage('note', { text: 'x'.repeat(1_000) }, alice.id, { protocol: 'chat', inReplyTo: 'q', slot: 's' })
  const { payload: body, messageId, timestamp } = message
  const { size } = await signed(alice, note(body, { protocol: 'chat', inReplyTo: 'q', slot: 's', messageId, timestamp }))
  assert.ok(protocol.messageSize(message) >= size && protocol.messageSize(message) <= size + 32, `${protocol.messageSize(message)} for ${size}`)
})

messages.run()
