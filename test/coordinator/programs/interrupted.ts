// As the seed shows it: SIGINT, shutdown, exit.
import { P2PCoordinator } from '../../../lib/index.ts'

const coordinator = new P2PCoordinator({ peerId: 'alice' })
const { address } = await coordinator.listen('ws://127.0.0.1:0')
const peer = new P2PCoordinator({ peerId: 'bob' })
await peer.connectToPeer(address)
peer.on('disconnected', (_, reason) => console.log(`bob heard: ${reason}`))

process.on('SIGINT', () => {
  void (async () => {
    await coordinator.shutdown()
    await peer.shutdown()
    console.log('down')
    // No process.exit(): nothing keeps it alive.
    process.removeAllListeners('SIGINT')
  })()
})
console.log('ready')
