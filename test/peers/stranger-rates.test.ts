import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PConfig } from '../../lib/coordinator/config.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { PartKind } from '../../lib/wire/parts.ts'
import { hungUpOn, Mallory } from '../support/mallory.ts'
import { codesIn, meet, payloadsIn, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('what a stranger may send')

const { messagesBurst, messagesPerSecond, bytesBurst, bytesPerSecond, strangerMs } = DEFAULT_LIMITS

async function stage(town: Town, config: P2PConfig = {}): Promise<{ bob: Resident; mallory: Mallory }> {
  const bob = await town.resident('bob', { network: 'public', ...config })
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  return { bob, mallory }
}

/** Signed messages, one in a frame; does not wait for them to be taken. */
async function flood(mallory: Mallory, count: number, payload: unknown = null): Promise<void> {
  for (let index = 0; index < count; index++) void mallory.say(await mallory.signed({ type: 'n', payload })).catch(() => {})
}

test('messages beyond the burst are read at the sustained rate, and that is counted', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  await flood(mallory, messagesBurst + 120)
  await settle()
  // One frame takes the budget below zero; the rest wait unread.
  assert.is(bob.diary.messages.length, messagesBurst + 1)
  assert.equal(codesIn(bob.diary), ['ERR_PEER_RATE_LIMITED'])
  assert.match(bob.diary.errors[0]!.error.message, /sends more messages than it may: reading pauses for 20 ms/)
  for (let step = 0; step < 50; step++) {
    town.clock.advance(20)
    await settle(4)
  }
  const heard = bob.diary.messages.length - messagesBurst - 1
  assert.ok(Math.abs(heard - messagesPerSecond) <= 1, `expected ${messagesPerSecond} in a second, got ${heard}`)
  assert.ok(bob.node.getStats().peers.errors['ERR_PEER_RATE_LIMITED']! > 40)
  assert.ok(bob.node.isConnected(mallory.id), 'slowed down, not cut')
})

test('bytes beyond the burst likewise', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  const payload = new Uint8Array(64_000)
  await flood(mallory, 30, payload)
  await settle()
  const burst = bob.diary.messages.length
  assert.ok(burst >= Math.floor(bytesBurst / 64_500) && burst <= Math.ceil(bytesBurst / 64_000) + 1, `expected about 16, got ${burst}`)
  assert.match(bob.diary.errors[0]!.error.message, /sends more bytes than it may/)
  for (let step = 0; step < 20; step++) {
    town.clock.advance(100)
    await settle(6)
  }
  const heard = bob.diary.messages.length - burst
  assert.ok(Math.abs(heard - 2 * bytesPerSecond / 64_300) <= 2, `expected about 8 in two seconds, got ${heard}`)
})

test('while a stranger is slowed down, peers in good standing are not', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  const alice = await town.resident('alice', { network: 'public' })
  await meet(bob, alice)
  await flood(mallory, messagesBurst + 100)
  await settle()
  for (let index = 0; index < 500; index++) void alice.node.sendTo(bob.node.id, { type: 'n', payload: index })
  await until(() => bob.diary.messages.filter(({ from }) => from.peerId === 'alice').length === 500, 'all that alice said')
  assert.is(bob.diary.messages.filter(({ from }) => from.peerId === mallory.id).length, messagesBurst + 1)
  assert.ok(bob.diary.errors.every(({ peer }) => peer.peerId === mallory.id), 'the error names the stranger')
})

test('a peer the user asked for is no stranger, dialled again when lost or not', async () => {
  await using town = new Town()
  for (const reconnect of [true, false]) {
    const name = `bob-${String(reconnect)}`
    const bob = await town.resident(name, { network: 'public', reconnect })
    const alice = await town.resident(`alice-${String(reconnect)}`)
    await meet(bob, alice)
    for (let index = 0; index < messagesBurst + 300; index++) void alice.node.sendTo(bob.node.id, { type: 'n', payload: index })
    await until(() => bob.diary.messages.length === messagesBurst + 300, 'all of it')
    assert.equal(codesIn(bob.diary), [])
  }
})

test('a minute without fault puts a stranger in good standing', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  town.clock.advance(strangerMs)
  await flood(mallory, 2 * messagesBurst)
  await until(() => bob.diary.messages.length === 2 * messagesBurst, 'all of it')
  assert.equal(codesIn(bob.diary), [])
})

test('one who has made a fault stays a stranger', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  await mallory.sayRaw(Uint8Array.of(0x7f, 0, 0, 0, 0))
  await until(() => codesIn(bob.diary).length, 'the fault')
  town.clock.advance(strangerMs)
  await settle()
  await flood(mallory, 2 * messagesBurst)
  await settle()
  assert.ok(bob.diary.messages.length <= messagesBurst + 1, `got ${bob.diary.messages.length}`)
})

test('on a private network nobody is a stranger', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town, { network: 'private' })
  await flood(mallory, 2 * messagesBurst)
  await until(() => bob.diary.messages.length === 2 * messagesBurst, 'all of it')
  assert.equal(codesIn(bob.diary), [])
})

