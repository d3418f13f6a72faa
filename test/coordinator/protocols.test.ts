import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IProtocolHandler, ProtocolDefinition } from '../../lib/contracts/protocol.ts'
import type { IResourceDirectory } from '../../lib/contracts/resources.ts'
import type { IPubSub } from '../../lib/contracts/pubsub.ts'
import { P2PCoordinator } from '../../lib/p2p-coordinator.ts'
import { DefinedHandler, PlainHandler } from '../support/plain-handler.ts'
import { rejection } from '../support/rejection.ts'
import { codesIn, meet, Town } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('protocols on one coordinator')

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name
  }
  return undefined
}

test('a message reaches the handler its protocol names, and nobody else', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const [chat, news] = [new PlainHandler('chat'), new PlainHandler('news')]
  bob.node.registerProtocol(chat)
  bob.node.registerProtocol(news)
  await alice.node.sendTo('bob', { protocol: 'chat', type: 'n', payload: 'to chat' })
  await alice.node.sendTo('bob', { protocol: 'news', type: 'n', payload: 'to news' })
  await alice.node.sendTo('bob', { type: 'n', payload: 'to nobody in particular' })
  await until(() => bob.diary.messages.length && chat.heard.length && news.heard.length, 'all three')
  await settle()
  assert.equal([chat.payloads, news.payloads, bob.diary.messages.map(({ message }) => message.payload)], [['to chat'], ['to news'], ['to nobody in particular']])
})

test('a handler without a definition hears names, one with a definition hears keys', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await meet(bob, alice)
  const plain = new PlainHandler('plain')
  const defined = new DefinedHandler({ name: 'defined', messages: {} })
  for (const handler of [plain, defined]) bob.node.registerProtocol(handler)
  for (const protocol of ['plain', 'defined']) await alice.node.sendTo('bob', { protocol, type: 'n', payload: null })
  await until(() => plain.heard.length && defined.heard.length, 'both')

  assert.equal([plain.heard[0]!.message.from, plain.heard[0]!.message.to, plain.heard[0]!.from.peerId, plain.arrivals[0]!.peerId], ['alice', 'bob', 'alice', 'alice'])
  assert.equal([defined.heard[0]!.message.from, defined.heard[0]!.message.to, defined.heard[0]!.from.peerId, defined.arrivals[0]!.peerId], [alice.node.id, bob.node.id, alice.node.id, alice.node.id])
  assert.is(defined.heard[0]!.from.name, 'alice')
})

test('after unregistering nothing reaches the handler; another of its name can take its place', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const [first, second] = [new PlainHandler('chat'), new PlainHandler('chat')]
  bob.node.registerProtocol(first)
  bob.node.unregisterProtocol('chat')
  await alice.node.sendTo('bob', { protocol: 'chat', type: 'n', payload: 1 })
  await until(() => codesIn(bob.diary).length, 'the message to be refused')
  assert.equal(codesIn(bob.diary), ['ERR_PROTOCOL_UNKNOWN'])
  assert.equal([first.heard.length, first.unregistered], [0, 1])
  bob.node.registerProtocol(second)
  await alice.node.sendTo('bob', { protocol: 'chat', type: 'n', payload: 2 })
  await until(() => second.heard.length, 'the second to hear')
  assert.is(first.heard.length, 0)
  assert.ok(first.context.signal.aborted)
  assert.not.ok(second.context.signal.aborted)
})

test('peers are told what is spoken here whenever that changes', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const spoken = (): unknown => alice.node.getPeer('bob')?.protocols
  bob.node.registerProtocol(new DefinedHandler({ name: 'chat', version: 3, messages: {} }))
  bob.node.registerProtocol(new PlainHandler('news'))
  await until(() => JSON.stringify(spoken()) === '[{"name":"chat","version":3},{"name":"news","version":0}]', 'two protocols')
  bob.node.unregisterProtocol('chat')
  await until(() => JSON.stringify(spoken()) === '[{"name":"news","version":0}]', 'one protocol')
})

