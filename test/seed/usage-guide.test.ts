import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PCoordinator, PeerState } from '../../lib/index.ts'
import { rejection } from '../support/rejection.ts'
import { diaryOf } from '../support/town.ts'
import { until } from '../support/until.ts'
import { complaintsAbout, runSample } from './samples.ts'
import { connectedPair, coordinatorGiven, smallDirectory } from './support.ts'

const test = suite('Usage Guide')

test('Basic Setup compiles, runs, and prints who connects and what they say', async () => {
  const options = { after: 'export { coordinator }' }
  assert.equal(complaintsAbout('basic-setup', options), [])
  const { printed, exported } = await runSample('basic-setup', options)
  await using coordinator = exported.coordinator as P2PCoordinator
  assert.is(coordinator.peerId, 'my-wallet-peer-001')
  const { address } = await coordinator.listen('ws://127.0.0.1:0')
  await using alice = new P2PCoordinator()
  await alice.connectToPeer(address)
  await alice.sendTo(coordinator.id, { type: 'n', payload: 1 })
  await until(() => printed.length === 2, 'two lines')
  assert.equal(printed[0], ['Peer connected:', alice.id])
  assert.equal(printed[1]!.slice(0, 3), ['Message from', alice.id, ':'])
  assert.is((printed[1]![3] as { payload: unknown }).payload, 1)
})

test('the component sample makes the same coordinator', async () => {
  const options = { after: 'export { coordinator }' }
  assert.equal(complaintsAbout('coordinator', options), [])
  await using coordinator = (await runSample('coordinator', options)).exported.coordinator as P2PCoordinator
  assert.is(coordinator.peerId, 'unique-peer-id')
})

test('Connect to Peers compiles and runs', async () => {
  await using alice = new P2PCoordinator()
  await using other = new P2PCoordinator()
  const { address } = await other.listen('ws://127.0.0.1:0')
  const given = coordinatorGiven(alice)
  assert.equal(complaintsAbout('connect-to-peers', { given }), [])
  const { exported } = await runSample('connect-to-peers', { given, instead: { 'ws://peer.example.com:8080': address }, after: 'export { peer, PeerState }' })
  assert.ok(alice.isConnected('other-peer-123'))
  assert.is((exported.peer as { state: string }).state, PeerState.DISCONNECTED, 'the object handed in is the caller\'s')
  assert.is(alice.getPeer('other-peer-123')?.state, PeerState.CONNECTED)
})

test('Send Messages compiles and runs, and again with the same message ids', async () => {
  await using pair = await connectedPair('peer-123')
  const given = coordinatorGiven(pair.alice)
  const diary = diaryOf(pair.bob)
  assert.equal(complaintsAbout('send-messages', { given }), [])
  await runSample('send-messages', { given })
  await until(() => diary.messages.length === 2, 'both messages')
  assert.equal(diary.messages.map(({ message }) => [message.type, message.payload, message.messageId]), [
    ['greeting', { message: 'Hello!' }, 'msg-abc-123'], ['announcement', { data: 'Important update' }, 'msg-xyz-789'],
  ])
  await runSample('send-messages', { given })
  await until(() => diary.errors.length === 2, 'the repetition to be dropped')
  assert.equal([diary.messages.length, diary.errors.map(({ error }) => error.code)], [2, ['ERR_WIRE_DUPLICATE', 'ERR_WIRE_DUPLICATE']])
})

test('Resource Management compiles; it names what is missing, and runs when it is there', async () => {
  await using coordinator = new P2PCoordinator()
  const given = coordinatorGiven(coordinator)
  const after = 'export { sessions, session }'
  assert.equal(complaintsAbout('resource-management', { given, after }), [])
  assert.is((await rejection(runSample('resource-management', { given }))).code, 'ERR_RESOURCE_NO_DIRECTORY')
  coordinator.registerProtocol(smallDirectory())
  const { printed, exported } = await runSample('resource-management', { given, after })
  assert.equal(printed, [['Found', 1, 'active sessions']])
  assert.equal((exported.session as { data: unknown }).data, { participants: ['alice', 'bob'], status: 'active' })
  assert.equal(exported.sessions, [exported.session])
})

test('Monitor Status compiles, runs, and tells the truth', async () => {
  await using pair = await connectedPair()
  const given = coordinatorGiven(pair.alice)
  assert.equal(complaintsAbout('monitor-status', { given }), [])
  const { printed } = await runSample('monitor-status', { given })
  assert.equal(printed, [['Connected peers:', 1], ['DHT entries:', 0], ['Peers:', ['bob']]])
})

test('Shutdown compiles and runs', async () => {
  const coordinator = new P2PCoordinator()
  const given = coordinatorGiven(coordinator)
  assert.equal(complaintsAbout('shutdown', { given }), [])
  await runSample('shutdown', { given })
  assert.is((await rejection(coordinator.listen('ws://127.0.0.1:0'))).code, 'ERR_COORDINATOR_SHUT_DOWN')
})

test('a sample that were wrong would be complained about: the check can fail', async () => {
  await using coordinator = new P2PCoordinator()
  const given = coordinatorGiven(coordinator)
  assert.match(complaintsAbout('shutdown', { given, instead: { shutdown: 'shutDown' } })[0]!, /Property 'shutDown' does not exist/)
  assert.match(complaintsAbout('basic-setup', { instead: { maxConnections: 'maxConnection' } })[0]!, /maxConnection/)
  assert.ok(complaintsAbout('connect-to-peers', { given, instead: { 'PeerState.DISCONNECTED': '7' } }).length > 0)
})

test.run()
