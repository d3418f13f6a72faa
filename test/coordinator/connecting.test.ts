import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PeerState, type PeerInfo } from '../../lib/contracts/peer.ts'
import { generateIdentity } from '../../lib/crypto/identity.ts'
import { P2PCoordinator } from '../../lib/p2p-coordinator.ts'
import { CountingTransport } from '../support/counting-transport.ts'
import { JitteryTransport } from '../support/jittery-transport.ts'
import { rejection } from '../support/rejection.ts'
import { codesIn, meet, payloadsIn, Town } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('connecting')

function infoOf(peerId: string, addresses: PeerInfo['addresses']): PeerInfo {
  return { peerId, addresses, state: 'disconnected', lastSeen: 0 }
}

async function countingGuest(town: Town, name = 'alice') {
  const transport = new CountingTransport(town.transport())
  return { transport, ...town.guest(name, { transports: [transport] }) }
}

test('by PeerInfo, by id and by name: one link, and nothing is dialled twice', async () => {
  await using town = new Town()
  const alice = await countingGuest(town)
  const bob = await town.resident('bob')
  const first = await alice.node.connectToPeer(infoOf('bob', { memory: bob.address }))
  for (const way of [infoOf('bob', { memory: bob.address }), bob.node.id, 'bob', infoOf(bob.node.id, {}), `${bob.address}#${bob.node.id}`]) {
    assert.is(await alice.node.connectToPeer(way), first)
  }
  assert.is(alice.transport.dials, 1)
  assert.equal(alice.diary.connected, ['bob'])
})

test('a URL does not say who is there, so it is asked again: whoever it is keeps one link and is announced once', async () => {
  await using town = new Town()
  const alice = await countingGuest(town)
  const bob = await town.resident('bob')
  const first = await alice.node.connectToPeer(bob.address)
  assert.is(await alice.node.connectToPeer(bob.address), first)
  assert.is(alice.transport.dials, 2)
  await settle()
  assert.equal([alice.diary.connected.length, bob.diary.connected.length, alice.diary.disconnected.length, bob.diary.disconnected.length], [1, 1, 0, 0])
  await alice.node.sendTo(bob.node.id, { type: 'n', payload: 1 })
  await bob.node.sendTo(alice.node.id, { type: 'n', payload: 2 })
  await until(() => alice.diary.messages.length && bob.diary.messages.length, 'both to be heard')
})

test('concurrent calls share one dial, under whatever name they come', async () => {
  await using town = new Town()
  const alice = await countingGuest(town)
  const bob = await town.resident('bob')
  alice.transport.hold()
  const calls = [infoOf('bob', { memory: bob.address }), infoOf('robert', { memory: bob.address }), bob.address, bob.address].map(way => alice.node.connectToPeer(way))
  await settle()
  alice.transport.release()
  const peers = await Promise.all(calls)
  assert.is(alice.transport.dials, 1)
  assert.is(new Set(peers).size, 1)
  assert.is(alice.node.getPeer('robert'), alice.node.getPeer('bob'))
  assert.is(alice.diary.connected.length, 1)
})

test('a dial fails for all who share it, and the next call dials anew', async () => {
  await using town = new Town()
  const alice = await countingGuest(town)
  const failures = await Promise.all([1, 2].map(() => rejection(alice.node.connectToPeer('memory:nobody'))))
  assert.equal(failures.map(error => error.code), ['ERR_TRANSPORT_DIAL_FAILED', 'ERR_TRANSPORT_DIAL_FAILED'])
  assert.is(alice.transport.dials, 1)
  await rejection(alice.node.connectToPeer('memory:nobody'))
  assert.is(alice.transport.dials, 2)
})

test('one who gives up leaves the dial to the others', async () => {
  await using town = new Town()
  const alice = await countingGuest(town)
  const bob = await town.resident('bob')
  alice.transport.hold()
  const impatient = new AbortController()
  const cancelled = alice.node.connectToPeer(bob.address, { signal: impatient.signal }).catch((error: unknown) => error)
  const patient = alice.node.connectToPeer(bob.address)
  const late = alice.node.connectToPeer(bob.address, { timeoutMs: 50 }).catch((error: unknown) => error)
  const reason = { changed: 'my mind' }
  impatient.abort(reason)
  assert.is(await cancelled, reason, 'the reason arrives untouched')
  town.clock.advance(50)
  assert.is((await late as Error).name, 'TimeoutError')
  alice.transport.release()
  assert.is((await patient).state, PeerState.CONNECTED)
})

