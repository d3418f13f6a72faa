import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { judgeInbound, leastUseful, type InboundPeer, type InboundRules } from '../../lib/peers/inbound-eviction.ts'

const test = suite('who has to go when somebody dials us')

const rankOf = (group: string): number => [...group].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 9_973, 7)
const rules: InboundRules = { inboundMax: 20, perSubnetMax: 4, rareShare: 0.1, rankOf }
const peer = (n: number, fields: Partial<InboundPeer> = {}): InboundPeer => ({
  id: `${n}`, group: `g${n}`, subnet: `s${n}`, sinceMs: n, roundTripMs: undefined, novelAtMs: undefined, usefulAtMs: undefined, ...fields,
})
const crowd = (count: number, fields: (n: number) => Partial<InboundPeer> = () => ({})): InboundPeer[] => Array.from({ length: count }, (_, n) => peer(n, fields(n)))

test('while there is room everybody is let in, and nobody has to go', () => {
  assert.equal(judgeInbound(peer(99), crowd(17), rules), { kind: 'admit' })
})

test('a fifth from one subnet is refused, however much room there is', () => {
  const inbound = crowd(4, () => ({ subnet: 's' }))
  assert.equal(judgeInbound(peer(9, { subnet: 's' }), inbound, rules), { kind: 'refuse', why: 'subnet' })
  assert.equal(judgeInbound(peer(9), inbound, rules), { kind: 'admit' })
})

test('the last tenth of the places is for netgroups that nobody is in', () => {
  const inbound = crowd(18)
  assert.is(judgeInbound(peer(99, { group: 'g3' }), inbound, rules).kind, 'evict')
  assert.is(judgeInbound(peer(99, { group: 'new' }), inbound, rules).kind, 'admit')
  assert.is(judgeInbound(peer(99, { group: 'new' }), crowd(20), rules).kind, 'evict')
})

test('without that share the crowd takes the last places too: the check can fail', () => {
  assert.equal(judgeInbound(peer(99, { group: 'g3' }), crowd(18), { ...rules, rareShare: 0 }), { kind: 'admit' })
})

test('whoever goes is the youngest of the most crowded netgroup', () => {
  const inbound = [...crowd(40), ...Array.from({ length: 20 }, (_, n) => peer(100 + n, { group: 'crowd' }))]
  assert.is(leastUseful(inbound, rules), '119')
})

for (const [what, fields] of [
  ['is near', { roundTripMs: 1 }],
  ['brought new gossip', { novelAtMs: 1_000 }],
  ['gave useful answers', { usefulAtMs: 1_000 }],
] as const) {
  test(`whoever ${what} stays, though it is the youngest of the most crowded netgroup`, () => {
    const others = Array.from({ length: 80 }, (_, n) => peer(n, { group: 'crowd', roundTripMs: 50 + n, novelAtMs: 1, usefulAtMs: 1 }))
    const last = peer(500, { group: 'crowd', roundTripMs: 500, ...fields })
    assert.is.not(leastUseful([...others, last], rules), '500')
    assert.is(leastUseful([...others, peer(500, { group: 'crowd', roundTripMs: 500 })], rules), '500', 'and without that it goes')
  })
}

test('the older half of the rest stays', () => {
  for (let count = 20; count < 100; count += 13) {
    const gone = Number(leastUseful(crowd(count, () => ({ group: 'all' })), rules))
    assert.ok(gone >= count / 2, `${gone} of ${count}`)
  }
})

test('one peer each of some netgroups stays, and which nobody can foretell', () => {
  const inbound = [peer(1_000, { group: 'alone' }), ...crowd(60, n => ({ group: n < 30 ? 'a' : 'b' }))]
  const youngFirst = { rankOf: (group: string) => (group === 'alone' ? 0 : 1) }
  assert.is.not(leastUseful(inbound, youngFirst), '1000')
})

test('somebody is always found among many, and is one of them', () => {
  const arbitrary = fc.array(fc.record({
    group: fc.constantFrom('a', 'b', 'c', 'd', 'e'), subnet: fc.string(), sinceMs: fc.nat(1_000), roundTripMs: fc.option(fc.nat(500), { nil: undefined }),
    novelAtMs: fc.option(fc.nat(), { nil: undefined }), usefulAtMs: fc.option(fc.nat(), { nil: undefined }),
  }), { minLength: 20, maxLength: 100 })
  fc.assert(fc.property(arbitrary, peers => {
    const inbound = peers.map((fields, n) => ({ id: `${n}`, ...fields }))
    const gone = leastUseful(inbound, rules)
    assert.ok(gone !== undefined && inbound.some(({ id }) => id === gone))
  }), { numRuns: 300 })
  assert.is(leastUseful([], rules), undefined)
})

test('an attacker who fills every place cannot push out those who were useful before', () => {
  let inbound = crowd(80, n => ({ group: `honest${n % 60}`, roundTripMs: 20 + n, sinceMs: n, novelAtMs: n % 3 === 0 ? n : undefined, usefulAtMs: n % 4 === 0 ? n : undefined }))
  const wide = { ...rules, inboundMax: 80 }
  for (let n = 0; n < 5_000; n++) {
    const newcomer = peer(10_000 + n, { group: `evil${n % 32}`, subnet: `evil${n % 32}`, roundTripMs: 10, sinceMs: 1_000 + n })
    const verdict = judgeInbound(newcomer, inbound, wide)
    if (verdict.kind === 'refuse') continue
    if (verdict.kind === 'evict') inbound = inbound.filter(({ id }) => id !== verdict.id)
    inbound.push(newcomer)
  }
  const honest = inbound.filter(({ group }) => group.startsWith('honest')).length
  assert.ok(honest >= 20, `${honest} of 80 are honest`)
  assert.ok(inbound.length <= 80)
})

test.run()
