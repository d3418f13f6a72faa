import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DistributedHashTable, ResourceDiscovery, WebDht } from '../../../lib/protocols/dht/index.node.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { settle } from '../../support/until.ts'
import { failure, Quarter, type Member } from './support/quarter.ts'

const facades = suite('DHT by the names of the seeds')

facades('a table of its own keeps, finds by prefix and filter, and forgets after its ttl', async () => {
  const clock = new ManualClock()
  const dht = new DistributedHashTable('alice', { clock })
  await dht.announce({ key: 'my-resource', value: { data: 'resource data' }, publisherId: 'alice', ttl: 3600, publishedAt: clock.now() })
  await dht.announce({ key: 'my-session', value: { type: 'session' }, publisherId: 'alice', ttl: 60, publishedAt: clock.now() })
  assert.equal((await dht.get('my-resource'))!.value, { data: 'resource data' })
  assert.is((await dht.get('my-resource'))!.publisherId, 'alice')
  assert.equal((await dht.query({ key: 'my-*', filters: { type: 'session' }, maxResults: 10 })).map(({ key }) => key), ['my-session'])
  assert.is((await dht.query({ key: 'my-*' })).length, 2)
  assert.is((await dht.query({ key: 'my-*', maxResults: 1 })).length, 1)
  assert.is(dht.getStats().totalAnnouncements, 2)
  clock.advance(60_000)
  assert.is(await dht.get('my-session'), null)
  assert.is(dht.getStats().totalAnnouncements, 1)
  clock.advance(3_600_000)
  dht.cleanup()
  assert.equal(await dht.query({ key: '*' }), [])
})

facades('a caller\'s mistakes with a table are told', async () => {
  const dht = new DistributedHashTable('alice')
  assert.instance(await failure(dht.announce({ key: '', value: 1 })), RangeError)
  assert.instance(await failure(dht.announce({ key: 'a', value: 1, ttl: -1 })), RangeError)
  assert.instance(await failure(dht.query({ key: 'a', maxResults: 0 })), RangeError)
  assert.instance(await failure(dht.query({ key: 5 as never })), TypeError)
})

facades('discovery over a table of its own announces, finds, changes and withdraws', async () => {
  const clock = new ManualClock()
  const discovery = new ResourceDiscovery(new DistributedHashTable('alice', { clock }), 'alice')
  const handle = await discovery.announceResource('session', 'session-123', { status: 'active' }, { ttl: 100 })
  const [session] = await discovery.discoverResources<{ status: string }>('session', { status: 'active' })
  assert.is(session!.creatorPeerId, 'alice')
  assert.is(session!.expiresAt! - session!.createdAt, 100_000)
  assert.equal(await discovery.discoverResources('sess'), [])
  clock.advance(60_000)
  await handle.update({ status: 'done' })
  assert.equal((await discovery.getResource('session', 'session-123'))!.data, { status: 'done' })
  clock.advance(40_000)
  assert.is(await discovery.getResource('session', 'session-123'), null, 'a change does not prolong it')
  const again = await discovery.announceResource('session', 'session-123', 1)
  await again.withdraw()
  assert.equal(await discovery.discoverResources('session'), [])
})

facades('over the network, alice\'s raw keys are found by bob: one by one, by prefix, and by filter', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(3) as [Member, Member]
  const hers = new DistributedHashTable(alice.dht)
  const his = new DistributedHashTable(bob.dht)
  for (const [key, value] of Object.entries({ 'app-session-1': { type: 'session', n: 1 }, 'app-session-2': { type: 'session', n: 2 }, 'app-user-1': { type: 'user', n: 3 }, other: { type: 'session', n: 4 } })) {
    await quarter.drive(hers.announce({ key, value, publisherId: 'alice', ttl: 3600, publishedAt: 17 }))
  }
  const keys = async (key: string, filters?: Record<string, unknown>) => (await quarter.drive(his.query({ key, ...(filters ? { filters } : {}) }))).map(found => found.key)
  assert.equal(await quarter.drive(his.get('app-user-1')), { key: 'app-user-1', value: { type: 'user', n: 3 }, publisherId: alice.node.id, ttl: 3600, publishedAt: 17 })
  assert.equal(await keys('app-session-*'), ['app-session-1', 'app-session-2'])
  assert.equal(await keys('app-s*'), ['app-session-1', 'app-session-2'])
  assert.equal(await keys('app-*', { type: 'user' }), ['app-user-1'])
  assert.equal(await keys('*', { n: { gte: 3 } }), ['app-user-1', 'other'])
  assert.equal(await keys('other'), ['other'])
  assert.equal(await keys('nothing'), [])
  assert.equal(await quarter.drive(bob.node.discoverResources('app')), [], 'raw keys are no resources')
})

