import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { OutgoingMessage } from '../../lib/contracts/message.ts'
import { createIdentity } from '../../lib/crypto/identity.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { JitteryTransport } from '../support/jittery-transport.ts'
import { Mallory } from '../support/mallory.ts'
import { rejection } from '../support/rejection.ts'
import { codesIn, meet, payloadsIn, Town } from '../support/town.ts'
import { settle, until } from '../support/until.ts'

const test = suite('sending')

test('sendTo reaches that peer alone; the receipt names the message', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const carol = await town.resident('carol')
  await meet(alice, carol)
  const { messageId } = await alice.node.sendTo('bob', { type: 'n', payload: 1 })
  await until(() => bob.diary.messages.length, 'the message')
  await settle()
  assert.is(bob.diary.messages[0]?.message.messageId, messageId)
  assert.equal(carol.diary.messages, [])
})

test('messages arrive in the order in which they were sent, ten thousand of them', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  for (let index = 0; index < 10_000; index++) {
    const sending = alice.node.sendTo('bob', { type: 'n', payload: index })
    if (index % 1_000 === 999) await sending
  }
  await until(() => bob.diary.messages.length === 10_000, 'all of them')
  assert.ok(payloadsIn(bob.diary).every((payload, index) => payload === index))
})

test('whom one is not connected to cannot be sent to, and the error says what would help', async () => {
  await using town = new Town()
  const { alice } = await town.pair()
  const cases: [string, RegExp][] = [['nobody', /nobody is unknown here; connectToPeer first/], ['ab'.repeat(32), /is unknown here/]]
  await alice.node.disconnectFromPeer('bob')
  cases.push(['bob', /bob is disconnected; connectToPeer first/])
  for (const [peer, text] of cases) {
    const refusal = await rejection(alice.node.sendTo(peer, { type: 'n', payload: 1 }))
    assert.is(refusal.code, 'ERR_PEER_NOT_CONNECTED')
    assert.match(refusal.message, text)
  }
  const wrong = await alice.node.sendTo(7 as never, { type: 'n', payload: 1 }).catch((error: unknown) => error)
  assert.instance(wrong, TypeError)
})

test('without a relay, `route: any` says that there is none', async () => {
  await using town = new Town()
  const { alice } = await town.pair()
  assert.is((await rejection(alice.node.sendTo('nobody', { type: 'n', payload: 1 }, { route: 'any' }))).code, 'ERR_RELAY_NO_PROVIDER')
  await alice.node.sendTo('bob', { type: 'n', payload: 1 }, { route: 'any' })
})

test('a broadcast reaches every connected peer once, and not oneself', async () => {
  await using town = new Town()
  const alice = await town.resident('alice')
  const others = await Promise.all(['bob', 'carol', 'dave'].map(name => town.resident(name)))
  for (const other of others) await meet(alice, other)
  const receipt = await alice.node.broadcast({ type: 'news', payload: 'all' })
  await until(() => others.every(({ diary }) => diary.messages.length), 'everybody to hear')
  await settle()
  assert.equal([receipt.sent, receipt.failed], [3, []])
  assert.equal(others.map(({ diary }) => diary.messages.map(({ message }) => message.messageId)), others.map(() => [receipt.messageId]))
  assert.equal(alice.diary.messages, [])
  const frames = others.map(({ diary }) => Buffer.from(diary.messages[0]!.message.frame!).toString('hex'))
  assert.is(new Set(frames).size, 1, 'signed once: the same bytes went to all')
  assert.is(others[0]!.diary.messages[0]!.message.to, undefined)
})

test('in a broadcast, one who cannot be reached is named and nobody else is kept waiting', async () => {
  await using town = new Town()
  const slow = new JitteryTransport(town.transport(), () => Uint8Array.of(0, 0, 0, 9), 9)
  const alice = await town.resident('alice', { transports: [slow] })
  const bob = await town.resident('bob')
  const carol = await town.resident('carol')
  for (const other of [bob, carol]) await meet(alice, other)
  const leaving = alice.node.disconnectFromPeer('carol')
  const receipt = await alice.node.broadcast({ type: 'n', payload: 1 })
  assert.is(receipt.sent, 1, 'whom we said goodbye to is none of the connected')
  await leaving
  const nobody = await alice.node.broadcast({ type: 'n', payload: 2 }, { except: ['bob'] })
  assert.equal([nobody.sent, nobody.failed], [0, []])
})

