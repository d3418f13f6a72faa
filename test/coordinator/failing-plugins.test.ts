import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IProtocolHandler, ProtocolContext } from '../../lib/contracts/protocol.ts'
import type { ILogger } from '../../lib/contracts/logger.ts'
import { P2PCoordinator } from '../../lib/p2p-coordinator.ts'
import { Mallory } from '../support/mallory.ts'
import { DefinedHandler, PlainHandler } from '../support/plain-handler.ts'
import { rejection } from '../support/rejection.ts'
import { codesIn, diaryOf, meet, payloadsIn, Town } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('what throws stays in its room')

/** Anything that got out of its room would end here. */
const escaped: unknown[] = []
process.on('unhandledRejection', error => void escaped.push(error))
process.on('uncaughtException', error => void escaped.push(error))

const oops = (): never => {
  throw new Error('oops')
}
const later = async (): Promise<never> => {
  await Promise.resolve()
  throw new Error('oops')
}

for (const [how, fail] of [['at once', oops], ['in a promise', later]] as const) {
  test(`a handler that throws ${how} is told on; the next message reaches it, and other handlers`, async () => {
    await using town = new Town()
    const { alice, bob } = await town.pair()
    const heard: unknown[] = []
    bob.node.registerProtocol({ protocolName: 'bad', handleMessage: message => { heard.push(message.payload); return fail() } })
    const good = new PlainHandler('good')
    bob.node.registerProtocol(good)
    for (const protocol of ['bad', 'good', 'bad']) await alice.node.sendTo('bob', { protocol, type: 'n', payload: protocol })
    await until(() => codesIn(bob.diary).length === 2 && good.heard.length, 'two failures')
    assert.equal([heard, codesIn(bob.diary)], [['bad', 'bad'], ['ERR_PROTOCOL_HANDLER_FAILED', 'ERR_PROTOCOL_HANDLER_FAILED']])
    const { error, peer } = bob.diary.errors[0]!
    assert.equal([error.message, error.protocol, error.peerId, (error.cause as Error).message], ["the handler of 'bad' failed on 'n': oops", 'bad', undefined, 'oops'])
    assert.is(peer.peerId, bob.node.id, 'the fault is local')
    assert.ok(bob.node.isConnected(alice.node.id))
  })

  test(`hooks that throw ${how} are told on`, async () => {
    await using town = new Town()
    const { alice, bob } = await town.pair()
    const handler: IProtocolHandler = {
      protocolName: 'bad', handleMessage: async () => {}, onPeerConnected: fail, onPeerDisconnected: fail, cleanup: fail as () => void, onUnregister: fail,
    }
    const good = new PlainHandler('good')
    alice.node.registerProtocol(handler)
    alice.node.registerProtocol(good)
    await settle()
    alice.node.cleanup()
    await alice.node.disconnectFromPeer('bob')
    await settle()
    alice.node.unregisterProtocol('bad')
    await settle()
    assert.equal(alice.diary.errors.map(({ error }) => [error.code, error.message]), [
      ['ERR_PROTOCOL_HANDLER_FAILED', "'bad' failed in onPeerConnected: oops"],
      ['ERR_PROTOCOL_HANDLER_FAILED', "'bad' failed in cleanup: oops"],
      ['ERR_PROTOCOL_HANDLER_FAILED', "'bad' failed in onPeerDisconnected: oops"],
      ['ERR_PROTOCOL_HANDLER_FAILED', "'bad' failed in onUnregister: oops"],
    ])
    assert.equal([good.arrivals.length, good.departures.length, good.cleaned], [1, 1, 1])
    assert.is(bob.diary.errors.length, 0)
  })

  test(`a listener that throws ${how} hurts neither the others nor the node`, async () => {
    await using town = new Town()
    const bob = await town.resident('bob')
    const alice = town.guest('alice')
    const heard: string[] = []
    for (const event of ['connected', 'disconnected', 'message'] as const) {
      bob.node.on(event, fail as () => never)
      bob.node.on(event, () => void heard.push(event))
    }
    await meet(alice, bob)
    await alice.node.sendTo('bob', { type: 'n', payload: 1 })
    await until(() => payloadsIn(bob.diary).length, 'the message')
    await alice.node.disconnectFromPeer('bob')
    await until(() => codesIn(bob.diary).length === 3, 'three failures')
    assert.equal(heard, ['connected', 'message', 'disconnected'])
    assert.equal(bob.diary.errors.map(({ error }) => error.message), Array(3).fill('a listener of this application failed: oops'))
    assert.equal(codesIn(bob.diary), Array(3).fill('ERR_PROTOCOL_LISTENER_FAILED'))
  })

  test(`an error listener that throws ${how} is told to the log alone, once for each error`, async () => {
    await using town = new Town()
    const lines: string[] = []
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: (text: string) => void lines.push(text) } satisfies ILogger
    const { alice, bob } = await town.pair({ bob: { logger } })
    let told = 0
    bob.node.on('error', (() => {
      told++
      return fail()
    }) as () => never)
    await alice.node.sendTo('bob', { protocol: 'nobody', type: 'n', payload: 1 })
    await until(() => told, 'the first error')
    await settle()
    assert.equal([told, codesIn(bob.diary)], [1, ['ERR_PROTOCOL_UNKNOWN']])
    assert.equal(lines, ['[P2P] a listener of this application failed: oops'])
    await alice.node.sendTo('bob', { protocol: 'nobody', type: 'n', payload: 2 })
    await until(() => told === 2, 'the second error')
  })
}

