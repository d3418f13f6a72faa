import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compareDistance } from '../../../lib/protocols/gossip/mesh.ts'
import { eventsIn, idOf, pushedTo, Rig, sends, TOPIC } from './support/rig.ts'

const mesh = suite('gossip: the mesh')
const keyOf = (id: string): Uint8Array => Buffer.from(id, 'hex')
const own = keyOf(idOf('me'))

mesh('the first subscribers are grafted at once, and no more than the minimum without a heartbeat', () => {
  const rig = new Rig()
  rig.peers(20)
  assert.is(rig.mesh.length, 6)
  rig.pass(1_000)
  assert.is(rig.mesh.length, 6, 'between minimum and maximum nothing changes')
})

mesh('of two who meet, the one who dialled grafts, up to its quota; the other waits', () => {
  const rig = new Rig()
  rig.peers(10, { outbound: true }, 'dialled')
  assert.is(rig.mesh.length, 4)
  const other = new Rig()
  other.peers(10, { outbound: false })
  assert.is(other.mesh.length, 0)
  other.pass(1_000)
  assert.is(other.mesh.length, 8)
})

mesh('below the minimum a heartbeat fills up to the target', () => {
  const rig = new Rig()
  const peers = rig.peers(20)
  rig.pass(1_000)
  const [gone] = rig.mesh
  rig.take({ kind: 'left', from: gone! })
  assert.is(rig.mesh.length, 5)
  const grafts = sends(rig.pass(1_000), 'graft')
  assert.is(rig.mesh.length, 8)
  assert.is(grafts.length, 3)
  assert.ok(rig.mesh.every(id => peers.includes(id) && id !== gone))
})

mesh('up to the maximum anybody may graft us, beyond it only links we dialled', () => {
  const rig = new Rig()
  const peers = rig.peers(20)
  for (const from of peers) rig.take({ kind: 'graft', from, topic: TOPIC })
  assert.is(rig.mesh.length, 12)
  const dialled = rig.peer('dialled', { outbound: true })
  rig.take({ kind: 'graft', from: dialled, topic: TOPIC })
  assert.ok(rig.mesh.includes(dialled))
  const stranger = peers.find(id => !rig.mesh.includes(id))!
  // It was refused before: that is a breach by now, but the answer is the same.
  assert.is(sends(rig.take({ kind: 'graft', from: stranger, topic: TOPIC }), 'prune').length, 1)
})

mesh('over the maximum it is pruned to the target, best scores and dialled links kept, with notice', () => {
  const rig = new Rig({ parameters: { meshOutbound: 2 } })
  const peers = rig.peers(12)
  for (const from of peers) rig.take({ kind: 'graft', from, topic: TOPIC })
  const dialled = rig.peers(2, { outbound: true }, 'dialled')
  const best = rig.mesh.slice(3, 9)
  for (const from of best) for (let count = 0; count < 10; count++) rig.good(from)
  const effects = rig.pass(1_000)
  assert.is(rig.mesh.length, 8)
  for (const id of [...best, ...dialled]) assert.ok(rig.mesh.includes(id))
  const evicted = eventsIn(effects, 'evicted')
  assert.is(evicted.length, 6)
  assert.ok(evicted.every(({ reason }) => reason === 'full'))
  assert.equal(sends(effects, 'prune').map(({ to }) => to).sort(), evicted.map(({ peerId }) => peerId).sort())
})

mesh('a quota of slots is for links we dialled, above the target if need be', () => {
  const rig = new Rig()
  rig.peers(20)
  rig.peers(5, { outbound: true }, 'dialled')
  rig.pass(1_000)
  assert.is(rig.mesh.filter(id => Buffer.from(id, 'hex').toString().startsWith('dialled')).length, 4)
  const without = new Rig({ parameters: { meshOutbound: 0 } })
  without.peers(20)
  without.peers(5, { outbound: true }, 'dialled')
  without.pass(1_000)
  assert.is(without.mesh.filter(id => Buffer.from(id, 'hex').toString().startsWith('dialled')).length, 0)
})

mesh('a peer below zero in this topic leaves its mesh, however good it is elsewhere', () => {
  const rig = new Rig()
  rig.take({ kind: 'join', topic: 'other' })
  const [peer] = rig.peers(2)
  rig.take({ kind: 'subscribe', from: peer!, topics: ['other'] })
  for (let count = 0; count < 300; count++) rig.item(peer!, rig.press.frame({ topic: 'other' }), { topic: 'other' })
  rig.item(peer!, rig.press.resigned(rig.press.frame(), 0))
  rig.item(peer!, rig.press.resigned(rig.press.frame(), 0))
  rig.pass(1_000)
  assert.ok(!rig.mesh.includes(peer!))
})