test('to whoever takes nothing `sendTo` waits, then refuses, and the peer is cut after a while', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock, deaf: true })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  const payload = new Uint8Array(64_000)
  const outcomes: (string | undefined)[] = []
  const sent = Array.from({ length: 120 }, async (_, index) => {
    outcomes[index] = 'waits'
    outcomes[index] = await bob.node.sendTo(mallory.id, { type: 'n', payload }).then(() => 'sent', (error: unknown) => (error as { code: string }).code)
  })
  await settle(300)
  assert.is(outcomes[0], 'sent')
  assert.ok(outcomes.includes('waits'), 'beyond a mebibyte the caller waits')
  assert.ok(outcomes.includes('ERR_PEER_OUTBOX_FULL'), 'beyond three it is refused')
  assert.ok(bob.node.isConnected(mallory.id))
  town.clock.advance(DEFAULT_LIMITS.outboxStallMs)
  await Promise.all(sent)
  assert.equal(bob.diary.disconnected, [[mallory.id, 'timeout']])
  assert.equal(codesIn(bob.diary), ['ERR_PEER_STALLED'])
  assert.ok(outcomes.includes('ERR_PEER_DISCONNECTED'), 'who waited is told')
  assert.not.ok(outcomes.includes('waits'))
})

test('what a full outbox has no room for is refused before it is signed, until something has left', async () => {
  await using town = new Town()
  const identity = createIdentity()
  let signatures = 0
  const counting = { publicKey: identity.publicKey, ecdh: identity.ecdh.bind(identity), sign: (digest: Uint8Array) => (signatures++, identity.sign(digest)) }
  const bob = await town.resident('bob', { identity: counting })
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock, deaf: true })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  const payload = new Uint8Array(64_000)
  const fill: Promise<unknown>[] = []
  for (let batch = 0; batch < 4; batch++) {
    for (let n = 0; n < 30; n++) fill.push(bob.node.sendTo(mallory.id, { type: 'n', payload }).catch((error: unknown) => error))
    await settle(100)
  }
  const before = signatures
  for (let n = 0; n < 20; n++) assert.is((await rejection(bob.node.sendTo(mallory.id, { type: 'n', payload }))).code, 'ERR_PEER_OUTBOX_FULL')
  assert.is(signatures, before)
  town.clock.advance(DEFAULT_LIMITS.outboxStallMs)
  await Promise.all(fill)
})

test('waiting for room ends when the caller says so', async () => {
  await using town = new Town()
  const bob = await town.resident('bob')
  const mallory = await Mallory.dial(town.transport(), bob.address, { clock: town.clock, deaf: true })
  await until(() => bob.node.isConnected(mallory.id), 'mallory to be connected')
  const payload = new Uint8Array(64_000)
  const fill = Array.from({ length: 45 }, () => bob.node.sendTo(mallory.id, { type: 'n', payload }).catch(() => {}))
  await settle(100)
  const cancel = new AbortController()
  const cancelled = bob.node.sendTo(mallory.id, { type: 'n', payload: 1 }, { signal: cancel.signal }).catch((error: unknown) => error)
  const late = bob.node.sendTo(mallory.id, { type: 'n', payload: 1 }, { timeoutMs: 100 }).catch((error: unknown) => error)
  await settle()
  cancel.abort('enough')
  town.clock.advance(100)
  assert.is(await cancelled, 'enough')
  assert.is((await late as Error).name, 'TimeoutError')
  await mallory.hangUp()
  await Promise.all(fill)
})

test('a message built by hand is taken as it is', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const receipt = await alice.node.sendTo('bob', {
    type: 'greeting', from: 'alice', to: 'bob', payload: { text: 'hi' }, timestamp: town.clock.now() - 5, messageId: 'msg-001', inReplyTo: 'msg-000',
    signature: new Uint8Array(64), frame: new Uint8Array(9), via: 'carol',
  })
  await until(() => bob.diary.messages.length, 'the message')
  const { message } = bob.diary.messages[0]!
  assert.is(receipt.messageId, 'msg-001')
  assert.equal(
    [message.type, message.from, message.to, message.payload, message.timestamp, message.messageId, message.inReplyTo, message.via],
    ['greeting', alice.node.id, 'bob', { text: 'hi' }, town.clock.now() - 5, 'msg-001', 'msg-000', undefined],
  )
  assert.ok(message.signature!.some(byte => byte !== 0), 'the wire signs; what was there by hand is ignored')
})

test('what is missing is filled in', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  await alice.node.sendTo('bob', { type: 'n', payload: undefined })
  await alice.node.sendTo('bob', { type: 'n', payload: null })
  await until(() => bob.diary.messages.length === 2, 'both')
  const [first, second] = bob.diary.messages.map(({ message }) => message)
  assert.is(first!.timestamp, town.clock.now())
  assert.is.not(first!.messageId, second!.messageId)
  assert.equal([first!.payload, second!.payload], [undefined, null])
})

