import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IProtocolHandler, ProtocolContext } from '../../lib/contracts/protocol.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { PartKind } from '../../lib/wire/parts.ts'
import { hungUpOn, Mallory } from '../support/mallory.ts'
import { rejection } from '../support/rejection.ts'
import { codesIn, meet, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('how many connections')

/** A plugin that hands out its context. */
class Prober implements IProtocolHandler {
  readonly protocolName = 'prober'
  context!: ProtocolContext

  onRegister(context: ProtocolContext): void {
    this.context = context
  }

  async handleMessage(): Promise<void> {}
}

async function prober(town: Town, name: string, config = {}): Promise<Resident & { probe: ProtocolContext }> {
  const resident = town.guest(name, config)
  const handler = new Prober()
  resident.node.registerProtocol(handler)
  return { ...resident, probe: handler.context }
}

test('a full node refuses the next, which learns why from `connect` and is never announced', async () => {
  await using town = new Town()
  const bob = await town.resident('bob', { maxConnections: 2 })
  for (const name of ['alice', 'carol']) await meet(town.guest(name), bob)
  const dave = town.guest('dave')
  const refusal = await rejection(dave.node.connectToPeer(bob.address))
  assert.is(refusal.code, 'ERR_PEER_LIMIT_REACHED')
  assert.match(refusal.message, /has no room for another connection/)
  await settle()
  assert.equal([dave.diary.connected, dave.diary.disconnected, bob.diary.connected.length], [[], [], 2])
  assert.equal(codesIn(bob.diary), ['ERR_PEER_LIMIT_REACHED'])
  assert.equal(bob.node.getStats().peers, { connectedPeers: 2, totalPeers: 2, pendingHandshakes: 0, reconnecting: 0, sybil: { cost: 'none', level: 0, paid: 0, joinsLastMinute: 0, refused: 0 }, errors: { ERR_PEER_LIMIT_REACHED: 1 } })
  assert.is(dave.node.getStats().peers.reconnecting, 0)
})

test('a place that becomes free is taken by the next', async () => {
  await using town = new Town()
  const bob = await town.resident('bob', { maxConnections: 1 })
  const alice = town.guest('alice')
  await meet(alice, bob)
  const carol = town.guest('carol')
  assert.is((await rejection(carol.node.connectToPeer(bob.address))).code, 'ERR_PEER_LIMIT_REACHED')
  await alice.node.disconnectFromPeer('bob')
  await until(() => bob.diary.disconnected.length, 'the place to be free')
  await meet(carol, bob)
})

test('a full node does not dial either, and says what would help', async () => {
  await using town = new Town()
  const alice = town.guest('alice', { maxConnections: 1 })
  const bob = await town.resident('bob')
  const carol = await town.resident('carol')
  await meet(alice, bob)
  const refusal = await rejection(alice.node.connectToPeer(carol.address))
  assert.is(refusal.code, 'ERR_PEER_LIMIT_REACHED')
  assert.match(refusal.message, /1 of 1 connections are open; disconnect one, or raise maxConnections/)
  await settle()
  assert.equal(carol.diary.connected, [])
  assert.is((await alice.node.connectToPeer('bob')).peerId, 'bob', 'whom one has is no further connection')
})

test('dials that were begun while there was room are counted again when they arrive', async () => {
  await using town = new Town()
  const alice = town.guest('alice', { maxConnections: 2 })
  const others = await Promise.all(['bob', 'carol', 'dave', 'erin'].map(name => town.resident(name)))
  const outcomes = await Promise.allSettled(others.map(other => alice.node.connectToPeer(other.address)))
  assert.equal(outcomes.map(outcome => outcome.status).sort(), ['fulfilled', 'fulfilled', 'rejected', 'rejected'])
  await until(() => others.filter(other => other.node.isConnected(alice.node.id)).length === 2, 'the refused to have been told')
  assert.is(alice.node.getStats().peers.connectedPeers, 2)
})

test('who was connected already may come again on a full node: it is no further connection', async () => {
  await using town = new Town()
  const bob = await town.resident('bob', { maxConnections: 1 })
  const mallory = await Mallory.dial(town.transport(), bob.address)
  await until(() => bob.node.isConnected(mallory.id), 'the first link')
  const again = await Mallory.dial(town.transport(), bob.address, { identity: mallory.self.identity, boot: mallory.self.boot })
  await settle()
  assert.equal(codesIn(bob.diary), [])
  assert.is(bob.node.getStats().peers.connectedPeers, 1)
  await Promise.all([mallory.hangUp(), again.hangUp()])
})

test('a stranger who ignores the refusal is cut, and nothing it says is heard', async () => {
  await using town = new Town()
  const bob = await town.resident('bob', { maxConnections: 1 })
  await meet(town.guest('alice'), bob)
  const mallory = await Mallory.dial(town.transport(), bob.address)
  await until(() => mallory.heardOf(PartKind.CLOSE).length, 'the refusal')
  await mallory.say(await mallory.signed({ type: 'n', payload: 'let me in' }))
  await settle()
  assert.is(mallory.ended, undefined)
  town.clock.advance(DEFAULT_LIMITS.closeTimeoutMs)
  await hungUpOn(mallory)
  assert.equal([bob.diary.messages, bob.diary.connected.length], [[], 1])
  assert.is(bob.node.getStats().peers.totalPeers, 1, 'who was refused is not remembered')
})

test('lookups may hold short-lived links beyond maxConnections, within their own bound', async () => {
  await using town = new Town()
  const alice = await prober(town, 'alice', { maxConnections: 1, limits: { shortLivedConnectionsMax: 2 } })
  const others = await Promise.all(['bob', 'carol', 'dave', 'erin'].map(name => town.resident(name)))
  const [bob, carol, dave, erin] = others as [Resident, Resident, Resident, Resident]
  await meet(alice, bob)
  await alice.probe.connect(carol.address, { shortLived: true })
  await alice.probe.connect(dave.address, { shortLived: true })
  const refusal = await rejection(alice.probe.connect(erin.address, { shortLived: true }))
  assert.is(refusal.code, 'ERR_PEER_LIMIT_REACHED')
  assert.match(refusal.message, /2 of 2 connections are open; disconnect one, or raise limits\.shortLivedConnectionsMax/)
  assert.is(alice.node.getStats().peers.connectedPeers, 3)
})

test('a short-lived link ends by itself when idle, not while it is used', async () => {
  await using town = new Town()
  const alice = await prober(town, 'alice')
  const bob = await town.resident('bob')
  await alice.probe.connect(bob.address, { shortLived: true })
  const idleMs = DEFAULT_LIMITS.shortLivedIdleMsMax
  for (const speaker of [alice, bob, alice, bob]) {
    town.clock.advance(idleMs - 10_000)
    await settle()
    const to = speaker === alice ? bob.node.id : alice.node.id
    await speaker.node.sendTo(to, { type: 'n', payload: null })
    await settle()
  }
  town.clock.advance(idleMs - 1)
  await settle()
  assert.ok(alice.node.isConnected(bob.node.id), 'in use until a moment ago')
  town.clock.advance(1)
  await until(() => bob.diary.disconnected.length, 'the idle link to end')
  assert.equal([alice.diary.disconnected, bob.diary.disconnected], [[[bob.node.id, 'local']], [[alice.node.id, 'remote']]])
  assert.is(alice.node.getStats().peers.reconnecting, 0)
})

test('a short-lived link that somebody asks for becomes a connection like others, if there is room', async () => {
  await using town = new Town()
  const alice = await prober(town, 'alice', { maxConnections: 2 })
  const bob = await town.resident('bob')
  const carol = await town.resident('carol')
  const dave = await town.resident('dave')
  for (const other of [bob, carol, dave]) await alice.probe.connect(other.address, { shortLived: true })
  await meet(alice, bob)
  await alice.probe.connect(carol.node.id)
  assert.is((await rejection(alice.node.connectToPeer(dave.node.id))).code, 'ERR_PEER_LIMIT_REACHED')
  town.clock.advance(DEFAULT_LIMITS.shortLivedIdleMsMax)
  await until(() => alice.diary.disconnected.length, 'the one idle lookup to end')
  assert.equal(alice.diary.disconnected, [[dave.node.id, 'local']])
})

test('what plugins dial is not dialled again when lost, what the user asks for is', async () => {
  await using town = new Town()
  const alice = await prober(town, 'alice')
  const bob = await town.resident('bob')
  const carol = await town.resident('carol')
  await alice.probe.connect(bob.address)
  await meet(alice, carol)
  for (const { address } of [bob, carol]) town.hub.cut(address)
  await until(() => alice.diary.disconnected.length === 2, 'both to be gone')
  assert.is(alice.node.getStats().peers.reconnecting, 1)
})

test.run()
