import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IProtocolHandler } from '../../lib/contracts/protocol.ts'
import { P2PCoordinator } from '../../lib/p2p-coordinator.ts'
import { Mallory } from '../support/mallory.ts'
import { PlainHandler } from '../support/plain-handler.ts'
import { rejection } from '../support/rejection.ts'
import { runProgram } from '../support/run-program.ts'
import { codesIn, Town } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('shutting down')

const SHUT_DOWN = 'ERR_COORDINATOR_SHUT_DOWN'

test('shutting down twice, at once and later, is harmless, and all who wait are told together', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  let ended = 0
  const all = [alice.node.shutdown(), alice.node.shutdown(), alice.node[Symbol.asyncDispose]()].map(each => each.then(() => ended++))
  assert.is(ended, 0)
  await Promise.all(all)
  await alice.node.shutdown()
  await until(() => bob.diary.disconnected.length, 'bob to be told')
  assert.equal([alice.diary.disconnected, bob.diary.disconnected], [[['bob', 'shutdown']], [[alice.node.id, 'shutdown']]])
  assert.equal([codesIn(alice.diary), codesIn(bob.diary)], [[], []])
})

test('plugins end first and in reverse, each when the one after it has ended; then links, then listeners', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const order: string[] = []
  const plugin = (name: string): IProtocolHandler => ({
    protocolName: name,
    handleMessage: async () => {},
    onUnregister: async () => {
      order.push(`${name} begins to end`)
      await settle(3)
      order.push(`${name} has ended, ${alice.node.isConnected('bob') ? 'links stand' : 'links are gone'}`)
    },
  })
  for (const name of ['first', 'second']) alice.node.registerProtocol(plugin(name))
  alice.node.on('disconnected', () => void order.push('the link has ended'))
  await alice.node.shutdown()
  order.push('down')
  assert.equal(order, ['second begins to end', 'second has ended, links stand', 'first begins to end', 'first has ended, links stand', 'the link has ended', 'down'])
  assert.is((await rejection(bob.node.connectToPeer(alice.address))).code, 'ERR_TRANSPORT_DIAL_FAILED', 'nobody listens there any more')
})

test('a plugin that takes another one down, or fails to end, does not stop the rest', async () => {
  await using town = new Town()
  const alice = await town.resident('alice')
  const last = new PlainHandler('last')
  const other = new PlainHandler('other')
  alice.node.registerProtocol(last)
  alice.node.registerProtocol(other)
  alice.node.registerProtocol({ protocolName: 'rude', handleMessage: async () => {}, onUnregister: () => { alice.node.unregisterProtocol('other'); throw new Error('oops') } })
  await alice.node.shutdown()
  assert.equal([last.unregistered, other.unregistered, codesIn(alice.diary)], [1, 1, ['ERR_PROTOCOL_HANDLER_FAILED']])
})

test('after it, what would need a node is refused with a code; what only looks or ends is harmless', async () => {
  await using town = new Town()
  const { alice } = await town.pair()
  const { node } = alice
  await node.shutdown()
  const message = { type: 'n', payload: 1 }
  const calls: Record<string, () => Promise<unknown>> = {
    listen: () => node.listen('memory:again'), connectToPeer: () => node.connectToPeer('bob'), sendTo: () => node.sendTo('bob', message),
    request: () => node.request('bob', message), reply: () => node.reply({ ...message, from: 'bob', timestamp: 0, messageId: 'm' }, 1), broadcast: () => node.broadcast(message),
    announceResource: () => node.announceResource('t', 'i', 1), discoverResources: () => node.discoverResources('t'), getResource: () => node.getResource('t', 'i'),
    watchResources: async () => node.watchResources('t'), publish: () => node.publish('t', 1), subscribe: async () => node.subscribe('t', () => {}),
    registerProtocol: async () => node.registerProtocol(new PlainHandler('late')),
  }
  for (const [name, call] of Object.entries(calls)) assert.is((await rejection(call())).code, SHUT_DOWN, name)
  await node.disconnectFromPeer('bob')
  node.forget('bob')
  node.cleanup()
  assert.equal([node.getConnectedPeers(), node.isConnected('bob'), node.getStats().peers.connectedPeers], [[], false, 0])
  assert.is(node.peerId, 'alice')
})

test('what is under way when it begins is ended by it', async () => {
  await using town = new Town()
  const { alice } = await town.pair()
  const silent = await town.transport().listen('memory:silent')
  const dialling = rejection(alice.node.connectToPeer('memory:silent'))
  const asking = rejection(alice.node.request('bob', { type: 'n', payload: 1 }))
  const listening = alice.node.listen('memory:another').catch((error: unknown) => error as { code: string })
  await settle(1)
  await alice.node.shutdown()
  assert.equal([(await dialling).code, (await asking).code], [SHUT_DOWN, SHUT_DOWN])
  const listener = await listening
  if ('code' in listener) assert.is(listener.code, SHUT_DOWN)
  assert.is((await rejection(alice.node.connectToPeer('bob'))).code, SHUT_DOWN)
  assert.equal(codesIn(alice.diary), [], 'closing explains itself')
  await silent.close()
})

test('a peer that does not answer the goodbye holds it up for two seconds at most', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  let down = false
  const closing = bob.node.shutdown().then(() => (down = true))
  await settle()
  town.clock.advance(1_999)
  await settle()
  assert.not.ok(down)
  town.clock.advance(1)
  await closing
  assert.is(town.clock.timers, 0)
})

test('strangers half way through a handshake, and those who come now, find the door shut', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const channel = await town.transport().dial(bob.address)
  await until(() => bob.node.getStats().peers.pendingHandshakes === 1, 'a handshake to begin')
  await bob.node.shutdown()
  assert.ok((await channel.frames[Symbol.asyncIterator]().next()).done)
  await settle()
  assert.is(bob.node.getStats().peers.pendingHandshakes, 0)
  assert.equal([codesIn(bob.diary), town.clock.timers], [[], 0])
})

test('`await using` shuts down', async () => {
  let kept: P2PCoordinator
  {
    await using coordinator = new P2PCoordinator()
    kept = coordinator
  }
  assert.is((await rejection(kept.broadcast({ type: 'n', payload: 1 }))).code, SHUT_DOWN)
})

test('a program that listens, connects and shuts down ends by itself and leaves nothing open', async () => {
  const { code, signal, lines, stderr } = await runProgram(new URL('programs/whole-life.ts', import.meta.url))
  assert.equal([code, signal, stderr], [0, null, ''])
  assert.equal(JSON.parse(lines[0]!), { asking: SHUT_DOWN, left: [] })
})

test('a program that only made a coordinator ends by itself', async () => {
  const { code, lines } = await runProgram(new URL('programs/only-made.ts', import.meta.url))
  assert.equal([code, lines], [0, ['alice']])
})

test('SIGINT and shutdown make a clean end, which the peer is told of', async () => {
  const { code, signal, lines, stderr } = await runProgram(new URL('programs/interrupted.ts', import.meta.url), (line, kill) => {
    if (line === 'ready') kill('SIGINT')
  })
  assert.equal([code, signal, lines, stderr], [0, null, ['ready', 'bob heard: shutdown', 'down'], ''])
})

test.run()
