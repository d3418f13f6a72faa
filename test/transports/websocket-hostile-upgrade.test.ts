import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocketTransport } from '../../lib/transports/websocket.node.ts'
import { RawClient, upgraded, upgradeRequest, within } from './support/raw-client.ts'
import { Scene } from './support/scene.ts'

const test = suite('websocket listener, before the upgrade')

/** Short patience, so that no test has to wait long to see it end. */
const IMPATIENT = { headersTimeoutMs: 150, timeoutCheckMs: 30 }

/** The status line that answers this request. */
async function answerTo(scene: Scene, request: string): Promise<string> {
  const client = new RawClient(scene.address)
  client.write(request)
  return (await client.untilEnd()).toString('latin1').split('\r\n')[0]!
}

test('a socket that connects and says nothing is dropped', async () => {
  await using scene = await Scene.open({ limits: IMPATIENT })
  const started = performance.now()
  await new RawClient(scene.address).untilEnd()
  assert.ok(performance.now() - started < 2_000)
  await scene.othersAreUnharmed()
})

test('headers that come a byte at a time for ever are given up', async () => {
  await using scene = await Scene.open({ limits: IMPATIENT })
  const client = await new RawClient(scene.address).connected()
  client.write('GET / HTTP/1.1\r\nX-Slow: ')
  const dripping = setInterval(() => client.write('a'), 20)
  try {
    const answer = (await client.untilEnd()).toString('latin1')
    assert.match(answer, /^HTTP\/1\.1 408 /)
  } finally {
    clearInterval(dripping)
  }
  await scene.othersAreUnharmed()
})

test('what is no HTTP is answered with 400 and hung up on', async () => {
  await using scene = await Scene.open()
  assert.is(await answerTo(scene, '\u0016\u0003\u0001garbage\r\n\r\n'), 'HTTP/1.1 400 Bad Request')
  await scene.othersAreUnharmed()
})

test('headers beyond the limit are answered with 431', async () => {
  await using scene = await Scene.open()
  assert.match(await answerTo(scene, upgradeRequest({ headers: { 'X-Long': 'a'.repeat(9_000) } })), /^HTTP\/1\.1 431 /)
  await scene.othersAreUnharmed()
})

test('a plain request is answered with 426, whatever its method, and hung up on', async () => {
  await using scene = await Scene.open()
  for (const method of ['GET', 'POST', 'OPTIONS']) {
    assert.is(await answerTo(scene, `${method} / HTTP/1.1\r\nHost: here\r\nContent-Length: 100000\r\n\r\n`), 'HTTP/1.1 426 Upgrade Required')
  }
  await scene.othersAreUnharmed()
})

test('anything but exactly our subprotocol is answered with 400', async () => {
  await using scene = await Scene.open()
  for (const subprotocol of [undefined, '', 'peerweft.2', 'peerweft.1, chat', 'chat, peerweft.1', 'PEERWEFT.1']) {
    assert.is(await answerTo(scene, upgradeRequest({ subprotocol })), 'HTTP/1.1 400 Bad Request', String(subprotocol))
  }
  await scene.othersAreUnharmed()
})

test('an upgrade that is no WebSocket, or breaks its rules, is refused', async () => {
  await using scene = await Scene.open()
  for (const headers of [{ Upgrade: 'h2c' }, { 'Sec-WebSocket-Key': 'short' }, { 'Sec-WebSocket-Version': '7' }]) {
    assert.is(await answerTo(scene, upgradeRequest({ headers })), 'HTTP/1.1 400 Bad Request', JSON.stringify(headers))
  }
  await scene.othersAreUnharmed()
})

test('another path than the one listened on is answered with 404', async () => {
  await using scene = await Scene.open({}, 'ws://127.0.0.1:0/p2p')
  assert.match(scene.address, /^ws:\/\/127\.0\.0\.1:\d+\/p2p$/)
  for (const path of ['/', '/p2p/', '/p2pp', '//p2p']) {
    assert.is(await answerTo(scene, upgradeRequest({ path })), 'HTTP/1.1 404 Not Found', path)
  }
  const client = await upgraded(`${scene.address}?some=query`)
  client.destroy()
  await (await scene.accepted()).close()
  await scene.othersAreUnharmed()
})

test('pages of other origins are answered with 403; ours and programs get in', async () => {
  await using scene = await Scene.open({ allowedOrigins: ['https://wallet.example'] })
  for (const Origin of ['https://mallory.example', 'null', 'https://wallet.example.mallory.example']) {
    assert.is(await answerTo(scene, upgradeRequest({ headers: { Origin } })), 'HTTP/1.1 403 Forbidden', Origin)
  }
  const page = await upgraded(scene.address, { headers: { Origin: 'https://wallet.example' } })
  page.destroy()
  await (await scene.accepted()).close()
  await scene.othersAreUnharmed()
})

