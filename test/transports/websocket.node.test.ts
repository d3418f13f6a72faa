import { suite } from 'uvu'
import { transportAcceptance } from '../../lib/testing/transport-acceptance.ts'
import { WebSocketTransport } from '../../lib/transports/websocket.node.ts'
import { breakableWay, silentServer } from './support/sockets.ts'

const accepted = suite('websocket transport, acceptance')

const cases = transportAcceptance(async () => {
  const silent = await silentServer()
  return {
    transport: new WebSocketTransport(),
    listenAddress: 'ws://127.0.0.1:0',
    nowhereAddress: 'ws://127.0.0.1:1',
    silentAddress: silent.address,
    breakable: breakableWay,
    dispose: silent.close,
  }
})

for (const { name, run } of cases) accepted(name, run)

accepted.run()
