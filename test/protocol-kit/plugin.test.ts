import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../support/rejection.ts'
import { codesIn, meet, Town, type Resident } from '../support/town.ts'
import { settle, until } from '../support/until.ts'
import { handWrittenContext, messageFrom, peer } from './hand-written-context.ts'
import { VotesHandler } from './vote-plugin.ts'

const test = suite('a plugin in the style of the built-in ones')

const BOB = 'bb'.repeat(32)
const CAROL = 'cc'.repeat(32)

test('it runs against a context written by hand: what it stores, says, times and blames can all be seen', async () => {
  const handler = new VotesHandler()
  const context = handWrittenContext()
  handler.onRegister(context)
  await handler.open('lunch', 'yes')
  assert.equal(await context.store.get('round/lunch'), new TextEncoder().encode('yes'))
  assert.equal(context.said, [{ verb: 'broadcast', message: { type: 'vote', payload: { round: 'lunch', choice: 'yes' }, slot: 'lunch' }, except: undefined }])

  const vote = (from: string, choice: string): Promise<void> => handler.handleMessage(messageFrom(from, 'vote', { round: 'lunch', choice }), peer(from))
  await vote(BOB, 'no')
  await vote(CAROL, 'yes')
  await vote(BOB, 'yes')
  assert.is((await rejection(vote(CAROL, 'perhaps'))).code, 'ERR_PROTOCOL_BAD_PAYLOAD')
  const blame = context.said.at(-1)!
  assert.ok(blame.verb === 'report' && blame.error.code === 'ERR_VOTES_TWO_FACED' && blame.error.peerId === BOB)

  await handler.handleMessage(messageFrom(BOB, 'tally', { round: 'lunch' }), peer(BOB))
  const reply = context.said.at(-1)!
  assert.ok(reply.verb === 'reply')
  assert.equal(reply.payload, { yes: 2, no: 1 })
  context.clock.advance(60_000)
  await settle()
  assert.equal(handler.outcomes, [{ round: 'lunch', yes: 2, no: 1 }])

  await handler.open('dinner', 'no')
  await handler.onUnregister()
  assert.is(context.clock.timers, 0)
})

async function voter(town: Town, name: string): Promise<Resident & { handler: VotesHandler }> {
  const resident = await town.resident(name)
  const handler = new VotesHandler()
  resident.node.registerProtocol(handler)
  return { ...resident, handler }
}

test('three nodes vote, ask each other, and come to the same outcome', async () => {
  await using town = new Town()
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(name => voter(town, name))) as [Awaited<ReturnType<typeof voter>>, Awaited<ReturnType<typeof voter>>, Awaited<ReturnType<typeof voter>>]
  for (const [a, b] of [[alice, bob], [alice, carol], [bob, carol]] as const) await meet(a, b)
  await alice.handler.open('lunch', 'yes')
  await bob.handler.open('lunch', 'yes')
  await carol.handler.open('lunch', 'no')
  await settle()
  assert.equal(await alice.handler.ask(bob.node.id, 'lunch'), { yes: 2, no: 1 })
  town.clock.advance(60_000)
  await until(() => [alice, bob, carol].every(({ handler }) => handler.outcomes.length), 'the outcome')
  assert.equal([alice, bob, carol].map(({ handler }) => handler.outcomes), Array(3).fill([{ round: 'lunch', yes: 2, no: 1 }]))
  assert.equal([alice, bob, carol].flatMap(({ diary }) => codesIn(diary)), [])
})

test('over the wire a payload off its schema is refused and blamed, and fifty of them end the link', async () => {
  await using town = new Town()
  const alice = await town.resident('alice')
  const bob = await voter(town, 'bob')
  await meet(alice, bob)
  const wrong = { protocol: 'votes', type: 'vote', payload: { round: 'lunch', choice: 'perhaps' } }
  await alice.node.sendTo(bob.node.id, wrong)
  await until(() => codesIn(bob.diary).length, 'the refusal')
  assert.equal(bob.diary.errors.map(({ error, peer: about }) => [error.code, error.peerId, about.peerId]), [['ERR_PROTOCOL_BAD_PAYLOAD', alice.node.id, alice.node.id]])
  for (let count = 0; count < 50; count++) await alice.node.sendTo(bob.node.id, wrong).catch(() => {})
  await until(() => bob.diary.disconnected.length, 'alice to be cut')
  assert.equal(bob.diary.disconnected, [[alice.node.id, 'misbehaviour']])
})

test('over the wire a question off its schema is refused to who asked, with the code', async () => {
  await using town = new Town()
  const alice = await town.resident('alice')
  const bob = await voter(town, 'bob')
  await meet(alice, bob)
  const refusal = await rejection(alice.node.request('bob', { protocol: 'votes', type: 'tally', payload: 7 }))
  assert.is(refusal.code, 'ERR_PROTOCOL_REQUEST_REFUSED')
  assert.match(refusal.message, /\(ERR_PROTOCOL_BAD_PAYLOAD: votes: 'tally' from \w+ is off its schema\)/)
})

test('over the wire an answer off its schema is blamed on who gave it', async () => {
  await using town = new Town()
  const alice = await voter(town, 'alice')
  const bob = await town.resident('bob')
  bob.node.registerProtocol({ protocolName: 'votes', handleMessage: async message => void (await bob.node.reply(message, { yes: 'many' })) })
  await meet(alice, bob)
  const refusal = await rejection(alice.handler.ask(bob.node.id, 'lunch'))
  assert.equal([refusal.code, refusal.peerId], ['ERR_PROTOCOL_BAD_PAYLOAD', bob.node.id])
  assert.equal(alice.diary.errors.map(({ error, peer: about }) => [error.code, about.peerId]), [['ERR_PROTOCOL_BAD_PAYLOAD', 'bob']])
})

test.run()
