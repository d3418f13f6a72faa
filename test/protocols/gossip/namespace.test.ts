import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Gossip, type GossipOptions } from '../../../lib/protocols/gossip/index.node.ts'
import { settle } from '../../support/until.ts'
import { Club, payloadsOf } from './support/club.ts'

const namespaces = suite('gossip: namespaces')
const of = (name: string, fallback = true): GossipOptions => ({ namespace: { name, fallback } })

namespaces('two namespaces on the same links do not hear each other, nor the global topic', async () => {
  await using club = new Club()
  const blue = [await club.member('alice', of('blue')), await club.member('bob', of('blue'))] as const
  const red = [await club.member('carol', of('red')), await club.member('dave', of('red'))] as const
  const plain = await club.member('erin')
  await club.link(blue, red, [blue[0], red[0]], [blue[1], plain], [red[1], plain])
  await blue[0].node.publish('news', 'in blue')
  await red[0].node.publish('news', 'in red')
  await plain.node.publish('news', 'in none')
  await club.pass(8_000, 500)
  assert.equal([...blue, ...red, plain].map(payloadsOf), [[], ['in blue'], [], ['in red'], []])
  assert.is(blue[1].heard[0]!.item.topic, 'news', 'an application sees its own word for the topic')
  assert.equal(blue[0].gossip.subscribersOf('news'), [blue[1].node.id])
  assert.equal(blue[0].gossip.meshOf('news'), [blue[1].node.id])
})

namespaces('whoever is alone in its namespace for five seconds falls back to the global topics, and returns when somebody comes', async () => {
  await using club = new Club()
  const changes: boolean[] = []
  const alice = await club.member('alice', of('blue'))
  alice.gossip.events.on('namespaceChanged', ({ namespace, isFallenBack }) => {
    assert.is(namespace, 'blue')
    changes.push(isFallenBack)
  })
  const plain = await club.member('plain')
  await club.link([alice, plain])
  await club.pass(4_500)
  await plain.node.publish('news', 'too early')
  await club.pass(400)
  assert.is(alice.gossip.isFallenBack, false)
  await club.pass(1_000)
  assert.is(alice.gossip.isFallenBack, true)
  await plain.node.publish('news', 'from the world')
  await alice.node.publish('news', 'to the world')
  await club.pass(3_000)
  assert.ok(payloadsOf(alice).includes('from the world'))
  assert.equal(payloadsOf(plain), ['to the world'])

  const bob = await club.member('bob', of('blue'))
  await club.link([alice, bob])
  assert.is(alice.gossip.isFallenBack, false)
  await plain.node.publish('news', 'not for blue')
  await alice.node.publish('news', 'among blue')
  await club.pass(3_000)
  assert.equal(payloadsOf(plain), ['to the world'])
  assert.equal(payloadsOf(bob), ['among blue'])
  assert.not.ok(payloadsOf(alice).includes('not for blue'))
  await Promise.all([bob.node.shutdown(), club.pass(8_000, 500)])
  assert.equal(changes, [true, false, true])
})

namespaces('with the fallback off a lone node stays where it is', async () => {
  await using club = new Club()
  const alice = await club.member('alice', of('blue', false))
  const plain = await club.member('plain')
  await club.link([alice, plain])
  await club.pass(20_000, 1_000)
  assert.is(alice.gossip.isFallenBack, false)
  assert.is((await alice.node.publish('news', 'nobody hears')).peers, 0)
  await plain.node.publish('news', 'nor this')
  await settle()
  assert.equal([alice, plain].map(payloadsOf), [[], []])
})

namespaces('a listener that comes or goes during the fallback joins and leaves under both names', async () => {
  await using club = new Club()
  const alice = await club.member('alice', of('blue'), null)
  const plain = await club.member('plain')
  await club.link([alice, plain])
  await club.pass(6_000, 500)
  const heard: unknown[] = []
  const subscription = alice.node.subscribe('news', payload => void heard.push(payload))
  await settle()
  await plain.node.publish('news', 1)
  await settle()
  subscription[Symbol.dispose]()
  await settle()
  assert.is((await plain.node.publish('news', 2)).peers, 0)
  assert.equal(heard, [1])
})

namespaces('a topic cannot be made to look like another namespace\'s', async () => {
  await using club = new Club()
  const alice = await club.member('alice', {}, null)
  const bob = await club.member('bob', of('blue'))
  await club.link([alice, bob])
  await mustRefuse(alice.node.publish('blue\u001fnews', 'forged'))
  assert.throws(() => alice.node.subscribe('blue\u001fnews', () => {}), /U\+001F/)
  assert.throws(() => new Gossip({ namespace: { name: '' } }), RangeError)
  assert.throws(() => new Gossip({ namespace: { name: 'x'.repeat(33) } }), RangeError)
  assert.throws(() => new Gossip({ namespace: { name: 'a\u001fb' } }), RangeError)
  assert.throws(() => new Gossip({ namespace: { name: 7 as never } }), TypeError)
  assert.throws(() => new Gossip({ namespace: { name: 'x', fallbackAfterMs: -1 } }), RangeError)
  await mustRefuse(bob.node.publish('x'.repeat(60), 'namespace and topic share 64 characters'))
  assert.ok(await bob.node.publish('x'.repeat(59), 'these fit'))
})

namespaces('what a topic has of its own holds under its namespaced name', async () => {
  await using club = new Club()
  const options = { namespace: { name: 'blue' }, topics: { news: { retentionMs: 600_000 } } }
  const alice = await club.member('alice', options)
  const bob = await club.member('bob', options)
  await club.link([alice, bob])
  await alice.node.publish('news', 'old')
  await club.pass(300_000, 10_000)
  const carol = await club.member('carol', options)
  await club.link([carol, bob])
  await club.pass(3_000)
  assert.equal(payloadsOf(carol), ['old'])
})

async function mustRefuse(promise: Promise<unknown>): Promise<void> {
  assert.instance(await promise.then(() => undefined, (error: Error) => error), RangeError)
}

namespaces.run()
