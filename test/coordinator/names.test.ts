import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PeerInfo } from '../../lib/contracts/peer.ts'
import { generateIdentity } from '../../lib/crypto/identity.ts'
import { fromHex, toHex } from '../../lib/foundation/hex.ts'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { P2PCoordinator } from '../../lib/p2p-coordinator.ts'
import { rejection } from '../support/rejection.ts'
import { codesIn, meet, Town } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('names and keys')

function infoOf(peerId: string, address: string): PeerInfo {
  return { peerId, addresses: { memory: address }, state: 'disconnected', lastSeen: 0 }
}

test('the name you give yourself reads back; without one it is your id', async () => {
  const identity = generateIdentity()
  await using alice = new P2PCoordinator({ peerId: 'alice', identity })
  await using nameless = new P2PCoordinator({ identity })
  await using exact = new P2PCoordinator({ peerId: toHex(identity.publicKey), identity })
  assert.equal([alice.peerId, alice.id], ['alice', toHex(identity.publicKey)])
  assert.equal([nameless.peerId, exact.peerId], [alice.id, alice.id])
})

test('two nodes without an identity have different keys', async () => {
  await using alice = new P2PCoordinator()
  await using bob = new P2PCoordinator()
  assert.is.not(alice.id, bob.id)
  assert.match(alice.id, /^[0-9a-f]{64}$/)
})

test('a name that looks like an id is refused, for oneself and for others', async () => {
  await using town = new Town()
  const alice = town.guest('alice')
  const lookalike = 'AB'.repeat(32)
  assert.throws(() => new P2PCoordinator({ peerId: 'ab'.repeat(32) }), /is not the id of the given identity/)
  assert.throws(() => new P2PCoordinator({ peerId: lookalike }), /looks like an id/)
  assert.throws(() => new P2PCoordinator({ names: { [lookalike]: 'ab'.repeat(32) } }), /looks like an id/)
  const refusal = await alice.node.connectToPeer(infoOf(lookalike, 'memory:bob')).catch((error: unknown) => error)
  assert.instance(refusal, RangeError)
})

test('a name is bound to the key that answers first, and pinned', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  assert.is(alice.node.getPeer('bob')?.trust, 'pinned')
  assert.is(alice.node.getPeer(bob.node.id)?.peerId, 'bob')
})

test('met by URL a peer is of first use; by id, key or url#id it is given', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const ways: [PeerInfo | string, string][] = [
    [bob.address, 'first-use'],
    [{ ...infoOf('', bob.address) }, 'first-use'],
    [`${bob.address}#${bob.node.id}`, 'given'],
    [infoOf(bob.node.id, bob.address), 'given'],
    [{ ...infoOf('', bob.address), publicKey: fromHex(bob.node.id) }, 'given'],
    [{ ...infoOf('robert', bob.address), publicKey: fromHex(bob.node.id) }, 'given'],
  ]
  for (const [way, trust] of ways) {
    const alice = town.guest('alice')
    const peer = await alice.node.connectToPeer(way)
    assert.is(peer.trust, trust, JSON.stringify(way))
    assert.is(toHex(peer.publicKey!), bob.node.id)
  }
})

test('another key under a pinned name is refused until the name is forgotten', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await alice.node.disconnectFromPeer('bob')
  await bob.node.shutdown()
  const mallory = await town.resident('mallory')

  const refusal = await rejection(alice.node.connectToPeer(infoOf('bob', mallory.address)))
  assert.is(refusal.code, 'ERR_PEER_ID_MISMATCH')
  assert.match(refusal.message, /another key is there now/)
  await settle()
  assert.equal(mallory.diary.connected, [], 'mallory was never told who knocked')
  assert.not.ok(alice.node.isConnected('bob'))

  alice.node.forget('bob')
  const peer = await alice.node.connectToPeer(infoOf('bob', mallory.address))
  assert.equal([peer.peerId, toHex(peer.publicKey!)], ['bob', mallory.node.id])
})

test('a pinned name with another key given for it is refused before anything is dialled', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const carol = await town.resident('carol')
  const refusal = await rejection(alice.node.connectToPeer({ ...infoOf('bob', carol.address), publicKey: fromHex(carol.node.id) }))
  assert.is(refusal.code, 'ERR_PEER_ID_MISMATCH')
  assert.match(refusal.message, new RegExp(`bound to ${bob.node.id}, not to ${carol.node.id}`))
  assert.equal(carol.diary.connected, [])
})

test('two at once under one name: the first keeps it, the second is refused', async () => {
  await using town = new Town()
  const alice = town.guest('alice')
  const bob = await town.resident('bob')
  const carol = await town.resident('carol')
  const outcomes = await Promise.allSettled([alice.node.connectToPeer(infoOf('friend', bob.address)), alice.node.connectToPeer(infoOf('friend', carol.address))])
  const refused = outcomes.filter(outcome => outcome.status === 'rejected').map(outcome => (outcome.reason as { code: string }).code)
  assert.equal(refused, ['ERR_PEER_ID_MISMATCH'])
  await settle()
  assert.is(alice.node.getConnectedPeers().length, 1)
  assert.equal(alice.diary.connected, ['friend'], 'whoever was refused was never announced')
})