test('hooks are called with the peer: for those who come and go, and for those who are here already', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const handler = new PlainHandler('chat')
  alice.node.registerProtocol(handler)
  assert.equal(handler.arrivals, [alice.node.getPeer('bob')])
  const carol = await town.resident('carol')
  await meet(alice, carol)
  await alice.node.disconnectFromPeer('bob')
  assert.equal(handler.arrivals.map(peer => peer.peerId), ['bob', 'carol'])
  assert.equal(handler.departures.map(peer => peer.peerId), ['bob'])
  assert.is(handler.departures[0]!.state, 'disconnected')
  alice.node.unregisterProtocol('chat')
  await carol.node.shutdown()
  await until(() => alice.diary.disconnected.length === 2, 'carol to leave')
  assert.is(handler.departures.length, 1)
  assert.is(bob.node.getConnectedPeers().length, 0)
})

test('two of one name, a role taken twice and a name nobody registered are refused with a code', async () => {
  await using coordinator = new P2PCoordinator()
  const directory = { resources: { getStats: () => ({ totalAnnouncements: 0 }) } as IResourceDirectory }
  const pubsub = { pubsub: {} as IPubSub }
  coordinator.registerProtocol(Object.assign(new PlainHandler('dht'), directory))
  assert.is(codeOf(() => coordinator.registerProtocol(new PlainHandler('dht'))), 'ERR_PROTOCOL_DUPLICATE')
  assert.is(codeOf(() => coordinator.registerProtocol(Object.assign(new PlainHandler('other'), directory))), 'ERR_PROTOCOL_ROLE_TAKEN')
  coordinator.registerProtocol(Object.assign(new PlainHandler('gossip'), pubsub))
  assert.is(codeOf(() => coordinator.unregisterProtocol('other')), 'ERR_PROTOCOL_NOT_REGISTERED')
  coordinator.unregisterProtocol('dht')
  coordinator.registerProtocol(Object.assign(new PlainHandler('other'), directory))
  assert.equal(coordinator.getStats().protocols, ['gossip', 'other'])
})

test('what is no handler is the caller\'s mistake, and leaves nothing behind', async () => {
  await using coordinator = new P2PCoordinator()
  const handle = async (): Promise<void> => {}
  const cases: [unknown, string][] = [
    [null, 'TypeError'], ['chat', 'TypeError'], [{ protocolName: 'chat' }, 'TypeError'], [{ handleMessage: handle }, 'RangeError'],
    [{ protocolName: '', handleMessage: handle }, 'RangeError'], [{ protocolName: 'x'.repeat(65), handleMessage: handle }, 'RangeError'],
    [{ protocolName: 7, handleMessage: handle }, 'RangeError'],
    [{ protocolName: 'chat', handleMessage: handle, definition: { name: 'other', version: 1, messages: {}, requests: {} } }, 'RangeError'],
    [new DefinedHandler({ name: 'large', messageBytesMax: 2 ** 20 + 1 }), 'RangeError'],
    [new DefinedHandler({ name: 'large', messageBytesMax: -1 }), 'RangeError'],
    [new DefinedHandler({ name: 'version', version: 65_536 }), 'RangeError'],
  ]
  for (const [handler, kind] of cases) assert.is(codeOf(() => coordinator.registerProtocol(handler as IProtocolHandler)), kind, JSON.stringify(handler))
  assert.equal(coordinator.getStats().protocols, [])
})

test('more protocols than a hello can name are refused, and those that fit go on working', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  let names = 0
  while (codeOf(() => alice.node.registerProtocol(new PlainHandler(`${names}`.padStart(60, 'n')))) === undefined) names++
  assert.ok(names >= 10 && names < 32, `${names} of 60 bytes fit`)
  await until(() => bob.node.getPeer(alice.node.id)?.protocols?.length === names, 'bob to know of them')
  const carol = await town.resident('carol')
  await meet(alice, carol)
  await using small = new P2PCoordinator({ limits: { protocolsMax: 2 } })
  for (const name of ['a', 'b']) small.registerProtocol(new PlainHandler(name))
  assert.throws(() => small.registerProtocol(new PlainHandler('c')), /at most 2 protocols/)
})

