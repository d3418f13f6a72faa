import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { DefinedHandler, PlainHandler } from '../support/plain-handler.ts'
import { rejection } from '../support/rejection.ts'
import { codesIn, meet, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('a plugin under another key')

interface Scene {
  alice: Resident
  bob: Resident
  /** Alice's own plugin, and bob's. */
  mix: DefinedHandler
  his: DefinedHandler
}

async function scene(town: Town, store = new MemoryStore()): Promise<Scene> {
  const alice = await town.resident('alice', { store })
  const bob = await town.resident('bob')
  const mix = new DefinedHandler({ name: 'mix' })
  const his = new DefinedHandler({ name: 'mix' })
  alice.node.registerProtocol(mix)
  bob.node.registerProtocol(his)
  await meet(alice, bob)
  return { alice, bob, mix, his }
}

test('it has a fresh key and links of its own; nobody can tell whose it is', async () => {
  await using town = new Town()
  const { alice, bob, mix, his } = await scene(town)
  const masks = [new DefinedHandler({ name: 'mix' }), new DefinedHandler({ name: 'mix' })]
  for (const mask of masks) {
    await mix.context.ephemeral(mask)
    await mask.context.connect(bob.address)
    await mask.context.send(bob.node.id, { type: 'n', payload: 'guess who' })
  }
  await until(() => his.heard.length === 2, 'two voices')
  const ids = his.heard.map(({ message }) => message.from)
  assert.equal(ids, masks.map(mask => mask.context.localPeer.peerId))
  assert.is(new Set([...ids, alice.node.id]).size, 3)
  assert.is(bob.node.getStats().peers.connectedPeers, 3)
  assert.is(alice.node.getStats().peers.connectedPeers, 1, 'its links are none of alice\'s')
  assert.equal(masks[0]!.context.localPeer.name, undefined)
})

test('it listens where its node does, under an address of its own', async () => {
  await using town = new Town()
  const { alice, bob, mix } = await scene(town)
  const mask = new DefinedHandler({ name: 'mix' })
  await mix.context.ephemeral(mask)
  const { memory } = mask.context.localPeer.addresses
  assert.match(memory!, /^memory:.+/)
  assert.is.not(memory, alice.address)
  const peer = await bob.node.connectToPeer(memory!)
  assert.is(peer.peerId, mask.context.localPeer.peerId)
})

test('what it stores is the protocol\'s; what it learns of peers is nowhere', async () => {
  await using town = new Town()
  const store = new MemoryStore()
  const { bob, mix } = await scene(town, store)
  const mask = new DefinedHandler({ name: 'mask' })
  await mix.context.ephemeral(mask)
  await mix.context.store.put('mine', Uint8Array.of(1))
  await mask.context.store.put('ours', Uint8Array.of(2))
  await mask.context.connect({ peerId: 'bobby', addresses: { memory: bob.address }, state: 'disconnected', lastSeen: 0 })
  assert.equal([await mask.context.store.get('mine'), await mix.context.store.get('ours')], [Uint8Array.of(1), Uint8Array.of(2)])
  const keys: string[] = []
  for await (const [key] of store.entries('')) keys.push(key)
  assert.equal(keys, ['names/bob', 'protocol/mix/mine', 'protocol/mix/ours'])
  const seen: string[] = []
  for await (const [key] of mask.context.store.entries('o')) seen.push(key)
  assert.equal(seen, ['ours'])
  await mask.context.store.delete('mine')
  assert.is(await mix.context.store.get('mine'), undefined)
})

test('it ends when it is disposed of, and with the protocol that opened it', async () => {
  await using town = new Town()
  const { alice, bob, mix } = await scene(town)
  const [first, second] = [new DefinedHandler({ name: 'mix' }), new DefinedHandler({ name: 'mix' })]
  const opened = await mix.context.ephemeral(first)
  await mix.context.ephemeral(second)
  for (const mask of [first, second]) await mask.context.connect(bob.address)
  await until(() => bob.node.getStats().peers.connectedPeers === 3, 'three links')
  await opened[Symbol.asyncDispose]()
  await opened[Symbol.asyncDispose]()
  assert.ok(first.context.signal.aborted)
  assert.is(first.unregistered, 1)
  assert.not.ok(second.context.signal.aborted)
  alice.node.unregisterProtocol('mix')
  await until(() => bob.node.getStats().peers.connectedPeers === 1, 'alice alone to be left')
  assert.ok(second.context.signal.aborted)
})

test('shutdown waits until all of them have ended', async () => {
  await using town = new Town()
  const { alice, bob, mix } = await scene(town)
  const mask = new DefinedHandler({ name: 'mix' })
  await mix.context.ephemeral(mask)
  await mask.context.connect(bob.address)
  const timersBefore = town.clock.timers
  assert.ok(timersBefore > 0)
  await alice.node.shutdown()
  assert.ok(mask.context.signal.aborted)
  const listener = await town.transport().listen(mask.context.localPeer.addresses.memory ?? 'memory:free')
  await listener.close()
  await bob.node.shutdown()
  assert.is(town.clock.timers, 0)
})

test('one that cannot begin leaves nothing behind, and one begun too late ends at once', async () => {
  await using town = new Town()
  const { alice, mix } = await scene(town)
  const bad = Object.assign(new PlainHandler('bad'), { onRegister: () => { throw new Error('not today') } })
  await mix.context.ephemeral(bad).then(() => assert.unreachable(), (error: Error) => assert.is(error.message, 'not today'))
  const late = new DefinedHandler({ name: 'late' })
  const opening = rejection(mix.context.ephemeral(late))
  alice.node.unregisterProtocol('mix')
  assert.is((await opening).code, 'ERR_PROTOCOL_NOT_REGISTERED')
  await settle()
  assert.ok(late.context === undefined || late.context.signal.aborted)
})

test('its errors are told on its node', async () => {
  await using town = new Town()
  const { alice, bob, mix, his } = await scene(town)
  const mask = Object.assign(new DefinedHandler({ name: 'mix' }), { handleMessage: () => Promise.reject(new Error('oops')) })
  await mix.context.ephemeral(mask)
  await mask.context.connect(bob.address)
  await until(() => his.arrivals.length === 2, 'the mask to arrive')
  await his.context.send(mask.context.localPeer.peerId, { type: 'n', payload: 1 })
  await until(() => codesIn(alice.diary).length, 'the error')
  assert.equal(codesIn(alice.diary), ['ERR_PROTOCOL_HANDLER_FAILED'])
})

test.run()
