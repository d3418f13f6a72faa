import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { concatBytes } from '../../../lib/foundation/bytes.ts'
import { codesIn } from '../../support/town.ts'
import { settle } from '../../support/until.ts'
import { Mallory, targets } from './support/mallory.ts'
import { failure, Quarter, type Member } from './support/quarter.ts'
import type { DhtParameters } from '../../../lib/protocols/dht/index.node.ts'

const hostile = suite('DHT among liars')

interface Parts { quarter: Quarter; alice: Member; bob: Member; mallory: Mallory; id: string; drive: Quarter['drive'] }

/** Alice and bob, honest, and mallory linked to both, in the table of both. */
async function withMallory(run: (parts: Parts) => Promise<void>, parameters: Partial<DhtParameters> = {}): Promise<void> {
  await using quarter = new Quarter()
  const [alice, bob] = await quarter.members(2, { parameters }) as [Member, Member]
  const mallory = new Mallory()
  const resident = await quarter.town.resident('mallory')
  resident.node.registerProtocol(mallory)
  await quarter.link(resident, alice)
  await quarter.link(resident, bob)
  await mallory.greet(alice.node.id)
  await mallory.greet(bob.node.id)
  await settle()
  await run({ quarter, alice, bob, mallory, id: resident.node.id, drive: promise => quarter.drive(promise) })
}

hostile('what mallory signs in her own name is kept; it is her name that readers see', () => withMallory(async ({ alice, bob, mallory, id, drive }) => {
  assert.is((await mallory.put(alice.node.id, await mallory.record())).verdict, 'stored')
  assert.is((await drive(bob.node.getResource('thing', 'x')))!.creatorPeerId, id)
}))

hostile('a changed frame is refused, charged and never shown', () => withMallory(async ({ alice, bob, mallory, drive }) => {
  const frame = await mallory.record()
  frame[frame.length - 20]! ^= 1
  assert.is((await mallory.put(alice.node.id, frame)).verdict, 'proof')
  assert.equal(codesIn(alice.diary), ['ERR_DHT_BAD_RECORD'])
  assert.is(alice.dht.getStats().records, 0)
  assert.is(await drive(bob.node.getResource('thing', 'x')), null)
}))

hostile('a frame of another type, or with a recipient, is no record', () => withMallory(async ({ alice, mallory }) => {
  assert.is((await mallory.put(alice.node.id, await mallory.record({}, 'answer'))).verdict, 'proof')
  const addressed = await mallory.context_.author({ type: 'record', to: alice.node.id, payload: { type: 'thing', id: 'x', sets: [], seq: 1, created: 1, expires: mallory.context_.clock.now() + 1_000, data: 1, gone: false } })
  assert.is((await mallory.put(alice.node.id, addressed)).verdict, 'proof')
  for (const bad of [{ seq: -1 }, { seq: 1.5 }, { expires: 'soon' as never }, { sets: ['other'] }, { sets: ['thing', 'thing', 'thing', 'thing', 'thing', 'thing'] }, { id: '' }, { gone: 1 as never }]) {
    assert.is((await mallory.put(alice.node.id, await mallory.record(bad))).verdict, 'proof', JSON.stringify(bad))
  }
}))

hostile('a record under a key that is not its own is refused and charged', () => withMallory(async ({ alice, mallory }) => {
  const frame = await mallory.record()
  assert.is((await mallory.put(alice.node.id, frame, { target: targets.item('thing', 'y').bytes })).verdict, 'misplaced')
  assert.is((await mallory.put(alice.node.id, frame, { target: targets.shard('other', 0, 0).bytes, slot: 1 })).verdict, 'misplaced')
  assert.is((await mallory.put(alice.node.id, frame, { target: targets.shard('thing', 0, 0).bytes, slot: 1 })).verdict, 'stored')
  assert.equal(codesIn(alice.diary), ['ERR_DHT_BAD_RECORD', 'ERR_DHT_BAD_RECORD'])
}))

