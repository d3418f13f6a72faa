import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sleep, withDeadline } from '../../lib/foundation/deadline.ts'
import { ManualClock } from '../support/manual-clock.ts'

const test = suite('deadline')

const never = (): Promise<never> => new Promise(() => {})
const rejection = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => error)

/** An AbortSignal that counts its listeners. */
function watchedSignal(): { controller: AbortController; listeners: () => number } {
  const controller = new AbortController()
  let count = 0
  const { signal } = controller
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => { count++; add(...args) }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => { count--; remove(...args) }
  return { controller, listeners: () => count }
}

test('work that ends in time is what comes back, and nothing stays set', async () => {
  const clock = new ManualClock()
  const { controller, listeners } = watchedSignal()
  const work = withDeadline(clock, { signal: controller.signal, timeoutMs: 50 }, async () => 'done', { what: 'work' })
  assert.is(await work, 'done')
  assert.is(clock.timers, 0)
  assert.is(listeners(), 0)
})

test('work that fails rejects with its own error, and nothing stays set', async () => {
  const clock = new ManualClock()
  const { controller, listeners } = watchedSignal()
  const broke = new Error('broke')
  const options = { signal: controller.signal, timeoutMs: 50 }
  assert.is(await rejection(withDeadline(clock, options, () => Promise.reject(broke), { what: 'work' })), broke)
  assert.is(await rejection(withDeadline(clock, options, () => { throw broke }, { what: 'work' })), broke)
  assert.is(clock.timers, 0)
  assert.is(listeners(), 0)
})

test('a timeout is a TimeoutError that says what was waited for and how long', async () => {
  const clock = new ManualClock()
  let seen: AbortSignal | undefined
  const work = rejection(withDeadline(clock, { timeoutMs: 50 }, signal => { seen = signal; return never() }, { what: 'dialling ws://bob' }))
  clock.advance(49)
  assert.is(seen?.aborted, false)
  clock.advance(1)
  const error = await work
  assert.instance(error, DOMException)
  assert.is((error as DOMException).name, 'TimeoutError')
  assert.is((error as DOMException).message, 'gave up after 50 ms: dialling ws://bob')
  assert.is(seen?.reason, error)
  assert.is(clock.timers, 0)
})

test('the default applies where the caller named no time, and never over it', async () => {
  const clock = new ManualClock()
  const byDefault = rejection(withDeadline(clock, undefined, never, { defaultTimeoutMs: 10, what: 'a' }))
  const byCaller = rejection(withDeadline(clock, { timeoutMs: 20 }, never, { defaultTimeoutMs: 10, what: 'b' }))
  clock.advance(10)
  assert.match(String(await byDefault), 'after 10 ms')
  assert.is(clock.timers, 1)
  clock.advance(10)
  assert.match(String(await byCaller), 'after 20 ms')
})

test('without any time there is no timer, nor for one longer than timers can hold', async () => {
  const clock = new ManualClock()
  void withDeadline(clock, {}, never, { what: 'work' })
  void withDeadline(clock, { timeoutMs: Infinity }, never, { defaultTimeoutMs: 10, what: 'work' })
  void withDeadline(clock, { timeoutMs: 2 ** 31 }, never, { what: 'work' })
  assert.is(clock.timers, 0)
})

test('a time that is no time is the caller\'s mistake', async () => {
  for (const timeoutMs of [-1, Number.NaN]) {
    assert.instance(await rejection(withDeadline(new ManualClock(), { timeoutMs }, never, { what: 'work' })), RangeError)
  }
})

test('cancelling rejects with the reason untouched, even one that is no error', async () => {
  for (const reason of [new Error('changed my mind'), 'a word', undefined]) {
    const clock = new ManualClock()
    const { controller, listeners } = watchedSignal()
    let seen: AbortSignal | undefined
    const work = rejection(withDeadline(clock, { signal: controller.signal, timeoutMs: 50 }, signal => { seen = signal; return never() }, { what: 'work' }))
    controller.abort(reason)
    assert.is(await work, controller.signal.reason)
    assert.is(seen?.reason, controller.signal.reason)
    assert.is(clock.timers, 0)
    assert.is(listeners(), 0)
  }
})

test('a signal aborted before rejects at once and the work is not begun', async () => {
  const reason = new Error('too late')
  let begun = false
  const work = withDeadline(new ManualClock(), { signal: AbortSignal.abort(reason) }, async () => { begun = true }, { what: 'work' })
  assert.is(await rejection(work), reason)
  assert.is(begun, false)
})

test('work that fails after the deadline disturbs nobody', async () => {
  const clock = new ManualClock()
  const work = rejection(withDeadline(clock, { timeoutMs: 1 }, signal => new Promise((_, reject) => {
    signal.addEventListener('abort', () => queueMicrotask(() => reject(new Error('late'))))
  }), { what: 'work' }))
  clock.advance(1)
  assert.is((await work as DOMException).name, 'TimeoutError')
})

test('sleep ends when its time has come', async () => {
  const clock = new ManualClock()
  let woke = false
  const sleeping = sleep(clock, 30).then(() => { woke = true })
  clock.advance(29)
  await Promise.resolve()
  assert.is(woke, false)
  clock.advance(1)
  await sleeping
  assert.is(woke, true)
})

test('sleep that is cancelled rejects with the reason and leaves no timer', async () => {
  const clock = new ManualClock()
  const controller = new AbortController()
  const sleeping = rejection(sleep(clock, 30, controller.signal))
  const reason = new Error('wake up')
  controller.abort(reason)
  assert.is(await sleeping, reason)
  assert.is(clock.timers, 0)
})

test.run()
