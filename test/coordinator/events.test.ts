import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PeerState, type PeerInfo } from '../../lib/contracts/peer.ts'
import { P2PCoordinator } from '../../lib/p2p-coordinator.ts'
import { payloadsIn, Town } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('what a coordinator says')

test('both sides hear `connected`, once, with whom, and the peer is found by name and by id', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await settle()

  assert.equal(alice.diary.connected, ['bob'])
  assert.equal(bob.diary.connected, [alice.node.id])
  assert.ok(alice.node.isConnected('bob'))
  assert.ok(alice.node.isConnected(bob.node.id))
  assert.is(alice.node.getPeer('bob'), alice.node.getPeer(bob.node.id))
  assert.equal(alice.node.getConnectedPeers().map(peer => peer.peerId), ['bob'])
  assert.equal(bob.node.getConnectedPeers().map(peer => peer.peerId), [alice.node.id])
})

test('a peer record tells who it is, where, since when and how far its key is to be trusted', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()

  const seenByAlice = alice.node.getPeer('bob')!
  assert.is(seenByAlice.peerId, 'bob')
  assert.is(seenByAlice.name, 'bob')
  assert.is(Buffer.from(seenByAlice.publicKey!).toString('hex'), bob.node.id)
  assert.equal(seenByAlice.addresses, { memory: 'memory:bob' })
  assert.is(seenByAlice.state, PeerState.CONNECTED)
  assert.is(seenByAlice.lastSeen, town.clock.now())
  assert.is(seenByAlice.trust, 'pinned')
  assert.equal(seenByAlice.protocols, [])

  const seenByBob = bob.node.getPeer(alice.node.id)!
  assert.equal(seenByBob.addresses, {}, 'what it claims in its hello is not where it is known to be')
  assert.is(seenByBob.trust, 'first-use')
  assert.is(seenByBob.name, undefined)
})

test('the state of a peer moves as its link does', async () => {
  await using town = new Town()
  const alice = town.guest('alice')
  const bob = await town.resident('bob')
  const states: (string | undefined)[] = []
  alice.node.on('connected', peer => void states.push(peer.state))
  alice.node.on('disconnected', peer => void states.push(peer.state))

  const connecting = alice.node.connectToPeer({ peerId: bob.node.id, addresses: { memory: bob.address }, state: 'disconnected', lastSeen: 0 })
  while (alice.node.getPeer(bob.node.id) === undefined) await Promise.resolve()
  states.push(alice.node.getPeer(bob.node.id)!.state)
  await connecting
  const leaving = alice.node.disconnectFromPeer(bob.node.id)
  states.push(alice.node.getPeer(bob.node.id)!.state)
  assert.not.ok(alice.node.isConnected(bob.node.id), 'a peer one has said goodbye to is not connected')
  await leaving
  await bob.node.shutdown()
  await alice.node.connectToPeer(bob.node.id).catch(() => {})
  states.push(alice.node.getPeer(bob.node.id)!.state)

  assert.equal(states, ['connecting', 'connected', 'disconnecting', 'disconnected', 'failed'])
})

test('`message` hands over the message and its author, in the user\'s names, with the signature that proves it', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await bob.node.sendTo(alice.node.id, { type: 'greeting', payload: { text: 'hello', n: 1n, bytes: Uint8Array.of(1) } })
  await until(() => alice.diary.messages.length, 'the greeting')

  const { message, from } = alice.diary.messages[0]!
  assert.is(from, alice.node.getPeer('bob'))
  assert.is(message.type, 'greeting')
  assert.is(message.from, 'bob')
  assert.is(message.to, 'alice')
  assert.equal(message.payload, { text: 'hello', n: 1, bytes: Uint8Array.of(1) })
  assert.is(message.timestamp, town.clock.now())
  assert.type(message.messageId, 'string')
  assert.is(message.signature?.length, 64)
  assert.instance(message.frame, Uint8Array)
  assert.is(message.protocol, undefined)
  assert.is(message.via, undefined)
})

test('who leaves says why, and both sides hear it from their own point of view', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const carol = await town.resident('carol')
  const dave = await town.resident('dave')
  for (const each of [carol, dave]) await alice.node.connectToPeer(each.address)

  await alice.node.disconnectFromPeer('bob')
  await carol.node.shutdown()
  town.hub.cut(dave.address)
  await until(() => alice.diary.disconnected.length === 3 && dave.diary.disconnected.length === 1, 'three to be gone')

  assert.equal(bob.diary.disconnected, [[alice.node.id, 'remote']])
  assert.equal(alice.diary.disconnected, [['bob', 'local'], [carol.node.id, 'shutdown'], [dave.node.id, 'error']])
  assert.equal(carol.diary.disconnected, [[alice.node.id, 'shutdown']])
  assert.equal(dave.diary.disconnected, [[alice.node.id, 'error']])
})

test('the peer in an event is the one live record: kept, it still tells the truth later', async () => {
  await using town = new Town()
  const { alice } = await town.pair()
  const kept: PeerInfo = alice.node.getPeer('bob')!
  await alice.node.disconnectFromPeer('bob')
  assert.is(kept.state, PeerState.DISCONNECTED)
})

