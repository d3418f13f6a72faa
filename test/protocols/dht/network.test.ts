import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ResourceAnnouncement, ResourceChange } from '../../../lib/contracts/resources.ts'
import { MemoryStore } from '../../../lib/foundation/memory-store.ts'
import { identityFromSecret } from '../../../lib/crypto/identity.ts'
import { codesIn } from '../../support/town.ts'
import { settle } from '../../support/until.ts'
import { failure, Quarter, type Member } from './support/quarter.ts'

const dht = suite('DHT on whole coordinators')

const ROUND = { denomination: 100_000_000, minParticipants: 5, status: 'waiting' }
const idsOf = (found: readonly ResourceAnnouncement[]): string[] => found.map(({ resourceId }) => resourceId).sort()

dht('a node that is alone announces, finds and withdraws', async () => {
  await using quarter = new Quarter()
  const alice = await quarter.member('alice')
  const handle = await quarter.drive(alice.node.announceResource('coinjoin-round', 'round-1', ROUND, { ttl: 1800 }))
  assert.equal(idsOf(await quarter.drive(alice.node.discoverResources('coinjoin-round'))), ['round-1'])
  assert.is(alice.node.getStats().dht.totalAnnouncements, 1)
  await quarter.drive(handle.withdraw())
  assert.equal(await quarter.drive(alice.node.discoverResources('coinjoin-round')), [])
  assert.is(await quarter.drive(alice.node.getResource('coinjoin-round', 'round-1')), null)
  assert.is(alice.node.getStats().dht.totalAnnouncements, 0)
})

dht('what alice announces bob finds by type, by filter and by id, with her key and her data', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(2) as [Member, Member]
  await quarter.drive(alice.node.announceResource('coinjoin-round', 'round-xyz', ROUND, { ttl: 1800 }))
  const found = await quarter.drive(bob.node.discoverResources<typeof ROUND>('coinjoin-round', { status: 'waiting' }))
  assert.is(found.length, 1)
  const [round] = found
  assert.is(round!.creatorPeerId, alice.node.id)
  assert.equal({ ...round!.data }, ROUND)
  assert.is(round!.expiresAt! - round!.createdAt, 1_800_000)
  assert.is(round!.signature!.length, 64)
  assert.equal(await quarter.drive(bob.node.discoverResources('coinjoin-round', { status: 'full' })), [])
  assert.is((await quarter.drive(bob.node.getResource('coinjoin-round', 'round-xyz')))!.resourceId, 'round-xyz')
  assert.is(await quarter.drive(bob.node.getResource('coinjoin-round', 'another')), null)
})

dht('asked directly after connecting, bob finds what was there before he came', async () => {
  await using quarter = new Quarter()
  const alice = await quarter.member('alice')
  const bob = await quarter.member('bob')
  await quarter.drive(alice.node.announceResource('coinjoin-round', 'round-1', ROUND))
  await bob.node.connectToPeer(alice.address)
  assert.equal(idsOf(await quarter.drive(bob.node.discoverResources('coinjoin-round'))), ['round-1'])
})

dht('among five, each finds what each announced, and one that joins later finds all of it', async () => {
  await using quarter = new Quarter()
  const members = await quarter.members(5)
  for (const [index, { node }] of members.entries()) await quarter.drive(node.announceResource('wallet', `wallet-${index}`, { index }))
  const all = members.map((_, index) => `wallet-${index}`)
  for (const { node } of members) assert.equal(idsOf(await quarter.drive(node.discoverResources('wallet'))), all)
  const late = await quarter.member('late')
  await quarter.link(late, members[2]!)
  assert.equal(idsOf(await quarter.drive(late.node.discoverResources('wallet'))), all)
})

dht('copies outlive the one who announced: it is killed, and a later comer still finds it', async () => {
  await using quarter = new Quarter()
  const [alice, bob, carol] = await quarter.members(3) as [Member, Member, Member]
  await quarter.drive(alice.node.announceResource('coinjoin-round', 'round-1', ROUND, { ttl: 600 }))
  await alice.node.shutdown()
  await quarter.pass(1_000)
  assert.equal(idsOf(await quarter.drive(bob.node.discoverResources('coinjoin-round'))), ['round-1'])
  const dave = await quarter.member('dave')
  await quarter.link(dave, carol)
  assert.equal(idsOf(await quarter.drive(dave.node.discoverResources('coinjoin-round'))), ['round-1'])
  await quarter.pass(600_000, 5_000)
  for (const { node } of [bob, carol, dave]) assert.equal(await quarter.drive(node.discoverResources('coinjoin-round')), [])
})

