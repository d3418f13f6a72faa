import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PCoordinator } from '../../lib/index.ts'
import { until } from '../support/until.ts'
import { diaryOf } from '../support/town.ts'
import { complaintsAbout, runSample } from './samples.ts'

const test = suite('Example 1: Basic P2P Communication')

const options = { after: 'export { coordinator, bob }' }

test('compiles as it stands', () => {
  assert.equal(complaintsAbout('example-1', options), [])
})

test('runs: bob hears what alice says, signed by the key that alice\'s coordinator holds', async () => {
  await using bob = new P2PCoordinator({ peerId: 'bob' })
  const diary = diaryOf(bob)
  const { address } = await bob.listen('ws://127.0.0.1:0')
  const { exported } = await runSample('example-1', { ...options, instead: { 'ws://bob-server:8080': address } })
  await using alice = exported.coordinator as P2PCoordinator
  await until(() => diary.messages.length, 'the greeting')
  const { message, from } = diary.messages[0]!
  assert.equal([message.type, message.payload, message.messageId, from.peerId], ['greeting', { text: 'Hello Bob!' }, 'msg-001', alice.id])
  assert.is(message.signature?.length, 64)
  assert.equal([alice.peerId, alice.isConnected('bob')], ['alice', true])
})

test('runs again against the same bob: a second alice is somebody else, though she says the same', async () => {
  await using bob = new P2PCoordinator({ peerId: 'bob' })
  const diary = diaryOf(bob)
  const { address } = await bob.listen('ws://127.0.0.1:0')
  const run = () => runSample('example-1', { ...options, instead: { 'ws://bob-server:8080': address } })
  await using first = (await run()).exported.coordinator as P2PCoordinator
  await using second = (await run()).exported.coordinator as P2PCoordinator
  await until(() => diary.messages.length === 2, 'both greetings')
  assert.equal(diary.messages.map(({ message }) => [message.from, message.messageId]).sort(), [[first.id, 'msg-001'], [second.id, 'msg-001']].sort())
})

test('where nobody listens, the sample\'s error names the address', async () => {
  const failure = await runSample('example-1', { ...options, instead: { 'ws://bob-server:8080': 'ws://127.0.0.1:1' } }).catch((error: unknown) => error as Error & { code: string })
  assert.is((failure as { code: string }).code, 'ERR_TRANSPORT_DIAL_FAILED')
  assert.match((failure as Error).message, /ws:\/\/127\.0\.0\.1:1/)
})

test.run()