mesh('a peer we dialled whose mesh is full is pushed to all the same, up to six of them; one that dialled us is not', () => {
  const refusedBy = (feedPeers: number, outbound = true): { rig: Rig; dialled: string[]; pushed: string[] } => {
    const rig = new Rig({ parameters: { feedPeers, pushDelayMs: 0 } })
    const dialled = rig.peers(8, { outbound }, 'dialled')
    rig.pass(1_000)
    assert.is(rig.mesh.length, 8)
    for (const from of dialled) rig.take({ kind: 'prune', from, topic: TOPIC, backoffMs: 60_000 })
    assert.equal(rig.mesh, [])
    return { rig, dialled, pushed: pushedTo(rig.good(rig.peer('source', { outbound: false }))) }
  }
  const { rig, dialled, pushed } = refusedBy(6)
  assert.is(pushed.length, 6)
  assert.ok(pushed.every(id => dialled.includes(id)))
  rig.take({ kind: 'left', from: pushed[0]! })
  rig.take({ kind: 'unsubscribe', from: pushed[1]!, topics: [TOPIC] })
  rig.pass(1_000)
  assert.equal(pushedTo(rig.good(rig.peer('another', { outbound: false }))).filter(id => dialled.includes(id)).sort(), pushed.slice(2).sort())
  assert.equal(refusedBy(0).pushed, [])
  assert.equal(refusedBy(6, false).pushed, [])
})

mesh('after a prune nobody grafts until the backoff is over', () => {
  const rig = new Rig()
  const [peer] = rig.peers(1)
  rig.take({ kind: 'prune', from: peer!, topic: TOPIC, backoffMs: 60_000 })
  assert.equal(rig.mesh, [])
  assert.is(sends(rig.pass(60_000), 'graft').length, 0)
  assert.is(sends(rig.pass(3_000), 'graft').length, 1)
})

mesh('a graft under backoff is refused and a breach; four of them cost the score', () => {
  const rig = new Rig({ parameters: { meshMax: 8 } })
  const peers = rig.peers(9)
  for (const from of peers) rig.take({ kind: 'graft', from, topic: TOPIC })
  const refused = peers.find(id => !rig.mesh.includes(id))!
  for (let count = 0; count < 3; count++) rig.take({ kind: 'graft', from: refused, topic: TOPIC })
  assert.is(rig.counter('graft-under-backoff'), 3)
  assert.ok(rig.state.scoreOf(refused) >= 0, 'three are free: a graft may cross a prune')
  rig.take({ kind: 'graft', from: refused, topic: TOPIC })
  assert.ok(rig.state.scoreOf(refused) < 0)
})

mesh('a flood of grafts is dropped beyond 16 a heartbeat and graylists in time', () => {
  const rig = new Rig({ parameters: { meshMax: 8 } })
  const peers = rig.peers(9)
  for (const from of peers) rig.take({ kind: 'graft', from, topic: TOPIC })
  const flooder = peers.find(id => !rig.mesh.includes(id))!
  const before = sends(rig.effects, 'prune').length
  for (let count = 0; count < 1_000; count++) rig.take({ kind: 'graft', from: flooder, topic: TOPIC })
  assert.ok(sends(rig.effects, 'prune').length - before <= 16)
  assert.ok(rig.state.scoreOf(flooder) <= -1_000)
})

mesh('a graft for a topic we do not know, or by one that has not subscribed, is ignored without an answer', () => {
  const rig = new Rig()
  const quiet = rig.peer('quiet', { topics: [] })
  assert.is(rig.take({ kind: 'graft', from: quiet, topic: TOPIC }).length, 0)
  assert.is(rig.take({ kind: 'graft', from: quiet, topic: 'unheard of' }).length, 0)
  assert.is(rig.counter('graft-ignored'), 2)
  assert.is(rig.state.stats.topics, 1)
})

mesh('leaving a topic prunes with the short backoff and tells everybody', () => {
  const rig = new Rig()
  const peers = rig.peers(3)
  const effects = rig.take({ kind: 'leave', topic: TOPIC })
  assert.equal(sends(effects, 'prune').map(({ payload }) => (payload as { backoffMs: number }).backoffMs), [10_000, 10_000, 10_000])
  assert.equal(sends(effects, 'unsubscribe').map(({ to }) => to), peers)
})