hostile('expired, and ending in more than a day: refused, nobody is charged', () => withMallory(async ({ alice, mallory }) => {
  const nowMs = mallory.context_.clock.now()
  assert.is((await mallory.put(alice.node.id, await mallory.record({ expires: nowMs - 1 }))).verdict, 'expired')
  assert.is((await mallory.put(alice.node.id, await mallory.record({ expires: nowMs + 25 * 3_600_000 }))).verdict, 'ahead')
  assert.equal(codesIn(alice.diary), [])
  assert.is(alice.dht.getStats().records, 0)
}))

hostile('a frame larger than a record may be never reaches the table', () => withMallory(async ({ alice, mallory }) => {
  const error = await failure(mallory.put(alice.node.id, await mallory.record({ data: 'x'.repeat(6_000) })))
  assert.is(error.code, 'ERR_PROTOCOL_REQUEST_REFUSED')
  assert.equal(codesIn(alice.diary), ['ERR_PROTOCOL_BAD_PAYLOAD'])
}))

hostile('an old record does not replace a newer one, replayed or not, and the same one again changes nothing', () => withMallory(async ({ alice, bob, mallory, drive }) => {
  const old = await mallory.record({ seq: 10, data: 'old' })
  const young = await mallory.record({ seq: 11, data: 'new' })
  assert.is((await mallory.put(alice.node.id, old)).verdict, 'stored')
  assert.is((await mallory.put(alice.node.id, young)).verdict, 'stored')
  const refused = await mallory.put(alice.node.id, old)
  assert.equal([refused.verdict, refused.seq], ['stale', 11])
  assert.is((await mallory.put(alice.node.id, young)).verdict, 'stored')
  assert.is((await drive(bob.node.getResource('thing', 'x')))!.data, 'new')
}))

hostile('two records under one number: neither is given out, and the next number heals it', () => withMallory(async ({ alice, bob, mallory, drive }) => {
  assert.is((await mallory.put(alice.node.id, await mallory.record({ seq: 10, data: 'one' }))).verdict, 'stored')
  assert.is((await mallory.put(alice.node.id, await mallory.record({ seq: 10, data: 'two' }))).verdict, 'conflict')
  assert.is(await drive(bob.node.getResource('thing', 'x')), null)
  assert.is((await mallory.put(alice.node.id, await mallory.record({ seq: 11, data: 'three' }))).verdict, 'stored')
  assert.is((await drive(bob.node.getResource('thing', 'x')))!.data, 'three')
}))

hostile('two holders with one number and two values: the reader shows neither', () => withMallory(async ({ alice, bob, mallory, drive }) => {
  const [one, two] = [await mallory.record({ seq: 10, data: 'one' }), await mallory.record({ seq: 10, data: 'two' })]
  await mallory.put(alice.node.id, one)
  mallory.onFind = () => ({ count: 1, frames: [two] })
  assert.is(await drive(bob.node.getResource('thing', 'x')), null)
}))

hostile('an expected number decides: another is refused with the one that is there', () => withMallory(async ({ alice, mallory }) => {
  assert.is((await mallory.put(alice.node.id, await mallory.record({ seq: 10 }), { cas: 5 })).verdict, 'changed')
  assert.is((await mallory.put(alice.node.id, await mallory.record({ seq: 10 }), { cas: 0 })).verdict, 'stored')
  const refused = await mallory.put(alice.node.id, await mallory.record({ seq: 11 }), { cas: 9 })
  assert.equal([refused.verdict, refused.seq], ['changed', 10])
  assert.is((await mallory.put(alice.node.id, await mallory.record({ seq: 11 }), { cas: 10 })).verdict, 'stored')
}))

hostile('without leave from where one writes nothing is written; leave lapses, and is nobody else\'s', () => withMallory(async ({ quarter, alice, bob, mallory }) => {
  const frame = await mallory.record({ expires: mallory.context_.clock.now() + 3_600_000 })
  assert.is((await mallory.put(alice.node.id, frame, { token: new Uint8Array(8) })).verdict, 'token')
  assert.is((await mallory.put(alice.node.id, frame, { token: new Uint8Array(0) })).verdict, 'token')
  const target = targets.item('thing', 'x').bytes
  const { token } = await mallory.ask(alice.node.id, 'find', { target, records: false, token: true })
  assert.is((await mallory.put(bob.node.id, frame, { token })).verdict, 'token')
  await quarter.pass(11 * 60_000, 10_000)
  assert.is((await mallory.put(alice.node.id, frame, { token })).verdict, 'token')
}))