test('an address that no hello can carry does not keep others from connecting', async () => {
  await using town = new Town()
  const alice = town.guest('alice')
  await alice.node.listen(`memory:${'a'.repeat(200)}`)
  await alice.node.listen('memory:ålice')
  const bob = await town.resident('bob')
  await meet(alice, bob)
})

test('resource and pub/sub calls say which plugin is missing, and find it when it is there', async () => {
  await using town = new Town()
  const alice = town.guest('alice')
  const { node } = alice
  for (const call of [() => node.announceResource('t', 'i', 1), () => node.discoverResources('t'), () => node.getResource('t', 'i')]) {
    const refusal = await rejection(call())
    assert.is(refusal.code, 'ERR_RESOURCE_NO_DIRECTORY')
    assert.match(refusal.message, /register one that plays the role `resources`, such as the DHT/)
  }
  assert.is(codeOf(() => node.watchResources('t')), 'ERR_RESOURCE_NO_DIRECTORY')
  assert.is((await rejection(node.publish('t', 1))).code, 'ERR_PUBSUB_NO_PROVIDER')
  assert.is(codeOf(() => node.subscribe('t', () => {})), 'ERR_PUBSUB_NO_PROVIDER')

  const calls: unknown[] = []
  const said = (name: string) => async (...args: unknown[]) => void calls.push([name, ...args])
  const resources = { announce: said('announce'), discover: said('discover'), get: said('get'), watch: (...args: unknown[]) => void calls.push(['watch', ...args]), getStats: () => ({ totalAnnouncements: 7 }) }
  const pubsub = { publish: said('publish'), subscribe: (...args: unknown[]) => void calls.push(['subscribe', ...args]) }
  node.registerProtocol(Object.assign(new PlainHandler('both'), { resources, pubsub }) as unknown as IProtocolHandler)
  assert.equal(calls.splice(0).map(call => (call as unknown[]).slice(0, 2)), [['subscribe', 'peerweft/equivocation']], 'where the node itself hears of proofs')
  await node.announceResource('t', 'i', 1, { ttl: 3 })
  await node.discoverResources('t', { a: 1 })
  await node.getResource('t', 'i')
  node.watchResources('t', { a: 1 })
  await node.publish('topic', 'payload')
  const listener = (): void => {}
  node.subscribe('topic', listener)
  assert.equal(calls, [
    ['announce', 't', 'i', 1, { ttl: 3 }], ['discover', 't', { a: 1 }, undefined], ['get', 't', 'i', undefined], ['watch', 't', { a: 1 }, undefined],
    ['publish', 'topic', 'payload', undefined], ['subscribe', 'topic', listener],
  ])
  assert.is(node.getStats().dht.totalAnnouncements, 7)
})

test('cleanup reaches every plugin', async () => {
  await using coordinator = new P2PCoordinator()
  const handlers = ['a', 'b'].map(name => new PlainHandler(name))
  for (const handler of handlers) coordinator.registerProtocol(handler)
  coordinator.cleanup()
  assert.equal(handlers.map(handler => handler.cleaned), [1, 1])
})

test('least authentication is what the definition says for each type, and a signature where it says nothing', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const auth: ProtocolDefinition['auth'] = { quick: 'channel', grave: 'signature' }
  const [hers, his] = [new DefinedHandler({ name: 'mixed', auth }), new DefinedHandler({ name: 'mixed', auth })]
  alice.node.registerProtocol(hers)
  bob.node.registerProtocol(his)
  await until(() => hers.context.peers().length, 'bob to have told what he speaks')
  for (const type of ['quick', 'grave', 'unnamed']) await hers.context.send(bob.node.id, { type, payload: type })
  await until(() => his.heard.length === 3, 'all three')
  const signed = Object.fromEntries(his.heard.map(({ message }) => [message.type, message.signature !== undefined]))
  assert.equal(signed, { quick: false, grave: true, unnamed: true })
})

test.run()
