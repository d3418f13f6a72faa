import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Client, nextFrame } from './client.ts'
import { from, MovableClock, openPublicStage, openStage, type Stage } from './stage.ts'
import { ascii, concat, EMPTY, unhex, until, within } from './second/bytes.ts'
import { newStaticKey } from './second/keys.ts'
import { Dialler } from './second/noise.ts'
import { Opcode, SUBPROTOCOL, TcpPipe, tcpPipe, tcpSocket, upgraded, upgradeRequest, wsFrame, wsPipe } from './second/pipes.ts'
import { helloBytes, Kind, part } from './second/wire.ts'

const transport = suite('hostile sockets')

const random = (size: number): Uint8Array => new Uint8Array(randomBytes(size))
const status = (head: string): string => head.split('\r\n')[0]!

// The upgrade.

transport('an upgrade that does not offer exactly our subprotocol, or asks for another page, is refused before there is a WebSocket', async () => {
  await using stage = await openStage()
  for (const subprotocols of [[], ['peerweft.2'], ['chat'], [SUBPROTOCOL, 'peerweft.2'], ['peerweft.2', SUBPROTOCOL]]) {
    const refusal = await wsPipe(stage.url, {}, subprotocols).then(() => 'taken', (error: Error) => error.message)
    assert.is(refusal, 'HTTP 400', subprotocols.join(', '))
  }
  const requests: [string, string][] = [
    ['HTTP/1.1 404', upgradeRequest(stage.url, { path: '/admin' })],
    ['HTTP/1.1 426', `GET / HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['HTTP/1.1 426', `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello`],
    ['HTTP/1.1 400', upgradeRequest(stage.url).replace('Version: 13', 'Version: 7')],
    ['HTTP/1.1 400', upgradeRequest(stage.url).replace(/Sec-WebSocket-Key: .*\r\n/, 'Sec-WebSocket-Key: short\r\n')],
    ['HTTP/1.1 400', `${random(40).join('')}\r\n\r\n`],
    ['HTTP/1.1 431', upgradeRequest(stage.url, { headers: { 'X-Long': 'x'.repeat(20_000) } })],
  ]
  for (const [expected, request] of requests) {
    const socket = await tcpSocket(stage.url)
    socket.write(request)
    const { head } = await upgraded(socket)
    assert.ok(status(head).startsWith(expected), `expected ${expected}, got ${status(head)}`)
    socket.destroy()
  }
  assert.equal(stage.faults, [], 'no channel came of it')
  await stage.aliceIsFine()
})

transport('compression is never agreed to, and a frame that says it is compressed ends the link', async () => {
  await using stage = await openStage()
  const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits; server_no_context_takeover' }
  const socket = await tcpSocket(stage.url)
  socket.write(upgradeRequest(stage.url, { headers: offer }))
  const { head } = await upgraded(socket)
  assert.match(head, /^HTTP\/1.1 101/)
  assert.not.match(head, /extensions/i)

  const client = await stage.mallory({ pipe: new TcpPipe(socket) })
  const pipe = client.pipe as TcpPipe
  pipe.write(wsFrame(client.keys.sealing.seal(part(0x80, EMPTY)), { rsv1: true }))
  await stage.refused('ERR_TRANSPORT_CHANNEL_BROKEN', client.id)
  await client.ended
  await stage.aliceIsFine()
})

// WebSocket frames.

transport('a text message, an unmasked frame, an unknown opcode, a stray continuation and bad lengths end the channel that sent them', async () => {
  await using stage = await openStage()
  const attacks: Record<string, Uint8Array> = {
    'text': wsFrame(ascii('hello'), { opcode: Opcode.TEXT }),
    'text that is not UTF-8': wsFrame(Uint8Array.of(0xff), { opcode: Opcode.TEXT }),
    'unmasked': wsFrame(random(20), { mask: false }),
    'opcode 3': wsFrame(random(20), { opcode: 3 }),
    'opcode 15': wsFrame(random(20), { opcode: 15 }),
    'a continuation of nothing': wsFrame(random(20), { opcode: Opcode.CONTINUATION }),
    'a message within a message': concat(wsFrame(random(5), { fin: false }), wsFrame(random(5))),
    'a ping in pieces': wsFrame(random(5), { opcode: Opcode.PING, fin: false }),
    'a ping of 126 bytes': wsFrame(random(126), { opcode: Opcode.PING }),
    'a close of one byte': wsFrame(random(1), { opcode: Opcode.CLOSE }),
    'a length of 2^63': wsFrame(random(10), { length: Number.MAX_SAFE_INTEGER }),
    'a message of 131,073 bytes': wsFrame(new Uint8Array(131_073)),
    'one whose header says 100 MiB': wsFrame(random(10), { length: 100 * 2 ** 20 }),
  }
  for (const [name, bytes] of Object.entries(attacks)) {
    const client = await stage.mallory({ pipe: await tcpPipe(stage.url) })
    ;(client.pipe as TcpPipe).write(bytes)
    await client.ended
    await until(() => !stage.bob.isConnected(client.id), `${name}: bob has let go`)
    const [fault] = stage.faultsAbout(client.id)
    const expected = /length|bytes$|MiB/.test(name) && !/ping/.test(name) ? 'ERR_TRANSPORT_FRAME_TOO_LARGE' : 'ERR_TRANSPORT_CHANNEL_BROKEN'
    assert.is(fault?.code, expected, `${name}: ${fault?.text}`)
    assert.equal(stage.callsOf(client.id), [])
  }
  await stage.aliceIsFine()
})

transport('more than a kibibyte before the handshake has ended is refused as it comes, not when it is whole', async () => {
  await using stage = await openStage()
  const pipe = await tcpPipe(stage.url)
  pipe.write(wsFrame(new Uint8Array(4_000), { length: 100_000 }))
  const fault = await stage.refused('ERR_PEER_HANDSHAKE_FAILED', stage.bob.id)
  assert.match(fault.text, /1024 bytes/)
  await pipe.ended
  await stage.aliceIsFine()
})

transport('WebSocket pings beyond ten in ten seconds end the channel', async () => {
  await using stage = await openStage()
  for (const opcode of [Opcode.PING, Opcode.PONG]) {
    const client = await stage.mallory({ pipe: await tcpPipe(stage.url) })
    const pipe = client.pipe as TcpPipe
    pipe.write(concat(...Array.from({ length: 10 }, () => wsFrame(random(4), { opcode }))))
    await client.roundTrip()
    pipe.write(wsFrame(random(4), { opcode }))
    await stage.refused('ERR_TRANSPORT_CHANNEL_BROKEN', client.id)
    await client.ended
  }
  await stage.aliceIsFine()
})

transport('with a larger number of them allowed the channel would stay: the check can fail', async () => {
  await using stage = await openStage({ transport: { limits: { pingsPerTenSeconds: 1_000 } } })
  const client = await stage.mallory({ pipe: await tcpPipe(stage.url) })
  ;(client.pipe as TcpPipe).write(concat(...Array.from({ length: 50 }, () => wsFrame(random(4), { opcode: Opcode.PING }))))
  await client.roundTrip()
  assert.ok(client.isOpen)
})

transport('limits given to the coordinator hold for the WebSockets it makes itself', async () => {
  await using stage = await openStage({ limits: { pingsPerTenSeconds: 2 }, alone: true })
  const pipe = await tcpPipe(stage.url)
  for (let n = 0; n < 4; n++) pipe.write(wsFrame(EMPTY, { opcode: Opcode.PING }))
  await within(pipe.ended, 'the channel to end')
})

// TCP is a stream.

transport('frames that come in one write, byte by byte, or in pieces with pings between them are the same frames', async () => {
  await using stage = await openStage()
  const pipe = await tcpPipe(stage.url)
  pipe.write = bytes => { for (const byte of bytes) pipe.socket.write(Uint8Array.of(byte)) }
  const client = await stage.mallory({ pipe })
  client.say({ n: 1 }, { protocol: 'probe' })

  const sealed = (n: number): Uint8Array => client.keys.sealing.seal(part(Kind.MESSAGE, client.author.signed(client.author.say({ n }, { protocol: 'probe' }))))
  pipe.socket.write(concat(...[2, 3, 4].map(n => wsFrame(sealed(n)))))

  const whole = sealed(5)
  const cuts = [0, 1, 1, 30, 100, whole.length]
  const pieces = cuts.slice(1).map((end, index) => wsFrame(whole.subarray(cuts[index], end), {
    opcode: index === 0 ? Opcode.BINARY : Opcode.CONTINUATION, fin: end === whole.length,
  }))
  for (const piece of pieces) pipe.socket.write(concat(piece, wsFrame(EMPTY, { opcode: Opcode.PING })))
  await until(() => stage.callsOf(client.id).length === 5, () => `all five are taken; ${stage.told()}`)
  assert.equal(stage.callsOf(client.id).map(call => (call.payload as { n: number }).n), [1, 2, 3, 4, 5])
  assert.equal(stage.faults, [])
  await stage.aliceIsFine()
})

transport('a handshake in one write, and the first sealed frame on its heels, are taken', async () => {
  await using stage = await openStage()
  const pipe = await tcpPipe(stage.url)
  const key = newStaticKey()
  const noise = new Dialler({ pattern: 'XK', network: 'peerweft', key, listener: unhex(stage.bob.id) })
  pipe.send(noise.actOne())
  noise.actTwo(await nextFrame(pipe, 'act two'))
  const actThree = noise.actThree(helloBytes())
  pipe.write(concat(wsFrame(actThree), wsFrame(noise.keys().sealing.seal(part(Kind.PING, new Uint8Array(8))))))
  const { opening } = noise.keys()
  assert.is(opening.open(await nextFrame(pipe, 'the hello'))[0], Kind.HELLO)
  assert.is(opening.open(await nextFrame(pipe, 'the pong'))[0], Kind.PONG)
  pipe.destroy()
})

transport('act one in the same write as the upgrade is taken', async () => {
  await using stage = await openStage()
  const socket = await tcpSocket(stage.url)
  const noise = new Dialler({ pattern: 'XX', network: 'peerweft', key: newStaticKey() })
  socket.write(concat(ascii(upgradeRequest(stage.url)), wsFrame(noise.actOne())))
  const { rest } = await upgraded(socket)
  const pipe = new TcpPipe(socket, rest)
  noise.actTwo(await nextFrame(pipe, 'act two'))
  pipe.send(noise.actThree(helloBytes()))
  assert.is(noise.keys().opening.open(await nextFrame(pipe, 'the hello'))[0], Kind.HELLO)
  pipe.destroy()
})

transport('a message in more than 64 WebSocket pieces ends the channel, in 60 it is taken', async () => {
  await using stage = await openStage()
  for (const [count, fits] of [[60, true], [70, false]] as const) {
    const client = await stage.mallory({ pipe: await tcpPipe(stage.url) })
    const sealed = client.keys.sealing.seal(part(Kind.MESSAGE, client.author.signed(client.author.say({ n: count }, { protocol: 'probe' }))))
    const size = Math.ceil(sealed.length / count)
    for (let index = 0; index < count; index++) {
      (client.pipe as TcpPipe).write(wsFrame(sealed.subarray(index * size, (index + 1) * size), {
        opcode: index === 0 ? Opcode.BINARY : Opcode.CONTINUATION, fin: index === count - 1,
      }))
    }
    if (fits) await until(() => stage.callsOf(client.id).length === 1, 'it is taken')
    else {
      await stage.refused('ERR_TRANSPORT_CHANNEL_BROKEN', client.id)
      await client.ended
      assert.equal(stage.callsOf(client.id), [])
    }
  }
  await stage.aliceIsFine()
})

transport('a frame that never ends is given up after ten seconds; so is one cut off by the socket\'s end', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock } })
  const pipe = await tcpPipe(stage.url)
  const client = await stage.mallory({ pipe })
  await client.roundTrip()
  const frame = wsFrame(client.keys.sealing.seal(part(0x80, new Uint8Array(2_000))))
  pipe.write(frame.subarray(0, 1_000))
  const other = await stage.mallory({ pipe: await tcpPipe(stage.url) })
  await other.roundTrip()
  clock.advance(9_000)
  await stage.aliceIsFine()
  assert.ok(client.isOpen, 'not yet')
  clock.advance(1_500)
  const fault = await stage.refused('ERR_TRANSPORT_CHANNEL_BROKEN', client.id)
  assert.match(fault.text, /unfinished/)
  await client.ended

  ;(other.pipe as TcpPipe).write(frame.subarray(0, 500))
  other.pipe.destroy()
  await stage.refused('ERR_TRANSPORT_CHANNEL_BROKEN', other.id)
  await stage.aliceIsFine()
})

transport('with more patience it would still be waited for: the check can fail', async () => {
  const clock = new MovableClock()
  await using stage = await openStage({ config: { clock }, transport: { clock, limits: { frameTimeoutMs: 1e8 } } })
  const client = await stage.mallory({ pipe: await tcpPipe(stage.url) })
  const frame = wsFrame(client.keys.sealing.seal(part(Kind.PING, new Uint8Array(8))))
  ;(client.pipe as TcpPipe).write(frame.subarray(0, 20))
  await stage.aliceIsFine()
  clock.advance(20_000)
  await stage.aliceIsFine()
  ;(client.pipe as TcpPipe).write(frame.subarray(20))
  await until(() => client.parts.all.some(each => each.kind === Kind.PONG), 'it is answered in the end')
})

// Crowds.

async function alicesFriendGetsIn(stage: Stage): Promise<void> {
  const friend = await within(Client.dial(stage.url, { id: stage.bob.id }), 'an honest newcomer to get in', 3_000)
  friend.say('an honest newcomer')
  await until(() => stage.heard.some(message => message.from === friend.id), 'the newcomer is heard')
  await friend.close()
}

transport('a thousand connections opened and abandoned leave nothing behind', async () => {
  await using stage = await openStage()
  await stage.aliceIsFine()
  const before = process.memoryUsage()
  for (let batch = 0; batch < 10; batch++) {
    const pipes = await Promise.all(Array.from({ length: 100 }, () => tcpPipe(stage.url)))
    for (const [index, pipe] of pipes.entries()) {
      if (index % 3 === 1) pipe.send(random(20))
      if (index % 3 === 2) pipe.socket.resetAndDestroy()
      else pipe.destroy()
    }
    await stage.aliceIsFine()
  }
  await until(() => stage.bob.getStats().peers.pendingHandshakes === 0, () => `no handshake is pending, but ${stage.bob.getStats().peers.pendingHandshakes}`)
  assert.is(stage.bob.getStats().peers.connectedPeers, 1)
  assert.is(stage.count('ERR_PEER_HANDSHAKE_FAILED') + stage.count('ERR_PEER_HANDSHAKE_TIMEOUT'), 1_000)
  const grownMiB = (process.memoryUsage().rss - before.rss) / 2 ** 20
  assert.ok(grownMiB < 100, `${grownMiB.toFixed(0)} MiB more than before`)
  await alicesFriendGetsIn(stage)
  await stage.aliceIsFine()
})

/** So that on a busy machine nobody is dropped for being slow. */
const PATIENT = { headersTimeoutMs: 60_000, requestTimeoutMs: 60_000 }

async function silentSockets(stage: Stage, count: number): Promise<Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => tcpSocket(stage.url)))
  // Who does not read does not see that the far end has hung up.
  for (const socket of sockets) socket.resume()
  return sockets
}

transport('seven hundred sockets that say nothing make room for an honest one', async () => {
  await using stage = await openStage({ transport: { limits: PATIENT } })
  const sockets = await silentSockets(stage, 700)
  const gone = (): number => sockets.filter(socket => socket.closed).length
  await until(() => gone() >= 180, () => `the oldest have been dropped: ${gone()}`)
  await alicesFriendGetsIn(stage)
  await stage.aliceIsFine()
  for (const socket of sockets) socket.destroy()
})

transport('with room for all of them they would stay: the check can fail', async () => {
  await using stage = await openStage({ transport: { limits: { ...PATIENT, socketsPendingMax: 2_000 } } })
  const sockets = await silentSockets(stage, 700)
  await alicesFriendGetsIn(stage)
  assert.is(sockets.filter(socket => socket.closed).length, 0)
  for (const socket of sockets) socket.destroy()
})

transport('sockets that were refused and do not hang up keep nobody out', async () => {
  await using stage = await openPublicStage({ transport: { limits: { channelsMax: 50 } } })
  const sockets: Socket[] = []
  for (let n = 0; n < 60; n++) {
    const socket = await tcpSocket(stage.url)
    socket.write(upgradeRequest(stage.url, { headers: { 'X-Forwarded-For': '203.0.113.9' } }))
    await upgraded(socket).catch(() => {})
    sockets.push(socket)
  }
  await stage.mallory(from('198.51.100.7'))
  for (const socket of sockets) socket.destroy()
  await stage.aliceIsFine()
})

transport.run()
