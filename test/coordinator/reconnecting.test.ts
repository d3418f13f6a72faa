import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PeerState } from '../../lib/contracts/peer.ts'
import { generateIdentity } from '../../lib/crypto/identity.ts'
import { CountingTransport } from '../support/counting-transport.ts'
import { Mallory } from '../support/mallory.ts'
import { codesIn, meet, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('reconnecting')

async function stage(town: Town): Promise<{ alice: Resident & { transport: CountingTransport }; bob: Resident }> {
  const transport = new CountingTransport(town.transport())
  const alice = { ...town.guest('alice', { transports: [transport] }), transport }
  const bob = await town.resident('bob', { identity: generateIdentity() })
  await meet(alice, bob)
  return { alice, bob }
}

/** Breaks the link as when a machine dies, its listener included. */
async function crash(town: Town, bob: Resident, seenBy: Resident): Promise<void> {
  const before = seenBy.diary.disconnected.length
  town.hub.cut(bob.address)
  await until(() => seenBy.diary.disconnected.length > before, 'the link to break')
}

/** How long until the next dial, to within a millisecond. */
async function waitOf(town: Town, transport: CountingTransport): Promise<number> {
  const before = transport.dials
  for (let waitedMs = 0; waitedMs < 70_000; waitedMs += 1) {
    if (transport.dials > before) return waitedMs
    town.clock.advance(1)
    // The dial itself is begun by microtasks.
    if (waitedMs % 100 === 0) await settle(1)
  }
  throw new Error('no dial in 70 s')
}

test('a lost peer is dialled again after a second at most, and everything works as before', async () => {
  await using town = new Town()
  const { alice, bob } = await stage(town)
  await crash(town, bob, alice)
  assert.equal(alice.diary.disconnected, [['bob', 'error']])
  assert.is(alice.node.getStats().peers.reconnecting, 1)
  await bob.node.listen(bob.address)
  town.clock.advance(499)
  await settle()
  assert.is(alice.transport.dials, 1, 'not before half of the first wait')
  town.clock.advance(501)
  await until(() => bob.node.isConnected(alice.node.id), 'bob to be back')
  assert.equal(alice.diary.connected, ['bob', 'bob'])
  assert.is(alice.node.getStats().peers.reconnecting, 0)
  await alice.node.sendTo('bob', { type: 'n', payload: 'again' })
  await until(() => bob.diary.messages.length, 'a word')
})

test('waits double from one second to one minute, each drawn from the upper half', async () => {
  await using town = new Town()
  const { alice, bob } = await stage(town)
  await crash(town, bob, alice)
  const waits: number[] = []
  for (const fullMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]) {
    const waitMs = await waitOf(town, alice.transport)
    assert.ok(waitMs >= fullMs / 2 - 1 && waitMs <= fullMs + 101, `expected ${fullMs / 2} to ${fullMs} ms, got ${waitMs}`)
    waits.push(waitMs / fullMs)
    await until(() => alice.node.getPeer('bob')?.state === PeerState.FAILED, 'the dial to fail')
    await settle()
  }
  assert.ok(new Set(waits.map(share => share.toFixed(2))).size > 4, `the waits are drawn, not fixed: ${waits.join(' ')}`)
  assert.equal([...new Set(codesIn(alice.diary))], ['ERR_TRANSPORT_CHANNEL_BROKEN', 'ERR_TRANSPORT_DIAL_FAILED'])
})

test('after a link that stood, waits begin at one second again', async () => {
  await using town = new Town()
  const { alice, bob } = await stage(town)
  await crash(town, bob, alice)
  for (let attempt = 0; attempt < 4; attempt++) {
    await waitOf(town, alice.transport)
    await settle()
  }
  await bob.node.listen(bob.address)
  await waitOf(town, alice.transport)
  await until(() => alice.node.isConnected('bob'), 'bob to be back')
  await crash(town, bob, alice)
  assert.ok(await waitOf(town, alice.transport) <= 1_101)
})

test('disconnectFromPeer ends the waiting', async () => {
  await using town = new Town()
  const { alice, bob } = await stage(town)
  await crash(town, bob, alice)
  await alice.node.disconnectFromPeer('bob')
  assert.is(alice.node.getStats().peers.reconnecting, 0)
  await bob.node.listen(bob.address)
  town.clock.advance(600_000)
  await settle()
  assert.is(alice.transport.dials, 1)
})

test('disconnectFromPeer ends an attempt under way, too', async () => {
  await using town = new Town()
  const { alice, bob } = await stage(town)
  await crash(town, bob, alice)
  await bob.node.listen(bob.address)
  alice.transport.hold()
  await waitOf(town, alice.transport)
  await alice.node.disconnectFromPeer('bob')
  alice.transport.release()
  await settle()
  town.clock.advance(600_000)
  await settle()
  assert.equal([alice.transport.dials, alice.diary.connected], [2, ['bob']])
})

test('shutdown ends the waiting and leaves no timer', async () => {
  await using town = new Town()
  const { alice, bob } = await stage(town)
  await crash(town, bob, alice)
  await bob.node.shutdown()
  await alice.node.shutdown()
  assert.is(town.clock.timers, 0)
})

test('a connect by the user takes the place of the waiting', async () => {
  await using town = new Town()
  const { alice, bob } = await stage(town)
  await crash(town, bob, alice)
  await bob.node.listen(bob.address)
  await alice.node.connectToPeer('bob')
  assert.is(alice.node.getStats().peers.reconnecting, 0)
  town.clock.advance(1_000)
  await settle()
  assert.is(alice.transport.dials, 2)
})

test('a peer that shut down in good order is waited for, one that said goodbye is not', async () => {
  await using town = new Town()
  const { alice, bob } = await stage(town)
  const carol = await town.resident('carol')
  await meet(alice, carol)
  await bob.node.shutdown()
  await carol.node.disconnectFromPeer(alice.node.id)
  await until(() => alice.diary.disconnected.length === 2, 'both to be gone')
  assert.equal(alice.diary.disconnected, [['bob', 'shutdown'], ['carol', 'remote']])
  assert.is(alice.node.getStats().peers.reconnecting, 1)
})

test('one that dialled us is not dialled, and with `reconnect: false` nobody is', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const alice = await town.resident('alice', { reconnect: false })
  await meet(alice, bob)
  town.hub.cut(bob.address)
  await until(() => alice.diary.disconnected.length && bob.diary.disconnected.length, 'the link to break')
  assert.equal([alice.node.getStats().peers.reconnecting, bob.node.getStats().peers.reconnecting], [0, 0])
})

test('one who answers with another key is not taken for the lost peer', async () => {
  await using town = new Town()
  const { alice, bob } = await stage(town)
  await crash(town, bob, alice)
  const listener = await town.transport().listen(bob.address)
  const mallory = (async () => {
    for await (const channel of listener.channels) return await Mallory.answer(channel)
    return undefined
  })().catch((error: unknown) => error)
  await waitOf(town, alice.transport)
  await until(() => codesIn(alice.diary).includes('ERR_PEER_ID_MISMATCH'), 'mallory to be refused')
  await mallory
  assert.equal(alice.diary.connected, ['bob'])
  await listener.close()
})

test.run()
