import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PCoordinator, type PeerConnection, PeerManager, WebSocketTransport } from '../../lib/index.ts'
import { diaryOf, payloadsIn } from '../support/town.ts'
import { until } from '../support/until.ts'
import { complaintsAbout, runSample } from './samples.ts'

const test = suite('Components')

const message = { type: 'n', payload: 1 }

test('PeerManager: the four calls of the document', async () => {
  await using bob = new P2PCoordinator()
  const { address } = await bob.listen('ws://127.0.0.1:0')
  await using peerManager = new PeerManager({ transports: [new WebSocketTransport()] })
  const diary = diaryOf(bob)
  const given = {
    peerManager: { type: 'peerweft.PeerManager', value: peerManager },
    peerInfo: { type: 'peerweft.PeerInfo', value: { peerId: bob.id, addresses: { websocket: address }, state: 'disconnected', lastSeen: 0 } },
    peerId: { type: 'string', value: bob.id },
    message: { type: 'peerweft.OutgoingMessage', value: message },
  }
  assert.equal(complaintsAbout('peer-manager', { given, after: 'export { stats }' }), [])
  const { exported } = await runSample('peer-manager', { given, after: 'export { stats }' })
  assert.is((exported.stats as { connectedPeers: number }).connectedPeers, 1)
  await until(() => diary.messages.length === 2, 'one to bob, one to all')
  assert.equal(payloadsIn(diary), [1, 1])
})

test('PeerConnection: its lifecycle', async () => {
  await using bob = new P2PCoordinator()
  const { address } = await bob.listen('ws://127.0.0.1:0')
  const diary = diaryOf(bob)
  const given = {
    PeerConnection: { type: 'typeof peerweft.PeerConnection', value: (await import('../../lib/index.ts')).PeerConnection },
    peerInfo: { type: 'peerweft.PeerInfo', value: { peerId: 'bob', addresses: {}, state: 'disconnected', lastSeen: 0 } },
    transport: { type: 'peerweft.ITransport', value: new WebSocketTransport() },
    address: { type: 'string', value: address },
    message: { type: 'peerweft.OutgoingMessage', value: message },
  }
  assert.equal(complaintsAbout('peer-connection', { given }), [])
  const { exported } = await runSample('peer-connection', { given, after: 'export { connection }' })
  await until(() => diary.disconnected.length, 'the goodbye')
  assert.equal([payloadsIn(diary), diary.disconnected[0]![1], (exported.connection as PeerConnection).isConnected], [[1], 'remote', false])
})

test.run()
