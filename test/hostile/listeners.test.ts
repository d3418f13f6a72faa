import { randomBytes } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listen } from './client.ts'
import { MovableClock, openStage } from './stage.ts'
import { ascii, concat, until } from './second/bytes.ts'
import { idOf, newStaticKey } from './second/keys.ts'
import { acceptKey, Opcode, SUBPROTOCOL, wsFrame } from './second/pipes.ts'
import { Kind, part } from './second/wire.ts'
import { rejection } from '../support/rejection.ts'

const listeners = suite('hostile listeners')

/** Reads the request's key, and answers as it likes. */
async function server(answer: (socket: Socket, key: string) => void): Promise<{ url: string; sockets: Socket[] } & AsyncDisposable> {
  const sockets: Socket[] = []
  const tcp = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    let head = ''
    socket.on('data', data => {
      if (head.includes('\r\n\r\n')) return
      head += data.toString('latin1')
      if (head.includes('\r\n\r\n')) answer(socket, /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1] ?? '')
    })
  })
  await new Promise<void>(resolve => tcp.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(tcp.address() as { port: number }).port}`,
    sockets,
    [Symbol.asyncDispose]: () => new Promise(resolve => {
      for (const socket of sockets) socket.destroy()
      tcp.close(() => resolve())
    }),
  }
}

function accepted(key: string, headers: Record<string, string> = { 'Sec-WebSocket-Protocol': SUBPROTOCOL }): string {
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${acceptKey(key)}`]
  return `${[...lines, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`
}

listeners('an answer that is no upgrade of ours fails the dial and nothing else', async () => {
  await using stage = await openStage()
  const answers: Record<string, (socket: Socket, key: string) => void> = {
    'a page': socket => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'),
    'a redirect to bob himself': socket => void socket.end(`HTTP/1.1 302 Found\r\nLocation: ${stage.url}\r\nContent-Length: 0\r\n\r\n`),
    'junk': socket => void socket.end(randomBytes(500)),
    'a hang-up': socket => void socket.destroy(),
    'headers without end': socket => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n')
      for (let n = 0; n < 2_000; n++) socket.write(`X-${n}: ${'x'.repeat(100)}\r\n`)
    },
    'another key\'s acceptance': (socket, key) => void socket.write(accepted(`${key}x`)),
    'no subprotocol': (socket, key) => void socket.write(accepted(key, {})),
    'another subprotocol': (socket, key) => void socket.write(accepted(key, { 'Sec-WebSocket-Protocol': 'peerweft.2' })),
    'compression nobody offered': (socket, key) => void socket.write(accepted(key, { 'Sec-WebSocket-Protocol': SUBPROTOCOL, 'Sec-WebSocket-Extensions': 'permessage-deflate' })),
  }
  for (const [name, answer] of Object.entries(answers)) {
    await using door = await server(answer)
    const error = await rejection(stage.bob.connectToPeer(door.url))
    assert.is(error.code, 'ERR_TRANSPORT_DIAL_FAILED', `${name}: ${error.message}`)
  }
  assert.is(stage.bob.getStats().peers.connectedPeers, 1)
  await stage.aliceIsFine()
})

listeners('one that never answers is given up after ten seconds', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock } })
  await using door = await server(() => {})
  const dialling = stage.bob.connectToPeer(door.url).then(() => 'connected', (error: Error) => error.name)
  await until(() => door.sockets.length === 1, 'bob has dialled')
  clock.advance(9_000)
  await stage.aliceIsFine()
  clock.advance(1_500)
  assert.is(await dialling, 'TimeoutError')
  await stage.aliceIsFine()
})

listeners('WebSocket frames that a server may not send, or that are too large, fail the handshake', async () => {
  await using stage = await openStage()
  const frames: Record<string, Uint8Array> = {
    'masked': wsFrame(randomBytes(50)),
    'text': wsFrame(ascii('hello'), { opcode: Opcode.TEXT, mask: false }),
    'a kibibyte and more': wsFrame(new Uint8Array(1_025), { mask: false }),
    'a gibibyte, it says': wsFrame(new Uint8Array(10), { mask: false, length: 2 ** 30 }),
    'compressed': wsFrame(new Uint8Array(10), { mask: false, rsv1: true }),
    'an opcode nobody knows': wsFrame(new Uint8Array(10), { mask: false, opcode: 5 }),
    'pings without end': concat(...Array.from({ length: 40 }, () => wsFrame(new Uint8Array(4), { mask: false, opcode: Opcode.PING }))),
    'a goodbye': wsFrame(Uint8Array.of(3, 232), { mask: false, opcode: Opcode.CLOSE }),
  }
  for (const [name, bytes] of Object.entries(frames)) {
    await using door = await server((socket, key) => {
      socket.write(concat(ascii(accepted(key)), bytes))
    })
    const error = await rejection(stage.bob.connectToPeer(door.url))
    assert.ok(['ERR_PEER_HANDSHAKE_FAILED', 'ERR_TRANSPORT_DIAL_FAILED'].includes(error.code), `${name}: ${error.code}`)
  }
  assert.is(stage.bob.getStats().peers.connectedPeers, 1)
  await stage.aliceIsFine()
})

listeners('a peer we dialled may harm us no more than one that dialled us', async () => {
  await using stage = await openStage()
  await using door = await listen()
  await stage.bob.connectToPeer(`${door.url}#${door.id}`, { timeoutMs: 5_000 })
  const client = (await door.clients.next('bob'))!
  client.say('hello')
  await until(() => stage.heard.length === 1, 'she is heard')
  for (let n = 0; n < 200; n++) client.send(part(Kind.MESSAGE, new Uint8Array(randomBytes(60))))
  await client.ended
  await until(() => !stage.bob.isConnected(door.id), 'she is cut')
  assert.is(stage.gone[0]!.reason, 'misbehaviour')
  assert.is(stage.bob.getStats().peers.reconnecting, 0, 'who misbehaves is not dialled again')
  await stage.aliceIsFine()
})

listeners('an address that belongs to nobody, to bob himself, or to no transport fails with its code', async () => {
  await using stage = await openStage()
  await using door = await server(() => {})
  const { url } = door
  await door[Symbol.asyncDispose]()
  assert.is((await rejection(stage.bob.connectToPeer(url))).code, 'ERR_TRANSPORT_DIAL_FAILED')
  assert.is((await rejection(stage.bob.connectToPeer(stage.url))).code, 'ERR_PEER_IS_SELF')
  assert.is((await rejection(stage.bob.connectToPeer('gopher://127.0.0.1'))).code, 'ERR_TRANSPORT_NOT_AVAILABLE')
  assert.is((await rejection(stage.bob.connectToPeer('nobody'))).code, 'ERR_PEER_UNKNOWN')
  assert.is((await rejection(stage.bob.connectToPeer(`${stage.url}#${idOf(newStaticKey())}`))).code, 'ERR_PEER_ID_MISMATCH')
})

listeners.run()