const malformed: Record<string, Uint8Array> = {
  'no parts at all': new Uint8Array(0),
  'a part that ends too early': Uint8Array.of(PartKind.MESSAGE, 0, 0, 0, 9, 1),
  'a part of an unknown kind': Uint8Array.of(0x7f, 0, 0, 0, 0),
  'a ping of three bytes': Uint8Array.of(PartKind.PING, 0, 0, 0, 3, 1, 2, 3),
  'a hello that is none': Uint8Array.of(PartKind.HELLO, 0, 0, 0, 1, 0xf6),
  'a fragment of nothing begun': Uint8Array.of(PartKind.FRAGMENT, 0, 0, 0, 13, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 5, 1),
  'a message that is none': Uint8Array.of(PartKind.MESSAGE, 0, 0, 0, 3, 1, 2, 3),
  'a burst that is none': Uint8Array.of(PartKind.BURST, 0, 0, 0, 3, 1, 2, 3),
}

for (const [what, plaintext] of Object.entries(malformed)) {
  test(`${what} is a fault of whoever sent it: fifty are borne, then the link is cut`, async () => {
    await using town = new Town()
    const { bob, mallory } = await stage(town, { network: 'private' })
    for (let index = 0; index < DEFAULT_LIMITS.faultsBurst; index++) await mallory.sayRaw(plaintext)
    await settle()
    assert.equal(codesIn(bob.diary), Array(DEFAULT_LIMITS.faultsBurst).fill('ERR_WIRE_MALFORMED'))
    assert.is(bob.diary.errors[0]!.error.peerId, mallory.id)
    assert.is(bob.diary.errors[0]!.peer.peerId, mallory.id)
    assert.ok(bob.node.isConnected(mallory.id))
    await mallory.sayRaw(plaintext)
    await hungUpOn(mallory)
    assert.equal(bob.diary.disconnected, [[mallory.id, 'misbehaviour']])
  })
}

test('bad signatures cost us a curve check each: twenty are borne, then the link is cut', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town, { network: 'private' })
  const { body } = await mallory.signed({ type: 'n', payload: null })
  for (let index = 0; index <= DEFAULT_LIMITS.failedSignaturesBurst; index++) {
    const forged = body.slice()
    forged[40]! ^= 1 + index
    await mallory.say({ kind: PartKind.MESSAGE, body: forged })
  }
  await hungUpOn(mallory)
  assert.equal([...new Set(codesIn(bob.diary))], ['ERR_WIRE_BAD_SIGNATURE'])
  assert.is(codesIn(bob.diary).length, DEFAULT_LIMITS.failedSignaturesBurst + 1)
  assert.equal(bob.diary.disconnected, [[mallory.id, 'misbehaviour']])
  assert.equal(bob.node.getStats().refused, { ERR_WIRE_BAD_SIGNATURE: DEFAULT_LIMITS.failedSignaturesBurst + 1 })
})

test('a frame that does not open ends the link at once', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  await mallory.link.channel.send(new Uint8Array(40))
  await hungUpOn(mallory)
  assert.equal(codesIn(bob.diary), ['ERR_PEER_UNSEALING_FAILED'])
  assert.equal(bob.diary.disconnected, [[mallory.id, 'misbehaviour']])
})

test('parts of later versions are passed over', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  await mallory.say({ kind: 0x80, body: new Uint8Array(9) }, await mallory.signed({ type: 'n', payload: 'heard' }), { kind: 0xff, body: new Uint8Array(0) })
  await until(() => bob.diary.messages.length, 'the message between them')
  assert.equal([payloadsIn(bob.diary), codesIn(bob.diary)], [['heard'], []])
})

test('what happens to honest peers is no fault: stale, early and repeated messages', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town, { network: 'private' })
  const now = town.clock.now()
  for (let index = 0; index < 40; index++) {
    const once = await mallory.signed({ type: 'n', payload: index })
    await mallory.say(await mallory.signed({ type: 'n', payload: 0, timestamp: now - 121_000 }), await mallory.signed({ type: 'n', payload: 0, timestamp: now + 31_000 }), once, once)
  }
  await until(() => codesIn(bob.diary).length === 120, 'all to be refused')
  assert.equal([...new Set(codesIn(bob.diary))].sort(), ['ERR_WIRE_FUTURE', 'ERR_WIRE_REPLAYED', 'ERR_WIRE_STALE'])
  assert.ok(bob.diary.errors.every(({ error }) => error.peerId === undefined))
  assert.is(bob.diary.messages.length, 40)
  assert.ok(bob.node.isConnected(mallory.id))
})

test('an adversary who sends a malformed frame in every message cannot fill the error list with himself and stay', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  void (async () => {
    while (mallory.ended === undefined) {
      await mallory.sayRaw(malformed['a part of an unknown kind']!).catch(() => {})
      await settle(1)
    }
  })()
  await hungUpOn(mallory)
  assert.ok(bob.diary.errors.length <= DEFAULT_LIMITS.faultsBurst + 2, 'the last one says that it is refused from now on')
  assert.is(bob.diary.errors.at(-1)!.error.code, 'ERR_PEER_DISCOURAGED')
})

test.run()
