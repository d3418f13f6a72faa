import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { STATEMENTS_MAX } from '../../../lib/protocols/gossip/limits.ts'
import { Statements } from '../../../lib/protocols/gossip/statements.ts'
import { codesIn } from '../../support/town.ts'
import { settle } from '../../support/until.ts'
import { Club, payloadsOf, type Member } from './support/club.ts'
import { Mallory } from './support/mallory.ts'
import { meet } from '../../support/town.ts'
import { slotInTopic, slotOnWire } from '../../../lib/protocols/gossip/wire-slot.ts'

const statements = suite('gossip: an author speaks once')

statements('in a slot an author is heard once by all, and its own second word is refused to it', async () => {
  await using club = new Club()
  const [alice, bob] = await club.members(2) as [Member, Member]
  await club.link([alice, bob])
  await alice.gossip.publish('news', 'yes', { slot: 'vote' })
  await settle()
  assert.equal(payloadsOf(bob), ['yes'])
  assert.is(bob.heard[0]!.item.slot, 'vote')
  const error = await alice.gossip.publish('news', 'no', { slot: 'vote' }).then(() => undefined, (reason: Error) => reason)
  assert.instance(error, RangeError)
  await alice.gossip.publish('news', 'yes', { slot: 'another' })
  await bob.gossip.publish('news', 'no', { slot: 'vote' })
  await settle()
  assert.equal(payloadsOf(bob), ['yes', 'yes'])
  assert.equal(payloadsOf(alice), ['no'], 'a slot is one author\'s')
})

/** Mallory has a link with alice and one with bob, and says one thing to each. */
async function twoFaced(say: (mallory: Mallory) => Promise<[Uint8Array, Uint8Array]>, run: (parts: { club: Club; alice: Member; bob: Member; id: string }) => Promise<void>): Promise<void> {
  await using club = new Club()
  const [alice, bob] = await club.members(2) as [Member, Member]
  await club.link([alice, bob])
  const mallory = new Mallory()
  const resident = await club.town.resident('mallory')
  resident.node.registerProtocol(mallory)
  await meet(resident, alice)
  await meet(resident, bob)
  await settle()
  const frames = await say(mallory)
  for (const [index, { node }] of [alice, bob].entries()) {
    await mallory.say(node.id, 'items', { list: [{ topic: 'news', hops: 1, path: new Uint8Array(0), frame: frames[index]! }] })
  }
  await club.pass(3_000)
  await run({ club, alice, bob, id: resident.node.id })
}

statements('an author with two faces is found out with both frames, and the relays that brought the other face pay nothing', () => twoFaced(
  async mallory => [await mallory.publication('news', 'to alice', 'vote'), await mallory.publication('news', 'to bob', 'vote')],
  async ({ alice, bob, id }) => {
    assert.equal([alice, bob].map(payloadsOf), [['to alice'], ['to bob']])
    for (const [member, other] of [[alice, bob], [bob, alice]] as const) {
      const told = member.diary.errors.filter(({ error }) => error.code === 'ERR_GOSSIP_EQUIVOCATION')
      assert.is(told.length, 1)
      assert.is(told[0]!.error.peerId, id)
      const bodies = await Promise.all(told[0]!.error.evidence!.map(async frame => Buffer.from(frame).toString('latin1').includes('to alice')))
      assert.equal(bodies.sort(), [false, true], 'one frame of each face')
      assert.ok(member.gossip.scoreOf(id) < -90)
      assert.ok(member.gossip.scoreOf(other.node.id) >= 0)
      assert.not.ok(member.diary.errors.some(({ error }) => error.peerId === other.node.id))
    }
  },
))

statements('so is one that says two things under one message id', () => twoFaced(
  async mallory => [await mallory.publication('news', 'one', undefined, 'same-id'), await mallory.publication('news', 'two', undefined, 'same-id')],
  async ({ alice, bob, id }) => {
    assert.equal([alice, bob].map(payloadsOf), [['one'], ['two']])
    assert.ok(codesIn(alice.diary).includes('ERR_GOSSIP_EQUIVOCATION'))
    assert.ok(bob.gossip.scoreOf(id) < -90)
  },
))

statements('the same said again in a slot is heard once and costs nobody anything', () => twoFaced(
  async mallory => [await mallory.publication('news', 'same', 'vote'), await mallory.publication('news', 'same', 'vote')],
  async ({ alice, bob, id }) => {
    assert.equal([alice, bob].map(payloadsOf), [['same'], ['same']])
    assert.ok(alice.gossip.scoreOf(id) >= 0)
    assert.equal([alice, bob].flatMap(({ diary }) => codesIn(diary)), [])
  },
))

statements('a thousand second statements of one author are told of once', async () => {
  await using club = new Club()
  const alice = await club.member('alice')
  const mallory = new Mallory()
  const accomplice = new Mallory()
  const author = await club.town.resident('mallory')
  const hop = await club.town.resident('hop')
  author.node.registerProtocol(mallory)
  hop.node.registerProtocol(accomplice)
  await meet(hop, alice)
  await settle()
  for (let count = 0; count < 20; count++) {
    const frame = await mallory.publication('news', count, 'vote')
    await accomplice.say(alice.node.id, 'items', { list: [{ topic: 'news', hops: 2, path: new Uint8Array(0), frame }] })
    await settle(4)
  }
  await settle()
  assert.equal(payloadsOf(alice), [0])
  assert.is(alice.gossip.getStats().counters.equivocation, 19)
  assert.is(codesIn(alice.diary).filter(code => code === 'ERR_GOSSIP_EQUIVOCATION').length, 1)
  assert.ok(alice.gossip.scoreOf(hop.node.id) >= 0, 'who only passed it on pays nothing')
})

statements('names differ by topic, author, slot and id, and never between a slot and an id', () => {
  const table = new Statements()
  const names = [
    table.nameOf('a', 'x', { messageId: 'm' }), table.nameOf('b', 'x', { messageId: 'm' }), table.nameOf('a', 'y', { messageId: 'm' }),
    table.nameOf('a', 'x', { messageId: 'n' }), table.nameOf('a', 'x', { messageId: 'm', slot: 'm' }), table.nameOf('a', 'x', { messageId: 'n', slot: 's' }),
  ]
  assert.is(new Set(names).size, names.length)
  assert.is(table.nameOf('a', 'x', { messageId: '1', slot: 's' }), table.nameOf('a', 'x', { messageId: '2', slot: 's' }))
})

statements('65,536 statements are remembered at most, the latest half always', () => {
  const table = new Statements()
  for (let count = 0; count < STATEMENTS_MAX * 2; count++) table.add(`name ${count}`, 'key')
  assert.ok(table.size <= STATEMENTS_MAX)
  assert.is(table.first(`name ${STATEMENTS_MAX * 2 - STATEMENTS_MAX / 2}`), 'key')
  assert.is(table.first('name 0'), undefined)
})

statements('one name for slots in two topics makes nobody guilty: the topic is part of the slot on the wire', async () => {
  assert.is(slotOnWire('news', 'vote'), '4:news:vote')
  assert.is(slotInTopic('news', '4:news:vote'), 'vote')
  for (const foreign of ['vote', '4:news:', '4:other:vote', '5:news:vote', '', '4:newsvote']) assert.is(slotInTopic('news', foreign), null, foreign)
  assert.not.equal(slotOnWire('a', 'b:c'), slotOnWire('a:b', 'c'))
  assert.throws(() => slotOnWire('news', ''), RangeError)
  assert.throws(() => slotOnWire('n'.repeat(100), 's'.repeat(30)), /at most 128 bytes/)
})

statements.run()
