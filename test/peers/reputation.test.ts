import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Standing } from '../../lib/contracts/reputation.ts'
import { DEFAULT_LIMITS } from '../../lib/foundation/limits.ts'
import { MemoryStore } from '../../lib/foundation/memory-store.ts'
import { Reputation, type ReputationOptions } from '../../lib/peers/reputation.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { settle } from '../support/until.ts'

const HOUR_MS = 3_600_000

function made(options: ReputationOptions = {}): { clock: ManualClock; reputation: Reputation; store: MemoryStore } {
  const clock = (options.clock as ManualClock | undefined) ?? new ManualClock()
  const store = (options.store as MemoryStore | undefined) ?? new MemoryStore()
  return { clock, store, reputation: new Reputation({ ...options, clock, store }) }
}

function repeat(reputation: Reputation, peerId: string, behavior: string, times: number): void {
  for (let count = 0; count < times; count++) reputation.recordBehavior(peerId, behavior)
}

const scores = suite('reputation')

scores('a peer nothing is known of has 50; good adds one or two, bad takes two to ten', () => {
  const { reputation } = made()
  assert.is(reputation.getScore('localhost:3009'), 50)
  assert.is(reputation.recordBehavior('localhost:3009', 'peerExchange'), 52)
  assert.is(reputation.recordBehavior('localhost:3009', 'messageSuccess'), 53)
  assert.is(reputation.recordBehavior('localhost:3009', 'messageFailure'), 51)
  assert.is(reputation.recordBehavior('localhost:3009', 'protocolViolation'), 41)
})

scores('it stays between 0 and 100', () => {
  const { reputation } = made()
  repeat(reputation, 'alice', 'peerExchange', 100)
  repeat(reputation, 'mallory', 'protocolViolation', 100)
  assert.equal([reputation.getScore('alice'), reputation.getScore('mallory')], [100, 0])
})

scores('under 20 a peer is to be banned, at 20 not yet', () => {
  const { reputation } = made()
  repeat(reputation, 'mallory', 'protocolViolation', 3)
  assert.equal([reputation.getScore('mallory'), reputation.shouldBan('mallory')], [20, false])
  reputation.recordBehavior('mallory', 'messageFailure')
  assert.equal([reputation.getScore('mallory'), reputation.shouldBan('mallory')], [18, true])
})

scores('credit is gone by half after ten minutes, debt after an hour', () => {
  const { clock, reputation } = made()
  repeat(reputation, 'alice', 'peerExchange', 10)
  repeat(reputation, 'bob', 'spam', 4)
  assert.equal([reputation.getScore('alice'), reputation.getScore('bob')], [70, 30])
  clock.advance(600_000)
  assert.is(reputation.getScore('alice'), 60)
  clock.advance(HOUR_MS - 600_000)
  assert.is(reputation.getScore('bob'), 40)
  clock.advance(24 * HOUR_MS)
  assert.equal([reputation.getScore('alice'), reputation.getScore('bob')], [50, 50])
})

scores('the steps: slowed down under 40, barely heard under 30, refused under 20', () => {
  const told: [string, Standing][] = []
  const { reputation } = made({ onStanding: (peerId, standing) => told.push([peerId, standing]) })
  const seen: Standing[] = []
  for (let count = 0; count < 7; count++) {
    reputation.recordBehavior('mallory', 'spam')
    seen.push(reputation.standingOf('mallory'))
  }
  assert.equal(seen, ['good', 'good', 'throttled', 'throttled', 'graylisted', 'graylisted', 'discouraged'])
  assert.equal(told, [['mallory', 'throttled'], ['mallory', 'graylisted'], ['mallory', 'discouraged']])
})

