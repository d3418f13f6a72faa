// Opens whatever can be open, closes it, and must then end by itself.
import { WebSocketTransport } from '../../../lib/transports/websocket.node.ts'
import { RawClient } from './raw-client.ts'
import { accepted } from './scene.ts'

process.once('exit', () => process.stdout.write(`ended after ${Math.round(performance.now())} ms\n`))

const transport = new WebSocketTransport()
const listener = await transport.listen('ws://127.0.0.1:0')
const silent = await new RawClient(listener.address).connected()
const [alice, bob] = await Promise.all([transport.dial(listener.address), accepted(listener)])
const untaken = await transport.dial(listener.address)
await transport.dial('ws://127.0.0.1:1').catch(() => {})
for (let index = 0; index < 100; index++) void alice.send(new Uint8Array(100_000)).catch(() => {})
await bob.send(new Uint8Array(100))
await transport.dial(listener.address, { timeoutMs: 0 }).catch(() => {})
await listener.close()
await Promise.all([alice.close(), untaken.close()])
silent.destroy()
process.stdout.write(`closed after ${Math.round(performance.now())} ms\n`)
