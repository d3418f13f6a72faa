import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Machines, numbered, numberOf, type Arrived } from './support/two-machines.ts'

const test = suite('simulated network')

const numbers = (arrived: readonly Arrived[]): number[] => arrived.map(numberOf)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

test('a frame takes the latency of its line, the same both ways', async () => {
  const world = new Machines()
  const { a, b } = await world.ends()
  const [atBob, atAlice] = [world.read(b), world.read(a)]
  const startMs = world.clock.elapsedMs()
  await a.send(numbered(1, 100))
  await b.send(numbered(2, 100))
  await world.clock.run({ forMs: 1_000 })
  assert.equal([atBob[0]!.atMs - startMs, atAlice[0]!.atMs - startMs], [50, 50])
})

test('jitter spreads arrivals and never changes their order', async () => {
  const world = new Machines({ jitterMs: 200 })
  const { a, b } = await world.ends()
  const seen = world.read(b)
  for (let number = 0; number < 50; number++) {
    await a.send(numbered(number, 100))
    await world.clock.run({ forMs: 100 })
  }
  await world.clock.run({ forMs: 1_000 })
  assert.equal(numbers(seen), upTo(50))
  const gaps = seen.slice(1).map(({ atMs }, index) => atMs - seen[index]!.atMs)
  assert.ok(Math.max(...gaps) > 120 && Math.min(...gaps) < 80, 'arrivals are spread')
})

test('loss makes frames late, not missing: each retransmission takes 200 ms and twice as long the next time', async () => {
  const world = new Machines({ lossRate: 0.3 })
  const { a, b } = await world.ends()
  const seen = world.read(b)
  const sentAtMs: number[] = []
  for (let number = 0; number < 200; number++) {
    sentAtMs.push(world.clock.elapsedMs())
    await a.send(numbered(number, 100))
    await world.clock.run({ forMs: 5_000 })
  }
  await world.clock.run({ forMs: 120_000 })
  assert.equal(numbers(seen), upTo(200))
  const lateMs = seen.map(({ atMs }, index) => Math.round(atMs - sentAtMs[index]! - 50))
  const late = lateMs.filter(ms => ms > 0).length
  assert.ok(late > 40 && late < 80, `${late} of 200 at 30%`)
  for (const ms of [0, 200, 600]) assert.ok(lateMs.includes(ms), `none was ${ms} ms late`)
})

test('a heavy tail reaches seconds, and holds up what is behind', async () => {
  const world = new Machines({ tailRate: 0.1, tailMsMax: 5_000 })
  const { a, b } = await world.ends()
  const seen = world.read(b)
  await world.sendNumbered(a, 300)
  await world.clock.run({ forMs: 60_000 })
  assert.equal(numbers(seen), upTo(300))
  assert.ok(seen.at(-1)!.atMs > 2_000)
})

test('a narrow line carries 10 kB a second', async () => {
  const world = new Machines({ bytesPerSecond: 10_000 })
  const { a, b } = await world.ends()
  const seen = world.read(b)
  const startMs = world.clock.elapsedMs()
  await world.clock.drive(world.sendNumbered(a, 10, 10_000 - 64))
  await world.clock.run({ forMs: 60_000 })
  assert.equal(seen.map(({ atMs }) => Math.round(atMs - startMs)), upTo(10).map(index => 1_000 * (index + 1) + 50))
})

test('where frames vanish they are gone, and the sender never knows', async () => {
  const world = new Machines({ vanishRate: 0.2 })
  const { a, b } = await world.ends()
  const seen = world.read(b)
  await world.clock.drive(world.sendNumbered(a, 500, 10_000))
  await world.clock.run({ forMs: 1_000 })
  assert.ok(seen.length > 350 && seen.length < 450, `${seen.length} of 500 at 20%`)
})

test('hands on the path send frames twice, late, changed and cut', async () => {
  const doubled = await arrivals({ duplicateRate: 0.1 })
  assert.ok(doubled.length > 200 && new Set(numbers(doubled)).size === 200)

  const late = numbers(await arrivals({ reorderRate: 0.1 }))
  assert.equal([...late].sort((x, y) => x - y), upTo(200))
  assert.not.equal(late, upTo(200))

  const changed = await arrivals({ corruptRate: 0.1 })
  assert.is(changed.length, 200)
  const wrong = changed.filter(({ frame }, index) => frame.some((byte, at) => byte !== numbered(index, 100)[at]))
  assert.ok(wrong.length > 5 && wrong.length < 40, `${wrong.length}`)

  const cut = await arrivals({ truncateRate: 0.1 })
  assert.is(cut.length, 200)
  const short = cut.filter(({ frame }) => frame.length < 100)
  assert.ok(short.length > 5 && short.length < 40, `${short.length}`)
})

