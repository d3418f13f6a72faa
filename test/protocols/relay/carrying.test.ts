import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PENDING_MAX, PENDING_PER_NEIGHBOUR_MAX, ROUTES_MAX, WAYS_MAX } from '../../../lib/protocols/relay/limits.ts'
import { Routes } from '../../../lib/protocols/relay/routes.ts'
import { charged, idOf, Rig, sealed, tagOf, told } from './support/rig.ts'

const carrying = suite('relay: carrying')

/** A node between alice and bob that knows bob as the way to the target. */
function between(options = {}): Rig {
  const rig = new Rig(options)
  rig.join('alice', 'bob', 'carol')
  rig.teach('bob', { from: 'alice', tag: 77 })
  return rig
}

carrying('an envelope goes one way, with one hop less, and its receipt comes back', () => {
  const rig = between()
  const effects = rig.carry('alice', 1, { hops: 7 })
  assert.equal(told(effects), ['carry>bob'])
  const [handed] = effects
  assert.is(handed?.kind === 'hand-on' && handed.payload.hops, 6)
  assert.is(rig.state.stats.pending, 1)
  assert.equal(told(rig.receipt('bob', tagOf(1))), ['receipt>alice'])
  assert.is(rig.state.stats.pending, 0)
  assert.equal(told(rig.receipt('bob', tagOf(1))), [], 'once')
})

carrying('without a way it is given back, never flooded', () => {
  const rig = new Rig()
  rig.join('alice', 'bob', 'carol')
  assert.equal(told(rig.carry('alice', 1)), ['lost>alice'])
})

carrying('with its last hop, or back where it came from, it does not go', () => {
  const rig = between()
  assert.equal(told(rig.carry('alice', 1, { hops: 1 })), ['lost>alice'])
  assert.equal(told(rig.carry('bob', 2)), ['lost>bob'])
})

carrying('the same attempt again is a loop and is given back; the next attempt goes another way', () => {
  const rig = between()
  rig.found('carol', 77)
  assert.equal(told(rig.carry('alice', 1)), ['carry>bob'])
  assert.equal(told(rig.carry('carol', 1)), ['lost>carol'])
  assert.is(rig.counted('loop'), 1)
  assert.equal(told(rig.carry('alice', 1, { attempt: 1 })), ['carry>carol'])
})

carrying('what is not sealed is not carried, and is a breach', () => {
  const rig = between()
  const effects = rig.carry('alice', 1, { bytes: new Uint8Array(100).fill(1) })
  assert.equal([charged(effects), told(effects)], [['ERR_RELAY_BREACH alice'], []])
})

carrying('200 envelopes of one neighbour at once and 50 a second; the others lose nothing', () => {
  const rig = between({ bytesPerSecond: 1e9 })
  for (let tag = 0; tag < 200; tag++) assert.equal(told(rig.carry('alice', tag)), ['carry>bob'])
  assert.equal(told(rig.carry('alice', 200)), ['lost>alice'])
  assert.is(rig.counted('carries-over'), 1)
  assert.equal(told(rig.carry('carol', 201)), ['carry>bob'])
  rig.pass(100)
  for (let tag = 300; tag < 305; tag++) assert.equal(told(rig.carry('alice', tag)), ['carry>bob'])
  assert.equal(told(rig.carry('alice', 305)), ['lost>alice'])
})

carrying('a mebibyte of one neighbour at once and a quarter of one a second', () => {
  const rig = between({ bytesPerSecond: 1e9 })
  const bytes = sealed(64 * 1024)
  for (let tag = 0; tag < 16; tag++) assert.equal(told(rig.carry('alice', tag, { bytes })), ['carry>bob'])
  assert.equal(told(rig.carry('alice', 16, { bytes })), ['lost>alice'])
  rig.pass(250)
  assert.equal(told(rig.carry('alice', 17, { bytes })), ['carry>bob'])
})

carrying('of all neighbours together four seconds\' worth at once', () => {
  const rig = between({ bytesPerSecond: 32 * 1024 })
  const bytes = sealed(64 * 1024)
  assert.equal(told([...rig.carry('alice', 1, { bytes }), ...rig.carry('carol', 2, { bytes }), ...rig.carry('alice', 3, { bytes })]), ['carry>bob', 'carry>bob', 'lost>alice'])
  assert.is(rig.counted('bytes-over'), 1)
})

carrying(`${PENDING_PER_NEIGHBOUR_MAX} envelopes of one neighbour are under way, no more`, () => {
  const rig = between({ bytesPerSecond: 1e9 })
  for (let tag = 0; tag < PENDING_PER_NEIGHBOUR_MAX; tag++) {
    rig.pass(20)
    assert.equal(told(rig.carry('alice', tag)), ['carry>bob'])
  }
  rig.pass(20)
  assert.equal(told(rig.carry('alice', 999)), ['lost>alice'])
  assert.is(rig.counted('pending-full'), 1)
  rig.receipt('bob', tagOf(3))
  rig.pass(20)
  assert.equal(told(rig.carry('alice', 1_000)), ['carry>bob'])
})