test('onRegister that throws is the caller\'s to hear, and nothing is registered', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  let context: ProtocolContext | undefined
  const bad: IProtocolHandler = { protocolName: 'bad', handleMessage: async () => {}, onRegister: given => { context = given; oops() } }
  assert.throws(() => alice.node.registerProtocol(bad), /oops/)
  assert.equal([alice.node.getStats().protocols, codesIn(alice.diary)], [[], []])
  assert.ok(context!.signal.aborted)
  assert.is((context!.signal.reason as { code: string }).code, 'ERR_PROTOCOL_NOT_REGISTERED')
  await settle()
  assert.equal(bob.node.getPeer(alice.node.id)?.protocols, [])
})

test('onRegister that rejects is told on, since nobody waits for it', async () => {
  await using coordinator = new P2PCoordinator()
  const diary = diaryOf(coordinator)
  coordinator.registerProtocol({ protocolName: 'bad', handleMessage: async () => {}, onRegister: later as () => void })
  await settle()
  assert.equal(diary.errors.map(({ error }) => error.message), ["'bad' failed in onRegister: oops"])
  assert.equal(coordinator.getStats().protocols, ['bad'])
})

test('a handler written in plain JavaScript may return anything', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const heard: unknown[] = []
  const loose = { protocolName: 'loose', handleMessage: (message: { payload: unknown }) => heard.push(message.payload), onPeerConnected: () => 'thanks', onPeerDisconnected: () => null }
  bob.node.registerProtocol(loose as unknown as IProtocolHandler)
  await alice.node.sendTo('bob', { protocol: 'loose', type: 'n', payload: 1 })
  await until(() => heard.length, 'the message')
  await alice.node.disconnectFromPeer('bob')
  await settle()
  assert.equal(codesIn(bob.diary), [])
})

test('what is thrown may be anything', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  for (const [index, thrown] of [undefined, null, 'a text', { toString: null }].entries()) {
    bob.node.registerProtocol({ protocolName: `bad-${index}`, handleMessage: () => Promise.reject(thrown as unknown as Error) })
    await alice.node.sendTo('bob', { protocol: `bad-${index}`, type: 'n', payload: 1 })
  }
  await until(() => codesIn(bob.diary).length === 4, 'four failures')
  assert.equal(codesIn(bob.diary), Array(4).fill('ERR_PROTOCOL_HANDLER_FAILED'))
})

test('a handler that fails after it was unregistered is not heard of any more', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  let fail!: () => void
  bob.node.registerProtocol({ protocolName: 'bad', handleMessage: () => new Promise((_, reject) => (fail = () => reject(new Error('oops')))) })
  await alice.node.sendTo('bob', { protocol: 'bad', type: 'n', payload: 1 })
  await until(() => fail !== undefined, 'the message')
  bob.node.unregisterProtocol('bad')
  fail()
  await settle()
  assert.equal(codesIn(bob.diary), [])
})

test('a question whose handler fails is refused at once, without saying what went wrong', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const definition = { name: 'sums', requests: { add: { request: {}, reply: {} } } } as never
  const handler = Object.assign(new DefinedHandler(definition), { handleMessage: oops })
  bob.node.registerProtocol(handler)
  await until(() => alice.node.getPeer('bob')?.protocols?.length, 'bob to have told what he speaks')
  const refusal = await rejection(alice.node.request('bob', { protocol: 'sums', type: 'add', payload: 1 }))
  assert.is(refusal.code, 'ERR_PROTOCOL_REQUEST_REFUSED')
  assert.match(refusal.message, /\(ERR_PROTOCOL_HANDLER_FAILED: the handler failed\)$/)
})

test('a refusal to a peer that reads nothing is dropped, not thrown', async () => {
  await using town = new Town()
  const bob = await town.resident('bob', { network: 'private' })
  const definition = { name: 'sums', requests: { add: { request: {}, reply: {} } } } as never
  bob.node.registerProtocol(Object.assign(new DefinedHandler(definition), { handleMessage: later }))
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock, deaf: true })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  const payload = new Uint8Array(64_000)
  const fill = Array.from({ length: 80 }, () => bob.node.sendTo(mallory.id, { type: 'n', payload }).catch(() => {}))
  await settle(100)
  // To the brim, with what is smaller than any refusal.
  let full = false
  while (!full) {
    void bob.node.sendTo(mallory.id, { protocol: 's', type: 'error', payload: null }).catch((error: unknown) => (full ||= (error as { code: string }).code === 'ERR_PEER_OUTBOX_FULL'))
    await settle(1)
  }
  await mallory.say(await mallory.signed({ protocol: 'sums', type: 'add', payload: 1 }))
  await until(() => codesIn(bob.diary).includes('ERR_PROTOCOL_HANDLER_FAILED'), 'the failure')
  await settle()
  await mallory.hangUp()
  await Promise.all(fill)
})

test('statistics are given though a plugin cannot give its own', async () => {
  await using coordinator = new P2PCoordinator()
  const diary = diaryOf(coordinator)
  coordinator.registerProtocol(Object.assign(new PlainHandler('dht'), { resources: { getStats: oops } }) as unknown as IProtocolHandler)
  assert.equal(coordinator.getStats().dht, { totalAnnouncements: 0 })
  assert.match(diary.errors[0]!.error.message, /'dht' failed in resources\.getStats: oops/)
})

test('nothing got out of its room in all of this', async () => {
  await settle()
  assert.equal(escaped, [])
})

test.run()
