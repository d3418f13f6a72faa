import Type from 'typebox'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { EvictionReason } from '../../../lib/protocols/gossip/index.ts'
import { settle } from '../../support/until.ts'
import { Club, payloadsOf, type Member } from './support/club.ts'
import { Mallory } from './support/mallory.ts'
import { codesIn, meet } from '../../support/town.ts'

/** What the promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<Error> {
  return await promise.then(() => assert.unreachable('resolved') as never, (error: Error) => error)
}

const gossip = suite('gossip between coordinators')

gossip('the far end of a line of five hears it once, with hops, path and author', async () => {
  await using club = new Club()
  const members = await club.members(5)
  await club.line(members)
  const [first, last] = [members[0]!, members[4]!]
  const { messageId, peers } = await first.node.publish('news', { text: 'hello' })
  await settle()
  assert.is(peers, 1)
  assert.equal(payloadsOf(last), [{ text: 'hello' }])
  const { item } = last.heard[0]!
  assert.is(item.from, first.node.id)
  assert.is(item.messageId, messageId)
  assert.is(item.hops, 4)
  assert.equal(item.path, members.slice(1, 4).map(({ node }) => node.id))
  assert.is(item.topic, 'news')
  assert.is(item.via, members[3]!.node.id)
  assert.is(item.signature?.length, 64)
  assert.is(first.heard.length, 0, 'nobody hears what it says itself')
})

gossip('in a ring everybody hears everything once, and copies stay fewer than links', async () => {
  await using club = new Club()
  const members = await club.members(6)
  await club.line(members)
  await club.link([members[5]!, members[0]!])
  for (let count = 0; count < 10; count++) await members[count % 6]!.node.publish('news', count)
  await club.pass(5_000)
  for (const member of members) assert.is(new Set(payloadsOf(member)).size, member.heard.length)
  assert.is(members.reduce((sum, { heard }) => sum + heard.length, 0), 50)
  const copies = members.reduce((sum, member) => sum + (member.gossip.getStats().counters.duplicate ?? 0), 0)
  assert.ok(copies <= 20, `${copies}`)
})

gossip('with the seeds\' numbers an item makes 10 transmissions and no eleventh, by no way', async () => {
  await using club = new Club()
  const members = await club.members(12, { preset: 'seedNode', parameters: { meshOutbound: 0 } })
  await club.line(members)
  await members[0]!.node.publish('news', 'ten hops')
  await club.pass(20_000, 500)
  assert.equal(members.map(({ heard }) => heard.length), [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0])
  assert.is(members[10]!.heard[0]!.item.hops, 10)
})

gossip('otherwise the hop limit ends pushing alone: those behind it hear by announcement', async () => {
  await using club = new Club()
  const members = await club.members(6, { parameters: { maxHops: 3, syncEveryMs: 1_000 } })
  await club.line(members)
  await members[0]!.node.publish('news', 'far')
  await settle()
  assert.is(members[3]!.heard.length, 1)
  assert.is(members[4]!.heard.length, 0)
  await club.pass(8_000)
  assert.is(members[5]!.heard.length, 1)
})

gossip('topics are isolated, and one is heard only by who subscribes', async () => {
  await using club = new Club()
  const alice = await club.member('alice', {}, 'alpha')
  const bob = await club.member('bob', {}, 'beta')
  const carol = await club.member('carol', {}, null)
  await club.link([alice, bob], [bob, carol], [alice, carol])
  assert.is((await carol.node.publish('alpha', 1)).peers, 1)
  assert.is((await carol.node.publish('gamma', 1)).peers, 0)
  await settle()
  assert.equal([alice, bob, carol].map(({ heard }) => heard.length), [1, 0, 0])
})

gossip('who joins late gets what was said in the last two minutes, and nothing older', async () => {
  await using club = new Club()
  const [alice, bob] = await club.members(2) as [Member, Member]
  await club.link([alice, bob])
  await alice.node.publish('news', 'old')
  await club.pass(140_000, 10_000)
  for (let count = 0; count < 5; count++) await alice.node.publish('news', count)
  await club.pass(60_000, 10_000)
  const carol = await club.member('carol')
  await club.link([carol, bob])
  await club.pass(2_000)
  assert.equal(payloadsOf(carol).sort(), [0, 1, 2, 3, 4])
})

gossip('what was said on both sides while a link was down is heard on both when it is back', async () => {
  await using club = new Club()
  const [alice, bob, carol, dave] = await club.members(4) as [Member, Member, Member, Member]
  await club.link([alice, bob], [carol, dave])
  await alice.node.publish('news', 'here')
  await dave.node.publish('news', 'there')
  await club.pass(10_000, 1_000)
  await club.link([bob, carol])
  await club.pass(3_000)
  assert.equal([alice, bob, carol, dave].map(member => payloadsOf(member).sort()), [['there'], ['here', 'there'], ['here', 'there'], ['here']])
})

gossip('a node goes, and what is said afterwards goes around it', async () => {
  await using club = new Club()
  const members = await club.members(6)
  await club.line(members)
  await club.link([members[5]!, members[0]!])
  const evicted: { peerId: string; reason: EvictionReason }[] = []
  members[1]!.gossip.events.on('peerEvicted', event => void evicted.push(event))
  const gone = members[2]!
  await Promise.all([gone.node.shutdown(), club.pass(5_000)])
  await members[1]!.node.publish('news', 'still here')
  await club.pass(2_000)
  assert.equal(members.filter(member => member !== gone && member !== members[1]).map(({ heard }) => heard.length), [1, 1, 1, 1])
  assert.ok(evicted.some(({ peerId, reason }) => peerId === gone.node.id && reason === 'left'))
})

gossip('a schema turns down what does not fit before the listener, and no relay passes it on or is charged', async () => {
  await using club = new Club()
  const [alice, bob, carol] = [await club.member('alice', {}, null), await club.member('bob', {}, null), await club.member('carol', {}, null)]
  const heard: number[] = []
  for (const { node } of [bob, carol]) node.subscribe('count', (payload: { n: number }) => void heard.push(payload.n), { schema: Type.Object({ n: Type.Number() }) })
  await club.link([alice, bob], [bob, carol])
  await alice.node.publish('count', { n: 'one' })
  await alice.node.publish('count', { n: 2 })
  await settle()
  assert.equal(heard, [2, 2])
  assert.ok(bob.gossip.scoreOf(alice.node.id) < -50, 'its author is charged')
  assert.ok(carol.gossip.scoreOf(bob.node.id) >= 0)
})

gossip('a validator has two seconds; what it says later is ignored, and what it rejects is heard by nobody', async () => {
  await using club = new Club()
  const alice = await club.member('alice', {}, null)
  const bob = await club.member('bob', {}, null)
  const heard: unknown[] = []
  const waiting: ((verdict: 'accept') => void)[] = []
  bob.node.subscribe('slow', payload => void heard.push(payload), { validate: () => new Promise(resolve => waiting.push(resolve)) })
  bob.node.subscribe('picky', payload => void heard.push(payload), { validate: payload => (payload === 'good' ? 'accept' : 'reject') })
  await club.link([alice, bob])
  await alice.node.publish('slow', 'in time')
  await club.pass(1_900)
  waiting[0]!('accept')
  await settle()
  await alice.node.publish('slow', 'too late')
  await settle()
  await club.pass(2_000)
  waiting[1]!('accept')
  await alice.node.publish('picky', 'bad')
  await alice.node.publish('picky', 'good')
  await settle()
  assert.equal(heard, ['in time', 'good'])
  assert.is(bob.gossip.getStats().checking, 0)
})

gossip('a validator or a listener that throws harms nobody else', async () => {
  await using club = new Club()
  const alice = await club.member('alice', {}, null)
  const bob = await club.member('bob')
  bob.node.subscribe('news', () => { throw new Error('listener') })
  bob.node.subscribe('other', () => {}, { validate: () => { throw new Error('validator') } })
  await club.link([alice, bob])
  await alice.node.publish('news', 1)
  await alice.node.publish('other', 1)
  await settle()
  assert.equal(payloadsOf(bob), [1])
  assert.equal(codesIn(bob.diary), ['ERR_PROTOCOL_LISTENER_FAILED', 'ERR_PROTOCOL_LISTENER_FAILED'])
})

gossip('64 validators of a topic are under way at once; what comes then may come again', async () => {
  await using club = new Club()
  const alice = await club.member('alice', {}, null)
  const bob = await club.member('bob', { parameters: { validatorsMax: 2 } }, null)
  bob.node.subscribe('slow', () => {}, { validate: () => new Promise(() => {}) })
  await club.link([alice, bob])
  for (let count = 0; count < 5; count++) await alice.node.publish('slow', count)
  await settle()
  assert.is(bob.gossip.getStats().counters['validators-busy'], 3)
})

gossip('one author\'s costly payloads keep 16 validators busy and no more: the others are heard meanwhile', async () => {
  await using club = new Club()
  const [mallory, alice] = [await club.member('mallory', {}, null), await club.member('alice', {}, null)]
  const bob = await club.member('bob', {}, null)
  const heard: unknown[] = []
  const validate = (payload: unknown): 'accept' | Promise<never> => (payload === 'costly' ? new Promise(() => {}) : 'accept')
  bob.node.subscribe('work', payload => void heard.push(payload), { validate })
  await club.link([mallory, bob], [alice, bob])
  for (let count = 0; count < 80; count++) await mallory.node.publish('work', 'costly')
  await settle()
  assert.is(bob.gossip.getStats().counters['validators-busy'], 64)
  await alice.node.publish('work', 'honest')
  await settle()
  assert.equal(heard, ['honest'])

  const carol = await club.member('carol', { parameters: { validatorsMax: 64, validatorsPerAuthorMax: 64 } }, null)
  carol.node.subscribe('work', payload => void heard.push(payload), { validate })
  await club.link([mallory, carol], [alice, carol])
  for (let count = 0; count < 80; count++) await mallory.node.publish('work', 'costly')
  await settle()
  await alice.node.publish('work', 'late')
  await settle()
  assert.is(heard.filter(payload => payload === 'late').length, 1, 'without that bound she keeps carol from hearing anybody')
})

gossip('64 KiB are published, more are refused to the caller', async () => {
  await using club = new Club()
  const [alice, bob] = await club.members(2) as [Member, Member]
  await club.link([alice, bob])
  await alice.node.publish('news', new Uint8Array(64 * 1024))
  await settle()
  assert.is((bob.heard[0]!.payload as Uint8Array).length, 64 * 1024)
  assert.instance(await failure(alice.node.publish('news', new Uint8Array(67 * 1024))), RangeError)
  assert.instance(await failure(alice.node.publish('', 1)), RangeError)
  assert.instance(await failure(alice.node.publish('x'.repeat(65), 1)), RangeError)
})

gossip('with nobody there publish says 0, or waits for the first subscriber if it is given time', async () => {
  await using club = new Club()
  const [alice, bob] = await club.members(2) as [Member, Member]
  assert.is((await alice.node.publish('news', 'first')).peers, 0)
  const waiting = alice.node.publish('news', 'second', { timeoutMs: 5_000 })
  await club.link([alice, bob])
  assert.is((await waiting).peers, 1)
  await club.pass(2_000)
  assert.equal(payloadsOf(bob).sort(), ['first', 'second'])
  const lonely = await club.member('lonely')
  const [error] = await Promise.all([failure(lonely.node.publish('news', 1, { timeoutMs: 1_000 })), club.pass(1_500)])
  assert.is(error.name, 'TimeoutError')
})

gossip('with echo a node hears itself; unsubscribed it hears nothing', async () => {
  await using club = new Club()
  const alice = await club.member('alice', { echo: true })
  const bob = await club.member('bob', {}, null)
  const heard: unknown[] = []
  const subscription = bob.node.subscribe('news', payload => void heard.push(payload))
  await club.link([alice, bob])
  const { messageId } = await alice.node.publish('news', 1)
  await settle()
  subscription[Symbol.dispose]()
  subscription[Symbol.dispose]()
  await settle()
  assert.is((await alice.node.publish('news', 2)).peers, 0)
  await settle()
  assert.equal(heard, [1])
  assert.equal(payloadsOf(alice), [1, 2])
  assert.is(alice.heard[0]!.item.messageId, messageId)
})

gossip('a plugin registered long after the links stood finds its subscribers', async () => {
  await using club = new Club()
  const alice = await club.member('alice')
  const bob = await club.member('bob')
  alice.node.unregisterProtocol('gossip')
  await club.link([alice, bob])
  const again = await club.member('carol')
  void again
  const { Gossip } = await import('../../../lib/protocols/gossip/index.node.ts')
  const heard: unknown[] = []
  const late = new Gossip()
  late.subscribe('news', payload => void heard.push(payload))
  alice.node.registerProtocol(late)
  await settle()
  await bob.node.publish('news', 'welcome')
  await settle()
  assert.equal(heard, ['welcome'])
})

async function withMallory(run: (parts: { club: Club; victim: Member; friend: Member; mallory: Mallory; node: Member['node']; id: string }) => Promise<void>): Promise<void> {
  await using club = new Club()
  const [victim, friend] = await club.members(2) as [Member, Member]
  await club.link([victim, friend])
  const mallory = new Mallory()
  const resident = await club.town.resident('mallory')
  resident.node.registerProtocol(mallory)
  await meet(resident, victim)
  await settle()
  await mallory.say(victim.node.id, 'subscribe', { topics: ['news'] })
  await settle()
  await run({ club, victim, friend, mallory, node: resident.node, id: resident.node.id })
}

gossip('a forged signature is charged to the hop that brought it, and the true copy is heard', () => withMallory(async ({ victim, mallory, id }) => {
  const frame = await mallory.publication('news', 'true')
  const forged = frame.slice()
  forged[60]! ^= 1
  await mallory.say(victim.node.id, 'items', { list: [{ topic: 'news', hops: 1, path: new Uint8Array(0), frame: forged }] })
  await settle()
  assert.ok(victim.gossip.scoreOf(id) < -90)
  assert.ok(codesIn(victim.diary).includes('ERR_WIRE_BAD_SIGNATURE'))
  await mallory.say(victim.node.id, 'items', { list: [{ topic: 'news', hops: 1, path: new Uint8Array(0), frame }] })
  await settle()
  assert.equal(payloadsOf(victim), ['true'])
}))

gossip('a thousand forgeries cost the victim four signatures, and nobody else anything', () => withMallory(async ({ victim, friend, mallory, node, id }) => {
  const frame = await mallory.publication('news', 'x')
  for (let round = 0; round < 20; round++) {
    const list = Array.from({ length: 50 }, (_, index) => {
      const forged = frame.slice()
      new DataView(forged.buffer).setUint32(40, round * 50 + index)
      return { topic: 'news', hops: 1, path: new Uint8Array(0), frame: forged }
    })
    if (node.isConnected(victim.node.id)) await mallory.say(victim.node.id, 'items', { list }).catch(() => {})
    await settle(4)
  }
  assert.is(victim.gossip.getStats().counters.invalid, 4)
  assert.ok(victim.gossip.scoreOf(id) <= -1_000)
  assert.is(friend.heard.length, 0)
  await friend.node.publish('news', 'meanwhile')
  await settle()
  assert.equal(payloadsOf(victim), ['meanwhile'])
}))

gossip('a word off its schema never reaches the state and is charged to who said it', () => withMallory(async ({ victim, mallory }) => {
  await mallory.say(victim.node.id, 'graft', { topic: 'x'.repeat(65) })
  await mallory.say(victim.node.id, 'items', { list: [] })
  await settle()
  assert.equal(codesIn(victim.diary), ['ERR_PROTOCOL_BAD_PAYLOAD', 'ERR_PROTOCOL_BAD_PAYLOAD'])
}))

gossip('a publication that comes by itself, outside any word, is refused', () => withMallory(async ({ victim, mallory }) => {
  await mallory.say(victim.node.id, 'publication' as never, { topic: 'news', body: 1 } as never)
  await settle()
  assert.is(victim.heard.length, 0)
  assert.ok(codesIn(victim.diary).length === 1)
}))

gossip('an oversize frame is refused by the schema, one of another topic is charged', () => withMallory(async ({ victim, mallory, id }) => {
  await mallory.say(victim.node.id, 'items', { list: [{ topic: 'news', hops: 1, path: new Uint8Array(0), frame: new Uint8Array(70_000) }] })
  await settle()
  assert.equal(codesIn(victim.diary), ['ERR_PROTOCOL_BAD_PAYLOAD'])
  await mallory.say(victim.node.id, 'items', { list: [{ topic: 'news', hops: 1, path: new Uint8Array(0), frame: await mallory.publication('other', 1) }] })
  await settle()
  assert.ok(victim.gossip.scoreOf(id) < -90)
}))

gossip('graft floods, want storms and lies about having end in silence, and the others are heard all along', () => withMallory(async ({ club, victim, friend, mallory, id }) => {
  for (let second = 0; second < 8; second++) {
    for (let count = 0; count < 40; count++) {
      await mallory.say(victim.node.id, 'have', { list: [{ topic: 'news', ids: new Uint8Array(32 * 10).fill(second * 40 + count + 1) }] })
      await mallory.say(victim.node.id, 'want', { ids: new Uint8Array(32 * 200) })
      await mallory.say(victim.node.id, 'graft', { topic: 'nowhere' })
    }
    await friend.node.publish('news', second)
    await club.pass(1_000)
  }
  assert.equal(payloadsOf(victim), [0, 1, 2, 3, 4, 5, 6, 7])
  assert.ok(victim.gossip.scoreOf(id) < -100, `${victim.gossip.scoreOf(id)}`)
  assert.is(victim.gossip.scoreOf(friend.node.id) >= 0, true)
}))

gossip('unregistered it leaves no timer, and its context is not used again', async () => {
  await using club = new Club()
  const [alice, bob] = await club.members(2) as [Member, Member]
  await club.link([alice, bob])
  await club.pass(3_000)
  alice.node.unregisterProtocol('gossip')
  await club.pass(3_000)
  assert.is(alice.diary.errors.length, 0)
  assert.throws(() => alice.gossip.getStats(), /not registered/)
})

gossip.run()