async function arrivals(quality: ConstructorParameters<typeof Machines>[0]): Promise<Arrived[]> {
  const world = new Machines(quality)
  const { a, b } = await world.ends()
  const seen = world.read(b)
  for (let number = 0; number < 200; number++) {
    await a.send(numbered(number, 100))
    await world.clock.run({ forMs: 10 })
  }
  await world.clock.run({ forMs: 5_000 })
  return seen
}

test('a reset breaks both ends, and the frame that met it is gone', async () => {
  const world = new Machines({ resetRate: 1 })
  const { a, b } = await world.ends()
  const [atBob, atAlice] = [world.read(b), world.read(a)]
  await a.send(numbered(1, 100))
  await world.clock.run({ forMs: 1_000 })
  assert.equal([atBob.length, atBob.end, atAlice.end], [0, 'ERR_TRANSPORT_CHANNEL_BROKEN', 'ERR_TRANSPORT_CHANNEL_BROKEN'])
  assert.equal([world.alice.host.channels.size, world.bob.host.channels.size], [0, 0])
})

test('a one-way cut holds up one direction; mended, everything comes in order', async () => {
  const world = new Machines()
  const { a, b } = await world.ends()
  const [atBob, atAlice] = [world.read(b), world.read(a)]
  const cut = world.network.impose({ cut: true, applies: from => from === world.alice.host })
  await world.sendNumbered(a, 5)
  await world.sendNumbered(b, 5)
  await world.clock.run({ forMs: 30_000 })
  assert.equal([numbers(atBob), numbers(atAlice)], [[], upTo(5)])
  cut[Symbol.dispose]()
  await world.clock.run({ forMs: 2_000 })
  assert.equal(numbers(atBob), upTo(5))
  await world.sendNumbered(a, 1)
  await world.clock.run({ forMs: 100 })
  assert.is(atBob.length, 6)
})

test('whose confirmations do not come back can send no more than the window', async () => {
  const world = new Machines()
  const { a, b } = await world.ends()
  const seen = world.read(b)
  const cut = world.network.impose({ cut: true, applies: from => from === world.bob.host })
  let sent = 0
  void (async () => {
    for (; sent < 100; sent++) await a.send(numbered(sent, 10_000))
  })()
  await world.clock.run({ forMs: 10_000 })
  assert.ok(sent > 20 && sent < 30, `${sent} frames of 10 kB in a window of 256 KiB`)
  assert.is(seen.length, sent + 1, 'they did arrive')
  cut[Symbol.dispose]()
  await world.clock.run({ forMs: 60_000 })
  assert.equal(numbers(seen), upTo(100))
})

test('a partition cuts between its groups only, and new dials across it get no answer', async () => {
  const world = new Machines()
  const carol = world.person('carol')
  const listener = await world.listen(world.bob)
  const near = await world.ends(world.alice, world.bob, listener)
  const far = await world.ends(carol, world.bob, listener)
  const [fromAlice, fromCarol] = [world.read(near.b), world.read(far.b)]
  const parted = world.network.partition([[world.alice.host, world.bob.host]])
  await near.a.send(numbered(1, 10))
  await far.a.send(numbered(2, 10))
  const dial = world.clock.drive(carol.transport.dial(listener.address, { timeoutMs: 5_000 }).catch((reason: Error) => reason.name))
  assert.is(await dial, 'TimeoutError')
  assert.equal([numbers(fromAlice), numbers(fromCarol)], [[1], []])
  parted[Symbol.dispose]()
  await world.clock.run({ forMs: 2_000 })
  assert.equal(numbers(fromCarol), [2])
})

test('a half-open channel swallows everything and tells nobody', async () => {
  const world = new Machines()
  const { a, b } = await world.ends()
  const [atBob, atAlice] = [world.read(b), world.read(a)]
  a.hang()
  await world.sendNumbered(a, 5)
  await world.sendNumbered(b, 5)
  await world.clock.run({ forMs: 600_000 })
  assert.equal([atBob.length, atBob.end, atAlice.length, atAlice.end], [0, undefined, 0, undefined])
  await world.clock.drive(a.close())
  assert.equal([world.alice.host.channels.size, world.bob.host.channels.size], [0, 1])
})

test('a reader that stops makes the sender wait with bounded bytes, and loses nothing', async () => {
  const world = new Machines()
  const { a, b } = await world.ends()
  const seen = world.read(b)
  const stopped = b.stopReading()
  let sent = 0
  void (async () => {
    for (; sent < 200; sent++) await a.send(numbered(sent, 10_000))
  })()
  await world.clock.run({ forMs: 60_000 })
  assert.ok(a.bytesInFlight < 300_000, `${a.bytesInFlight} bytes on their way`)
  assert.equal([seen.length, sent < 30], [0, true])
  stopped[Symbol.dispose]()
  await world.clock.run({ forMs: 60_000 })
  assert.equal(numbers(seen), upTo(200))
})

