import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PConfig } from '../../lib/coordinator/config.ts'
import { createIdentity } from '../../lib/crypto/identity.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { encodeClose, PartKind } from '../../lib/wire/parts.ts'
import { hungUpOn, Mallory, signedFrame } from '../support/mallory.ts'
import { PlainHandler } from '../support/plain-handler.ts'
import { rejection } from '../support/rejection.ts'
import { codesIn, meet, payloadsIn, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('what a bad name costs')

const MALFORMED = Uint8Array.of(0x7f, 0, 0, 0, 0)

async function stage(town: Town, config: P2PConfig = {}): Promise<{ bob: Resident; mallory: Mallory }> {
  const bob = await town.resident('bob', { network: 'public', ...config })
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  return { bob, mallory }
}

/** Hung up on, though it does not answer the goodbye. */
async function toldGoodbye(town: Town, mallory: Mallory): Promise<void> {
  await until(() => mallory.heardOf(PartKind.CLOSE).length, 'a goodbye')
  town.clock.advance(DEFAULT_LIMITS.closeTimeoutMs)
  await hungUpOn(mallory)
}

async function toldGoodbyeOrCut(town: Town, mallory: Mallory): Promise<void> {
  await until(() => {
    town.clock.advance(1_000)
    return mallory.ended
  }, 'mallory to be gone')
}

/** The same key once more. */
async function returns(town: Town, bob: Resident, mallory: Mallory): Promise<Mallory> {
  const again = await Mallory.dial(town.transport(), bob.address, { clock: town.clock, identity: mallory.self.identity })
  await toldGoodbyeOrCut(town, again)
  return again
}

function sinks(bob: Resident, id: string, behavior = 'protocolViolation', times = 4): void {
  for (let count = 0; count < times; count++) bob.node.reputation.recordBehavior(id, behavior)
}

test('a score under 20 ends the link, and its return is refused with a code and counted', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  sinks(bob, mallory.id)
  await toldGoodbye(town, mallory)
  assert.equal(bob.diary.disconnected, [[mallory.id, 'misbehaviour']])
  assert.equal(mallory.heardOf(PartKind.CLOSE).map(({ body }) => body[0]), [2])

  const again = await returns(town, bob, mallory)
  await until(() => codesIn(bob.diary).length === 2, 'the refusal')
  assert.equal(codesIn(bob.diary), ['ERR_PEER_DISCOURAGED', 'ERR_PEER_DISCOURAGED'])
  assert.equal([bob.diary.errors[1]!.error.peerId, bob.diary.connected.length], [mallory.id, 1])
  assert.match(bob.diary.errors[1]!.error.message, /refused a connection with .*, which is discouraged until .* reputation\.forgive/)
  assert.equal(again.heardOf(PartKind.CLOSE)[0]!.body, encodeClose(2, 'refused for what this key did before'))
  assert.equal([bob.node.getStats().reputation.refused, bob.node.getStats().peers.errors['ERR_PEER_DISCOURAGED']], [1, 2])

  town.clock.advance(DEFAULT_LIMITS.discourageMs)
  const later = await Mallory.dial(town.transport(), bob.address, { clock: town.clock, identity: mallory.self.identity })
  await until(() => bob.node.isConnected(later.id), 'a day later it is let in')
})

test('nobody else is refused for it', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  sinks(bob, mallory.id)
  await toldGoodbye(town, mallory)
  const other = await Mallory.dial(town.transport(), bob.address, { clock: town.clock })
  await until(() => bob.node.isConnected(other.id), 'another key')
})

