import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PeerExchange } from '../../../lib/protocols/exchange/index.ts'
import { Backoffs, Hearsay } from '../../../lib/protocols/exchange/hearsay.ts'
import { BACKOFFS_MAX, DIALS_MAX, HEARSAY_MAX, HEARSAY_PER_SOURCE_MAX, STANDINGS_MAX } from '../../../lib/protocols/exchange/limits.ts'
import { checkedOptions } from '../../../lib/protocols/exchange/options.ts'
import { Standings } from '../../../lib/protocols/exchange/peer.ts'
import { groupOf } from '../../../lib/protocols/exchange/record.ts'
import { idOf, many, recordOf, Rig, toWhom } from './support/rig.ts'

const dialling = suite('exchange: dialling')

/** A node that a source has told of these. */
function told(names: readonly string[], { target = 4, source = 'alice', groups = [] as (string | undefined)[] } = {}): { rig: Rig; dialled: string[] } {
  const rig = new Rig({ outboundTarget: target })
  rig.join(source)
  const dialled = names.flatMap((name, index) => toWhom(rig.check(rig.list(source, [recordOf(name)]), groups[index] === undefined ? {} : { group: groups[index] }), 'dial'))
  return { rig, dialled }
}

dialling('who is heard of is dialled at once, until there are links enough', () => {
  const { rig, dialled } = told(many(5), { target: 2 })
  assert.is(dialled.length, 2)
  const [first, second] = dialled as [string, string]
  assert.equal(toWhom([...rig.dialled(first, 'linked'), ...rig.dialled(second, 'linked')], 'dial'), [])
  assert.is(rig.state.stats.outbound, 2)
  assert.is(toWhom(rig.leave(first), 'dial').length, 1, 'and again when one goes')
})

dialling('the target can be changed while it runs: up it dials, down it lets be', () => {
  const { rig, dialled } = told(['carol', 'dave'], { target: 1 })
  assert.equal(dialled, ['carol'])
  rig.dialled('carol', 'linked')
  assert.equal(toWhom(rig.feed({ kind: 'target', count: 2 }), 'dial'), ['dave'])
  rig.feed({ kind: 'target', count: 0 })
  assert.equal(toWhom([...rig.dialled('dave', 'failed'), ...rig.leave('carol')], 'dial'), [])
})

dialling('inbound links do not count: an attacker can make as many as it likes', () => {
  const { rig, dialled } = told(['carol'], { target: 1 })
  assert.equal(dialled, ['carol'])
  rig.dialled('carol', 'failed')
  for (const name of many(20, 'in')) rig.join(name)
  assert.equal(toWhom(rig.check(rig.list('alice', [recordOf('dave')])), 'dial'), ['dave'])
})

dialling(`${DIALS_MAX} dials are under way at once; one that ends makes room`, () => {
  const { rig, dialled } = told(many(10), { target: 8 })
  assert.is(dialled.length, DIALS_MAX)
  assert.is(toWhom(rig.dialled(dialled[0]!, 'failed'), 'dial').length, 1)
})

dialling('nobody is dialled who is linked, under way, ourselves, or below zero', () => {
  const rig = new Rig({ outboundTarget: 9 })
  rig.join('alice')
  rig.join('linked')
  rig.scores.set('bad', -1)
  const effects = ['linked', 'me', 'bad', 'good', 'good'].flatMap((name, index) => rig.check(rig.list('alice', [recordOf(name, index)])))
  assert.equal(toWhom(effects, 'dial'), ['good'])
})

dialling('a dial that failed is not tried again for 30 s, then 60 s, and so on to 30 min', () => {
  const rig = new Rig({ outboundTarget: 1, sample: () => [idOf('carol')] })
  assert.equal(toWhom(rig.out, 'dial'), ['carol'])
  const waits: number[] = []
  for (let tries = 0; tries < 9; tries++) {
    rig.dialled('carol', 'failed')
    const from = rig.nowMs
    while (rig.state.stats.dialling === 0) rig.fire('round')
    waits.push(rig.nowMs - from)
  }
  const expected = [30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800].map(seconds => seconds * 1_000)
  waits.forEach((wait, index) => assert.ok(wait >= expected[index]! && wait < expected[index]! + 66_000, `${wait} for ${expected[index]}`))
})

dialling('a peer without room is tried later and says nothing against who named it', () => {
  const { rig, dialled } = told(many(12), { target: 12 })
  for (const name of dialled) rig.dialled(name, 'full-there')
  assert.is(rig.list('alice', [recordOf('more')]).filter(({ kind }) => kind === 'check').length, 1)
})