scores('who was refused for its score stays refused for a day, however the score recovers', () => {
  const { clock, reputation } = made()
  repeat(reputation, 'mallory', 'protocolViolation', 4)
  clock.advance(DEFAULT_LIMITS.discourageMs - 1)
  assert.equal([reputation.getScore('mallory'), reputation.shouldBan('mallory'), reputation.standingOf('mallory')], [50, true, 'discouraged'])
  clock.advance(1)
  assert.equal([reputation.shouldBan('mallory'), reputation.standingOf('mallory'), reputation.banOf('mallory')], [false, 'good', undefined])
})

scores('the best come first, as many as were asked for', () => {
  const { reputation } = made()
  repeat(reputation, 'alice', 'messageSuccess', 3)
  repeat(reputation, 'bob', 'messageSuccess', 5)
  repeat(reputation, 'carol', 'messageFailure', 1)
  assert.equal(reputation.getTopPeers(2), [{ peerId: 'bob', score: 55 }, { peerId: 'alice', score: 53 }])
  assert.is(reputation.getTopPeers(5).length, 3)
})

scores('statistics count peers, standings and behaviours', () => {
  const { reputation } = made()
  repeat(reputation, 'alice', 'messageSuccess', 3)
  repeat(reputation, 'bob', 'spam', 3)
  repeat(reputation, 'carol', 'spam', 5)
  repeat(reputation, 'mallory', 'protocolViolation', 4)
  reputation.ban('trudy', { forMs: 1_000 })
  assert.equal(reputation.getStats(), {
    peers: 4, throttled: 1, graylisted: 1, discouraged: 1, banned: 1, refused: 0,
    behaviors: { messageSuccess: 3, spam: 8, protocolViolation: 4 },
  })
})

scores('behaviours of one\'s own have the points one gives them, and a name without points is refused', () => {
  const { reputation } = made({ behaviors: { deliveredBlock: 2, messageFailure: -3 } })
  assert.equal([reputation.recordBehavior('a', 'deliveredBlock'), reputation.recordBehavior('b', 'messageFailure')], [52, 47])
  assert.throws(() => reputation.recordBehavior('a', 'delivered'), /no behaviour is called "delivered"; there are messageSuccess/)
  assert.throws(() => reputation.recordBehavior('a', 'constructor'), RangeError)
  assert.throws(() => reputation.recordBehavior('', 'spam'), TypeError)
  for (const points of [Number.NaN, 51, -51, Infinity]) assert.throws(() => made({ behaviors: { odd: points } }), /behaviors.odd must be points/)
})

scores('changes are logged as the seed has them', () => {
  const lines: string[] = []
  const nothing = (): void => {}
  const { reputation } = made({ logger: { debug: nothing, warn: nothing, error: nothing, info: text => lines.push(text) } })
  reputation.recordBehavior('localhost:8080', 'peerExchange')
  reputation.recordBehavior('localhost:4000', 'messageFailure')
  assert.equal(lines, ['[Reputation] localhost:8080 | peerExchange (+2) | Score: 50 → 52', '[Reputation] localhost:4000 | messageFailure (-2) | Score: 50 → 48'])
})

scores('forgiving forgets scores and bans', async () => {
  const { reputation, store } = made()
  repeat(reputation, 'mallory', 'protocolViolation', 4)
  reputation.forgive('mallory')
  assert.equal([reputation.getScore('mallory'), reputation.shouldBan('mallory')], [50, false])
  await reputation.close()
  for await (const [key] of store.entries('')) assert.unreachable(`${key} is still in the store`)
})

scores('a time that does not end is no ban without proof', () => {
  const { reputation } = made()
  for (const forMs of [Infinity, Number.NaN, 0, -1]) assert.throws(() => reputation.ban('mallory', { forMs }), /only a proof bans for good/)
  assert.throws(() => reputation.ban('mallory', { proof: Uint8Array.of(1, 2, 3) }), /the proof shows nothing/)
  assert.not.ok(reputation.shouldBan('mallory'))
})

