import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PConfig } from '../../lib/coordinator/config.ts'
import { P2PError } from '../../lib/contracts/errors.ts'
import type { ProtocolContext } from '../../lib/contracts/protocol.ts'
import { fromHex } from '../../lib/foundation/hex.ts'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { Mallory, signedFrame } from '../support/mallory.ts'
import { DefinedHandler, PlainHandler } from '../support/plain-handler.ts'
import { rejection } from '../support/rejection.ts'
import { codesIn, meet, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('what a plugin is given')

type Lodger = Resident & { handler: DefinedHandler; context: ProtocolContext }

async function lodger(town: Town, name: string, config: P2PConfig = {}, protocol = 'talk'): Promise<Lodger> {
  const resident = await town.resident(name, config)
  const handler = new DefinedHandler({ name: protocol })
  resident.node.registerProtocol(handler)
  return { ...resident, handler, context: handler.context }
}

async function twoLodgers(town: Town): Promise<{ alice: Lodger; bob: Lodger }> {
  const alice = await lodger(town, 'alice')
  const bob = await lodger(town, 'bob')
  await meet(alice, bob)
  await until(() => bob.context.peers().length, 'both to know each other')
  return { alice, bob }
}

test('it speaks in keys, and only with those that speak the protocol', async () => {
  await using town = new Town()
  const { alice, bob } = await twoLodgers(town)
  const carol = await town.resident('carol')
  await meet(alice, carol)
  assert.equal(alice.context.peers().map(peer => [peer.peerId, peer.name]), [[bob.node.id, 'bob']])
  assert.is(alice.context.localPeer.peerId, alice.node.id)
  assert.equal(alice.context.localPeer.addresses, { memory: 'memory:alice' })
  await alice.context.broadcast({ type: 'n', payload: 'to speakers' })
  await alice.context.broadcast({ type: 'n', payload: 'to nobody' }, { except: [bob.node.id] })
  await alice.context.send(bob.node.id, { type: 'n', payload: 'to bob', protocol: 'another' })
  await until(() => bob.handler.heard.length === 2, 'two words')
  await settle()
  assert.equal(bob.handler.payloads, ['to speakers', 'to bob'])
  assert.equal([carol.diary.messages, codesIn(carol.diary), bob.handler.heard[0]!.message.from], [[], [], alice.node.id])
})

test('its store is its own, whatever names others bear', async () => {
  await using town = new Town()
  const store = new MemoryStore()
  const alice = await town.resident('alice', { store })
  const names = ['a', 'a/b', 'a/', 'a%2Fb', 'names', '../a', 'ü']
  const contexts = names.map(name => {
    const handler = new PlainHandler(name)
    alice.node.registerProtocol(handler)
    return handler.context
  })
  for (const [index, { store: own }] of contexts.entries()) {
    await own.put('b/key', Uint8Array.of(index))
    await own.put('key', Uint8Array.of(index))
    await own.put(`only ${index}`, Uint8Array.of(index))
  }
  for (const [index, { store: own }] of contexts.entries()) {
    const entries: [string, number][] = []
    for await (const [key, value] of own.entries('')) entries.push([key, value[0]!])
    assert.equal(entries, [['b/key', index], ['key', index], [`only ${index}`, index]], names[index])
    await own.delete('key')
    assert.is(await own.get('key'), undefined)
  }
  const again = new PlainHandler('a')
  alice.node.unregisterProtocol('a')
  alice.node.registerProtocol(again)
  assert.equal(await again.context.store.get('b/key'), Uint8Array.of(0), 'what was put away is found again')
})

test('random bytes are as many as asked for, and never twice the same', async () => {
  await using town = new Town()
  const { context } = await lodger(town, 'alice')
  assert.equal([0, 1, 32, 5_000].map(length => context.randomBytes(length).length), [0, 1, 32, 5_000])
  const drawn = Array.from({ length: 200 }, () => Buffer.from(context.randomBytes(8)).toString('hex'))
  assert.is(new Set(drawn).size, 200)
})

test('an authored frame stands by itself: anyone can check it, whoever brings it and whenever', async () => {
  await using town = new Town()
  const { alice, bob } = await twoLodgers(town)
  const frame = await alice.context.author({ type: 'item', payload: { n: 1 }, slot: 's', to: bob.node.id })
  town.clock.advance(10 * 86_400_000)
  for (let time = 0; time < 2; time++) {
    const message = await bob.context.verify(frame)
    assert.equal(
      [message.from, message.protocol, message.type, message.payload, message.slot, message.to],
      [alice.node.id, 'talk', 'item', { n: 1 }, 's', bob.node.id],
    )
    assert.equal(message.frame, frame)
  }
  const stranger = await lodger(town, 'carol')
  assert.is((await stranger.context.verify(frame)).from, alice.node.id, 'also by whom it is not addressed to')
  const changed = frame.slice()
  changed[frame.length - 1]! ^= 1
  assert.is((await rejection(bob.context.verify(changed))).code, 'ERR_WIRE_BAD_SIGNATURE')
  assert.is((await rejection(bob.context.verify(Uint8Array.of(1, 2, 3)))).code, 'ERR_WIRE_MALFORMED')
  assert.is((await rejection(alice.context.author({ type: 'item', payload: 1, to: 'nobody' }))).code, 'ERR_PEER_UNKNOWN')
})

test('many frames authored at once share a signature, and each still stands alone', async () => {
  await using town = new Town()
  const { alice, bob } = await twoLodgers(town)
  const frames = await Promise.all(Array.from({ length: 10 }, (_, index) => alice.context.author({ type: 'item', payload: index })))
  const messages = await Promise.all(frames.map(frame => bob.context.verify(frame)))
  assert.equal(messages.map(message => message.payload), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  assert.ok(frames.every(frame => frame[1] === 2), 'auth is burst')
})

test('a delivered frame is heard as from its author, by way of whoever brought it, once', async () => {
  await using town = new Town()
  const { alice, bob } = await twoLodgers(town)
  const carol = Mallory.person({ clock: town.clock })
  const via = bob.node.getPeer(alice.node.id)!
  const frame = await signedFrame(carol, { protocol: 'talk', type: 'item', payload: 'from afar' })
  await bob.context.deliver(frame, via)
  assert.equal(bob.handler.heard.map(({ message, from }) => [message.from, message.via, from.peerId, message.payload]), [[carol.id, alice.node.id, carol.id, 'from afar']])
  assert.is((await rejection(bob.context.deliver(frame, via))).code, 'ERR_WIRE_REPLAYED')
  assert.is(bob.handler.heard.length, 1)
})

test('delivering enters the intake at form and proof: all that holds for links holds for it', async () => {
  await using town = new Town()
  const { alice, bob } = await twoLodgers(town)
  const carol = Mallory.person({ clock: town.clock })
  const via = bob.node.getPeer(alice.node.id)!
  const word = { protocol: 'talk', type: 'item', payload: 1 }
  const now = town.clock.now()
  const forged = await signedFrame(carol, word)
  forged[50]! ^= 1
  const cases: [Uint8Array, string][] = [
    [Uint8Array.of(1), 'ERR_WIRE_MALFORMED'],
    [forged, 'ERR_WIRE_BAD_SIGNATURE'],
    [carol.author.channelFrame(word), 'ERR_WIRE_WEAK_AUTH'],
    [await signedFrame(carol, { ...word, timestamp: now - 120_001 }), 'ERR_WIRE_STALE'],
    [await signedFrame(carol, { ...word, timestamp: now + 30_001 }), 'ERR_WIRE_FUTURE'],
    [await signedFrame(carol, { ...word, to: fromHex(alice.node.id) }), 'ERR_WIRE_WRONG_RECIPIENT'],
    [await signedFrame(Mallory.person({ clock: town.clock, networkId: 'elsewhere' }), word), 'ERR_WIRE_WRONG_NETWORK'],
  ]
  for (const [frame, code] of cases) assert.is((await rejection(bob.context.deliver(frame, via))).code, code)
  assert.is(bob.handler.heard.length, 0)
  assert.ok(bob.node.isConnected(alice.node.id), 'whom to blame is for the plugin to say')
})

test('what only alice\'s link could vouch for is refused even when alice delivers her own', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const handler = new DefinedHandler({ name: 'talk', auth: 'channel' })
  bob.node.registerProtocol(handler)
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  const frame = mallory.self.author.channelFrame({ protocol: 'talk', type: 'item', payload: 1 })
  assert.is((await rejection(handler.context.deliver(frame, bob.node.getPeer(mallory.id)!))).code, 'ERR_WIRE_WEAK_AUTH')
})

test('a delivered frame may answer a question, from whom was asked', async () => {
  await using town = new Town()
  const { alice, bob } = await twoLodgers(town)
  const asking = alice.context.request(bob.node.id, { type: 'q', payload: 1, messageId: 'q-1' })
  await until(() => bob.handler.heard.length, 'the question')
  const answer = await bob.context.author({ type: 'q', payload: 'by another way', inReplyTo: 'q-1' })
  await alice.context.deliver(answer, alice.context.peers()[0]!)
  assert.is((await asking).payload, 'by another way')
})

test('what a plugin reports is an error of the node, and of the peer it blames', async () => {
  await using town = new Town()
  const { alice, bob } = await twoLodgers(town)
  alice.context.report(new P2PError('ERR_TALK_RUDE', 'bob was rude', { peerId: bob.node.id }))
  alice.context.report(new P2PError('ERR_TALK_LOST', 'lost for words'))
  assert.equal(alice.diary.errors.map(({ error, peer }) => [error.code, peer.peerId]), [['ERR_TALK_RUDE', 'bob'], ['ERR_TALK_LOST', alice.node.id]])
  assert.equal(alice.node.getStats().peers.errors, { ERR_TALK_RUDE: 1, ERR_TALK_LOST: 1 })
  for (let count = 1; count <= 50; count++) alice.context.report(new P2PError('ERR_TALK_RUDE', 'bob was rude', { peerId: bob.node.id }))
  await until(() => alice.diary.disconnected.length, 'bob to be cut')
  assert.equal(alice.diary.disconnected, [['bob', 'misbehaviour']])
})

test('blaming somebody who is not here is only told', async () => {
  await using town = new Town()
  const alice = await lodger(town, 'alice')
  alice.context.report(new P2PError('ERR_TALK_RUDE', 'rude', { peerId: 'ab'.repeat(32) }))
  assert.equal(alice.diary.errors.map(({ peer }) => [peer.peerId, peer.state]), [['ab'.repeat(32), 'disconnected']])
})

test('plugins connect and disconnect', async () => {
  await using town = new Town()
  const alice = await lodger(town, 'alice')
  const bob = await lodger(town, 'bob')
  const peer = await alice.context.connect({ peerId: bob.node.id, addresses: { memory: bob.address }, state: 'disconnected', lastSeen: 0 })
  assert.is(peer.peerId, bob.node.id)
  await alice.context.disconnect(bob.node.id, 'misbehaviour')
  await until(() => bob.diary.disconnected.length, 'the goodbye')
  assert.equal([alice.diary.disconnected, bob.diary.disconnected], [[[bob.node.id, 'misbehaviour']], [[alice.node.id, 'remote']]], 'that they accuse us is their word')
})

test('peer records: ours can be passed on, kept, and led to us', async () => {
  await using town = new Town()
  const alice = await lodger(town, 'alice', { network: 'private' })
  const bob = await lodger(town, 'bob')
  const record = await bob.context.addresses.own()
  assert.is(await alice.context.addresses.add(record), true)
  assert.equal(alice.context.addresses.sample(5).map(peer => [peer.peerId, peer.addresses]), [[bob.node.id, { memory: 'memory:bob' }]])
  assert.equal(alice.context.addresses.sample(0), [])
  assert.is((await alice.context.connect(bob.node.id)).state, 'connected')
  assert.is(await bob.context.addresses.add(record), false, 'oneself is no address to keep')
})

test('peer records that are old, forged, of something else or of nowhere are not kept', async () => {
  await using town = new Town()
  const alice = await lodger(town, 'alice', { network: 'private' })
  const bob = Mallory.person({ clock: town.clock })
  const recordOf = (payload: unknown, fields = {}) => signedFrame(bob, { protocol: 'peer', type: 'record', payload, ...fields })
  const early = await recordOf({ addresses: ['memory:bob'] })
  town.clock.advance(10)
  ;(bob.clock as typeof town.clock).advance(10)
  assert.is(await alice.context.addresses.add(await recordOf({ addresses: ['memory:bobs-new-home'] })), true)
  assert.is(await alice.context.addresses.add(early), false, 'what a peer said before counts no more')
  assert.equal(alice.context.addresses.sample(1)[0]!.addresses, { memory: 'memory:bobs-new-home' })
  for (const payload of [null, 7, {}, { addresses: [] }, { addresses: 'memory:bob' }, { addresses: [7] }, { addresses: ['tcp://bob'] }, { addresses: [`memory:${'b'.repeat(130)}`] }, { addresses: Array(5).fill('memory:bob') }]) {
    assert.is(await alice.context.addresses.add(await recordOf(payload)), false, JSON.stringify(payload))
  }
  assert.is((await rejection(alice.context.addresses.add(await recordOf({ addresses: ['memory:x'] }, { type: 'recording' })))).code, 'ERR_WIRE_MALFORMED')
  assert.is((await rejection(alice.context.addresses.add(await recordOf({ addresses: ['memory:x'] }, { protocol: 'talk' })))).code, 'ERR_WIRE_MALFORMED')
  const forged = await recordOf({ addresses: ['memory:x'] })
  forged[60]! ^= 1
  assert.is((await rejection(alice.context.addresses.add(forged))).code, 'ERR_WIRE_BAD_SIGNATURE')
})

test('on a public network nobody has us knock at doors inside our own', async () => {
  await using town = new Town()
  const dialler = { name: 'websocket' as const, schemes: ['ws:', 'wss:'], dial: () => Promise.reject(new Error('no')) }
  const records = async (network: 'public' | 'private', address: string): Promise<boolean> => {
    const handler = new PlainHandler('talk')
    town.guest('alice', { network, transports: [dialler] }).node.registerProtocol(handler)
    return await handler.context.addresses.add(await signedFrame(Mallory.person({ clock: town.clock }), { protocol: 'peer', type: 'record', payload: { addresses: [address] } }))
  }
  assert.equal([await records('public', 'ws://192.168.1.1:80'), await records('private', 'ws://192.168.1.1:80'), await records('public', 'ws://203.0.113.1:80')], [false, true, true])
})

test('after unregistering nothing of it works any more', async () => {
  await using town = new Town()
  const { alice, bob } = await twoLodgers(town)
  const { context } = alice
  const asked = bob.handler
  await alice.context.send(bob.node.id, { type: 'n', payload: 1 })
  await until(() => asked.heard.length, 'a word')
  const frame = await context.author({ type: 'n', payload: 1 })
  const record = await context.addresses.own()
  const waiting = rejection(context.request(bob.node.id, { type: 'q', payload: 1 }))
  let aborted = 0
  context.signal.addEventListener('abort', () => aborted++)
  alice.node.unregisterProtocol('talk')
  assert.equal([aborted, (context.signal.reason as P2PError).code, (await waiting).code], [1, 'ERR_PROTOCOL_NOT_REGISTERED', 'ERR_PROTOCOL_NOT_REGISTERED'])

  await settle()
  const word = { type: 'n', payload: 1 }
  const attempts: Record<string, () => unknown> = {
    send: () => context.send(bob.node.id, word), broadcast: () => context.broadcast(word), request: () => context.request(bob.node.id, word),
    reply: () => context.reply({ ...word, from: bob.node.id, timestamp: 0, messageId: 'm' }, 1), author: () => context.author(word), verify: () => context.verify(frame),
    deliver: () => context.deliver(frame, bob.context.localPeer), connect: () => context.connect(bob.node.id), disconnect: () => context.disconnect(bob.node.id),
    own: () => context.addresses.own(), add: () => context.addresses.add(record), ephemeral: () => context.ephemeral(new PlainHandler('x')),
    get: () => context.store.get('k'), put: () => context.store.put('k', Uint8Array.of(1)), delete: () => context.store.delete('k'),
    entries: async () => { for await (const entry of context.store.entries('')) void entry },
    announce: () => context.resources.announce('t', 'i', 1), discover: () => context.resources.discover('t'), discoverPage: () => context.resources.discoverPage('t'),
    lookup: () => context.resources.get('t', 'i'), watch: async () => context.resources.watch('t'), publish: () => context.pubsub.publish('t', 1),
    subscribe: async () => context.pubsub.subscribe('t', () => {}), sample: async () => context.addresses.sample(1),
  }
  for (const [name, attempt] of Object.entries(attempts)) assert.is((await rejection(attempt() as Promise<unknown>)).code, 'ERR_PROTOCOL_NOT_REGISTERED', name)
  assert.equal(context.peers(), [])
  assert.ok(alice.node.isConnected('bob'), 'the link is the node\'s')
})

test('what a plugin puts away in onUnregister is stored', async () => {
  await using town = new Town()
  const store = new MemoryStore()
  const alice = await town.resident('alice', { store })
  class Tidy extends PlainHandler {
    override async onUnregister(): Promise<void> {
      await settle(2)
      await this.context.store.put('last words', Uint8Array.of(1, 2))
    }
  }
  alice.node.registerProtocol(new Tidy('tidy'))
  await alice.node.shutdown()
  const again = await town.resident('again', { store })
  const handler = new PlainHandler('tidy')
  again.node.registerProtocol(handler)
  assert.equal(await handler.context.store.get('last words'), Uint8Array.of(1, 2))
})

test.run()