test('what cannot be said is the caller\'s mistake, told at once with what was expected and what came', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  const cases: [unknown, string | typeof TypeError | typeof RangeError, RegExp][] = [
    [null, TypeError, /expected a message \{ type, payload \}, got null/],
    ['hello', TypeError, /expected a message \{ type, payload \}, got string/],
    [{ payload: 1 }, TypeError, /needs a type, a text that is not empty; got undefined/],
    [{ type: '', payload: 1 }, TypeError, /got ""/],
    [{ type: 7, payload: 1 }, TypeError, /got 7/],
    [{ type: 'n', payload: 1, from: 'bob' }, RangeError, /from must be this node .* got "bob"/],
    [{ type: 'n', payload: 1, from: 'nobody' }, RangeError, /got "nobody"/],
    [{ type: 'n', payload: 1, to: 'alice' }, RangeError, /to is "alice", which is not whom the message is sent to/],
    [{ type: 'n', payload: 1, timestamp: 'now' }, RangeError, /timestamp must be Unix milliseconds, got now/],
    [{ type: 'n', payload: 1, timestamp: 1.5 }, RangeError, /got 1\.5/],
    [{ type: 'n', payload: 1, timestamp: -1 }, 'ERR_WIRE_UNENCODABLE', /timestamp/],
    [{ type: 'x'.repeat(65), payload: 1 }, 'ERR_WIRE_UNENCODABLE', /type/],
    [{ type: 'n', payload: 1, messageId: 'x'.repeat(65) }, 'ERR_WIRE_UNENCODABLE', /messageId/],
    [{ type: 'n', payload: 1, messageId: 7 }, 'ERR_WIRE_UNENCODABLE', /messageId/],
    [{ type: 'n', payload: 1, slot: 'x'.repeat(129) }, 'ERR_WIRE_UNENCODABLE', /slot/],
    [{ type: 'n', payload: () => 1 }, 'ERR_WIRE_UNENCODABLE', /function/],
    [{ type: 'n', payload: { deep: [Symbol('s')] } }, 'ERR_WIRE_UNENCODABLE', /deep/],
    [{ type: 'n', payload: new Date(0) }, 'ERR_WIRE_UNENCODABLE', /a Date/],
    [{ type: 'n', payload: cycle }, 'ERR_WIRE_UNENCODABLE', /./],
    [{ type: 'n', payload: 2n ** 64n }, 'ERR_WIRE_UNENCODABLE', /./],
    [{ type: 'n', payload: new Uint8Array(98_304) }, 'ERR_WIRE_FRAME_TOO_LARGE', /takes 98\d\d\d bytes; messages are at most 98304/],
  ]
  const { node } = alice
  const ways = [node.sendTo.bind(node, 'bob'), node.request.bind(node, 'bob')] as ((message: OutgoingMessage) => Promise<unknown>)[]
  for (const [message, kind, text] of cases) {
    for (const way of ways) {
      const refusal = await way(message as OutgoingMessage).then(() => undefined, (error: unknown) => error as Error & { code?: string })
      const what = `${String(text)}: ${String(refusal)}`
      if (typeof kind === 'string') assert.is(refusal?.code, kind, what)
      else assert.instance(refusal, kind, what)
      assert.match(refusal!.message, text, what)
    }
  }
  for (const protocol of ['', 'x'.repeat(65)]) assert.is((await rejection(node.sendTo('bob', { type: 'n', payload: 1, protocol }))).code, 'ERR_WIRE_UNENCODABLE')
  await settle()
  assert.equal([bob.diary.messages, codesIn(bob.diary), codesIn(alice.diary), alice.node.getStats().pendingRequests], [[], [], [], 0])
})

test('a broadcast has no recipient', async () => {
  await using town = new Town()
  const { alice } = await town.pair()
  const nothing = await alice.node.broadcast(null as never).catch((error: unknown) => error as Error)
  assert.match((nothing as Error).message, /expected a message/)
  const refusal = await alice.node.broadcast({ type: 'n', payload: 1, to: 'bob' }).catch((error: unknown) => error as Error)
  assert.instance(refusal, RangeError)
  assert.match((refusal as Error).message, /a broadcast has no recipient/)
})

test('two copies of one message run the listener once', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  const again: OutgoingMessage = { type: 'n', payload: 'same', messageId: 'msg-001' }
  await alice.node.sendTo('bob', again)
  await alice.node.sendTo('bob', again)
  await alice.node.sendTo('bob', { ...again, payload: 'another under the same id' })
  await until(() => codesIn(bob.diary).length === 2, 'the copies to be dropped')
  assert.equal(payloadsIn(bob.diary), ['same'])
  assert.equal(bob.node.getStats().refused, { ERR_WIRE_DUPLICATE: 2 })
  assert.ok(bob.diary.errors.every(({ error }) => error.peerId === undefined), 'nobody is blamed for that')
})

test('in a slot the same statement counts once, another is for its protocol to judge', async () => {
  await using town = new Town()
  const { alice, bob } = await town.pair()
  for (const payload of ['yes', 'yes', 'no', 'no']) await alice.node.sendTo('bob', { type: 'vote', payload, slot: 'round-1' })
  await alice.node.sendTo('bob', { type: 'vote', payload: 'yes', slot: 'round-2' })
  await until(() => codesIn(bob.diary).length === 2 && bob.diary.messages.length === 3, 'two to be dropped')
  assert.equal(payloadsIn(bob.diary), ['yes', 'no', 'yes'])
  assert.equal(codesIn(bob.diary), ['ERR_WIRE_DUPLICATE', 'ERR_WIRE_DUPLICATE'])
})

test.run()