test('a program that does not read holds up its own channel only', async () => {
  const world = new Machines()
  const listener = await world.listen(world.bob)
  const [slow, quick] = [await world.ends(world.alice, world.bob, listener), await world.ends(world.alice, world.bob, listener)]
  const seen = world.read(quick.b)
  let sent = 0
  void (async () => {
    for (; sent < 1_000; sent++) await slow.a.send(numbered(sent, 10_000))
  })()
  await world.clock.run({ forMs: 10_000 })
  const waitingAt = sent
  await world.sendNumbered(quick.a, 10)
  await world.clock.run({ forMs: 10_000 })
  assert.equal([sent, seen.length], [waitingAt, 10])
  assert.ok(waitingAt < 200)
})

test('a program that crashes: its peers are told at once, and its own calls never return', async () => {
  const world = new Machines()
  const { a, b } = await world.ends()
  const seen = world.read(b)
  world.alice.life.end()
  for (const socket of [...world.alice.host.channels]) {
    socket.drop()
    world.network.tellBroken(socket, 'the program is gone')
  }
  let returned = false
  void a.send(numbered(1, 10)).finally(() => { returned = true })
  void a.close().finally(() => { returned = true })
  await world.clock.run({ forMs: 1_000 })
  assert.equal([seen.end, returned], ['ERR_TRANSPORT_CHANNEL_BROKEN', false])
})

test('a machine without power says nothing; back with power, it knows nothing of old channels', async () => {
  const world = new Machines()
  const { a, b } = await world.ends()
  const seen = world.read(a)
  world.bob.life.end()
  b.drop()
  world.network.switch(world.bob.host, false)
  await a.send(numbered(1, 10))
  await world.clock.run({ forMs: 600_000 })
  assert.is(seen.end, undefined)
  world.network.switch(world.bob.host, true)
  await world.clock.run({ forMs: 5_000 })
  assert.is(seen.end, 'ERR_TRANSPORT_CHANNEL_BROKEN')
})

test('a listener that crashes tells who serves it, refuses diallers, and leaves open channels alone', async () => {
  const world = new Machines()
  const { a, b, listener } = await world.ends()
  const seen = world.read(b)
  let end: string | undefined
  void (async () => {
    try {
      for await (const _ of listener.channels) { /* None comes. */ }
    } catch (error) {
      end = (error as { code?: string }).code
    }
  })()
  for (const door of world.bob.host.listeners.values()) door.break()
  const refused = await world.clock.drive(world.alice.transport.dial(listener.address).catch((reason: { code?: string }) => reason.code))
  await a.send(numbered(1, 10))
  await world.clock.run({ forMs: 1_000 })
  assert.equal([end, refused, numbers(seen)], ['ERR_TRANSPORT_CHANNEL_BROKEN', 'ERR_TRANSPORT_DIAL_FAILED', [1]])
  const again = await world.listen(world.bob)
  await world.ends(world.alice, world.bob, again)
})

test('a machine that moves has another address; its old channels hang, its old one leads nowhere', async () => {
  const world = new Machines()
  const { a, b, listener } = await world.ends()
  const seen = world.read(a)
  const before = world.bob.host.address
  world.network.move(world.bob.host)
  assert.not.equal(world.bob.host.address, before)
  const lost = await world.clock.drive(world.alice.transport.dial(listener.address).catch((reason: { code?: string }) => reason.code))
  await b.send(numbered(1, 10))
  await world.clock.run({ forMs: 60_000 })
  assert.equal([lost, seen.length, seen.end], ['ERR_TRANSPORT_DIAL_FAILED', 0, undefined])
  await world.ends(world.alice, world.bob, await world.listen(world.bob))
})

test('a machine that is stuck gets what came meanwhile later, in order', async () => {
  const world = new Machines()
  const { a, b } = await world.ends()
  const seen = world.read(b)
  const startMs = world.clock.elapsedMs()
  world.bob.host.pace.stalledUntilMs = startMs + 5_000
  await world.sendNumbered(a, 3)
  await world.clock.run({ forMs: 10_000 })
  assert.equal(seen.map(each => [numberOf(each), each.atMs - startMs]), [[0, 5_000], [1, 5_000], [2, 5_000]])
})

test('two conditions at once: delays add up, the worse rate counts, and each ends by itself', async () => {
  const world = new Machines()
  const { a, b } = await world.ends()
  const seen = world.read(b)
  const everywhere = (): boolean => true
  const first = world.network.impose({ applies: everywhere, quality: { latencyMs: 100 } })
  const second = world.network.impose({ applies: everywhere, quality: { latencyMs: 200 } })
  const takes = async (): Promise<number> => {
    const startMs = world.clock.elapsedMs()
    await a.send(numbered(1, 10))
    await world.clock.run({ forMs: 2_000 })
    return seen.at(-1)!.atMs - startMs
  }
  assert.is(await takes(), 350)
  first[Symbol.dispose]()
  assert.is(await takes(), 250)
  second[Symbol.dispose]()
  assert.is(await takes(), 50)
})

test.run()