dht('what was announced with nobody near reaches those who come', async () => {
  await using quarter = new Quarter()
  const alice = await quarter.member('alice')
  await quarter.drive(alice.node.announceResource('coinjoin-round', 'round-1', ROUND))
  const bob = await quarter.member('bob')
  const carol = await quarter.member('carol')
  await quarter.link(bob, alice)
  await quarter.pass(3_000)
  assert.ok(bob.dht.getStats().records >= 2, 'bob holds copies')
  await alice.node.shutdown()
  await quarter.link(carol, bob)
  assert.equal(idsOf(await quarter.drive(carol.node.discoverResources('coinjoin-round'))), ['round-1'])
})

dht('an update is seen by everybody, and the old value by nobody', async () => {
  await using quarter = new Quarter()
  const members = await quarter.members(4)
  const handle = await quarter.drive(members[0]!.node.announceResource('coinjoin-round', 'round-1', ROUND))
  await quarter.drive(handle.update({ ...ROUND, status: 'full' }))
  for (const { node } of members) {
    assert.equal(await quarter.drive(node.discoverResources('coinjoin-round', { status: 'waiting' })), [])
    assert.equal(idsOf(await quarter.drive(node.discoverResources('coinjoin-round', { status: 'full' }))), ['round-1'])
  }
})

dht('withdrawn it is gone everywhere; an update after that is refused, a second withdrawal does nothing', async () => {
  await using quarter = new Quarter()
  const members = await quarter.members(4)
  const handle = await quarter.drive(members[1]!.node.announceResource('coinjoin-round', 'round-1', ROUND))
  await quarter.drive(handle.withdraw())
  for (const { node } of members) {
    assert.equal(await quarter.drive(node.discoverResources('coinjoin-round')), [])
    assert.is(await quarter.drive(node.getResource('coinjoin-round', 'round-1')), null)
    assert.is(node.getStats().dht.totalAnnouncements, 0)
  }
  assert.is((await failure(quarter.drive(handle.update(ROUND)))).code, 'ERR_DHT_REFUSED')
  await quarter.drive(handle.withdraw())
  await quarter.drive(members[1]!.node.announceResource('coinjoin-round', 'round-1', ROUND))
  assert.equal(idsOf(await quarter.drive(members[3]!.node.discoverResources('coinjoin-round'))), ['round-1'])
})

dht('after its ttl it is gone everywhere, and its memory after the next cleanup', async () => {
  await using quarter = new Quarter()
  const members = await quarter.members(3)
  await quarter.drive(members[0]!.node.announceResource('coinjoin-round', 'round-1', ROUND, { ttl: 5 }))
  await quarter.drive(members[0]!.node.announceResource('coinjoin-round', 'round-2', ROUND, { ttlMs: 60_000 }))
  await quarter.pass(4_000)
  assert.equal(idsOf(await quarter.drive(members[2]!.node.discoverResources('coinjoin-round'))), ['round-1', 'round-2'])
  await quarter.pass(2_000)
  for (const { node } of members) {
    assert.equal(idsOf(await quarter.drive(node.discoverResources('coinjoin-round'))), ['round-2'])
    assert.is(await quarter.drive(node.getResource('coinjoin-round', 'round-1')), null)
  }
  await quarter.pass(60_000, 1_000)
  for (const { node } of members) node.cleanup()
  for (const member of members) assert.is(member.dht.getStats().records, 0)
})

dht('with renew it outlives its ttl while the handle is open; without, not', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(2) as [Member, Member]
  const handle = await quarter.drive(alice.node.announceResource('a', 'renewed', {}, { ttl: 20, renew: true }))
  await quarter.drive(alice.node.announceResource('a', 'once', {}, { ttl: 20 }))
  await quarter.pass(65_000, 500)
  assert.equal(idsOf(await quarter.drive(bob.node.discoverResources('a'))), ['renewed'])
  await quarter.drive(handle.withdraw())
  await quarter.pass(65_000, 500)
  assert.equal(await quarter.drive(bob.node.discoverResources('a')), [])
})