test('leaving twice, and leaving whom one never met, is harmless', async () => {
  await using town = new Town()
  const { alice } = await town.pair()
  await Promise.all([alice.node.disconnectFromPeer('bob'), alice.node.disconnectFromPeer('bob')])
  await alice.node.disconnectFromPeer('bob')
  await alice.node.disconnectFromPeer('nobody')
  await alice.node.disconnectFromPeer('ab'.repeat(32))
  assert.equal(alice.diary.disconnected, [['bob', 'local']])
})

test('what was sent before leaving arrives before the goodbye', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await Promise.all([1, 2, 3].map(payload => alice.node.sendTo('bob', { type: 'n', payload })))
  await alice.node.disconnectFromPeer('bob')
  await until(() => bob.diary.disconnected.length, 'bob to hear the goodbye')
  assert.equal(payloadsIn(bob.diary), [1, 2, 3])
})

test('statistics count what is there', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await alice.node.sendTo('bob', { type: 'n', payload: 1 })
  await until(() => bob.diary.messages.length, 'one message')

  const { peers, dht, crypto, reputation, addresses, ...rest } = bob.node.getStats()
  assert.equal(peers, { connectedPeers: 1, totalPeers: 1, pendingHandshakes: 0, reconnecting: 0, sybil: { cost: 'none', level: 0, paid: 0, joinsLastMinute: 0, refused: 0 }, errors: {} })
  assert.equal(dht, { totalAnnouncements: 0 })
  assert.equal(reputation, { peers: 0, throttled: 0, graylisted: 0, discouraged: 0, banned: 0, refused: 0, behaviors: {} })
  assert.equal([addresses.book.known, addresses.book.tried, addresses.outbound.target, addresses.outbound.linked], [1, 0, 0, 0], 'alice has said where she listens')
  assert.equal(rest, { protocols: [], pendingRequests: 0, refused: {}, seenMessages: 1 })
  assert.ok(['noble', 'wasm', 'node'].includes(crypto.name))

  await alice.node.disconnectFromPeer('bob')
  await until(() => bob.diary.disconnected.length, 'alice to leave')
  assert.equal(bob.node.getStats().peers.connectedPeers, 0)
  assert.equal(bob.node.getStats().peers.totalPeers, 1)
  bob.node.cleanup()
  assert.equal(bob.node.getStats().peers.totalPeers, 0, 'who left and cannot be dialled is of no use')
})

test('what is wrong with a configuration is said at once, with what was expected and what came', () => {
  const wrong: [unknown, RegExp][] = [
    [null, /expected a configuration object, got null/],
    [{ network: 'secret' }, /network must be 'public' or 'private', got "secret"/],
    [{ bootstrap: 'ws://one' }, /bootstrap must be an array/],
    [{ transports: {} }, /transports must be an array/],
    [{ outboundTarget: -1 }, /outboundTarget must be a whole number of links, got -1/],
    [{ outboundTarget: 1.5 }, /outboundTarget must be a whole number of links, got 1.5/],
    [{ maxConnections: 0 }, /maxConnections must be a number above 0, got 0/],
    [{ maxConnections: 'many' }, /maxConnections must be a number above 0, got many/],
    [{ heartbeatInterval: -1 }, /heartbeatInterval must be a number above 0, got -1/],
    [{ heartbeatInterval: NaN }, /heartbeatInterval/],
    [{ networkId: '' }, /networkId must be 1 to 32 bytes of UTF-8, got 0/],
    [{ networkId: 'ü'.repeat(17) }, /networkId must be 1 to 32 bytes of UTF-8, got 34/],
    [{ limits: { messagesPerSecond: 0 } }, /limits\.messagesPerSecond must be a number above 0, got 0/],
    [{ limits: { mesagesPerSecond: 1 } }, /limits\.mesagesPerSecond is not a limit/],
    [{ peerId: '' }, /must not be empty/],
    [{ peerId: 7 }, /must be a string, got number/],
    [{ peerId: 'x'.repeat(129) }, /at most 128 bytes/],
    [{ names: { bob: 'not an id' } }, /names\.bob must be an id of 64 lower-case hex digits, got "not an id"/],
    [{ peerId: 'alice', names: { alice: 'ab'.repeat(32) } }, /alice/],
  ]
  for (const [config, text] of wrong) {
    assert.throws(() => new P2PCoordinator(config as never), (error: Error) => (error instanceof TypeError || error instanceof RangeError) && text.test(error.message), JSON.stringify(config))
  }
})

test('two networks never hear each other', async () => {
  await using town = new Town()
  const alice = town.guest('alice', { networkId: 'mainnet' })
  const bob = await town.resident('bob', { networkId: 'testnet' })
  const refusal = await alice.node.connectToPeer(bob.address).catch((error: unknown) => error as { code: string })
  assert.is((refusal as { code: string }).code, 'ERR_PEER_HANDSHAKE_FAILED')
  await settle()
  assert.equal([alice.diary.connected, bob.diary.connected], [[], []])
})

test.run()
