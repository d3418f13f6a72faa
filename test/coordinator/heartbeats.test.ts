import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { PartKind } from '../../lib/wire/parts.ts'
import { hungUpOn, Mallory } from '../support/mallory.ts'
import { codesIn, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('heartbeats')

const INTERVAL_MS = 30_000
const TIMEOUT_MS = DEFAULT_LIMITS.heartbeatTimeoutMs

/** Bob, and mallory who answers no ping unless told to. */
async function stage(town: Town, config = {}): Promise<{ bob: Resident; mallory: Mallory }> {
  const bob = await town.resident('bob', config)
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  return { bob, mallory }
}

function pingsTo(mallory: Mallory): number {
  return mallory.heardOf(PartKind.PING).length
}

async function beat(town: Town, mallory: Mallory): Promise<Uint8Array> {
  const before = pingsTo(mallory)
  town.clock.advance(INTERVAL_MS)
  await until(() => pingsTo(mallory) > before, 'a ping')
  return mallory.heardOf(PartKind.PING).at(-1)!.body
}

test('two idle nodes keep each other alive for an hour, and say when they last heard of each other', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  for (let second = 0; second < 3_600; second += 5) {
    town.clock.advance(5_000)
    await settle(3)
  }
  assert.equal([alice.diary.disconnected, bob.diary.disconnected, codesIn(alice.diary), codesIn(bob.diary)], [[], [], [], []])
  const peer = alice.node.getPeer('bob')!
  assert.is(peer.roundTripMs, 0)
  assert.ok(town.clock.now() - peer.lastSeen <= INTERVAL_MS + TIMEOUT_MS, 'heard of within the last beat')
})

test('a pong is measured', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  const body = await beat(town, mallory)
  assert.is(bob.node.getPeer(mallory.id)?.roundTripMs, undefined)
  town.clock.advance(40)
  await mallory.say({ kind: PartKind.PONG, body })
  await until(() => bob.node.getPeer(mallory.id)?.roundTripMs !== undefined, 'the pong to arrive')
  assert.is(bob.node.getPeer(mallory.id)?.roundTripMs, 40)
})

test('a frozen peer is dropped after five misses, 155 seconds after it froze', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  town.clock.advance(154_999)
  await settle()
  assert.is(pingsTo(mallory), 5)
  assert.ok(bob.node.isConnected(mallory.id))
  town.clock.advance(1)
  await hungUpOn(mallory)
  assert.equal(bob.diary.disconnected, [[mallory.id, 'timeout']])
  assert.equal(codesIn(bob.diary), ['ERR_PEER_UNRESPONSIVE'])
  assert.match(bob.diary.errors[0]!.error.message, /answered none of 5 heartbeats/)
  assert.is(town.clock.timers, 0)
})

for (const sign of ['a pong', 'a message'] as const) {
  test(`four misses are forgiven by one sign of life: ${sign}`, async () => {
    await using town = new Town()
    const { bob, mallory } = await stage(town)
    town.clock.advance(4 * INTERVAL_MS)
    await settle()
    const body = await beat(town, mallory)
    await mallory.say(sign === 'a pong' ? { kind: PartKind.PONG, body } : await mallory.signed({ type: 'n', payload: null }))
    await settle()
    town.clock.advance(4 * INTERVAL_MS)
    await settle()
    assert.ok(bob.node.isConnected(mallory.id))
    assert.equal(bob.diary.disconnected, [])
  })
}

test('a busy peer is not dropped though its pongs never come', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  for (let count = 0; count < 20; count++) {
    await beat(town, mallory)
    await mallory.say(await mallory.signed({ type: 'n', payload: count }))
    await until(() => bob.diary.messages.length > count, 'the message')
  }
  assert.ok(bob.node.isConnected(mallory.id))
  assert.is(bob.node.getPeer(mallory.id)?.roundTripMs, undefined)
})

test('a pong for another ping is no pong', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  const body = await beat(town, mallory)
  await mallory.say({ kind: PartKind.PONG, body: new Uint8Array(8) }, { kind: PartKind.PONG, body: body.map(byte => byte ^ 1) })
  await settle()
  assert.is(bob.node.getPeer(mallory.id)?.roundTripMs, undefined)
})

test('the interval is the configuration\'s', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town, { heartbeatInterval: 10_000 })
  town.clock.advance(10_000)
  await until(() => pingsTo(mallory) === 1, 'the first ping')
  town.clock.advance(45_000)
  await hungUpOn(mallory)
  assert.equal(bob.diary.disconnected, [[mallory.id, 'timeout']])
})

test('an interval shorter than the time for a pong beats at that time', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town, { heartbeatInterval: 1_000 })
  town.clock.advance(1_000 + 4 * TIMEOUT_MS)
  await until(() => pingsTo(mallory) === 5, 'five pings')
  assert.ok(bob.node.isConnected(mallory.id))
  town.clock.advance(TIMEOUT_MS)
  await hungUpOn(mallory)
})

test('pings are answered, up to ten in ten seconds', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  const ping = (index: number) => ({ kind: PartKind.PING, body: new Uint8Array(8).fill(index) })
  await mallory.say(...Array.from({ length: 12 }, (_, index) => ping(index)))
  await until(() => codesIn(bob.diary).length === 2, 'two to be refused')
  await until(() => mallory.heardOf(PartKind.PONG).length === 10, 'ten to be answered')
  assert.equal(mallory.heardOf(PartKind.PONG).map(part => part.body[0]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.equal(codesIn(bob.diary), ['ERR_PEER_RATE_LIMITED', 'ERR_PEER_RATE_LIMITED'])
  assert.equal(bob.node.getStats().peers.errors, { ERR_PEER_RATE_LIMITED: 2 })
  town.clock.advance(1_000)
  await mallory.say(ping(12), ping(13))
  await until(() => mallory.heardOf(PartKind.PONG).length === 11, 'one more')
  await settle()
  assert.is(mallory.heardOf(PartKind.PONG).length, 11)
  assert.ok(bob.node.isConnected(mallory.id), 'pinging too much is no crime')
})

test('with the link the beating ends', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await alice.node.disconnectFromPeer('bob')
  await until(() => bob.diary.disconnected.length, 'the goodbye')
  assert.is(town.clock.timers, 0)
})

test.run()