facades('discovery over the network finds what the coordinator announced, and the other way round', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(2) as [Member, Member]
  const discovery = new ResourceDiscovery(new DistributedHashTable(bob.dht), 'bob')
  await quarter.drive(alice.node.announceResource('session', 's-1', { status: 'active' }))
  assert.is((await quarter.drive(discovery.discoverResources('session', { status: 'active' }))).length, 1)
  await quarter.drive(discovery.announceResource('session', 's-2', {}))
  assert.is((await quarter.drive(alice.node.getResource('session', 's-2')))!.creatorPeerId, bob.node.id)
})

facades('what alice puts bob gets; he subscribes, is told of her update, and his own update wins after it', async () => {
  await using quarter = new Quarter()
  const [alice, bob, carol] = await quarter.members(3) as [Member, Member, Member]
  using hers = new WebDht(alice.dht)
  using his = new WebDht(bob.dht)
  using third = new WebDht(carol.dht)
  assert.is(await quarter.drive(his.dhtGet('shared-counter')), null)
  await quarter.drive(hers.dhtPut('shared-counter', 1))
  assert.is(await quarter.drive(his.dhtGet('shared-counter')), 1)
  const told: unknown[] = []
  his.addEventListener('dhtValueChanged', data => void told.push(data))
  await quarter.drive(his.dhtSubscribe('shared-counter'))
  assert.equal(told, [])
  await quarter.drive(hers.dhtUpdate('shared-counter', 42))
  await settle()
  assert.equal(told, [{ key: 'shared-counter', newValue: 42 }])
  await quarter.drive(third.dhtUpdate('shared-counter', { by: 'carol' }))
  await settle()
  assert.equal(told.slice(1), [{ key: 'shared-counter', newValue: { by: 'carol' } }])
  assert.equal(await quarter.drive(hers.dhtGet('shared-counter')), { by: 'carol' })
  his.dhtUnsubscribe('shared-counter')
  await quarter.drive(hers.dhtUpdate('shared-counter', 43))
  await settle()
  assert.is(told.length, 2)
})

facades('a value outlives its writer, and is told of by looking where nobody linked tells', async () => {
  await using quarter = new Quarter()
  const star = { parameters: { linksWanted: 0 } }
  const hub = await quarter.member('hub', { ...star, mode: 'client' })
  const [alice, bob] = [await quarter.member('alice', star), await quarter.member('bob', star)]
  for (const member of [alice, bob]) await quarter.link(member, hub)
  const carol = await quarter.member('carol', star)
  await quarter.link(carol, alice)
  await quarter.link(carol, bob)
  using hers = new WebDht(alice.dht)
  using his = new WebDht(bob.dht)
  const told: unknown[] = []
  his.on('dhtValueChanged', ({ newValue }) => void told.push(newValue))
  await quarter.drive(hers.dhtPut('k', 'first'))
  await quarter.drive(his.dhtSubscribe('k'))
  await quarter.drive(hers.dhtUpdate('k', 'second'))
  await quarter.pass(12_000)
  assert.equal(told, ['second'])
  await quarter.drive(alice.node.shutdown())
  assert.is(await quarter.drive(his.dhtGet('k')), 'second')
})

facades('switched off, every call says how to switch it on', async () => {
  await using quarter = new Quarter()
  const alice = await quarter.member('alice')
  using off = new WebDht(alice.dht, { enableWebDHT: false })
  for (const call of [off.dhtPut('k', 1), off.dhtGet('k'), off.dhtUpdate('k', 1), off.dhtSubscribe('k')]) {
    const error = await failure(call)
    assert.is(error.code, 'ERR_DHT_DISABLED')
    assert.match(error.message, /enableWebDHT: true/)
  }
})

facades('a number far ahead of the clock does not win for ever', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(2) as [Member, Member]
  using his = new WebDht(bob.dht)
  const { core, writer } = alice.dht.running
  const frame = await core.context.author({ type: 'record', payload: { type: ':web', id: 'k', sets: [], seq: Number.MAX_SAFE_INTEGER, created: core.nowMs, expires: core.nowMs + 60_000, data: 'for ever', gone: false } })
  const record = await core.records.read(frame)
  assert.is.not(typeof record, 'string')
  await quarter.drive(writer.putItem(record as never))
  assert.is(await quarter.drive(his.dhtGet('k')), null)
  await quarter.drive(his.dhtUpdate('k', 'mine'))
  assert.is(await quarter.drive(his.dhtGet('k')), 'mine')
})

facades.run()