test('a refused peer is not dialled either, by its id or by its name, and forgiving lifts that', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const carol = await town.resident('carol')
  await meet(bob, carol)
  sinks(bob, 'carol')
  await until(() => !bob.node.isConnected('carol'), 'carol to be gone')
  for (const who of ['carol', carol.node.id]) assert.is((await rejection(bob.node.connectToPeer(who))).code, 'ERR_PEER_DISCOURAGED')
  // Whoever answers at a URL proves its key first.
  assert.is((await rejection(bob.node.connectToPeer(carol.address))).code, 'ERR_PEER_DISCOURAGED')
  assert.equal([bob.node.isConnected('carol'), bob.node.getStats().peers.reconnecting], [false, 0])
  bob.node.reputation.forgive('carol')
  await bob.node.connectToPeer('carol')
  assert.ok(bob.node.isConnected('carol'))
})

test('a ban by hand ends the link, holds as long as was said, and survives a restart', async () => {
  await using town = new Town()
  const store = new MemoryStore()
  const { bob, mallory } = await stage(town, { store })
  bob.node.reputation.ban(mallory.id, { forMs: 3_600_000 })
  await toldGoodbye(town, mallory)
  await bob.node.shutdown()

  const again = await town.resident('bob-again', { store, network: 'public' })
  await returns(town, again, mallory)
  await until(() => codesIn(again.diary).length, 'the refusal')
  assert.equal(codesIn(again.diary), ['ERR_PEER_BANNED'])
  town.clock.advance(3_600_000)
  await Mallory.dial(town.transport(), again.address, { clock: town.clock, identity: mallory.self.identity })
  await until(() => again.node.isConnected(mallory.id), 'it is over')
})

test('what a refused author signed is refused from whoever brings it, and who brings it is not at fault', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const carol = await town.resident('carol')
  const handler = new PlainHandler('p')
  bob.node.registerProtocol(handler)
  await meet(bob, carol)
  const mallory = Mallory.person({ clock: town.clock })
  const frame = (): Promise<Uint8Array> => signedFrame(mallory, { type: 'n', payload: 1, protocol: 'p' })
  const via = bob.node.getPeer('carol')!
  await handler.context.deliver(await frame(), via)
  assert.is(handler.heard.length, 1)

  bob.node.reputation.ban(mallory.id, { forMs: 1_000 })
  assert.is((await rejection(handler.context.deliver(await frame(), via))).code, 'ERR_PEER_BANNED')
  assert.equal([handler.heard.length, bob.node.getStats().refused, bob.node.getStats().reputation.refused], [1, { ERR_PEER_BANNED: 1 }, 1])
  assert.equal([bob.node.reputation.getScore('carol'), bob.node.isConnected('carol')], [50, true])
  town.clock.advance(1_000)
  await handler.context.deliver(await frame(), via)
  assert.is(handler.heard.length, 2)
})

test('faults are charged to the link that brings them: too many end it, and the name with it', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  for (let count = 0; count < DEFAULT_LIMITS.faultsBurst; count++) await mallory.sayRaw(MALFORMED)
  await until(() => codesIn(bob.diary).filter(code => code === 'ERR_WIRE_MALFORMED').length >= 20, 'faults')
  assert.ok(bob.node.isConnected(mallory.id), 'fifty are borne')
  for (let count = 0; count < 30 && mallory.ended === undefined; count++) {
    town.clock.advance(2_000)
    await mallory.sayRaw(MALFORMED).catch(() => {})
    await settle(6)
  }
  await until(() => bob.node.reputation.shouldBan(mallory.id), 'its score to fall')
  await toldGoodbyeOrCut(town, mallory)
  assert.equal(bob.node.reputation.banOf(mallory.id)!.code, 'ERR_WIRE_MALFORMED')
})

test('faults that never come fast enough to cut the link sink the score all the same', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  for (let second = 0; second < 200 && mallory.ended === undefined; second++) {
    await mallory.sayRaw(MALFORMED).catch(() => {})
    await settle(4)
    town.clock.advance(1_000)
  }
  await toldGoodbyeOrCut(town, mallory)
  assert.is(bob.node.reputation.standingOf(mallory.id), 'discouraged')
})

test('bytes that somebody in between may have changed cost the link, not the name', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  await mallory.link.channel.send(new Uint8Array(40))
  await hungUpOn(mallory)
  assert.equal([codesIn(bob.diary), bob.node.reputation.getScore(mallory.id)], [['ERR_PEER_UNSEALING_FAILED'], 50])
})