dialling('a node without room itself stops until the next round', () => {
  const { rig, dialled } = told(['carol', 'dave'], { target: 4 })
  assert.equal(dialled, ['carol', 'dave'])
  assert.equal(toWhom([...rig.dialled('carol', 'full-here'), ...rig.dialled('dave', 'full-here')], 'dial'), [])
  assert.is(toWhom(rig.fire('round'), 'dial').length, 2)
})

dialling('a source whose records lead nowhere is not heeded any more, and the rest of what it told is forgotten', () => {
  const { rig } = told(many(30, 'dead'), { target: 30, source: 'mallory' })
  let dialled = 0
  for (let [name] = toWhom(rig.out, 'dial'); name !== undefined; name = toWhom(rig.out, 'dial')[dialled]) {
    rig.dialled(name, 'failed')
    dialled++
  }
  assert.ok(dialled <= 5 + DIALS_MAX, `${dialled} of 30 were dialled`)
  assert.is(rig.state.stats.hearsay, 0)
  assert.equal(rig.list('mallory', [recordOf('more')]), [])
})

dialling('what was being checked when its source fell is dropped', () => {
  const rig = new Rig({ outboundTarget: 30 })
  rig.join('mallory')
  const checks = rig.list('mallory', many(30, 'dead').map(name => recordOf(name)))
  let dialled = 0
  for (const check of checks) for (const name of toWhom(rig.check([check]), 'dial')) {
    dialled++
    rig.dialled(name, 'failed')
  }
  assert.is(dialled, 5)
  assert.equal([rig.state.stats.checking, rig.counted('told-by-misbehaving')], [0, 25])
})

dialling('two who dial each other have both found each other, whichever link stays', () => {
  const { rig, dialled } = told(['carol', 'dave'], { target: 1 })
  assert.equal(dialled, ['carol'])
  rig.join('carol')
  assert.equal(toWhom(rig.feed({ kind: 'dialled', to: idOf('carol'), outcome: 'linked' }), 'dial'), [])
  assert.is(rig.state.stats.outbound, 1)
})

dialling('who tells much does not decide whom we meet: sources take turns by lot', () => {
  let honest = 0
  for (let seed = 0; seed < 40; seed++) {
    const rig = new Rig({ outboundTarget: 1, random: lot(seed) })
    rig.join('mallory')
    rig.join('alice')
    // Nothing is dialled while this dial is under way.
    rig.check(rig.list('alice', [recordOf('first')]))
    rig.check(rig.list('mallory', many(64, 'sybil').map(name => recordOf(name))))
    rig.check(rig.list('alice', [recordOf('honest')]))
    if (toWhom(rig.dialled('first', 'failed'), 'dial')[0] === 'honest') honest++
  }
  assert.ok(honest >= 10 && honest <= 30, `${honest} of 40, where by heads it would be 1`)
})

function lot(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
}

dialling('one of each netgroup while there is a choice, and another where there is none', () => {
  const { dialled } = told(['a1', 'a2', 'b1'], { target: 2, groups: ['1.1', '1.1', '2.2'] })
  assert.equal(dialled, ['a1', 'a2'], 'where only one group was heard of')
  for (let seed = 0; seed < 10; seed++) {
    const rig = new Rig({ outboundTarget: 2, random: lot(seed) })
    rig.join('alice')
    rig.join('linked', { outbound: true, group: '1.1' })
    assert.equal(toWhom(rig.check(rig.list('alice', [recordOf('first')]), { group: '1.1' }), 'dial'), ['first'])
    for (const name of many(8, 'same')) rig.check(rig.list('alice', [recordOf(name)]), { group: '1.1' })
    rig.check(rig.list('alice', [recordOf('other')]), { group: '2.2' })
    assert.equal(toWhom(rig.dialled('first', 'failed'), 'dial'), ['other'])
  }
})

dialling('netgroups are /16 and /32; hosts of one\'s own network and names have none', () => {
  assert.equal(['ws://8.8.4.4:1', 'wss://[2001:db8:1::5]:9000/x', 'ws://8.8.9.9', 'ws://10.0.0.1:4', 'ws://127.0.0.1:1', 'ws://[::1]:5', 'ws://[fd00::1]:5', 'ws://example.org:9', 'memory:x', undefined].map(groupOf),
    ['8.8', '2001:db8', '8.8', undefined, undefined, undefined, undefined, undefined, undefined, undefined])
})

