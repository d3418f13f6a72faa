import Type from 'typebox'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Bytes } from '../../lib/protocol-kit/bytes.ts'
import { defineProtocol } from '../../lib/protocol-kit/define-protocol.ts'
import { loadPayloadChecker, PayloadChecks } from '../../lib/protocol-kit/payload-check.ts'

const test = suite('declaring a protocol')

const word = Type.Object({ text: Type.String() })

test('what was declared reads back, and cannot be changed', () => {
  const chat = defineProtocol({ name: 'chat', version: 3, auth: { say: 'channel' }, messageBytesMax: 200_000, messages: { say: word }, requests: { ask: { request: word, reply: word } } })
  assert.equal([chat.name, chat.version, chat.auth, chat.messageBytesMax, Object.keys(chat.messages), Object.keys(chat.requests)], ['chat', 3, { say: 'channel' }, 200_000, ['say'], ['ask']])
  assert.ok(Object.isFrozen(chat))
  assert.equal(defineProtocol({ name: 'chat', version: 0, messages: {} }).requests, {})
  assert.equal(defineProtocol({ name: 'chat', version: 0, messages: {}, requests: undefined } as never).requests, {})
})

test('what the wire could not carry, or nobody could mean, is refused where it is written', () => {
  const good = { name: 'chat', version: 1, messages: { say: word } }
  const cases: [unknown, typeof TypeError | typeof RangeError, RegExp][] = [
    [null, TypeError, /expected a definition \{ name, version, messages \}, got null/],
    ['chat', TypeError, /got string/],
    [{ ...good, name: undefined }, TypeError, /name and types are texts, got undefined/],
    [{ ...good, name: '' }, RangeError, /1 to 64 bytes of UTF-8, got ""/],
    [{ ...good, name: 'ü'.repeat(33) }, RangeError, /1 to 64 bytes of UTF-8/],
    [{ ...good, messages: undefined }, TypeError, /chat: messages must be an object of schemas by type, got undefined/],
    [{ ...good, messages: { '': word } }, RangeError, /1 to 64 bytes/],
    [{ ...good, messages: { ['x'.repeat(65)]: word } }, RangeError, /1 to 64 bytes/],
    [{ ...good, messages: { say: 'text' } }, TypeError, /chat: 'say' needs a typebox schema, got string/],
    [{ ...good, messages: { say: undefined } }, TypeError, /chat: 'say' needs a typebox schema, got undefined/],
    [{ ...good, messages: { error: word } }, RangeError, /'error' is the wire's own/],
    [{ ...good, requests: { error: { request: word, reply: word } } }, RangeError, /'error' is the wire's own/],
    [{ ...good, requests: null }, TypeError, /requests must be an object/],
    [{ ...good, requests: { say: { request: word, reply: word } } }, RangeError, /'say' is both a message and a request/],
    [{ ...good, requests: { ask: { request: word } } }, TypeError, /'ask\.reply' needs a typebox schema/],
    [{ ...good, requests: { ask: undefined } }, TypeError, /'ask\.request' needs a typebox schema/],
    [{ ...good, version: -1 }, RangeError, /version must be a whole number from 0 to 65535, got -1/],
    [{ ...good, version: 1.5 }, RangeError, /got 1\.5/],
    [{ ...good, version: 65_536 }, RangeError, /got 65536/],
    [{ ...good, version: '1' }, RangeError, /version/],
    [{ ...good, auth: 'chanel' }, RangeError, /auth is 'signature' or 'channel', got "chanel"/],
    [{ ...good, auth: { say: 'none' } }, RangeError, /got "none" for 'say'/],
    [{ ...good, auth: { sya: 'channel' } }, RangeError, /auth names 'sya', which is none of its types/],
    [{ ...good, messageBytesMax: 0 }, RangeError, /messageBytesMax must be a number from 1 to 1048576, got 0/],
    [{ ...good, messageBytesMax: 1_048_577 }, RangeError, /got 1048577/],
    [{ ...good, messageBytesMax: NaN }, RangeError, /got NaN/],
  ]
  for (const [definition, kind, text] of cases) {
    assert.throws(() => defineProtocol(definition as never), (error: Error) => {
      assert.instance(error, kind, error.message)
      assert.match(error.message, text)
      return true
    })
  }
})

test('a word is a name like any other, even one that every object knows', async () => {
  await loadPayloadChecker()
  const odd = defineProtocol({ name: 'odd', version: 1, messages: { constructor: word, toString: word } })
  const checks = new PayloadChecks(odd)
  assert.ok(checks.message('constructor').fits({ text: 'a' }))
  assert.not.ok(checks.message('constructor').fits({ text: 1 }))
  for (const type of ['valueOf', '__proto__', 'hasOwnProperty', 'nothing']) {
    assert.throws(() => checks.message(type), (error: Error) => error instanceof TypeError && error.message.includes(`odd has no message '${type}'`))
    assert.throws(() => checks.request(type), /has no request/)
    assert.throws(() => checks.reply(type), /has no reply/)
  }
})

test('Bytes fits a Uint8Array whose length lies in the range, and nothing that looks like one', async () => {
  await loadPayloadChecker()
  const checks = new PayloadChecks(defineProtocol({
    name: 'bytes', version: 1, messages: { any: Bytes(), key: Bytes({ min: 32, max: 32 }), some: Bytes({ min: 1 }), few: Type.Object({ data: Bytes({ max: 4 }) }) },
  }))
  const size = (length: number): Uint8Array => new Uint8Array(length)
  const cases: [string, unknown, boolean][] = [
    ['any', size(0), true], ['any', size(100_000), true], ['any', [1, 2], false], ['any', 'ab', false], ['any', null, false], ['any', { length: 3 }, false],
    ['any', new Uint16Array(2), false], ['any', new ArrayBuffer(2), false], ['any', Buffer.from('ab'), true],
    ['key', size(31), false], ['key', size(32), true], ['key', size(33), false], ['some', size(0), false], ['some', size(1), true],
    ['few', { data: size(4) }, true], ['few', { data: size(5) }, false], ['few', {}, false], ['few', { data: 'abcd' }, false],
  ]
  for (const [type, payload, fits] of cases) assert.is(checks.message(type).fits(payload), fits, `${type} ${Object.prototype.toString.call(payload)}`)
  assert.match(checks.message('key').why(size(3)), /must be a Uint8Array of 32 to 32 bytes/)
  assert.match(checks.message('few').why({ data: size(5) }), /\/data .*0 to 4 bytes/)
})

test('a schema says in words what is wrong', async () => {
  await loadPayloadChecker()
  const checks = new PayloadChecks(defineProtocol({ name: 'w', version: 1, messages: { say: Type.Object({ n: Type.Integer({ maximum: 5 }) }), yes: Type.Literal(true) } }))
  assert.match(checks.message('say').why({ n: 6 }), /\/n must be <= 5/)
  assert.match(checks.message('yes').why(false), /the payload /)
  assert.is(checks.message('say'), checks.message('say'), 'compiled once')
})

test.run()