scores('on a private network what the house charges slows nobody down, what the application records does', () => {
  const { reputation } = made({ isPrivate: () => true })
  for (let count = 0; count < 500; count++) {
    reputation.charge('bob', 'ERR_WIRE_BAD_SIGNATURE')
    reputation.chargeCut('bob', 'ERR_WIRE_BAD_SIGNATURE')
  }
  assert.equal([reputation.getScore('bob'), reputation.standingOf('bob')], [40, 'good'])
  repeat(reputation, 'bob', 'protocolViolation', 3)
  assert.ok(reputation.shouldBan('bob'))
})

scores('a bad name is not paid off by the floor of a private network', () => {
  let isPrivate = false
  const { reputation } = made({ isPrivate: () => isPrivate })
  repeat(reputation, 'mallory', 'protocolViolation', 2)
  isPrivate = true
  reputation.charge('mallory', 'ERR_WIRE_MALFORMED')
  assert.is(reputation.getScore('mallory'), 30)
})

const kept = suite('reputation, kept and bounded')

kept('scores and bans survive a restart, and age while the process is down', async () => {
  const { clock, store, reputation } = made()
  repeat(reputation, 'bob', 'spam', 4)
  repeat(reputation, 'mallory', 'protocolViolation', 4)
  reputation.ban('trudy', { forMs: 2 * HOUR_MS })
  await reputation.close()
  clock.advance(HOUR_MS)
  const { reputation: again } = made({ store, clock: new ManualClock(clock.now()) })
  await again.load()
  assert.is(again.getScore('bob'), 40)
  assert.equal([again.standingOf('mallory'), again.standingOf('trudy')], ['discouraged', 'banned'])
  assert.is(again.banOf('trudy')!.untilMs - clock.now(), HOUR_MS)
})

kept('six hours without a word forget a score; a day, who was refused for it', async () => {
  const { clock, store, reputation } = made()
  repeat(reputation, 'bob', 'spam', 4)
  repeat(reputation, 'mallory', 'protocolViolation', 4)
  await reputation.close()
  clock.advance(6 * HOUR_MS)
  const { reputation: later } = made({ store, clock: new ManualClock(clock.now()) })
  await later.load()
  assert.equal([later.getStats().peers, later.standingOf('mallory')], [0, 'discouraged'])
  clock.advance(18 * HOUR_MS)
  const { reputation: nextDay } = made({ store, clock: new ManualClock(clock.now()) })
  await nextDay.load()
  await nextDay.close()
  assert.equal([nextDay.standingOf('mallory'), [...await keysOf(store)].filter(key => key.startsWith('ban/'))], ['good', []])
})

kept('sweeping drops what says nothing any more', () => {
  const { clock, reputation } = made()
  repeat(reputation, 'alice', 'messageSuccess', 2)
  repeat(reputation, 'bob', 'spam', 4)
  clock.advance(2 * HOUR_MS)
  reputation.sweep()
  assert.equal(reputation.getTopPeers(9).map(({ peerId }) => peerId), ['bob'])
  clock.advance(4 * HOUR_MS)
  reputation.sweep()
  assert.is(reputation.getStats().peers, 0)
})

kept('a wall clock that was set back lengthens no day of refusal and makes no score older', async () => {
  const { clock, store, reputation } = made()
  repeat(reputation, 'bob', 'spam', 4)
  repeat(reputation, 'mallory', 'protocolViolation', 4)
  await reputation.close()
  const back = new ManualClock(clock.now() - 100 * 24 * HOUR_MS)
  const { reputation: again } = made({ store, clock: back })
  await again.load()
  assert.is(again.getScore('bob'), 30)
  back.advance(DEFAULT_LIMITS.discourageMs)
  assert.not.ok(again.shouldBan('mallory'))
})

kept('scores are written ten seconds after they changed, all in one go', async () => {
  const { clock, store, reputation } = made()
  repeat(reputation, 'bob', 'spam', 40)
  assert.equal([clock.timers, (await keysOf(store)).filter(key => key.startsWith('reputation/'))], [1, []])
  clock.advance(10_000)
  await settle()
  assert.equal([clock.timers, (await keysOf(store)).filter(key => key.startsWith('reputation/'))], [0, ['reputation/bob']])
})

