import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sleep, withDeadline } from '../../lib/foundation/deadline.ts'
import { VirtualClock } from '../../lib/testing/virtual-clock.ts'

const test = suite('virtual clock')

test('what is due first happens first, and of one moment what was asked for first', async () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  for (const [name, delayMs] of [['c', 20], ['a', 10], ['d', 20], ['b', 10], ['now', 0]] as const) clock.schedule(delayMs, () => void seen.push(`${name} ${clock.elapsedMs()}`))
  await clock.run({ forMs: 100 })
  assert.equal(seen, ['now 0', 'a 10', 'b 10', 'c 20', 'd 20'])
  assert.is(clock.elapsedMs(), 100)
})

test('ten thousand timers of a few hundred moments run in order', async () => {
  const clock = new VirtualClock()
  const seen: [number, number][] = []
  for (let index = 0; index < 10_000; index++) {
    const dueMs = (index * 7_919) % 331
    clock.schedule(dueMs, () => void seen.push([dueMs, index]))
  }
  await clock.runToEnd()
  assert.is(seen.length, 10_000)
  assert.equal(seen, [...seen].sort((a, b) => a[0] - b[0] || a[1] - b[1]))
})

test('what is deferred runs before any timer of the same moment', async () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  clock.schedule(5, () => {
    seen.push('timer')
    clock.defer(() => void seen.push('deferred'))
  })
  clock.schedule(5, () => void seen.push('second timer'))
  await clock.run({ forMs: 10 })
  assert.equal(seen, ['timer', 'deferred', 'second timer'])
})

test('a disposed timer never runs, and disposing twice is harmless', async () => {
  const clock = new VirtualClock()
  const node = clock.clockFor('alice')
  let ran = 0
  for (const timer of [clock.schedule(5, () => ran++), node.schedule(5, () => ran++)]) {
    timer[Symbol.dispose]()
    timer[Symbol.dispose]()
  }
  assert.is(node.timers, 0)
  assert.is(clock.pending, 0)
  await clock.run({ forMs: 10 })
  assert.is(ran, 0)
})

test('a million timers that are set and disposed leave no memory behind', async () => {
  const clock = new VirtualClock()
  let left = 20
  const churn = (): void => {
    for (let index = 0; index < 50_000; index++) clock.schedule(60_000, () => {})[Symbol.dispose]()
    if (--left > 0) clock.schedule(1, churn)
  }
  churn()
  await clock.run({ forMs: 100 })
  assert.is(clock.pending, 0)
  assert.ok(clock.held < 10_000, `${clock.held} events are still held`)
})

test('promises settled by an event run to their end before the next, a chain of fifty and one of a thousand', async () => {
  for (const depth of [50, 1_000]) {
    const clock = new VirtualClock()
    const seen: string[] = []
    const chain = async (name: string): Promise<void> => {
      for (let link = 0; link < depth; link++) await Promise.resolve()
      seen.push(`${name} at ${clock.elapsedMs()}`)
    }
    clock.schedule(1, () => void chain('first'))
    clock.schedule(1, () => void seen.push('between'))
    clock.schedule(2, () => void chain('second'))
    clock.schedule(2.5, () => void seen.push('last'))
    await clock.run({ forMs: 10 })
    assert.equal(seen, ['first at 1', 'between', 'second at 2', 'last'])
  }
})

test('microtasks that queue microtasks, thenables and async iteration settle as well', async () => {
  const clock = new VirtualClock()
  const seen: string[] = []
  async function* three(): AsyncGenerator<number> {
    for (let value = 0; value < 3; value++) yield value
  }
  clock.schedule(1, () => {
    void (async () => {
      for await (const value of three()) seen.push(`${value}`)
      await ({ then: (resolve: () => void) => queueMicrotask(() => queueMicrotask(resolve)) } as unknown as PromiseLike<void>)
      seen.push('thenable')
    })()
  })
  clock.schedule(1, () => void seen.push('next event'))
  await clock.run({ forMs: 2 })
  assert.equal(seen, ['0', '1', '2', 'thenable', 'next event'])
})

test('real time does not pass into the world: an hour takes no longer than its events', async () => {
  const clock = new VirtualClock()
  const started = performance.now()
  await clock.drive(sleep(clock, 3_600_000))
  assert.is(clock.elapsedMs(), 3_600_000)
  assert.ok(performance.now() - started < 5_000)
})

test('a node\'s wall clock may be ahead, behind and jump, while its timers keep time', async () => {
  const clock = new VirtualClock({ startMs: 1_000_000 })
  const alice = clock.clockFor('alice', { skewMs: 500 })
  const bob = clock.clockFor('bob', { skewMs: -250 })
  assert.equal([clock.now(), alice.now(), bob.now()], [1_000_000, 1_000_500, 999_750])
  let firedAtMs = -1
  alice.schedule(1_000, () => { firedAtMs = alice.elapsedMs() })
  await clock.run({ forMs: 400 })
  alice.jump(-600_000)
  assert.is(alice.now(), 1_000_000 + 400 + 500 - 600_000)
  assert.is(alice.elapsedMs(), 400)
  await clock.run({ forMs: 600 })
  assert.is(firedAtMs, 1_000)
})