dht('a ttl of more than a day is signed anew until it ends', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(2) as [Member, Member]
  const day = 24 * 3_600_000
  await quarter.drive(alice.node.announceResource('a', 'long', {}, { ttlMs: 2 * day }))
  assert.is((await quarter.drive(bob.node.getResource('a', 'long')))!.expiresAt! - alice.dht.running.core.nowMs <= day, true)
  await quarter.pass(1.5 * day, 600_000)
  assert.equal(idsOf(await quarter.drive(bob.node.discoverResources('a'))), ['long'])
  await quarter.pass(0.6 * day, 600_000)
  assert.equal(await quarter.drive(bob.node.discoverResources('a')), [])
})

dht('a restart with the same store brings back what was announced, and the contacts', async () => {
  await using quarter = new Quarter()
  const store = new MemoryStore()
  const identity = identityFromSecret(Uint8Array.from({ length: 32 }, (_, index) => index + 1))
  const alice = await quarter.member('alice', {}, { store, identity })
  const bob = await quarter.member('bob')
  await quarter.link(alice, bob)
  await quarter.pass(3_000)
  await quarter.drive(alice.node.announceResource('coinjoin-round', 'round-1', ROUND, { ttl: 3600 }))
  await quarter.drive(alice.node.shutdown())
  await bob.node.shutdown()
  const carol = await quarter.member('carol')
  const again = await quarter.member('alice-again', {}, { store, identity })
  await quarter.link(carol, again)
  await quarter.pass(3_000)
  const [round] = await quarter.drive(carol.node.discoverResources('coinjoin-round'))
  assert.is(round!.creatorPeerId, again.node.id)
  assert.ok(carol.dht.getStats().records >= 2, 'placed anew')
  await quarter.pass(3_600_000, 10_000)
  assert.equal(await quarter.drive(again.node.discoverResources('coinjoin-round')), [])
  assert.is(again.dht.getStats().announced, 0)
})

dht('filters take equality, ranges, lists and functions', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(2) as [Member, Member]
  for (const [id, data] of Object.entries({ a: { n: 1, kind: 'x', tags: ['t'] }, b: { n: 5, kind: 'y' }, c: { n: 9, kind: 'z' } })) await quarter.drive(alice.node.announceResource('thing', id, data))
  const find = async (filters: never) => idsOf(await quarter.drive(bob.node.discoverResources('thing', filters)))
  assert.equal(await find({ n: { gte: 5 } } as never), ['b', 'c'])
  assert.equal(await find({ n: { gte: 2, lte: 6 } } as never), ['b'])
  assert.equal(await find({ kind: { in: ['x', 'z'] } } as never), ['a', 'c'])
  assert.equal(await find({ tags: ['t'] } as never), ['a'])
  assert.equal(await find({ missing: undefined } as never), [])
  assert.equal(await find(((resource: ResourceAnnouncement) => resource.creatorPeerId === alice.node.id && resource.resourceId > 'a') as never), ['b', 'c'])
  assert.instance(await failure(bob.node.discoverResources('thing', 5 as never)), TypeError)
})

dht('a declared index finds by value without the rest of the type', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(2) as [Member, Member]
  await quarter.drive(alice.dht.resources.announce('offer', 'o-1', { coin: 'xpi', price: 1 }, { index: ['coin'] } as never))
  await quarter.drive(alice.dht.resources.announce('offer', 'o-2', { coin: 'btc', price: 2 }, { index: ['coin'] } as never))
  const found = await quarter.drive(bob.dht.resources.discover('offer', { coin: 'btc' }, { index: 'coin' } as never))
  assert.equal(idsOf(found), ['o-2'])
  assert.instance(await failure(alice.dht.resources.announce('offer', 'o-3', {}, { index: ['a', 'b', 'c', 'd', 'e'] } as never)), RangeError)
})