test('compression is not agreed to, even where it is offered', async () => {
  await using scene = await Scene.open()
  const client = new RawClient(scene.address)
  const head = await client.upgrade({ headers: { 'Sec-WebSocket-Extensions': 'permessage-deflate' } })
  assert.match(head, /^HTTP\/1\.1 101 /)
  assert.not.match(head.toLowerCase(), 'sec-websocket-extensions')
  client.destroy()
})

test('the owner is asked before the upgrade and may refuse', async () => {
  const asked: string[] = []
  let verdict: () => boolean | Promise<boolean> = () => true
  await using scene = await Scene.open({ limits: { ...IMPATIENT, requestTimeoutMs: 150 }, admit: address => { asked.push(address); return verdict() } })
  assert.match(asked[0]!, /^ws:\/\/127\.0\.0\.1:\d+$/)
  verdict = async () => false
  assert.is(await answerTo(scene, upgradeRequest()), 'HTTP/1.1 403 Forbidden')
  verdict = () => { throw new Error('the owner\'s own mistake') }
  assert.is(await answerTo(scene, upgradeRequest()), '')
  verdict = () => new Promise(() => {})
  assert.is(await answerTo(scene, upgradeRequest()), '', 'an owner who never answers')
  verdict = () => true
  await scene.othersAreUnharmed()
})

test('X-Forwarded-For is believed only where a proxy is trusted, and only its last entry', async () => {
  const addresses: string[] = []
  const admit = (address: string): boolean => { addresses.push(address); return false }
  for (const trustProxy of [false, true]) {
    await using listener = await new WebSocketTransport({ admit, trustProxy }).listen('ws://127.0.0.1:0')
    for (const value of ['1.1.1.1, 203.0.113.7', '2001:db8::1', 'not an address']) {
      const client = new RawClient(listener.address)
      client.write(upgradeRequest({ headers: { 'X-Forwarded-For': value } }))
      await client.untilEnd()
    }
  }
  assert.ok(addresses.slice(0, 3).every(address => /^ws:\/\/127\.0\.0\.1:\d+$/.test(address)), addresses.join())
  assert.equal(addresses.slice(3, 5), ['ws://203.0.113.7', 'ws://[2001:db8::1]'])
  assert.match(addresses[5]!, /^ws:\/\/127\.0\.0\.1:\d+$/)
})

test('channels that nobody takes are bounded: the next is answered with 503 until there is room', async () => {
  await using scene = await Scene.open({ limits: { channelsPendingMax: 4 } })
  const waiting = []
  for (let index = 0; index < 4; index++) waiting.push(await upgraded(scene.address))
  assert.is(await answerTo(scene, upgradeRequest()), 'HTTP/1.1 503 Service Unavailable')
  for (const client of waiting) client.destroy()
  for (const _ of waiting) await (await scene.accepted()).close()
  await scene.othersAreUnharmed()
})

test('channels held at once are bounded', async () => {
  await using scene = await Scene.open({ limits: { channelsMax: 3 } })
  const clients = [await upgraded(scene.address), await upgraded(scene.address)]
  assert.is(await answerTo(scene, upgradeRequest()), 'HTTP/1.1 503 Service Unavailable')
  for (const client of clients) client.destroy()
  for (const _ of clients) await (await scene.accepted()).close()
  await scene.othersAreUnharmed()
})

test('channels admitted at the same moment do not overrun the bound', async () => {
  let admitAll!: () => void
  const admitted = new Promise<boolean>(resolve => { admitAll = () => resolve(true) })
  await using listener = await new WebSocketTransport({ limits: { channelsPendingMax: 2 }, admit: () => admitted }).listen('ws://127.0.0.1:0')
  const clients = Array.from({ length: 6 }, () => new RawClient(listener.address))
  const answers = clients.map(client => client.upgrade())
  await new Promise(resolve => setTimeout(resolve, 50))
  admitAll()
  const statuses = (await Promise.all(answers)).map(head => head.slice(9, 12)).sort()
  assert.equal(statuses, ['101', '101', '503', '503', '503', '503'])
  for (const client of clients) client.destroy()
})

test('in a crowd of silent sockets the oldest give way and an honest one gets in', async () => {
  await using scene = await Scene.open({ limits: { socketsPendingMax: 8 } })
  const crowd: RawClient[] = []
  for (let index = 0; index < 40; index++) crowd.push(await new RawClient(scene.address).connected())
  await within(Promise.all(crowd.slice(0, 30).map(client => client.untilEnd())), 'the oldest to be dropped')
  await scene.othersAreUnharmed()
  for (const client of crowd) client.destroy()
})

test('closing the listener drops sockets that have not upgraded, at once', async () => {
  const scene = await Scene.open()
  const silent = await new RawClient(scene.address).connected()
  const halfway = await new RawClient(scene.address).connected()
  halfway.write('GET / HTTP/1.1\r\nHost: ')
  const started = performance.now()
  await within(scene[Symbol.asyncDispose](), 'the listener to close')
  assert.ok(performance.now() - started < 1_000)
  await Promise.all([silent.untilEnd(), halfway.untilEnd()])
})

test.run()