carrying(`${PENDING_MAX} envelopes of all neighbours are under way, no more`, () => {
  const rig = between({ bytesPerSecond: 1e9 })
  const names = Array.from({ length: PENDING_MAX / 200 + 1 }, (_, index) => `n${index}`)
  rig.join(...names)
  for (let tag = 0; tag < PENDING_MAX; tag++) assert.equal(told(rig.carry(names[Math.floor(tag / 200)]!, tag)), ['carry>bob'])
  assert.equal(told(rig.carry('alice', 99_999)), ['lost>alice'])
  assert.is(rig.state.stats.pending, PENDING_MAX)
})

carrying('a receipt with another digest, id or author is charged to the hop, and the true one still passes', () => {
  for (const says of [{ digest: 'd2' }, { id: 'ff' }, { by: idOf('mallory') }]) {
    const rig = between()
    rig.carry('alice', 1)
    const effects = rig.receipt('bob', tagOf(1), { says })
    assert.equal([charged(effects), told(effects)], [['ERR_RELAY_FORGED bob'], []])
    assert.equal(told(rig.receipt('bob', tagOf(1))), ['receipt>alice'])
  }
})

carrying('a receipt from another neighbour than the one that was handed the envelope costs no check, and a stream of them is a breach', () => {
  const rig = between()
  rig.carry('alice', 1)
  for (let count = 0; count < 50; count++) assert.equal(rig.receipt('carol', tagOf(1)), [])
  assert.equal(charged(rig.receipt('carol', tagOf(1))), ['ERR_RELAY_BREACH carol'])
  assert.is(rig.state.stats.pending, 1)
  assert.equal(rig.receipt('bob', tagOf(1), { target: 'carol' }), [], 'likewise one under another key')
})

carrying('what is lost behind is told in front, and the way is forgotten; where it was only busy the way stays', () => {
  const rig = between()
  rig.carry('alice', 1)
  assert.equal(rig.lost('carol', tagOf(1)), [], 'not by whom it was not given to')
  assert.equal(told(rig.lost('bob', tagOf(1), 0, 'busy')), ['lost>alice'])
  rig.carry('alice', 2)
  assert.equal(told(rig.lost('bob', tagOf(2))), ['lost>alice'])
  assert.equal(told(rig.carry('alice', 3)), ['lost>alice'])
  assert.is(rig.counted('no-way'), 1)
})

carrying('an envelope that cannot be sent on is given back as busy', () => {
  const rig = between()
  rig.carry('alice', 1)
  const effects = rig.feed({ kind: 'unsent', to: idOf('bob'), id: Buffer.from(tagOf(1)).toString('hex'), attempt: 0 })
  assert.ok(effects.some(effect => effect.kind === 'send' && effect.type === 'lost' && effect.payload.why === 'busy'))
  assert.is(rig.state.stats.pending, 0)
})

carrying('after ten seconds without a receipt an envelope is forgotten, and so is the way that swallowed it', () => {
  const rig = between()
  rig.carry('alice', 1)
  rig.pass(4_000)
  rig.fire('sweep')
  assert.is(rig.state.stats.pending, 1)
  rig.fire('sweep')
  assert.equal([rig.state.stats.pending, rig.counted('pending-expired')], [0, 1])
  assert.equal(told(rig.carry('alice', 2)), ['lost>alice'])
})

carrying('a neighbour goes: what it had is told lost, its ways are forgotten, and what was for it is dropped', () => {
  const rig = between()
  rig.carry('alice', 1)
  assert.equal(told(rig.leave('bob')), ['lost>alice'])
  const other = between()
  other.carry('alice', 1)
  assert.equal(told(other.leave('alice')), [])
  assert.is(other.state.stats.pending, 0)
})

carrying('a way that nobody has confirmed for five minutes is forgotten, and a receipt confirms it', () => {
  const rig = between()
  rig.pass(299_000)
  rig.carry('alice', 1)
  rig.receipt('bob', tagOf(1))
  rig.pass(200_000)
  rig.fire('sweep')
  assert.equal(told(rig.carry('alice', 2)), ['carry>bob'])
  rig.receipt('bob', tagOf(2))
  rig.pass(300_000)
  rig.fire('sweep')
  assert.is(rig.state.stats.routes, 0)
})

carrying(`${ROUTES_MAX} keys and ${WAYS_MAX} ways to each are remembered; the key confirmed longest ago goes first`, () => {
  const routes = new Routes()
  for (let key = 0; key <= ROUTES_MAX; key++) routes.confirm(`key ${key}`, 'via', 1)
  assert.is(routes.size, ROUTES_MAX)
  assert.is(routes.next('key 0', () => false, 2), undefined)
  for (let way = 0; way <= WAYS_MAX; way++) routes.confirm('key 5', `way ${way}`, 2)
  const used = new Set<string>()
  for (let via = routes.next('key 5', each => used.has(each), 3); via !== undefined; via = routes.next('key 5', each => used.has(each), 3)) used.add(via)
  assert.equal([...used], ['via', 'way 0', 'way 1'])
})

carrying('words of somebody who is no neighbour are counted and heeded by nobody', () => {
  const rig = between()
  for (const effects of [rig.carry('nobody', 1), rig.seek('nobody', 2), rig.lost('nobody', tagOf(1)), rig.receipt('nobody', tagOf(1))]) assert.equal(effects, [])
  assert.is(rig.counted('unknown-neighbour'), 4)
})

carrying.run()