dht('pages go through all there is, in one order, without repeating', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(2) as [Member, Member]
  for (let index = 0; index < 25; index++) await quarter.drive(alice.node.announceResource('thing', `t-${index}`, { index }))
  const seen: string[] = []
  let cursor: string | undefined
  let pages = 0
  do {
    const page = await quarter.drive(bob.dht.resources.discoverPage('thing', undefined, { limit: 10, ...(cursor === undefined ? {} : { cursor }) }))
    assert.is(page.completeness, 1)
    assert.is(page.truncated, page.cursor !== undefined)
    seen.push(...idsOf(page.resources))
    cursor = page.cursor
    pages++
  } while (cursor !== undefined)
  assert.is(pages, 3)
  assert.equal(seen.sort(), Array.from({ length: 25 }, (_, index) => `t-${index}`).sort())
  assert.instance(await failure(bob.dht.resources.discoverPage('thing', undefined, { limit: 0 })), RangeError)
  assert.instance(await failure(bob.dht.resources.discoverPage('thing', undefined, { cursor: 'nonsense' })), RangeError)
})

dht('a watcher is shown what is there, then each change as it happens, and what ends', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(3) as [Member, Member]
  const first = await quarter.drive(alice.node.announceResource('coinjoin-round', 'r-1', ROUND))
  const stop = new AbortController()
  const changes: ResourceChange<typeof ROUND>[] = []
  const watching = (async () => {
    for await (const change of bob.node.watchResources<typeof ROUND>('coinjoin-round', { status: 'waiting' }, { signal: stop.signal })) changes.push(change)
  })()
  const seen = (): string[] => changes.map(({ kind, resource }) => `${kind} ${resource.resourceId}`)
  await quarter.pass(1_000)
  assert.equal(seen(), ['added r-1'])
  await quarter.drive(alice.node.announceResource('coinjoin-round', 'r-2', ROUND, { ttl: 30 }))
  await settle()
  assert.equal(seen(), ['added r-1', 'added r-2'])
  await quarter.drive(first.update({ ...ROUND, denomination: 7 }))
  await settle()
  assert.equal(seen().slice(2), ['updated r-1'])
  await quarter.drive(first.update({ ...ROUND, status: 'full' }))
  await settle()
  assert.equal(seen().slice(3), ['removed r-1'])
  await quarter.pass(31_000)
  assert.equal(seen().slice(4), ['removed r-2'])
  stop.abort()
  await quarter.drive(watching)
})

dht('nodes that know each other only through a third reach each other through it', async () => {
  await using quarter = new Quarter()
  // Nobody dials by himself, so that the star stays one.
  const star = { parameters: { linksWanted: 0 } }
  const hub = await quarter.member('hub', star)
  const leaves: Member[] = []
  for (let index = 0; index < 4; index++) {
    leaves.push(await quarter.member(`leaf-${index}`, star))
    await quarter.link(leaves[index]!, hub)
  }
  await quarter.drive(leaves[0]!.node.announceResource('coinjoin-round', 'round-1', ROUND))
  for (const leaf of leaves.slice(1)) assert.ok(leaf.dht.getStats().records >= 2, 'a copy was carried there')
  assert.ok((hub.dht.getStats().counters.carried ?? 0) > 0)
  assert.equal(idsOf(await quarter.drive(leaves[3]!.node.discoverResources('coinjoin-round'))), ['round-1'])
})

dht('a node whose last contact is gone returns to those it has heard of', async () => {
  await using quarter = new Quarter()
  const [alice, bob, carol] = await quarter.members(3) as [Member, Member, Member]
  await quarter.drive(alice.node.announceResource('coinjoin-round', 'round-1', ROUND))
  assert.is(carol.dht.getStats().contacts, 2)
  for (const { node } of [alice, bob]) await quarter.drive(carol.node.disconnectFromPeer(node.id))
  await settle()
  assert.is(carol.dht.getStats().contacts, 0)
  await quarter.pass(5_000)
  assert.ok(carol.dht.getStats().contacts >= 1)
  assert.equal(idsOf(await quarter.drive(carol.node.discoverResources('coinjoin-round'))), ['round-1'])
})