test('a dial that nobody waits for any more is given up', async () => {
  await using town = new Town()
  const alice = await countingGuest(town)
  const bob = await town.resident('bob')
  alice.transport.hold()
  const waiting = [20, 50].map(timeoutMs => alice.node.connectToPeer(infoOf(bob.node.id, { memory: bob.address }), { timeoutMs }).catch((error: unknown) => error))
  await settle()
  town.clock.advance(20)
  await settle()
  assert.is(alice.node.getPeer(bob.node.id)?.state, PeerState.CONNECTING)
  town.clock.advance(30)
  assert.equal((await Promise.all(waiting)).map(error => (error as Error).name), ['TimeoutError', 'TimeoutError'])
  alice.transport.release()
  await settle()
  assert.equal([alice.diary.connected, bob.diary.connected], [[], []])
  assert.is(alice.node.getPeer(bob.node.id)?.state, PeerState.DISCONNECTED)
})

test('a call that was cancelled before it began dials nothing', async () => {
  await using town = new Town()
  const alice = await countingGuest(town)
  const refusal = await alice.node.connectToPeer('memory:bob', { signal: AbortSignal.abort('never mind') }).catch((error: unknown) => error)
  assert.is(refusal, 'never mind')
  assert.is(alice.transport.dials, 0)
})

test('disconnecting from a peer that is being dialled ends the dialling', async () => {
  await using town = new Town()
  const alice = await countingGuest(town)
  const bob = await town.resident('bob')
  for (const name of ['bob', bob.node.id]) {
    alice.transport.hold()
    const connecting = rejection(alice.node.connectToPeer(infoOf(name, { memory: bob.address })))
    await settle()
    await alice.node.disconnectFromPeer(name)
    alice.transport.release()
    const refusal = await connecting
    assert.is(refusal.code, 'ERR_PEER_DISCONNECTED')
    await settle()
    assert.equal([alice.diary.connected, bob.diary.connected], [[], []])
  }
})

test('connecting again while the goodbye is under way gives a new link', async () => {
  await using town = new Town()
  // Each frame takes five turns, the goodbye and its answer among them.
  const slow = new JitteryTransport(town.transport(), () => Uint8Array.of(0, 0, 0, 5), 5)
  const { alice, bob } = await town.pair({ alice: { transports: [slow] } })
  const leaving = alice.node.disconnectFromPeer('bob')
  await settle(2)
  assert.is(alice.node.getPeer('bob')?.state, PeerState.DISCONNECTING)
  const peer = await alice.node.connectToPeer('bob')
  await leaving
  assert.is(peer.state, PeerState.CONNECTED)
  assert.equal(alice.diary.connected, ['bob', 'bob'])
  await alice.node.sendTo('bob', { type: 'n', payload: 'back' })
  await until(() => bob.diary.messages.length, 'a word on the new link')
  await settle()
  assert.equal([alice.diary.disconnected.length, bob.diary.disconnected.length], [1, 1])
})

test('nobody connects to themselves, by whatever way', async () => {
  await using town = new Town()
  const alice = await town.resident('alice')
  for (const way of ['alice', alice.node.id, alice.address, `${alice.address}#${alice.node.id}`, infoOf('me', { memory: alice.address }), infoOf(alice.node.id, { memory: alice.address })]) {
    assert.is((await rejection(alice.node.connectToPeer(way))).code, 'ERR_PEER_IS_SELF', JSON.stringify(way))
  }
  await settle()
  assert.equal(alice.diary.connected, [])
})

test('whom nobody knows an address of is unknown, and what no transport dials is not available', async () => {
  await using town = new Town()
  const alice = town.guest('alice')
  const cases: [PeerInfo | string, string, RegExp][] = [
    ['bob', 'ERR_PEER_UNKNOWN', /no peer is known as "bob"/],
    ['ab'.repeat(32), 'ERR_PEER_UNKNOWN', /no address is known/],
    [infoOf('bob', {}), 'ERR_PEER_UNKNOWN', /no address is known for bob/],
    ['tcp://bob:1', 'ERR_TRANSPORT_NOT_AVAILABLE', /no transport of this node dials tcp/],
    [infoOf('bob', { websocket: 'ws://bob' }), 'ERR_TRANSPORT_NOT_AVAILABLE', /it has websocket; this node has memory/],
  ]
  for (const [way, code, text] of cases) {
    const refusal = await rejection(alice.node.connectToPeer(way))
    assert.is(refusal.code, code, JSON.stringify(way))
    assert.match(refusal.message, text)
  }
})

