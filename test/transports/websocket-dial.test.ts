import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocketTransport, type WebSocketOptions } from '../../lib/transports/websocket.node.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { wireFrame, within } from './support/raw-client.ts'
import { accepted, ending, nextFrame, Scene } from './support/scene.ts'
import { answeringServer } from './support/sockets.ts'

const test = suite('websocket transport, dialling')

/** How dialling somebody who answers like this ends. */
async function dialling(answer: string | ((request: string) => string | Uint8Array)): Promise<Error & { code?: string }> {
  const server = await answeringServer(answer)
  try {
    const dialled = new WebSocketTransport().dial(server.address, { timeoutMs: 3_000 })
    return await within(dialled.then(() => new Error('connected'), (error: unknown) => error as Error), 'dialling to end')
  } finally {
    await server.close()
  }
}

/** A correct answer to an upgrade, but for what is said. */
function switching(request: string, subprotocol: string | undefined, extra = ''): string {
  const key = /sec-websocket-key: (.*)\r\n/i.exec(request)?.[1]
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const chosen = subprotocol === undefined ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${chosen}${extra}\r\n`
}

test('a listener that does not upgrade, or not to our subprotocol, is a failed dial', async () => {
  const answers: [string, string | ((request: string) => string)][] = [
    ['a page', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['elsewhere', 'HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n'],
    ['refusal', 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'],
    ['garbage', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['headers without end', `HTTP/1.1 101 Switching Protocols\r\nX-Long: ${'a'.repeat(100_000)}`],
    ['a wrong key', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n'],
    ['no subprotocol', request => switching(request, undefined)],
    ['another subprotocol', request => switching(request, 'peerweft.2')],
    ['compression', request => switching(request, 'peerweft.1', 'Sec-WebSocket-Extensions: permessage-deflate\r\n')],
  ]
  for (const [name, answer] of answers) {
    const error = await dialling(answer)
    assert.is(error.code, 'ERR_TRANSPORT_DIAL_FAILED', `${name}: ${error.message}`)
    assert.instance(error.cause, Error, name)
  }
})

test('frames that come in one packet with the answer are not lost', async () => {
  const server = await answeringServer(request => Buffer.concat([
    Buffer.from(switching(request, 'peerweft.1')),
    wireFrame({ masked: false, payload: Uint8Array.of(1) }),
    wireFrame({ masked: false, payload: Uint8Array.of(2) }),
  ]))
  const channel = await new WebSocketTransport().dial(server.address)
  assert.equal([await nextFrame(channel), await nextFrame(channel)], [Uint8Array.of(1), Uint8Array.of(2)])
  await server.close()
  assert.is(await ending(channel), 'ERR_TRANSPORT_CHANNEL_BROKEN')
})

test('a listener that sends more than the limits allow is cut off', async () => {
  for (const [payload, announced] of [[Buffer.alloc(2_000), undefined], [Buffer.alloc(3_000), 100_000], [Buffer.alloc(10), 200_000]] as const) {
    const frame = wireFrame({ masked: false, payload, ...(announced === undefined ? {} : { announced }) })
    const server = await answeringServer(request => Buffer.concat([Buffer.from(switching(request, 'peerweft.1')), frame]))
    const channel = await new WebSocketTransport().dial(server.address)
    assert.is(await ending(channel), 'ERR_TRANSPORT_FRAME_TOO_LARGE')
    await server.close()
    await within(channel.close(), 'the channel to be gone')
  }
})

test('the default time applies to dialling', async () => {
  const server = await answeringServer('HTTP/1.1 101 Switching')
  const error = await new WebSocketTransport({ limits: { dialTimeoutMs: 100 } }).dial(server.address).then(() => undefined, (failure: unknown) => failure)
  assert.is((error as Error).name, 'TimeoutError')
  assert.is((error as Error).message, `gave up after 100 ms: dialling "${server.address}"`)
  await server.close()
})

test('addresses of other kinds are refused, and an address cannot forge a log line', async () => {
  for (const address of ['http://127.0.0.1:1', 'memory:alice', 'ws+unix:/tmp/x', 'ws://', 'ws://127.0.0.1:1#part', 'ws://127.0.0.1:99999', 'ws://a\nb:1']) {
    const error = await new WebSocketTransport().dial(address, { timeoutMs: 2_000 }).then(() => new Error('connected'), (failure: unknown) => failure as Error & { code?: string })
    assert.is((error as { code?: string }).code, 'ERR_TRANSPORT_DIAL_FAILED', address)
    assert.not.match(error.message, '\n')
  }
})

test('listening where nobody can is a listen failure that names the address', async () => {
  for (const address of ['ws://192.0.2.1:0', 'memory:alice', 'nonsense', '']) {
    const error = await new WebSocketTransport().listen(address).then(() => new Error('listening'), (failure: unknown) => failure as Error & { code?: string })
    assert.is((error as { code?: string }).code, 'ERR_TRANSPORT_LISTEN_FAILED', address)
    assert.match(error.message, JSON.stringify(address))
  }
})

test('each end says why it ended, as its closer put it', async () => {
  await using scene = await Scene.open()
  for (const [reason, there] of [['local', 'remote'], ['shutdown', 'shutdown'], ['limit', 'limit'], ['timeout', 'timeout']] as const) {
    const [alice, bob] = await Promise.all([scene.transport.dial(scene.address), scene.accepted()])
    await alice.close(reason)
    assert.is(await ending(bob), 'end')
    assert.equal([alice, bob].map(end => (end as { closeReason?: string }).closeReason), [reason, there])
  }
})

test('a random mask, where it is wanted, changes nothing that can be seen', async () => {
  for (const options of [{ randomMask: true }, {}] satisfies WebSocketOptions[]) {
    await using listener = await new WebSocketTransport(options).listen('ws://127.0.0.1:0')
    const [alice, bob] = await Promise.all([new WebSocketTransport(options).dial(listener.address), accepted(listener)])
    const frame = Uint8Array.from({ length: 1_000 }, (_, index) => index)
    await alice.send(frame)
    assert.equal(await nextFrame(bob), frame)
    assert.equal(frame, Uint8Array.from({ length: 1_000 }, (_, index) => index))
    await alice.close()
  }
})

test('a loop that sends without end has to wait a turn now and then, though the system takes everything', async () => {
  const clock = new ManualClock()
  await using scene = await Scene.open({ clock })
  const alice = await scene.transport.dial(scene.address)
  const empty = new Uint8Array(0)
  let sent = 0
  const sending = (async () => { for (;;) await alice.send(empty).then(() => { sent++ }) })().catch(() => {})
  for (const inTurn of [4_095, 8_191, 12_287]) {
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
    assert.is(sent, inTurn)
    clock.advance(0)
  }
  await alice.close()
  await sending
})

test('IPv6 addresses are listened on and dialled', async () => {
  const transport = new WebSocketTransport()
  const listener = await transport.listen('ws://[::1]:0').catch((error: Error) => error)
  // A machine without IPv6 has nothing to show here.
  if (listener instanceof Error) return assert.match(listener.message, /EADDRNOTAVAIL|EAFNOSUPPORT/)
  assert.match(listener.address, /^ws:\/\/\[::1\]:\d+$/)
  const [alice, bob] = await Promise.all([transport.dial(listener.address), accepted(listener)])
  assert.match(bob.remoteAddress, /^ws:\/\/\[::1\]:\d+$/)
  await alice.close()
  await listener.close()
})

test('nothing keeps a program running once everything is closed', async () => {
  const program = join(import.meta.dirname, 'support/open-and-close.ts')
  const { stdout } = await new Promise<{ stdout: string }>((resolve, reject) => {
    execFile(process.execPath, ['--import', 'tsx', program], { timeout: 20_000 }, (error, stdout) => error ? reject(new Error(`it did not end by itself: ${stdout}`, { cause: error })) : resolve({ stdout }))
  })
  assert.match(stdout, /^closed after (\d+) ms\nended after \d+ ms\n$/)
  const [closedMs, endedMs] = [...stdout.matchAll(/\d+/g)].map(Number)
  assert.ok(endedMs! - closedMs! < 1_000, stdout)
})

test.run()
