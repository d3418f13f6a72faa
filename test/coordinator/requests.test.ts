import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { P2PMessage } from '../../lib/contracts/message.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { hungUpOn, Mallory } from '../support/mallory.ts'
import { Answerer, PlainHandler } from '../support/plain-handler.ts'
import { rejection } from '../support/rejection.ts'
import { codesIn, meet, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('requests')

const double = (message: P2PMessage): number => 2 * (message.payload as number)

/** Alice asks, bob doubles. */
async function stage(town: Town, answer: (message: P2PMessage) => unknown = double): Promise<{ alice: Resident; bob: Resident; asker: PlainHandler; answerer: Answerer }> {
  const { alice, bob } = await town.pair()
  const asker = new PlainHandler('sums')
  const answerer = new Answerer('sums', answer)
  alice.node.registerProtocol(asker)
  bob.node.registerProtocol(answerer)
  await until(() => asker.context.peers().length, 'bob to have told what he speaks')
  return { alice, bob, asker, answerer }
}

const question = { protocol: 'sums', type: 'double', payload: 21 }
const never = (): Promise<never> => new Promise(() => {})

test('a question is answered to the asker, with the question\'s type and id, in the user\'s names', async () => {
  await using town = new Town()
  const { alice, asker } = await stage(town)
  const reply = await alice.node.request<number>('bob', { ...question, messageId: 'q-1' })
  assert.equal([reply.payload, reply.type, reply.inReplyTo, reply.protocol, reply.from, reply.to], [42, 'double', 'q-1', 'sums', 'bob', 'alice'])
  assert.is(reply.signature?.length, 64)
  assert.equal([alice.node.getStats().pendingRequests, asker.heard], [0, []], 'an answer is not handed to the handler as well')
})

test('a plugin asks under its own name, in keys', async () => {
  await using town = new Town()
  const { bob, asker } = await stage(town)
  const reply = await asker.context.request(bob.node.id, { type: 'double', payload: 4, protocol: 'something else' })
  assert.equal([reply.payload, reply.from], [8, bob.node.id])
})

test('plain messages can be asked and answered without any protocol', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  bob.node.on('message', message => void bob.node.reply(message, 'fine'))
  const reply = await alice.node.request('bob', { type: 'how are you', payload: null })
  assert.equal([reply.payload, reply.from], ['fine', 'bob'])
  const late = await alice.node.request('bob', { type: 'error', payload: null })
  assert.is(late.payload, 'fine', 'outside a protocol a message may be of type `error`')
})

test('a hundred questions at once are each given their own answer', async () => {
  await using town = new Town()
  const { alice } = await stage(town)
  const replies = await Promise.all(Array.from({ length: 100 }, (_, payload) => alice.node.request<number>('bob', { ...question, payload })))
  assert.equal(replies.map(reply => reply.payload), Array.from({ length: 100 }, (_, index) => 2 * index))
})

test('without an answer the asker is told after ten seconds, or after the time it names', async () => {
  await using town = new Town()
  const { alice } = await stage(town, never)
  const outcomes: string[] = []
  const ask = (options?: object): Promise<unknown> => alice.node.request('bob', question, options).catch((error: Error) => outcomes.push(`${error.name}: ${error.message.replace(/ from \w+/, '')}`))
  const all = [ask(), ask({ timeoutMs: 100 }), ask({ timeoutMs: 0 }), ask({ timeoutMs: undefined })]
  await settle()
  town.clock.advance(DEFAULT_LIMITS.requestTimeoutMs - 1)
  await settle()
  assert.equal(outcomes, ["TimeoutError: no answer to 'double' within 0 ms", "TimeoutError: no answer to 'double' within 100 ms"])
  town.clock.advance(1)
  await Promise.all(all)
  assert.equal(outcomes.slice(2), Array(2).fill("TimeoutError: no answer to 'double' within 10000 ms"))
  assert.is(alice.node.getStats().pendingRequests, 0)
})

test('a question may wait for longer than any timer holds, and for ever', async () => {
  await using town = new Town()
  const { alice } = await stage(town, never)
  let ended = 0
  const { timers } = town.clock
  const waiting = [2 ** 31, Infinity].map(timeoutMs => alice.node.request('bob', question, { timeoutMs }).catch(() => ended++))
  const wrong = await alice.node.request('bob', question, { timeoutMs: -1 }).catch((error: unknown) => error)
  assert.instance(wrong, RangeError)
  assert.instance(await alice.node.request('bob', question, { timeoutMs: NaN }).catch((error: unknown) => error), RangeError)
  await settle()
  assert.equal([ended, alice.node.getStats().pendingRequests, town.clock.timers], [0, 2, timers], 'and no timer is asked to hold what it cannot')
  await alice.node.shutdown()
  await Promise.all(waiting)
})