test('now is a whole number of milliseconds, whatever the moment', async () => {
  const clock = new VirtualClock()
  const alice = clock.clockFor('alice', { skewMs: 0.75 })
  await clock.run({ forMs: 0.6 })
  assert.ok(Number.isInteger(clock.now()) && Number.isInteger(alice.now()))
})

test('a stalled node does everything later, in the same order, and the others do not wait', async () => {
  const clock = new VirtualClock()
  const [alice, bob] = [clock.clockFor('alice'), clock.clockFor('bob')]
  const seen: string[] = []
  const note = (who: string) => (): void => void seen.push(`${who} ${clock.elapsedMs()}`)
  alice.schedule(10, note('alice 1'))
  alice.schedule(30, note('alice 2'))
  alice.schedule(200, note('alice 3'))
  bob.schedule(20, note('bob'))
  alice.stall(100)
  await clock.run({ forMs: 300 })
  assert.equal(seen, ['bob 20', 'alice 1 100', 'alice 2 100', 'alice 3 200'])
})

test('nothing happens to a node that has ended, and it holds no timers', async () => {
  const clock = new VirtualClock()
  const alice = clock.clockFor('alice')
  let ran = 0
  alice.schedule(10, () => ran++)
  alice.defer(() => ran++)
  alice.end()
  alice.schedule(10, () => ran++)
  assert.is(alice.timers, 0)
  assert.is(clock.pending, 0)
  await clock.run({ forMs: 100 })
  assert.is(ran, 0)
})

test('a predicate is asked after each event, and time stops where it holds', async () => {
  const clock = new VirtualClock()
  let count = 0
  const tick = (): void => {
    count++
    clock.schedule(10, tick)
  }
  tick()
  assert.is(await clock.runUntil(() => count === 5, { withinMs: 1_000 }), true)
  assert.is(clock.elapsedMs(), 40)
  assert.is(await clock.runUntil(() => count === 1_000_000, { withinMs: 100 }), false)
  assert.is(clock.elapsedMs(), 140)
})

test('a promise is driven to its end, with its value or its reason', async () => {
  const clock = new VirtualClock()
  assert.is(await clock.drive((async () => { await sleep(clock, 500); return 'done' })()), 'done')
  assert.is(clock.elapsedMs(), 500)
  const error = await clock.drive(withDeadline(clock, { timeoutMs: 70 }, () => new Promise(() => {}), { what: 'nothing' })).catch((reason: Error) => reason)
  assert.is((error as Error).name, 'TimeoutError')
  assert.is(clock.elapsedMs(), 570)
})

test('several promises may be driven at once', async () => {
  const clock = new VirtualClock()
  await Promise.all([clock.drive(sleep(clock, 30)), clock.drive(sleep(clock, 90)), clock.drive(sleep(clock, 60))])
  assert.is(clock.elapsedMs(), 90)
})

test('waiting for what can never come says so instead of hanging', async () => {
  const clock = new VirtualClock()
  const never = new Promise(() => {})
  const error = await clock.drive(never).catch((reason: Error) => reason)
  assert.match((error as Error).message, /nothing is left to happen/)
  clock.schedule(1_000, () => {})
  const late = await clock.drive(never, { withinMs: 10 }).catch((reason: Error) => reason)
  assert.match((late as Error).message, /still waiting after 10 ms/)
})

test('an event that throws ends the run with its error, and the next run goes on after it', async () => {
  const clock = new VirtualClock()
  const boom = new Error('boom')
  let later = false
  clock.schedule(1, () => { throw boom })
  clock.schedule(2, () => { later = true })
  assert.is(await clock.run({ forMs: 10 }).catch((reason: Error) => reason), boom)
  assert.is(later, false)
  await clock.run({ forMs: 10 })
  assert.is(later, true)
})

test('time cannot be let pass from inside the world', async () => {
  const clock = new VirtualClock()
  let refusal: Promise<Error | void> | undefined
  clock.schedule(1, () => { refusal = clock.run({ forMs: 5 }).catch((reason: Error) => reason) })
  await clock.run({ forMs: 10 })
  assert.match(((await refusal) as Error).message, /time is passing already/)
})

test('events that ask for others without end or delay are found out', async () => {
  const clock = new VirtualClock()
  const again = (): void => clock.defer(again)
  again()
  const error = await clock.run({ forMs: 10 }).catch((reason: Error) => reason)
  assert.match((error as Error).message, /time stands still at 0 ms/)
})

test('a delay that is no number of milliseconds counts as none', async () => {
  const clock = new VirtualClock()
  let ran = 0
  for (const delayMs of [-5, Number.NaN, 0]) clock.schedule(delayMs, () => ran++)
  await clock.run({ forMs: 0 })
  assert.is(ran, 3)
})

test.run()
