/**
 * Two peers meet, prove who they are, and exchange one signed message.
 *
 *     npx tsx examples/01-two-peers.ts
 */
import { P2PCoordinator } from '../lib/index.ts'

await using alice = new P2PCoordinator({ peerId: 'alice' })
await using bob = new P2PCoordinator({ peerId: 'bob' })

// Bob listens on a free port of this machine and waits for one message.
const listener = await bob.listen('ws://127.0.0.1:0')
const heard = new Promise<void>(resolve => {
  bob.on('message', (message, from) => {
    console.log(`bob heard '${message.type}' from ${from.peerId.slice(0, 8)}...:`, message.payload)
    console.log(`    signed by that key: ${message.signature?.length} bytes of BIP340`)
    resolve()
  })
})

// Alice dials the address and calls whoever answers 'bob'; from now on that name is pinned to his key.
const peer = await alice.connectToPeer({
  peerId: 'bob',
  addresses: { websocket: listener.address },
  state: 'disconnected',
  lastSeen: 0,
})
console.log(`alice is connected to ${peer.peerId}, key ${Buffer.from(peer.publicKey!).toString('hex').slice(0, 8)}... (${peer.trust})`)

await alice.sendTo('bob', { type: 'greeting', payload: { text: 'Hello Bob!' } })
await heard

console.log('both close; the process ends by itself')