mesh('a peer that unsubscribes leaves the mesh', () => {
  const rig = new Rig()
  const [peer] = rig.peers(2)
  rig.take({ kind: 'unsubscribe', from: peer!, topics: [TOPIC] })
  assert.not.ok(rig.mesh.includes(peer!))
  assert.equal(rig.state.membersOf(TOPIC).length, 1)
})

mesh('isolation override: with nobody good in reach the best of the others is grafted, a graylisted one never', () => {
  const rig = new Rig()
  const poor = rig.peer('poor')
  const worse = rig.peer('worse')
  rig.item(poor, rig.press.resigned(rig.press.frame(), 0))
  for (let count = 0; count < 4; count++) rig.item(worse, rig.press.resigned(rig.press.frame(), 0))
  rig.pass(1_000)
  assert.equal(rig.mesh, [poor])
  const good = rig.peer('good')
  rig.pass(1_000)
  assert.equal(rig.mesh, [good], 'somebody good ends it')
  rig.take({ kind: 'left', from: good })
  rig.pass(62_000)
  assert.equal(rig.mesh, [poor], 'and it holds for those outside as well')
})

mesh('direct peers are outside the mesh and are pushed everything', () => {
  const friend = idOf('friend')
  const rig = new Rig({ direct: [friend] })
  rig.peer('friend')
  const [a] = rig.peers(2)
  rig.pass(2_000)
  assert.not.ok(rig.mesh.includes(friend))
  assert.ok(rig.good(a!).some(effect => effect.kind === 'push' && effect.to.some(({ id }) => id === friend)))
})

mesh('every 15 heartbeats two better peers are grafted into a poor mesh, and none into a good one', () => {
  const rig = new Rig({ parameters: { opportunisticScore: 100 } })
  const peers = rig.peers(20)
  rig.pass(1_000)
  const outside = peers.filter(id => !rig.mesh.includes(id)).slice(0, 4)
  for (const from of outside) for (let count = 0; count < 20; count++) rig.good(from)
  rig.pass(15_000)
  assert.is(rig.mesh.length, 8)
  assert.is(rig.mesh.filter(id => outside.includes(id)).length, 2)
  const content = new Rig({ parameters: { opportunisticScore: -1 } })
  content.peers(20)
  content.pass(16_000)
  assert.is(content.mesh.length, 6)
})

mesh('seed 000: the nearest by XOR are taken, and at capacity a nearer one evicts the farthest', () => {
  const rig = new Rig({ parameters: { meshTarget: 3, meshMin: 2, meshMax: 3, meshBest: 2, meshOutbound: 1, nearest: true } })
  const peers = Array.from({ length: 8 }, (_, index) => rig.peer(`peer-${9 - index}`))
  for (const from of peers) rig.take({ kind: 'graft', from, topic: TOPIC })
  const nearest = [...peers].sort((a, b) => compareDistance(keyOf(a), keyOf(b), own)).slice(0, 3)
  assert.equal([...rig.mesh].sort(), [...nearest].sort())
  assert.ok(eventsIn(rig.effects, 'evicted').every(({ reason }) => reason === 'farther'))
  assert.ok(eventsIn(rig.effects, 'evicted').length > 0)
})

mesh('scores come back with a peer that returns within six hours, and not later', () => {
  const rig = new Rig()
  const liar = rig.peer('liar')
  const late = rig.peer('late')
  for (const from of [liar, late]) {
    rig.item(from, rig.press.resigned(rig.press.frame(), 0))
    rig.take({ kind: 'left', from })
  }
  rig.pass(60_000)
  rig.peer('liar')
  assert.ok(rig.state.scoreOf(liar) < 0)
  rig.pass(6 * 3_600_000)
  assert.is(rig.state.stats.retainedScores, 0)
  rig.peer('late')
  assert.is(rig.state.scoreOf(late), 0)
})

mesh('more than 256 topics of one peer are refused, and a breach', () => {
  const rig = new Rig()
  const greedy = rig.peer('greedy', { topics: Array.from({ length: 256 }, (_, index) => `topic-${index}`) })
  assert.is(rig.counter('topics-breach'), 0)
  rig.take({ kind: 'subscribe', from: greedy, topics: ['one too many'] })
  assert.is(rig.counter('topics-breach'), 1)
})

mesh.run()