kept('a ban is written at once, and closing leaves no timer', async () => {
  const { clock, store, reputation } = made()
  reputation.ban('trudy', { forMs: 1_000 })
  await settle()
  assert.equal(await keysOf(store), ['ban/trudy'])
  reputation.recordBehavior('bob', 'spam')
  await reputation.close()
  assert.equal([clock.timers, await keysOf(store)], [0, ['ban/trudy', 'reputation/bob']])
})

kept('a crowd of new keys cannot have bad names forgotten', () => {
  const { reputation } = made({ limits: { ...DEFAULT_LIMITS, reputationPeersMax: 64 } })
  for (let index = 0; index < 10; index++) repeat(reputation, `bad ${index}`, 'spam', 3)
  for (let index = 0; index < 1_000; index++) reputation.recordBehavior(`new ${index}`, 'messageFailure')
  assert.ok(reputation.getStats().peers <= 64)
  for (let index = 0; index < 10; index++) assert.is(reputation.getScore(`bad ${index}`), 35)
})

kept('past their bound the ban that would end first goes', () => {
  const { reputation } = made({ limits: { ...DEFAULT_LIMITS, bansMax: 8 } })
  reputation.ban('soon', { forMs: 10 })
  for (let index = 0; index < 8; index++) reputation.ban(`later ${index}`, { forMs: 1_000 + index })
  assert.equal([reputation.bans().length, reputation.shouldBan('soon')], [8, false])
})

kept('a longer ban stands against a shorter one', () => {
  const { clock, reputation } = made()
  reputation.ban('mallory', { forMs: 1_000 })
  reputation.ban('mallory', { forMs: 10 })
  clock.advance(500)
  assert.ok(reputation.shouldBan('mallory'))
})

kept('junk on the disk is told of, removed and does no harm', async () => {
  const store = new MemoryStore()
  await store.put('ban/mallory', Uint8Array.of(0xff))
  await store.put('ban/trudy', Uint8Array.of(0x85, 1, 0x66, ...new TextEncoder().encode('banned'), 0xf6, 0x61, 0x61, 0xf6))
  await store.put('reputation/bob', Uint8Array.of(0x80))
  const failures: string[] = []
  const { reputation } = made({ store, onFailure: error => failures.push(error.code) })
  await reputation.load()
  await reputation.close()
  assert.equal(failures, Array(3).fill('ERR_PEER_RECORD_LOST'))
  assert.equal([reputation.bans(), await keysOf(store)], [[], []], 'trudy\'s ban has no end and no proof')
})

kept('a store that fails is told of, and what is known holds until the end', async () => {
  const failures: string[] = []
  const store = Object.assign(new MemoryStore(), { put: () => Promise.reject(new Error('the disk is full')) })
  const { reputation } = made({ store, onFailure: error => failures.push(error.message) })
  reputation.ban('trudy', { forMs: 1_000 })
  reputation.recordBehavior('bob', 'spam')
  await reputation.close()
  assert.is(failures.length, 2)
  assert.match(failures[0]!, /the disk is full; it holds until this process ends/)
  assert.ok(reputation.shouldBan('trudy'))
})

kept('a store that cannot be read fails the loading, and is asked again', async () => {
  let isBroken = true
  const store = new MemoryStore()
  const entries = store.entries.bind(store)
  store.entries = async function * (...args) {
    if (isBroken) throw new Error('not now')
    yield* entries(...args)
  }
  const { reputation } = made({ store })
  await reputation.load().then(() => assert.unreachable(), (error: Error) => assert.is(error.message, 'not now'))
  isBroken = false
  await reputation.load()
})

async function keysOf(store: MemoryStore): Promise<string[]> {
  const keys: string[] = []
  for await (const [key] of store.entries('')) keys.push(key)
  return keys
}

scores.run()
kept.run()
