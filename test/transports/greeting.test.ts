import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createIdentity, P2PCoordinator, type IIdentity } from '../../lib/index.ts'
import { GREETING_BYTES_MAX, greetingText, readGreeting } from '../../lib/transports/greeting.ts'
import { WebSocketTransport } from '../../lib/transports/websocket.node.ts'
import { accepted } from './support/scene.ts'
import { answeringServer } from './support/sockets.ts'

const test = suite('a greeting')

test('travels with the listener\'s answer, another for each dialler, and both ends have it', async () => {
  const transport = new WebSocketTransport()
  let count = 0
  const listener = await transport.listen('ws://127.0.0.1:0', { greet: () => new Uint8Array(33).fill(++count) })
  for (const said of [1, 2]) {
    const [alice, bob] = await Promise.all([transport.dial(listener.address), accepted(listener)])
    assert.equal(alice.greeting, new Uint8Array(33).fill(said))
    assert.equal(bob.greeting, alice.greeting)
    await alice.close()
  }
  await listener.close()
})

test('is not there where the listener says nothing', async () => {
  const transport = new WebSocketTransport()
  const listener = await transport.listen('ws://127.0.0.1:0')
  const [alice, bob] = await Promise.all([transport.dial(listener.address), accepted(listener)])
  assert.equal([alice.greeting, bob.greeting], [undefined, undefined])
  await alice.close()
  await listener.close()
})

test('of another form than hex digits for 1 to 64 bytes is left unread, and the dial goes on', async () => {
  const answerWith = (greeting: string) => (request: string): string => {
    const key = /sec-websocket-key: (.*)\r\n/i.exec(request)![1]!
    const subprotocol = /sec-websocket-protocol: (.*)\r\n/i.exec(request)![1]!
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${subprotocol}\r\npeerweft-greeting: ${greeting}\r\n\r\n`
  }
  for (const text of ['', 'a', 'zz', '0x02', 'AB', 'a'.repeat(2 * GREETING_BYTES_MAX + 2), 'b'.repeat(10_000)]) {
    assert.is(readGreeting(text), undefined, text.slice(0, 20))
    const server = await answeringServer(answerWith(text))
    const channel = await new WebSocketTransport().dial(server.address)
    assert.is(channel.greeting, undefined, text.slice(0, 20))
    await server.close()
  }
  assert.is(readGreeting(undefined), undefined)
  assert.is(readGreeting(['02', '03']), undefined)
  assert.equal(readGreeting('02ff'), Uint8Array.of(2, 255))
  assert.throws(() => greetingText(new Uint8Array(GREETING_BYTES_MAX + 1)), /at most 64 bytes, got 65/)
})

test('is the key of the listener\'s act two: with the connection its dialler\'s identity has been asked once', async () => {
  const own = createIdentity()
  const asked: Uint8Array[] = []
  const identity: IIdentity = {
    publicKey: own.publicKey,
    sign: digest => own.sign(digest),
    ecdh: point => {
      asked.push(point)
      return own.ecdh(point)
    },
  }
  await using bob = new P2PCoordinator()
  await using alice = new P2PCoordinator({ identity })
  const { address } = await bob.listen('ws://127.0.0.1:0')
  for (let dial = 1; dial <= 3; dial++) {
    await alice.connectToPeer(`${address}#${bob.id}`)
    assert.is(asked.length, dial)
    await alice.disconnectFromPeer(bob.id)
  }
})

test.run()