test('stale, early and repeated messages, silence and leaving cost nothing', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  const once = await mallory.signed({ type: 'n', payload: 0 })
  const now = town.clock.now()
  await mallory.say(once, once, await mallory.signed({ type: 'n', payload: 0, timestamp: now - 121_000 }), await mallory.signed({ type: 'n', payload: 0, timestamp: now + 31_000 }))
  await until(() => codesIn(bob.diary).length === 3, 'three refusals')
  town.clock.advance(600_000)
  await until(() => !bob.node.isConnected(mallory.id), 'mallory answers no heartbeat')
  assert.equal([bob.node.reputation.getScore(mallory.id), bob.node.getStats().reputation.peers], [50, 0])
})

test('what a plugin blames a peer for is charged to its name, be it linked or not', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town)
  const handler = new PlainHandler('p')
  bob.node.registerProtocol(handler)
  const { P2PError } = await import('../../lib/contracts/errors.ts')
  const distant = Mallory.person({ clock: town.clock }).id
  for (const peerId of [mallory.id, distant]) handler.context.report(new P2PError('ERR_P_CHEAT', 'it cheats', { peerId }))
  handler.context.report(new P2PError('ERR_P_ODD', 'nobody did it'))
  assert.equal([bob.node.reputation.getScore(mallory.id), bob.node.reputation.getScore(distant)], [49, 49])
  assert.equal(bob.node.getStats().reputation.behaviors, { ERR_P_CHEAT: 2 })
})

test('a peer under 40 is read as a stranger again, and under 30 at a tenth of that, until it has recovered', async () => {
  await using town = new Town()
  const { bob, mallory } = await stage(town, { heartbeatInterval: 10_000_000 })
  town.clock.advance(DEFAULT_LIMITS.strangerMs)
  sinks(bob, mallory.id, 'spam', 5)
  assert.is(bob.node.reputation.standingOf(mallory.id), 'graylisted')
  const { messagesBurst } = DEFAULT_LIMITS
  for (let index = 0; index < 2 * messagesBurst; index++) void mallory.say(await mallory.signed({ type: 'n', payload: index })).catch(() => {})
  await settle()
  const burst = payloadsIn(bob.diary).length
  assert.ok(burst <= messagesBurst / 10 + 1, `expected a tenth of the burst, got ${burst}`)
  for (let step = 0; step < 100; step++) {
    town.clock.advance(100)
    await settle(2)
  }
  const heard = payloadsIn(bob.diary).length - burst
  assert.ok(heard >= 45 && heard <= 51, `expected 5 a second for ten seconds, got ${heard}`)
  town.clock.advance(2 * 3_600_000)
  await until(() => codesIn(bob.diary).includes('ERR_WIRE_STALE'), 'what waited unread has grown old')
  for (let index = 0; index < 2 * messagesBurst; index++) void mallory.say(await mallory.signed({ type: 'n', payload: 'later' })).catch(() => {})
  await until(() => payloadsIn(bob.diary).filter(payload => payload === 'later').length === 2 * messagesBurst, 'all of it at once, now that it has recovered')
})

test('a peer of bad name that comes back is read slowly from its first word', async () => {
  await using town = new Town()
  const bob = await town.resident('bob', { network: 'public' })
  const identity = createIdentity()
  const mallory = Mallory.person({ clock: town.clock, identity })
  sinks(bob, mallory.id, 'spam', 5)
  const link = await Mallory.dial(town.transport(), bob.address, { clock: town.clock, identity })
  await until(() => bob.node.isConnected(link.id), 'it is let in')
  for (let index = 0; index < 100; index++) void link.say(await link.signed({ type: 'n', payload: index })).catch(() => {})
  await settle()
  assert.ok(payloadsIn(bob.diary).length <= 21, `got ${payloadsIn(bob.diary).length}`)
})

test.run()
