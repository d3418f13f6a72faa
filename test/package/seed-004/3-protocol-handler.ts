import { IProtocolHandler } from 'peerweft'

class SimpleProtocol implements IProtocolHandler {
  readonly protocolName = 'simple'

  async handleMessage(message: P2PMessage, from: PeerInfo): Promise<void> {
    console.log(`[${this.protocolName}] From ${from.peerId}:`, message.payload)
  }
}

// Register
const handler = new SimpleProtocol()
coordinator.registerProtocol(handler)

// Now messages with protocol='simple' route to SimpleProtocol.handleMessage()
