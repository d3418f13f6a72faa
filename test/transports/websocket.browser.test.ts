import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket as Stand, WebSocketServer } from 'ws'
import type { IChannel, IListener, ITransport } from '../../lib/contracts/transport.ts'
import { transportAcceptance } from '../../lib/testing/transport-acceptance.ts'
import { WebSocketTransport, type BrowserWebSocketOptions } from '../../lib/transports/websocket.browser.ts'
import { WebSocketTransport as NodeTransport } from '../../lib/transports/websocket.node.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { accepted as acceptedFrom, ending } from './support/scene.ts'
import { breakableWay, silentServer } from './support/sockets.ts'

// Node 20 has no WebSocket of its own; `ws` follows the same standard.
globalThis.WebSocket ??= Stand as unknown as typeof WebSocket

const accepted = suite('websocket transport for browsers, acceptance')

const cases = transportAcceptance(async () => {
  const silent = await silentServer()
  return {
    transport: new WebSocketTransport(),
    listening: new NodeTransport(),
    listenAddress: 'ws://127.0.0.1:0',
    nowhereAddress: 'ws://127.0.0.1:1',
    silentAddress: silent.address,
    breakable: breakableWay,
    dispose: silent.close,
  }
})

for (const { name, run } of cases) accepted(name, run)

accepted.run()

const test = suite('websocket transport for browsers')

async function ends(options: BrowserWebSocketOptions = {}): Promise<{ listener: IListener; alice: IChannel; bob: IChannel }> {
  const listener = await new NodeTransport().listen('ws://127.0.0.1:0')
  const [alice, bob] = await Promise.all([new WebSocketTransport(options).dial(listener.address), acceptedFrom(listener)])
  return { listener, alice, bob }
}

test('it dials and cannot listen', () => {
  assert.is((new WebSocketTransport() as ITransport).listen, undefined)
})

test('a platform without WebSocket says so when it dials', async () => {
  const platform = globalThis.WebSocket
  globalThis.WebSocket = undefined as unknown as typeof WebSocket
  try {
    const error = await new WebSocketTransport().dial('ws://127.0.0.1:1').then(() => undefined, (failure: unknown) => failure)
    assert.is((error as { code?: string }).code, 'ERR_TRANSPORT_NOT_AVAILABLE')
  } finally {
    globalThis.WebSocket = platform
  }
})

test('a reader that falls too far behind loses its channel, since nothing can hold up the sender', async () => {
  const { listener, alice, bob } = await ends({ limits: { unreadBytesMax: 1024 * 1024 } })
  alice.setFrameBytesMax?.(128 * 1024)
  const frame = new Uint8Array(64 * 1024)
  let refused: unknown
  while (refused === undefined) await bob.send(frame).catch((error: unknown) => { refused = error })
  assert.is((refused as { code?: string }).code, 'ERR_TRANSPORT_CHANNEL_CLOSED')
  let read = 0
  const reading = (async () => { for await (const _ of alice.frames) read++ })()
  assert.is(await reading.then(() => undefined, (error: unknown) => (error as { code?: string }).code), 'ERR_TRANSPORT_CHANNEL_BROKEN')
  assert.ok(read >= 16 && read <= 17, `${read} frames of 64 KiB were held`)
  await listener.close()
})

test('text is refused', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'peerweft.1' })
  server.on('connection', socket => socket.send('hello'))
  await once(server, 'listening')
  const channel = await new WebSocketTransport().dial(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  assert.is(await ending(channel), 'ERR_TRANSPORT_CHANNEL_BROKEN')
  await channel.close()
  server.close()
})

test('room is asked for on the injected clock, and closing does not wait for ever for the platform', async () => {
  const clock = new ManualClock()
  const socket = new StuckSocket()
  const dialled = new WebSocketTransport({ clock, WebSocket: function () { return socket } as unknown as typeof WebSocket }).dial('ws://127.0.0.1:1')
  socket.dispatchEvent(new Event('open'))
  const channel = await dialled
  socket.bufferedAmount = 1024 * 1024
  let sent = false
  const sending = channel.send(new Uint8Array(10)).then(() => { sent = true })
  clock.advance(100)
  await Promise.resolve()
  assert.is(sent, false)
  socket.bufferedAmount = 0
  clock.advance(4)
  await sending
  const closing = channel.close()
  clock.advance(2_000)
  await closing
  assert.is(clock.timers, 0)
})

/** A platform socket that opens and then does nothing. */
class StuckSocket extends EventTarget {
  readyState = 1
  bufferedAmount = 0
  binaryType = ''
  send(): void {}
  close(): void {}
}

test.run()