dialling('where nobody was heard of, the node\'s address book is asked, once a round', () => {
  let asked = 0
  const rig = new Rig({ outboundTarget: 2, sample: () => (asked++, [idOf('known')]) })
  assert.equal(toWhom(rig.out, 'dial'), ['known'])
  for (const name of many(10)) rig.join(name)
  assert.is(asked, 1)
  rig.fire('round')
  assert.is(asked, 2)
})

dialling('bootstrap addresses are dialled while there is no link of our own making: after 1 s, then 2 s, to 30 s', () => {
  const rig = new Rig({ hasBootstrap: true })
  const waits: number[] = []
  for (let tries = 0; tries < 8; tries++) {
    const from = rig.nowMs
    assert.equal(rig.fire('bootstrap')[0]?.kind, 'bootstrap')
    waits.push(rig.nowMs - from)
  }
  assert.equal(waits, [1, 2, 4, 8, 16, 30, 30, 30].map(seconds => seconds * 1_000))
  rig.join('mallory')
  assert.equal(rig.fire('bootstrap')[0]?.kind, 'bootstrap', 'a link that somebody else made keeps nobody from it')
  rig.join('alice')
  rig.feed({ kind: 'reached', from: idOf('alice') })
  assert.equal(rig.fire('bootstrap'), [])
  rig.join('bob', { outbound: true })
  rig.leave('bob')
  const [planned] = rig.leave('alice').filter(({ kind }) => kind === 'schedule')
  assert.is(planned?.kind === 'schedule' && planned.delayMs, 1_000, 'it begins anew')
})

dialling(`${HEARSAY_MAX} are heard of, ${HEARSAY_PER_SOURCE_MAX} from one source, for an hour`, () => {
  const hearsay = new Hearsay()
  const add = (peerId: string, source: string, heardAtMs = 0): boolean => hearsay.add({ peerId, source, heardAtMs, record: recordOf(peerId), statedAtMs: 0, group: undefined, isTaken: false })
  for (let index = 0; index < HEARSAY_PER_SOURCE_MAX; index++) assert.ok(add(`a${index}`, 'alice'))
  assert.not(add('more', 'alice'))
  for (let index = 0; index < HEARSAY_MAX; index++) add(`b${index}`, `source ${index >> 6}`, 1)
  assert.equal([hearsay.size, hearsay.has('a0'), hearsay.has(`b${HEARSAY_MAX - 1}`)], [HEARSAY_MAX, false, true])
  hearsay.expire(3_600_000)
  assert.is(hearsay.size, HEARSAY_MAX)
  hearsay.expire(3_600_001)
  assert.is(hearsay.size, 0)
})

dialling(`${BACKOFFS_MAX} failed keys and ${STANDINGS_MAX} sources are remembered`, () => {
  const backoffs = new Backoffs()
  for (let index = 0; index <= BACKOFFS_MAX; index++) backoffs.failed(`k${index}`, 0)
  assert.equal([backoffs.size, backoffs.waits('k0', 1), backoffs.waits('k1', 1)], [BACKOFFS_MAX, false, true])
  backoffs.expire(30_000 + 1_800_000)
  assert.is(backoffs.size, 0)
  const standings = new Standings({ elapsedMs: () => 0 })
  for (let index = 0; index <= STANDINGS_MAX; index++) standings.change(`s${index}`, -5)
  assert.equal([standings.size, standings.valueOf('s0'), standings.valueOf('s1')], [STANDINGS_MAX, 2, -3])
})

dialling('the target is an eighth of the connections, at least 4, at most half, or what the caller says', () => {
  assert.equal([96, 50, 24, 8, 3, 1].map(maxConnections => checkedOptions({ maxConnections }).outboundTarget), [12, 6, 4, 4, 2, 1])
  assert.is(checkedOptions({}).outboundTarget, 6)
  assert.is(checkedOptions({ outboundTarget: 0 }).outboundTarget, 0)
})

dialling('options that cannot work are refused with what was expected', () => {
  assert.throws(() => new PeerExchange({ outboundTarget: 51 }), /outboundTarget must be a whole number from 0 to maxConnections \(50\), got 51/)
  assert.throws(() => new PeerExchange({ maxConnections: 0 }), /maxConnections must be a whole number above 0/)
  assert.throws(() => new PeerExchange({ bootstrap: 'ws://x' as never }), /parseBootstrap/)
  assert.throws(() => new PeerExchange({ bootstrap: many(65) }), /at most 64 bootstrap addresses/)
  assert.throws(() => new PeerExchange().getStats(), (error: { code?: string }) => error.code === 'ERR_PROTOCOL_NOT_REGISTERED')
})

dialling.run()
