import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AsyncQueue } from '../../lib/foundation/async-queue.ts'

const test = suite('async queue')

async function readAll<T>(queue: AsyncQueue<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of queue) values.push(value)
  return values
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(() => undefined, (error: unknown) => error)
}

test('values come out in the order they went in, and then it ends', async () => {
  const queue = new AsyncQueue<number>()
  for (let value = 0; value < 1000; value++) queue.push(value)
  queue.end()
  assert.equal(await readAll(queue), Array.from({ length: 1000 }, (_, value) => value))
  assert.equal(await queue.next(), { done: true, value: undefined })
})

test('order holds when pushing and reading take turns, far beyond one stride', async () => {
  const queue = new AsyncQueue<number>()
  let pushed = 0
  let read = 0
  while (read < 5000) {
    for (let i = 0; i < 7; i++) queue.push(pushed++)
    for (let i = 0; i < 5; i++) assert.is((await queue.next()).value, read++)
  }
  assert.is(queue.count, pushed - read)
})

test('a waiting reader is handed the next value without it being stored', async () => {
  const queue = new AsyncQueue<string>({ countHigh: 1 })
  const next = queue.next()
  assert.is(queue.push('a'), true)
  assert.is(queue.count, 0)
  assert.equal(await next, { done: false, value: 'a' })
})

test('an error is met once, after the values before it, and then it has ended', async () => {
  const queue = new AsyncQueue<string>()
  queue.push('a')
  const broke = new Error('broke')
  queue.fail(broke)
  queue.fail(new Error('a later one'))
  assert.is((await queue.next()).value, 'a')
  assert.is(await rejection(queue.next()), broke)
  assert.is((await queue.next()).done, true)
})

test('a waiting reader is told of the end, and of an error', async () => {
  const ending = new AsyncQueue<string>()
  const ended = ending.next()
  ending.end()
  assert.is((await ended).done, true)

  const failing = new AsyncQueue<string>()
  const failed = rejection(failing.next())
  const broke = new Error('broke')
  failing.fail(broke)
  assert.is(await failed, broke)
  assert.is((await failing.next()).done, true)
})

test('what is pushed after the end is ignored', async () => {
  const queue = new AsyncQueue<string>()
  queue.end()
  assert.is(queue.push('late'), false)
  queue.fail(new Error('late'))
  assert.equal(await readAll(queue), [])
})

test('it is full at its count, and has room again at half', async () => {
  let rooms = 0
  const queue = new AsyncQueue<number>({ countHigh: 4, onRoom: () => { rooms++ } })
  assert.equal([1, 2, 3, 4].map(value => queue.push(value)), [true, true, true, false])
  assert.is(queue.full, true)
  await queue.next()
  assert.is(rooms, 0)
  await queue.next()
  assert.is(rooms, 1)
  assert.is(queue.full, false)
  await queue.next()
  assert.is(rooms, 1)
})

test('it is full at its bytes, whichever bound comes first', async () => {
  let rooms = 0
  const queue = new AsyncQueue<Uint8Array>({ sizeOf: value => value.length, sizeHigh: 100, countHigh: 64, onRoom: () => { rooms++ } })
  assert.is(queue.push(new Uint8Array(60)), true)
  assert.is(queue.push(new Uint8Array(60)), false)
  assert.is(queue.size, 120)
  await queue.next()
  assert.is(rooms, 0)
  await queue.next()
  assert.is(rooms, 1)
  assert.is(queue.size, 0)
})

test('a producer that pauses when told and goes on from onRoom loses nothing and stays bounded', async () => {
  let pushed = 0
  let countMost = 0
  const produce = (): void => {
    while (pushed < 100 && queue.push(pushed++));
    countMost = Math.max(countMost, queue.count)
    if (pushed === 100) queue.end()
  }
  const queue: AsyncQueue<number> = new AsyncQueue({ countHigh: 4, onRoom: produce })
  produce()
  assert.equal(await readAll(queue), Array.from({ length: 100 }, (_, value) => value))
  assert.is(countMost, 4)
})

test('clearing drops what waits and an error nobody met', async () => {
  const queue = new AsyncQueue<Uint8Array>({ sizeOf: value => value.length, sizeHigh: 1 })
  queue.push(new Uint8Array(9))
  queue.fail(new Error('unmet'))
  queue.clear()
  assert.equal([queue.count, queue.size, queue.full], [0, 0, false])
  assert.is((await queue.next()).done, true)
})

test('leaving a loop early keeps the rest for the next loop', async () => {
  const queue = new AsyncQueue<number>()
  for (const value of [1, 2, 3]) queue.push(value)
  queue.end()
  for await (const value of queue) {
    assert.is(value, 1)
    break
  }
  assert.equal(await readAll(queue), [2, 3])
})

test('a second reader at the same time is refused and the first is unharmed', async () => {
  const queue = new AsyncQueue<string>()
  const first = queue.next()
  assert.instance(await rejection(queue.next()), TypeError)
  queue.push('a')
  assert.is((await first).value, 'a')
})

test.run()