test('the addresses of a peer are tried one after the other until one answers', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const broken = { name: 'websocket' as const, schemes: ['ws:'], dial: () => Promise.reject(new Error('no route')) }
  const alice = town.guest('alice', { transports: [broken, town.transport()] })
  const peer = await alice.node.connectToPeer(infoOf('bob', { websocket: 'ws://bob', memory: bob.address }))
  assert.is(peer.state, PeerState.CONNECTED)
  const refusal = await rejection(alice.node.connectToPeer(infoOf('carol', { websocket: 'ws://carol', memory: 'memory:carol' })))
  assert.match(refusal.message, /could not reach carol: ws:\/\/carol: no route; memory:carol: /)
})

test('a listener that answers with silence is given up after the handshake\'s time, a dial that hangs after its own', async () => {
  await using town = new Town()
  const silent = await town.transport().listen('memory:silent')
  const hanging = { name: 'websocket' as const, schemes: ['ws:'], dial: () => new Promise<never>(() => {}) }
  const alice = town.guest('alice', { transports: [hanging, town.transport()] })
  const handshake = rejection(alice.node.connectToPeer('memory:silent'))
  const dial = alice.node.connectToPeer('ws://nowhere').catch((error: unknown) => error as Error)
  await settle()
  town.clock.advance(4_999)
  await settle()
  assert.ok(town.clock.timers > 0)
  town.clock.advance(1)
  assert.is((await handshake).code, 'ERR_PEER_HANDSHAKE_TIMEOUT')
  town.clock.advance(5_000)
  assert.is((await dial as Error).name, 'TimeoutError')
  await silent.close()
})

test('metadata given with a peer stays with it', async () => {
  await using town = new Town()
  const alice = town.guest('alice')
  const bob = await town.resident('bob')
  await alice.node.connectToPeer({ ...infoOf('bob', { memory: bob.address }), metadata: { colour: 'green' } })
  await alice.node.connectToPeer({ ...infoOf('bob', { memory: bob.address }), metadata: { size: 3 } })
  assert.equal(alice.node.getPeer('bob')?.metadata, { colour: 'green', size: 3 })
})

test('a peer that restarts under the same key takes the place of its old self', async () => {
  await using town = new Town()
  const identity = generateIdentity()
  const alice = await town.resident('alice')
  const old = town.guest('bob', { identity })
  await meet(old, alice)
  const reborn = town.guest('bob', { identity })
  await meet(reborn, alice)
  await until(() => alice.diary.connected.length === 2 && old.diary.disconnected.length, 'the old one to be gone')
  assert.equal(alice.diary.disconnected, [[old.node.id, 'error']])
  assert.is(alice.node.getConnectedPeers().length, 1)
  await alice.node.sendTo(old.node.id, { type: 'n', payload: 'to the new one' })
  await until(() => reborn.diary.messages.length, 'the new one to hear')
  assert.equal([payloadsIn(reborn.diary), payloadsIn(old.diary)], [['to the new one'], []])
})

test('bootstrap addresses are dialled when the node begins to listen', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const alice = await town.resident('alice', { bootstrap: [`${bob.address}#${bob.node.id}`, 'memory:nobody'] })
  await until(() => alice.node.isConnected(bob.node.id) && alice.diary.errors.length, 'bob and the failure')
  assert.equal(codesIn(alice.diary), ['ERR_TRANSPORT_DIAL_FAILED'])
})

test('who does not listen can still be spoken to by whom it dialled', async () => {
  await using town = new Town()
  const alice = town.guest('alice')
  const bob = await town.resident('bob')
  await meet(alice, bob)
  await bob.node.sendTo(alice.node.id, { type: 'n', payload: 'hello, guest' })
  await until(() => alice.diary.messages.length, 'the guest to hear')
})

test('listening where no transport can is refused with what there is', async () => {
  await using alice = new P2PCoordinator({ transports: [{ name: 'websocket', schemes: ['ws:'], dial: () => Promise.reject(new Error('no')) }] })
  for (const address of ['ws://127.0.0.1:0', 'memory:alice']) {
    const refusal = await rejection(alice.listen(address))
    assert.is(refusal.code, 'ERR_TRANSPORT_NOT_AVAILABLE')
    assert.match(refusal.message, /it has websocket/)
  }
})

test.run()
