import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PMessage } from '../../lib/contracts/message.ts'
import { PeerState, type PeerInfo } from '../../lib/contracts/peer.ts'
import { fromHex } from '../../lib/foundation/hex.ts'
import { P2PCoordinator } from '../../lib/p2p-coordinator.ts'
import { PeerConnection } from '../../lib/peers/peer-connection.ts'
import { WebSocketTransport } from '../../lib/transports/websocket.node.ts'
import { rejection } from '../support/rejection.ts'
import { payloadsIn, Town } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('a single connection by itself')

function infoOf(peerId: string, addresses: PeerInfo['addresses'] = {}): PeerInfo {
  return { peerId, addresses, state: PeerState.DISCONNECTED, lastSeen: 0 }
}

test('the lifecycle the seed shows, over a real socket', async () => {
  await using bob = new P2PCoordinator()
  const { address } = await bob.listen('ws://127.0.0.1:0')
  const connection = new PeerConnection(infoOf('bob'), new WebSocketTransport())
  const events: unknown[] = []
  connection.on('connected', () => void events.push('connected'))
  connection.on('message', (msg: P2PMessage) => void events.push(msg.payload))
  connection.on('disconnected', () => void events.push('disconnected'))
  bob.on('message', message => void bob.sendTo(message.from, { type: 'echo', payload: message.payload }))

  assert.equal([connection.state, connection.isConnected], ['disconnected', false])
  await connection.connect(address)
  assert.equal([connection.state, connection.isConnected, connection.peer.peerId, connection.peer.trust], ['connected', true, 'bob', 'pinned'])
  assert.ok(Date.now() - connection.lastSeen < 60_000)
  await connection.send({ type: 'greeting', payload: 'hello' })
  await until(() => events.length === 2, 'the echo')
  await connection.close()
  await connection.close()
  assert.equal(events, ['connected', 'hello', 'disconnected'])
  assert.equal([connection.state, connection.isConnected], ['disconnected', false])
})

test('the address may stand in the peer\'s info, and a key given there must answer', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const mallory = await town.resident('mallory')
  const options = { clock: town.clock }
  await using right = new PeerConnection({ ...infoOf('', { memory: bob.address }), publicKey: fromHex(bob.node.id) }, town.transport(), options)
  assert.is((await right.connect()).trust, 'given')
  await using wrong = new PeerConnection(infoOf(bob.node.id, { memory: mallory.address }), town.transport(), options)
  const failures: string[] = []
  wrong.on('error', error => void failures.push(error.code))
  assert.is((await rejection(wrong.connect())).code, 'ERR_PEER_ID_MISMATCH')
  assert.equal([wrong.isConnected, mallory.diary.connected], [false, []])
})

test('before connecting and after closing nothing can be sent', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const connection = new PeerConnection(infoOf('bob', { memory: bob.address }), town.transport(), { clock: town.clock })
  const message = { type: 'n', payload: 1 }
  assert.is((await rejection(connection.send(message))).code, 'ERR_PEER_NOT_CONNECTED')
  await connection.connect()
  await connection.send(message)
  await connection.close()
  assert.is((await rejection(connection.send(message))).code, 'ERR_PEER_NOT_CONNECTED')
  assert.is((await rejection(connection.connect())).code, 'ERR_COORDINATOR_SHUT_DOWN')
  await until(() => bob.diary.disconnected.length, 'the goodbye')
  assert.equal([payloadsIn(bob.diary), bob.diary.disconnected[0]![1]], [[1], 'remote'])
})

test('the peer is no stranger to it: it is not slowed down', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  await using connection = new PeerConnection(infoOf('bob', { memory: bob.address }), town.transport(), { clock: town.clock })
  const heard: unknown[] = []
  connection.on('message', message => void heard.push(message.payload))
  await connection.connect()
  await until(() => bob.diary.connected.length, 'bob to see it')
  const [id] = bob.diary.connected
  for (let n = 0; n < 1_000; n++) void bob.node.sendTo(id!, { type: 'n', payload: n })
  await until(() => heard.length === 1_000, 'all of it')
})

test('a lost link is told of, not dialled again', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  await using connection = new PeerConnection(infoOf('bob', { memory: bob.address }), town.transport(), { clock: town.clock })
  const reasons: string[] = []
  connection.on('disconnected', (_, reason) => void reasons.push(reason))
  await connection.connect()
  town.hub.cut(bob.address)
  await until(() => reasons.length, 'the loss')
  assert.equal([reasons, connection.state], [['error'], 'disconnected'])
  await bob.node.listen(bob.address)
  town.clock.advance(60_000)
  await settle()
  assert.is(connection.isConnected, false)
  await connection.connect()
  assert.is(connection.isConnected, true)
})

test.run()