hostile('forged, mis-keyed and expired answers are never shown, and charged to who gave them', () => withMallory(async ({ alice, bob, mallory, id, drive }) => {
  await drive(alice.node.announceResource('thing', 'x', 'true'))
  const forged = await mallory.record({ data: 'false' })
  forged[forged.length - 20]! ^= 1
  const elsewhere = await mallory.record({ id: 'y' })
  const over = await mallory.record({ expires: mallory.context_.clock.now() - 1 })
  mallory.onFind = () => ({ count: 3, frames: [forged, elsewhere, over] })
  const found = await drive(bob.node.getResource('thing', 'x'))
  assert.equal([found!.data, found!.creatorPeerId], ['true', alice.node.id])
  assert.equal(codesIn(bob.diary).filter(code => code === 'ERR_DHT_BAD_RECORD').length, 2)
  assert.is(bob.diary.errors.filter(({ error }) => error.peerId === id).length, 2)
}))

hostile('a withdrawn thing stays withdrawn where mallory still hands out the old record', () => withMallory(async ({ alice, bob, mallory, drive }) => {
  const handle = await drive(alice.node.announceResource('thing', 'x', 'old'))
  const { core } = alice.dht.running
  const [old] = core.held.under(targets.item('thing', 'x').bytes, core.nowMs)
  await drive(handle.withdraw())
  mallory.onFind = ask => (ask.records ? { count: 1, frames: [old!.frame] } : {})
  assert.is(await drive(bob.node.getResource('thing', 'x')), null)
  assert.equal(await drive(bob.node.discoverResources('thing')), [])
}))

hostile('referrals to nobody cost a few questions, and the lookup finds what is there', () => withMallory(async ({ quarter, alice, bob, mallory, drive }) => {
  await drive(alice.node.announceResource('thing', 'x', 'true'))
  let named = 0
  mallory.onFind = () => ({ closer: concatBytes(...Array.from({ length: 20 }, () => concatBytes(new Uint8Array(32).fill(++named % 256), new Uint8Array(4)))) })
  const before = quarter.town.clock.elapsedMs()
  assert.is((await drive(bob.node.getResource('thing', 'x')))!.data, 'true')
  assert.ok(quarter.town.clock.elapsedMs() - before < 5_000)
}))

hostile('rows that are no whole number of nodes are charged', () => withMallory(async ({ alice, bob, mallory, id, drive }) => {
  await drive(alice.node.announceResource('thing', 'x', 'true'))
  mallory.onFind = () => ({ closer: new Uint8Array(37) })
  assert.is((await drive(bob.node.getResource('thing', 'x')))!.data, 'true')
  assert.ok(bob.diary.errors.some(({ error }) => error.code === 'ERR_DHT_BAD_ANSWER' && error.peerId === id))
}))

hostile('one who says that a set has split sends nobody away from what is there', () => withMallory(async ({ alice, bob, mallory, drive }) => {
  mallory.onFind = ask => (ask.records ? { count: 400, split: true } : {})
  await drive(alice.node.announceResource('thing', 'x', 'true'))
  assert.equal((await drive(bob.node.discoverResources('thing'))).map(({ data }) => data), ['true'])
  mallory.onFind = () => ({})
  assert.equal((await drive(bob.node.discoverResources('thing'))).map(({ data }) => data), ['true'])
}))

hostile('lists of things that nobody gives out cost a few questions and hide nothing', () => withMallory(async ({ alice, bob, mallory, drive }) => {
  for (let index = 0; index < 12; index++) await drive(alice.node.announceResource('thing', `t-${index}`, index))
  const rows = new Uint8Array(24 * 512).map((_, index) => (index * 7 + (index >> 8)) & 255)
  for (let at = 16; at < rows.length; at += 24) rows.fill(0, at, at + 3)
  mallory.onFind = ask => (ask.records ? { count: 512 } : {})
  mallory.onList = () => ({ rows, split: false })
  const before = mallory.finds
  assert.is((await drive(bob.node.discoverResources('thing'))).length, 12)
  assert.ok(mallory.finds - before < 8)
}))