dht('a client announces and finds, and holds nothing for others', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(2) as [Member, Member]
  const carol = await quarter.member('carol', { mode: 'client' })
  await quarter.link(carol, alice)
  await quarter.pass(2_000)
  await quarter.drive(carol.node.announceResource('coinjoin-round', 'by-carol', ROUND))
  await quarter.drive(alice.node.announceResource('coinjoin-round', 'by-alice', ROUND))
  assert.equal(idsOf(await quarter.drive(carol.node.discoverResources('coinjoin-round'))), ['by-alice', 'by-carol'])
  assert.equal(idsOf(await quarter.drive(bob.node.discoverResources('coinjoin-round'))), ['by-alice', 'by-carol'])
  assert.is(carol.dht.getStats().records, 0)
  const lonely = await quarter.member('lonely', { mode: 'client' })
  assert.is((await failure(quarter.drive(lonely.node.announceResource('coinjoin-round', 'x', ROUND)))).code, 'ERR_DHT_REFUSED')
  assert.equal(await quarter.drive(lonely.node.discoverResources('coinjoin-round')), [])
})

dht('two publishers may use one id; an id that begins with a key is that key\'s alone', async () => {
  await using quarter = new Quarter()
  const [alice, bob, carol] = await quarter.members(3) as [Member, Member, Member]
  await quarter.drive(alice.node.announceResource('name', 'shared', { by: 'alice' }))
  await quarter.pass(1_000)
  await quarter.drive(bob.node.announceResource('name', 'shared', { by: 'bob' }))
  assert.is((await quarter.drive(carol.node.discoverResources('name'))).length, 2)
  assert.is((await quarter.drive(carol.node.getResource('name', 'shared')))!.creatorPeerId, alice.node.id)
  assert.is((await quarter.drive(bob.node.getResource('name', 'shared')))!.creatorPeerId, bob.node.id)
  const owned = `${alice.node.id}/profile`
  await quarter.drive(alice.node.announceResource('name', owned, { by: 'alice' }))
  assert.ok(await failure(quarter.drive(bob.node.announceResource('name', owned, { by: 'bob' }))))
  assert.is((await quarter.drive(carol.node.getResource('name', owned)))!.creatorPeerId, alice.node.id)
})

dht('a caller\'s mistakes are told to the caller', async () => {
  await using quarter = new Quarter()
  const alice = await quarter.member('alice')
  assert.instance(await failure(alice.node.announceResource('', 'x', 1)), RangeError)
  assert.instance(await failure(alice.node.announceResource('t', 'x'.repeat(129), 1)), RangeError)
  assert.instance(await failure(alice.node.announceResource(5 as never, 'x', 1)), TypeError)
  assert.instance(await failure(alice.node.announceResource('t', 'x', 1, { ttl: 0 })), RangeError)
  assert.instance(await failure(alice.node.announceResource('t', 'x', 1, { ttl: Number.NaN })), RangeError)
  assert.instance(await failure(quarter.drive(alice.node.announceResource('t', 'x', 'y'.repeat(6_000)))), RangeError)
  assert.is((await failure(alice.node.announceResource('t', 'x', () => {}))).code, 'ERR_WIRE_UNENCODABLE')
  const aborted = AbortSignal.abort(new Error('enough'))
  assert.is((await failure(alice.node.announceResource('t', 'x', 1, { signal: aborted }))).message, 'enough')
  assert.is((await failure(alice.node.discoverResources('t', undefined, { signal: aborted }))).message, 'enough')
  assert.is(alice.dht.getStats().announced, 0)
})

dht('unregistered it leaves no timer, and says that it is not registered', async () => {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(2) as [Member, Member]
  await quarter.drive(alice.node.announceResource('t', 'x', 1))
  alice.node.unregisterProtocol('dht')
  await quarter.pass(10_000)
  assert.is((await failure(alice.node.discoverResources('t'))).code, 'ERR_RESOURCE_NO_DIRECTORY')
  assert.is((await failure(alice.dht.resources.discover('t'))).code, 'ERR_PROTOCOL_NOT_REGISTERED')
  assert.equal(codesIn(alice.diary), [])
  assert.equal(idsOf(await quarter.drive(bob.node.discoverResources('t'))), ['x'])
})

dht.run()