test('a pin lasts as long as the store, and a name can be forgotten before it was read', async () => {
  await using town = new Town()
  const store = new MemoryStore()
  const { bob } = await town.pair({ alice: { store } })
  const carol = await town.resident('carol')

  const again = town.guest('again', { store })
  assert.is((await rejection(again.node.connectToPeer(infoOf('bob', carol.address)))).code, 'ERR_PEER_ID_MISMATCH')
  assert.is(toHex((await again.node.connectToPeer(infoOf('bob', bob.address))).publicKey!), bob.node.id)

  const oblivious = town.guest('oblivious', { store })
  oblivious.node.forget('bob')
  assert.is(toHex((await oblivious.node.connectToPeer(infoOf('bob', carol.address))).publicKey!), carol.node.id)
})

test('a pin that cannot be stored is complained about, and does no harm beyond', async () => {
  await using town = new Town()
  const store = new MemoryStore()
  const full = Object.assign(new MemoryStore(), { put: () => Promise.reject(new Error('disk full')) })
  const alice = town.guest('alice', { store: full })
  const bob = await town.resident('bob', { store })
  const refusal = await alice.node.connectToPeer(infoOf('bob', bob.address)).catch((error: unknown) => error)
  assert.match((refusal as Error).message, /disk full/)
  await settle()
  assert.ok(alice.node.isConnected('bob'), 'the link itself stands')
})

test('names of the configuration hold from the start and are given', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const alice = town.guest('alice', { names: { bob: bob.node.id } })
  const carol = await town.resident('carol')

  assert.is((await rejection(alice.node.connectToPeer(infoOf('bob', carol.address)))).code, 'ERR_PEER_ID_MISMATCH')
  const peer = await alice.node.connectToPeer(infoOf('bob', bob.address))
  assert.equal([peer.peerId, peer.trust], ['bob', 'given'])
})

test('a name works wherever an id does', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await alice.node.sendTo('bob', { type: 'n', payload: 1, from: 'alice', to: 'bob' })
  await alice.node.sendTo(bob.node.id, { type: 'n', payload: 2, from: alice.node.id, to: bob.node.id })
  await until(() => bob.diary.messages.length === 2, 'both')
  const skipped = await alice.node.broadcast({ type: 'n', payload: 3 }, { except: ['bob'] })
  assert.is(skipped.sent, 0)
  await alice.node.disconnectFromPeer(bob.node.id)
  await alice.node.connectToPeer('bob')
  assert.ok(alice.node.isConnected('bob'))
})

test('names stay at home: nobody learns what one calls them, or oneself', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await alice.node.sendTo('bob', { type: 'n', payload: null })
  await until(() => bob.diary.messages.length, 'the message')
  const { message, from } = bob.diary.messages[0]!
  assert.equal([message.from, message.to, from.peerId], [alice.node.id, 'bob', alice.node.id])
  assert.is(from.name, undefined)
})

test('a forgotten name leaves the peer under its id, or under its other name', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  alice.node.forget('bob')
  assert.is(alice.node.getPeer('bob'), undefined)
  assert.is(alice.node.getPeer(bob.node.id)?.peerId, bob.node.id)
  assert.is(alice.node.getPeer(bob.node.id)?.name, undefined)

  await alice.node.connectToPeer(infoOf('bob', bob.address))
  await alice.node.connectToPeer(infoOf('robert', bob.address))
  alice.node.forget('bob')
  assert.is(alice.node.getPeer('robert')?.peerId, 'robert')
  alice.node.forget('never heard of')
  assert.equal(codesIn(alice.diary), [])
})

test('whoever does not hold the key in url#id is refused, and never learns who dialled', async () => {
  await using town = new Town()
  const alice = town.guest('alice')
  const bob = await town.resident('bob')
  const mallory = await town.resident('mallory')
  assert.is((await rejection(alice.node.connectToPeer(`${mallory.address}#${bob.node.id}`))).code, 'ERR_PEER_ID_MISMATCH')
  await settle()
  assert.equal(mallory.diary.connected, [])
  assert.instance(await alice.node.connectToPeer(`${bob.address}#bob`).catch((error: unknown) => error), RangeError)
})

test('an id and a key that differ, and things that are no peers, are the caller\'s mistake', async () => {
  await using town = new Town()
  const alice = town.guest('alice')
  const wrong: [unknown, typeof TypeError | typeof RangeError][] = [
    [null, TypeError], [7, TypeError], [{}, TypeError], [{ peerId: 'bob' }, TypeError],
    [{ ...infoOf('ab'.repeat(32), 'memory:bob'), publicKey: new Uint8Array(32) }, RangeError],
    [{ ...infoOf('bob', 'memory:bob'), publicKey: new Uint8Array(33) }, TypeError],
    [infoOf('x'.repeat(129), 'memory:bob'), RangeError],
    [{ ...infoOf('bob', 'memory:bob'), peerId: 7 }, TypeError],
  ]
  for (const [peer, kind] of wrong) {
    const refusal = await alice.node.connectToPeer(peer as string).catch((error: unknown) => error)
    assert.instance(refusal, kind, `${JSON.stringify(peer)}: ${String(refusal)}`)
  }
})

test('a name binds two meetings of one peer together, whoever dialled', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await meet(bob, alice)
  assert.is(bob.node.getPeer('alice')?.peerId, 'alice')
  assert.equal(bob.diary.connected, [alice.node.id], 'no second link was needed')
})

test.run()