test('whoever asked may stop waiting; the reason arrives untouched', async () => {
  await using town = new Town()
  const { alice } = await stage(town, never)
  for (const reason of [new Error('enough'), 'a text', undefined]) {
    const cancel = new AbortController()
    const asking = alice.node.request('bob', question, { signal: cancel.signal }).then(() => assert.unreachable(), (error: unknown) => error)
    await settle()
    cancel.abort(reason)
    const told = await asking
    if (reason === undefined) assert.is((told as Error).name, 'AbortError')
    else assert.is(told, reason)
  }
  const before = await alice.node.request('bob', question, { signal: AbortSignal.abort('too late') }).catch((error: unknown) => error)
  assert.is(before, 'too late')
  assert.is(alice.node.getStats().pendingRequests, 0)
})

test('an answer that comes too late reaches the handler as any message would, or is counted as unexpected', async () => {
  await using town = new Town()
  let answer!: (value: number) => void
  const { alice, asker } = await stage(town, () => new Promise<number>(resolve => (answer = resolve)))
  const asking = alice.node.request('bob', question, { timeoutMs: 5 }).catch((error: Error) => error.name)
  await until(() => answer !== undefined, 'bob to be asked')
  town.clock.advance(5)
  assert.is(await asking, 'TimeoutError')
  answer(42)
  await until(() => asker.heard.length, 'the late answer')
  assert.is(asker.heard[0]!.message.payload, 42)
})

test('a peer that does not speak the protocol is not asked at all', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  alice.node.registerProtocol(new PlainHandler('sums'))
  bob.node.registerProtocol(new PlainHandler('chat'))
  await until(() => alice.node.getPeer('bob')?.protocols?.length, 'bob to have told what he speaks')
  const refusal = await rejection(alice.node.request('bob', question))
  assert.is(refusal.code, 'ERR_PROTOCOL_UNKNOWN')
  assert.match(refusal.message, /bob does not speak 'sums'; it speaks chat/)
  await settle()
  assert.equal(codesIn(bob.diary), [])
})

test('a peer that leaves, a protocol that is unregistered and a shutdown end what waits', async () => {
  await using town = new Town()
  const { alice, bob } = await stage(town, never)
  const leaving = rejection(alice.node.request('bob', question))
  await settle()
  await bob.node.disconnectFromPeer(alice.node.id)
  assert.is((await leaving).code, 'ERR_PEER_DISCONNECTED')
  assert.match((await leaving).message, /bob left before it answered \(remote\)/)

  await alice.node.connectToPeer('bob')
  const unregistering = rejection(alice.node.request('bob', question))
  const plain = rejection(alice.node.request('bob', { type: 'hello', payload: null }))
  await settle()
  alice.node.unregisterProtocol('sums')
  assert.is((await unregistering).code, 'ERR_PROTOCOL_NOT_REGISTERED')
  assert.is(alice.node.getStats().pendingRequests, 1)
  void alice.node.shutdown()
  assert.is((await plain).code, 'ERR_COORDINATOR_SHUT_DOWN')
})

test('one peer may be asked so many questions at once, others are not affected', async () => {
  await using town = new Town()
  const alice = await town.resident('alice', { limits: { requestsPerPeerMax: 3 } })
  const others = await Promise.all(['bob', 'carol'].map(name => town.resident(name)))
  for (const other of others) await meet(alice, other)
  const asking = ['bob', 'bob', 'bob', 'carol'].map(name => alice.node.request(name, { type: 'n', payload: null }, { timeoutMs: 10 }).catch((error: Error) => error.name))
  const refusal = await rejection(alice.node.request('bob', { type: 'n', payload: null }))
  assert.is(refusal.code, 'ERR_PROTOCOL_TOO_MANY_REQUESTS')
  assert.match(refusal.message, /3 requests to .* wait already; await some of them first/)
  await settle()
  town.clock.advance(10)
  assert.equal(await Promise.all(asking), Array(4).fill('TimeoutError'))
  const again = alice.node.request('bob', { type: 'n', payload: null }, { timeoutMs: 10 }).catch((error: Error) => error.name)
  await settle()
  town.clock.advance(10)
  assert.is(await again, 'TimeoutError', 'there is room again')
})

test('a second question under the id of a waiting one is the caller\'s mistake', async () => {
  await using town = new Town()
  const { alice } = await stage(town, never)
  const first = alice.node.request('bob', { ...question, messageId: 'q' }, { timeoutMs: 10 }).catch((error: Error) => error.name)
  await settle()
  const second = await alice.node.request('bob', { ...question, messageId: 'q' }).catch((error: unknown) => error as Error)
  assert.instance(second, RangeError)
  assert.match((second as Error).message, /a request with messageId "q" is waiting already/)
  town.clock.advance(10)
  assert.is(await first, 'TimeoutError')
})