hostile('changes that nobody asked her to tell are not heard; a false one is charged', () => withMallory(async ({ quarter, bob, mallory, id }) => {
  const frame = await mallory.record()
  await mallory.say(bob.node.id, 'changed', { target: targets.shard('thing', 0, 0).bytes, frame })
  await settle()
  assert.is(bob.dht.getStats().counters['told-unasked'], 1)
  const stop = new AbortController()
  const seen: unknown[] = []
  const watching = (async () => {
    for await (const { resource } of bob.node.watchResources('thing', undefined, { signal: stop.signal })) seen.push(resource.data)
  })()
  await quarter.pass(1_000)
  const forged = await mallory.record({ data: 'forged' })
  forged[forged.length - 20]! ^= 1
  await mallory.say(bob.node.id, 'changed', { target: targets.shard('thing', 0, 0).bytes, frame: forged })
  await mallory.say(bob.node.id, 'changed', { target: targets.shard('thing', 0, 0).bytes, frame: await mallory.record({ data: 'her own' }) })
  await settle()
  assert.equal(seen, ['her own'])
  assert.ok(bob.diary.errors.some(({ error }) => error.code === 'ERR_DHT_BAD_RECORD' && error.peerId === id))
  stop.abort()
  await quarter.drive(watching)
}))

hostile('a question to be carried in a circle, to nobody, or without a question comes back empty', () => withMallory(async ({ alice, bob, mallory, id }) => {
  const nonce = new Uint8Array(16)
  const find = { target: new Uint8Array(32), records: false, token: false }
  const idBytes = Buffer.from(id, 'hex')
  for (const payload of [{ route: new Uint8Array(idBytes), nonce, find }, { route: new Uint8Array(32).fill(9), nonce, find }, { route: new Uint8Array(33), nonce, find }, { route: new Uint8Array(0), nonce }]) {
    assert.is((await mallory.ask(alice.node.id, 'carry', payload)).frame.length, 0)
  }
  const { frame } = await mallory.ask(alice.node.id, 'carry', { route: new Uint8Array(Buffer.from(bob.node.id, 'hex')), nonce, find })
  assert.is((await mallory.context_.verify(frame)).from, bob.node.id)
  const { counters } = alice.dht.getStats()
  assert.equal([counters['carries-astray'], counters['carries-refused'], counters['carries-empty'], counters.carried], [2, 1, 1, 1])
}))

hostile('who asks to have too much carried is refused, and others are not', () => withMallory(async ({ alice, bob, mallory, drive }) => {
  const ask = () => mallory.ask(alice.node.id, 'carry', { route: new Uint8Array(Buffer.from(bob.node.id, 'hex')), nonce: new Uint8Array(16), find: { target: new Uint8Array(32), records: false, token: false } })
  const sizes: number[] = []
  for (let count = 0; count < 8; count++) sizes.push((await ask()).frame.length)
  assert.is(sizes.filter(size => size === 0).length, 3)
  assert.is(alice.dht.getStats().counters['carries-refused'], 3)
  await drive(bob.node.announceResource('thing', 'x', 1))
}, { carriesPerSecond: 0.001, carriesBurst: 5 }))

hostile('who asks too much is told nothing more until it has rested', () => withMallory(async ({ alice, bob, mallory, drive }) => {
  await drive(bob.node.announceResource('thing', 'x', 1))
  const ask = () => mallory.ask(alice.node.id, 'find', { target: targets.item('thing', 'x').bytes, records: true, token: false })
  const counts: number[] = []
  for (let count = 0; count < 8; count++) counts.push((await ask()).count)
  assert.ok(counts.filter(count => count === 0).length >= 1)
  assert.ok(alice.dht.getStats().counters['asks-refused']! >= 1)
}, { asksPerSecond: 0.001, asksBurst: 7 }))

hostile('she watches no more than a peer may', () => withMallory(async ({ alice, mallory }) => {
  const granted: number[] = []
  for (let count = 0; count < 70; count++) granted.push((await mallory.ask(alice.node.id, 'watch', { target: new Uint8Array(32).fill(count) })).forMs)
  assert.is(granted.filter(forMs => forMs > 0).length, 64)
}))

hostile.run()
