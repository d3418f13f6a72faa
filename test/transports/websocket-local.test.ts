import type { lookup } from 'node:dns'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isLocalIp } from '../../lib/foundation/local-address.ts'
import { lookupOf } from '../../lib/transports/websocket-dial.node.ts'
import { WebSocketTransport } from '../../lib/transports/websocket.node.ts'
import { rejection } from '../support/rejection.ts'

const test = suite('where a stranger\'s word leads')

type Answer = string | { address: string; family: number }[] | Error

/** What a name resolves to is the test's to say; what comes of it, the rule's. */
function resolved(answer: Answer): Promise<{ error: NodeJS.ErrnoException | null; found: unknown }> {
  const resolve = ((_name: string, _options: object, callback: (error: Error | null, found: unknown, family?: number) => void) => {
    if (answer instanceof Error) callback(answer, '', 0)
    else callback(null, answer, 4)
  }) as unknown as typeof lookup
  return new Promise(done => lookupOf(ip => !isLocalIp(ip), resolve)('host.example.org', { all: Array.isArray(answer) }, (error, found) => done({ error, found })))
}

test('a name that resolves into our own network is refused before a socket is opened, be it one answer of several', async () => {
  const bad: Answer[] = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:192.168.1.1', [{ address: '203.0.113.7', family: 4 }, { address: '192.168.1.1', family: 4 }]]
  for (const answer of bad) {
    const { error, found } = await resolved(answer)
    assert.is(error?.code, 'EACCES', JSON.stringify(answer))
    assert.match(error!.message, /host\.example\.org leads to .*, inside a network of our own/)
    assert.is(found, '')
  }
  for (const answer of ['203.0.113.7', [{ address: '203.0.113.7', family: 4 }, { address: '2001:db8::1', family: 6 }]]) assert.equal(await resolved(answer), { error: null, found: answer })
  assert.is((await resolved(new Error('no such name'))).error!.message, 'no such name')
})

test('the same name is dialled for the user, and refused on a stranger\'s word', async () => {
  const transport = new WebSocketTransport()
  const listener = await transport.listen('ws://localhost:0')
  const { port } = new URL(listener.address)
  const channel = await transport.dial(`ws://localhost:${port}`)
  await channel.close()
  const refusal = await rejection(transport.dial(`ws://localhost:${port}`, { refuseLocal: true }))
  assert.is(refusal.code, 'ERR_TRANSPORT_DIAL_FAILED')
  assert.match(refusal.message, /localhost leads to .*, inside a network of our own/)
  await listener.close()
})

test.run()