test('only whom was asked may answer, and only in the protocol it was asked in', async () => {
  await using town = new Town()
  const { alice } = await stage(town, never)
  const mallory = await Mallory.dial(town.transport(), alice.address, { clock: town.clock })
  const chat = new PlainHandler('chat')
  alice.node.registerProtocol(chat)
  let outcome = 'waits'
  const asking = alice.node.request('bob', { ...question, messageId: 'q-1' }, { timeoutMs: 1_000 }).then(() => (outcome = 'answered'), () => (outcome = 'not answered'))
  await settle()
  // Another peer, with everything else right.
  await mallory.say(await mallory.signed({ protocol: 'sums', type: 'double', payload: 42, inReplyTo: 'q-1' }))
  await mallory.say(mallory.plain({ protocol: 'sums', type: 'error', payload: { code: 'ERR', message: 'no' }, inReplyTo: 'q-1' }))
  await settle()
  assert.is(outcome, 'waits')
  town.clock.advance(1_000)
  await asking
  assert.is(outcome, 'not answered')
})

test('whom was asked may not answer in another protocol either', async () => {
  await using town = new Town()
  const alice = await town.resident('alice')
  alice.node.registerProtocol(new PlainHandler('sums'))
  alice.node.registerProtocol(new PlainHandler('chat'))
  const mallory = await Mallory.dial(town.transport(), alice.address, { clock: town.clock, protocols: [{ name: 'sums', version: 0 }, { name: 'chat', version: 0 }] })
  await until(() => alice.node.isConnected(mallory.id), 'mallory to be connected')
  let outcome = 'waits'
  const asking = alice.node.request(mallory.id, { ...question, messageId: 'q-1' }).then(reply => (outcome = String(reply.payload)), () => (outcome = 'not answered'))
  await settle()
  for (const protocol of ['chat', undefined]) await mallory.say(await mallory.signed({ protocol, type: 'double', payload: 'wrong', inReplyTo: 'q-1' }))
  // Words of this protocol must be signed, answers among them.
  await mallory.say(mallory.plain({ protocol: 'sums', type: 'double', payload: 'unsigned', inReplyTo: 'q-1' }))
  await settle()
  assert.is(outcome, 'waits')
  assert.equal(codesIn(alice.diary), ['ERR_WIRE_WEAK_AUTH'])
  await mallory.say(await mallory.signed({ protocol: 'sums', type: 'double', payload: 'right', inReplyTo: 'q-1' }))
  await asking
  assert.is(outcome, 'right')
  await mallory.hangUp()
})

test('a refusal says who refused what and why, and never more than it should', async () => {
  await using town = new Town()
  const alice = await town.resident('alice')
  alice.node.registerProtocol(new PlainHandler('sums'))
  const mallory = await Mallory.dial(town.transport(), alice.address, { clock: town.clock, protocols: [{ name: 'sums', version: 0 }] })
  await until(() => alice.node.isConnected(mallory.id), 'mallory to be connected')
  const cases: [unknown, RegExp][] = [
    [{ code: 'ERR_BUSY', message: 'later' }, /refused 'double' \(ERR_BUSY: later\)$/],
    [{ code: 'E'.repeat(10_000), message: 'm'.repeat(10_000) }, /refused 'double' \(E{64}: m{200}\)$/],
    [{}, /\(no code\)$/], [null, /\(no code\)$/], ['text', /\(no code\)$/], [{ code: 7, message: { a: 1 } }, /\(no code\)$/],
  ]
  for (const [payload, text] of cases) {
    const messageId = `q-${cases.findIndex(each => each[0] === payload)}`
    const asking = rejection(alice.node.request(mallory.id, { ...question, messageId }))
    await settle()
    await mallory.say(mallory.plain({ protocol: 'sums', type: 'error', payload, inReplyTo: messageId }))
    const refusal = await asking
    assert.equal([refusal.code, refusal.peerId, refusal.protocol], ['ERR_PROTOCOL_REQUEST_REFUSED', mallory.id, 'sums'])
    assert.match(refusal.message, text)
  }
  await mallory.hangUp()
  await hungUpOn(mallory).catch(() => {})
})

test('nobody can be answered who is not connected', async () => {
  await using town = new Town()
  const { alice, bob, answerer } = await stage(town, never)
  const asking = alice.node.request('bob', question).catch(() => {})
  await until(() => answerer.heard.length, 'bob to be asked')
  await bob.node.disconnectFromPeer(alice.node.id)
  await asking
  assert.is((await rejection(bob.node.reply(answerer.heard[0]!.message, 1))).code, 'ERR_PEER_NOT_CONNECTED')
})

test.run()
