import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ILogger } from '../../lib/contracts/logger.ts'
import { deferOn, systemClock } from '../../lib/foundation/clock.ts'
import { textOf } from '../../lib/foundation/error-text.ts'
import { DEFAULT_LIMITS, limitsFrom } from '../../lib/foundation/limits.ts'
import { consoleLogger, named, printable, silentLogger } from '../../lib/foundation/logger.ts'
import { pooledRandom, randomFraction, secureRandom } from '../../lib/foundation/random.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { within } from '../support/until.ts'

const test = suite('clock, randomness, limits and logs')

test('the system clock knows the time, goes forward, and runs what is scheduled unless it is disposed of', async () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1_000)
  const before = systemClock.elapsedMs()
  const ran: string[] = []
  systemClock.schedule(1, () => void ran.push('disposed'))[Symbol.dispose]()
  await within(new Promise<void>(resolve => void systemClock.schedule(5, () => { ran.push('due'); resolve() })), 'the timer')
  assert.equal(ran, ['due'])
  assert.ok(systemClock.elapsedMs() > before)
})

test('what is deferred runs after this turn\'s microtasks, in order', async () => {
  const order: string[] = []
  await within(new Promise<void>(resolve => {
    for (const name of ['first', 'second']) deferOn(systemClock, () => void order.push(name))
    deferOn(systemClock, resolve)
    queueMicrotask(() => void order.push('microtask'))
  }), 'the deferred')
  assert.equal(order, ['microtask', 'first', 'second'])
})

test('a clock that cannot defer is asked for a timer of no time', () => {
  const clock = new ManualClock()
  let ran = 0
  deferOn(clock, () => ran++)
  assert.is(ran, 0)
  clock.advance(0)
  assert.is(ran, 1)
})

test('the platform\'s randomness comes in any length, beyond what one draw gives', () => {
  for (const length of [0, 1, 65_536, 65_537, 200_000]) assert.is(secureRandom(length).length, length)
  const large = secureRandom(200_000)
  for (const offset of [0, 65_536, 131_072, 199_000]) assert.ok(large.subarray(offset, offset + 500).some(byte => byte !== 0))
})

test('a pool hands out each byte once, in order, and draws anew when it is used up', () => {
  let drawn = 0
  const pool = pooledRandom(length => Uint8Array.from({ length }, () => drawn++ & 255))
  const bytes = Array.from({ length: 600 }, () => pool(16)).flatMap(part => [...part])
  assert.ok(bytes.every((byte, index) => byte === (index & 255)))
  const own = pool(16)
  own.fill(0)
  assert.ok(pool(16).some(byte => byte !== 0), 'what was handed out is its owner\'s')
  assert.is(pool(2_000).length, 2_000)
})

test('a fraction lies in [0, 1), ends included only at the lower one', () => {
  assert.is(randomFraction(length => new Uint8Array(length)), 0)
  const most = randomFraction(length => new Uint8Array(length).fill(255))
  assert.ok(most < 1 && most > 0.999_999)
  const drawn = Array.from({ length: 1_000 }, () => randomFraction(secureRandom))
  assert.ok(drawn.every(fraction => fraction >= 0 && fraction < 1))
  const mean = drawn.reduce((sum, fraction) => sum + fraction, 0) / drawn.length
  assert.ok(mean > 0.4 && mean < 0.6, `mean ${mean}`)
})

test('limits are the defaults with one\'s own figures over them, and neither can be changed', () => {
  const limits = limitsFrom({ messagesPerSecond: 5 })
  assert.is(limits.messagesPerSecond, 5)
  assert.is(limits.messagesBurst, DEFAULT_LIMITS.messagesBurst)
  assert.ok(Object.isFrozen(limits) && Object.isFrozen(DEFAULT_LIMITS))
  assert.equal(limitsFrom(), DEFAULT_LIMITS)
})

test('what is no limit, or no number above zero, is refused by name', () => {
  for (const [overrides, text] of [
    [{ mesagesPerSecond: 5 }, /limits\.mesagesPerSecond is not a limit/], [{ toString: 5 }, /limits\.toString is not a limit/], [{ messagesPerSecond: 0 }, /must be a number above 0, got 0/],
    [{ messagesPerSecond: -1 }, /got -1/], [{ messagesPerSecond: NaN }, /got NaN/], [{ messagesPerSecond: '5' }, /got 5/], [{ messagesPerSecond: undefined }, /got undefined/],
  ] as const) assert.throws(() => limitsFrom(overrides as never), (error: Error) => error instanceof RangeError && text.test(error.message))
})

function listening(): { logger: ILogger; lines: unknown[][] } {
  const lines: unknown[][] = []
  const line = (level: string) => (...args: unknown[]) => void lines.push([level, ...args])
  return { logger: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }, lines }
}

test('a room\'s lines bear its name', () => {
  const { logger, lines } = listening()
  const room = named(logger, 'PeerManager')
  room.info('Added peer: ws://a')
  room.error('lost', { code: 1 })
  assert.equal(lines, [['info', '[PeerManager] Added peer: ws://a'], ['error', '[PeerManager] lost', { code: 1 }]])
  assert.is(named(silentLogger, 'P2P'), silentLogger, 'silence needs no name')
  assert.is(consoleLogger(), console)
})

test('no text can begin a line of its own, move a cursor or turn the direction of writing', () => {
  const { logger, lines } = listening()
  printable(logger).warn('a\nb\r\u001b[2J\u0000\u009b\u2028\u202e é 日本 🙂', { kept: 'as\nit is' })
  assert.equal(lines, [['warn', 'a\\u000ab\\u000d\\u001b[2J\\u0000\\u009b\\u2028\\u202e é 日本 🙂', { kept: 'as\nit is' }]])
})

test('whatever was thrown has a text', () => {
  const cases: [unknown, string][] = [
    [new Error('oops'), 'oops'], [new TypeError(''), ''], ['text', 'text'], [undefined, 'undefined'], [null, 'null'], [7, '7'], [Symbol('s'), 'Symbol(s)'],
    [{ toString: null }, 'something that cannot be shown'], [Object.create(null), 'something that cannot be shown'],
    [Object.defineProperty(new Error('x'), 'message', { get: () => { throw new Error('no') } }), 'something that cannot be shown'],
  ]
  for (const [thrown, text] of cases) assert.is(textOf(thrown), text)
})

test.run()
