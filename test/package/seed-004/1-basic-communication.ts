import { P2PCoordinator, PeerInfo, PeerState } from 'peerweft'

const coordinator = new P2PCoordinator({
  peerId: 'alice',
})

// Connect to Bob
const bob: PeerInfo = {
  peerId: 'bob',
  addresses: { websocket: 'ws://bob-server:8080' },
  state: PeerState.DISCONNECTED,
  lastSeen: Date.now(),
}

await coordinator.connectToPeer(bob)

// Send message
await coordinator.sendTo('bob', {
  type: 'greeting',
  from: 'alice',
  payload: { text: 'Hello Bob!' },
  timestamp: Date.now(),
  messageId: 'msg-001',
})
