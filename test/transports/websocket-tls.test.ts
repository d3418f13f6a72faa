import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { transportAcceptance } from '../../lib/testing/transport-acceptance.ts'
import { WebSocketTransport, type WebSocketTls } from '../../lib/transports/websocket.node.ts'
import { RawClient } from './support/raw-client.ts'
import { silentServer } from './support/sockets.ts'

/** A key that is in everybody's hands, with a certificate for localhost: for these tests and nothing else. */
const pem = (name: string): string => readFileSync(join(import.meta.dirname, 'support/tls', `test-only.${name}.pem`), 'utf8')
const key = pem('key')
const cert = pem('cert')
const fingerprint = new X509Certificate(cert).fingerprint256

const accepted = suite('websocket transport over TLS, acceptance')

const cases = transportAcceptance(async () => {
  const silent = await silentServer()
  return {
    transport: new WebSocketTransport({ tls: { key, cert, ca: cert } }),
    listenAddress: 'wss://127.0.0.1:0',
    nowhereAddress: 'wss://127.0.0.1:1',
    silentAddress: silent.address.replace('ws:', 'wss:'),
    dispose: silent.close,
  }
}, { breaking: false })

for (const { name, run } of cases) accepted(name, run)

accepted.run()

const test = suite('websocket transport over TLS')

/** How dialling ends: 'connected' or what the error says. */
async function dialling(address: string, tls: WebSocketTls): Promise<string> {
  try {
    await using _channel = await new WebSocketTransport({ tls }).dial(address)
    return 'connected'
  } catch (error) {
    assert.is((error as { code?: string }).code, 'ERR_TRANSPORT_DIAL_FAILED')
    return (error as Error).message
  }
}

const listen = (): ReturnType<WebSocketTransport['listen']> => new WebSocketTransport({ tls: { key, cert }, limits: { headersTimeoutMs: 150, timeoutCheckMs: 30 } }).listen('wss://localhost:0')

test('a certificate that nobody vouches for is refused unless its authority is given or the check is off', async () => {
  await using listener = await listen()
  assert.match(listener.address, /^wss:\/\/localhost:\d+$/)
  assert.match(await dialling(listener.address, {}), 'self-signed certificate')
  assert.is(await dialling(listener.address, { ca: cert }), 'connected')
  assert.is(await dialling(listener.address, { ca: [cert] }), 'connected')
  assert.is(await dialling(listener.address, { rejectUnauthorized: false }), 'connected')
})

test('a certificate for another name is refused unless that name is expected', async () => {
  await using listener = await listen()
  assert.match(await dialling(listener.address, { ca: cert, servername: 'bob.example' }), 'bob.example')
  assert.is(await dialling(listener.address, { ca: cert, servername: 'localhost' }), 'connected')
})

test('a pinned certificate is accepted whoever signed it, and no other is', async () => {
  await using listener = await listen()
  assert.is(await dialling(listener.address, { pinSha256: fingerprint }), 'connected')
  assert.is(await dialling(listener.address, { pinSha256: fingerprint.replaceAll(':', '').toLowerCase() }), 'connected')
  const other = fingerprint.replace(/^../, fingerprint.startsWith('00') ? '01' : '00')
  assert.match(await dialling(listener.address, { pinSha256: other }), 'expected the pinned certificate')
  assert.match(await dialling(listener.address, { pinSha256: fingerprint, rejectUnauthorized: true }), 'self-signed certificate')
})

test('what is no TLS, and who says nothing, is dropped, and others get in', async () => {
  await using listener = await listen()
  const silent = await new RawClient(listener.address).connected()
  const garbage = await new RawClient(listener.address).connected()
  garbage.write('GET / HTTP/1.1\r\n\r\n')
  const started = performance.now()
  await Promise.all([silent.untilEnd(), garbage.untilEnd()])
  assert.ok(performance.now() - started < 2_000)
  assert.is(await dialling(listener.address, { ca: cert }), 'connected')
})

test('listening on wss without key and certificate says what is missing', async () => {
  const error = await new WebSocketTransport().listen('wss://127.0.0.1:0').then(() => undefined, (failure: unknown) => failure)
  assert.is((error as { code?: string }).code, 'ERR_TRANSPORT_LISTEN_FAILED')
  assert.match((error as Error).message, 'tls.key and tls.cert')
})

test.run()
