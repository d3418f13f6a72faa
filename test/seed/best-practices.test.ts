import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { P2PCoordinator, type P2PMessage } from '../../lib/index.ts'
import { diaryOf } from '../support/town.ts'
import { until } from '../support/until.ts'
import { complaintsAbout, runSample } from './samples.ts'
import { connectedPair, coordinatorGiven, smallDirectory } from './support.ts'

const test = suite('Best Practices')

test('Use Protocol Identifier: a message is routed by what it says', async () => {
  await using pair = await connectedPair()
  const heard: unknown[] = []
  pair.bob.registerProtocol({ protocolName: 'my-protocol', handleMessage: async message => void heard.push(message.payload) })
  const message: P2PMessage = { type: 'n', from: 'alice', payload: 7, timestamp: Date.now(), messageId: 'm-1' }
  const given = { message: { type: 'peerweft.P2PMessage', value: message } }
  assert.equal(complaintsAbout('protocol-identifier', { given }), [])
  await runSample('protocol-identifier', { given })
  await pair.alice.sendTo('bob', message)
  await until(() => heard.length, 'the handler to hear')
  assert.equal(heard, [7])
})

test('Handle Lifecycle Events and Validate Received Data: written into a handler, they run', async () => {
  await using pair = await connectedPair()
  const diary = diaryOf(pair.bob)
  const typed = (text: string): Record<string, string> => ({ [text]: text.replace('(peer)', '(peer: PeerInfo): Promise<void>').replace('onPeer', 'async onPeer') })
  const head = `import { IProtocolHandler, P2PMessage, PeerInfo } from 'peerweft'
    export class MyProtocol implements IProtocolHandler {
    readonly protocolName = 'my-protocol'`
  const lifecycle = { before: `${head}\nasync handleMessage(): Promise<void> {}`, after: '}', instead: { ...typed('onPeerConnected(peer)'), ...typed('onPeerDisconnected(peer)') } }
  assert.equal(complaintsAbout('lifecycle-events', lifecycle), [])

  const validating = {
    before: `${head}\nvalidate(payload: unknown): boolean { return payload === 'good' }`,
    after: '}',
    // A fragment: the document leaves out types and the word async.
    instead: { 'handleMessage(message, from) {': 'async handleMessage(message: P2PMessage, from: PeerInfo): Promise<void> {' },
  }
  assert.equal(complaintsAbout('validate-received-data', validating), [])
  const { exported } = await runSample('validate-received-data', validating)
  pair.bob.registerProtocol(new (exported.MyProtocol as new () => { protocolName: string; handleMessage(): Promise<void> })())
  await pair.alice.sendTo('bob', { type: 'n', protocol: 'my-protocol', payload: 'good' })
  await pair.alice.sendTo('bob', { type: 'n', protocol: 'my-protocol', payload: 'bad' })
  await until(() => diary.errors.length, 'the failure')
  assert.equal(diary.errors.map(({ error }) => [error.code, (error.cause as Error).message]), [['ERR_PROTOCOL_HANDLER_FAILED', 'Invalid payload']])
  assert.ok(pair.bob.isConnected(pair.alice.id), 'what a handler thinks of a payload is its own affair')
})

test('Use Resource Discovery', async () => {
  await using coordinator = new P2PCoordinator()
  coordinator.registerProtocol(smallDirectory())
  const text = (value: string) => ({ type: 'string', value })
  const options = { given: { ...coordinatorGiven(coordinator), type: text('session'), id: text('s-1'), data: { type: 'object', value: { n: 1 } } }, after: 'export { resources }' }
  assert.equal(complaintsAbout('use-resource-discovery', options), [])
  const { exported } = await runSample('use-resource-discovery', options)
  assert.equal((exported.resources as { data: unknown }[]).map(({ data }) => data), [{ n: 1 }])
})

test('Error Handling: the listener hears what goes wrong, and about whom', async () => {
  await using pair = await connectedPair()
  const given = coordinatorGiven(pair.bob)
  assert.equal(complaintsAbout('error-handling', { given }), [])
  const { printed } = await runSample('error-handling', { given })
  await pair.alice.sendTo('bob', { type: 'n', protocol: 'unheard-of', payload: 1 })
  await until(() => printed.length, 'a line')
  assert.is(printed[0]![0], 'P2P error:')
  assert.is((printed[0]![1] as { code: string }).code, 'ERR_PROTOCOL_UNKNOWN')
})

test('Connection Management: who reconnects in the listener is connected again', async () => {
  await using pair = await connectedPair()
  const given = coordinatorGiven(pair.alice)
  assert.equal(complaintsAbout('connection-management', { given }), [])
  const alices = diaryOf(pair.alice)
  await runSample('connection-management', { given })
  await pair.bob.disconnectFromPeer(pair.alice.id)
  await until(() => alices.disconnected.length && pair.alice.isConnected('bob') && pair.bob.isConnected(pair.alice.id), 'the link to be back')
  assert.equal([alices.disconnected, alices.errors], [[['bob', 'remote']], []])
})

test('Resource Cleanup: each minute, what is dead is removed', async () => {
  await using coordinator = new P2PCoordinator()
  let cleaned = 0
  coordinator.registerProtocol({ protocolName: 'x', handleMessage: async () => {}, cleanup: () => void cleaned++ })
  const timers: [() => void, number][] = []
  const setInterval = (run: () => void, ms: number): void => void timers.push([run, ms])
  const given = { ...coordinatorGiven(coordinator), setInterval: { type: '(run: () => void, ms: number) => void', value: setInterval } }
  assert.equal(complaintsAbout('resource-cleanup', { given: coordinatorGiven(coordinator) }), [])
  await runSample('resource-cleanup', { given })
  assert.is(timers[0]![1], 60_000)
  timers[0]![0]()
  assert.is(cleaned, 1)
})

test('Graceful Shutdown: on SIGINT the coordinator goes down and the process ends with 0', async () => {
  await using pair = await connectedPair()
  const handlers: Record<string, () => Promise<void>> = {}
  const codes: number[] = []
  const process = { on: (signal: string, run: () => Promise<void>) => void (handlers[signal] = run), exit: (code: number) => void codes.push(code) }
  const bobs = diaryOf(pair.bob)
  assert.equal(complaintsAbout('graceful-shutdown', { given: coordinatorGiven(pair.alice) }), [])
  await runSample('graceful-shutdown', { given: { ...coordinatorGiven(pair.alice), process: { type: 'unknown', value: process } } })
  await handlers.SIGINT!()
  await until(() => bobs.disconnected.length, 'bob to be told')
  assert.equal([codes, bobs.disconnected], [[0], [[pair.alice.id, 'shutdown']]])
})

test('Event-Driven: the listeners may be any functions', async () => {
  await using pair = await connectedPair()
  const heard: unknown[] = []
  const given = {
    ...coordinatorGiven(pair.bob),
    handleMessage: { type: '(message: peerweft.P2PMessage) => void', value: (message: P2PMessage) => void heard.push(message.payload) },
    handleConnection: { type: '(peer: peerweft.PeerInfo) => void', value: () => {} },
  }
  assert.equal(complaintsAbout('event-driven', { given }), [])
  await runSample('event-driven', { given })
  await pair.alice.sendTo('bob', { type: 'n', payload: 1 })
  await until(() => heard.length, 'the message')
})

test.run()
