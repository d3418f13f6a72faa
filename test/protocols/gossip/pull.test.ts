import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { joinIds } from '../../../lib/protocols/gossip/item-id.ts'
import type { GossipEffect } from '../../../lib/protocols/gossip/events.ts'
import { delivered, pushedTo, pushes, Rig, sends, TOPIC } from './support/rig.ts'

const pull = suite('gossip: announcing and pulling')

const idsIn = (effects: readonly GossipEffect[]): string[] => sends(effects, 'want').flatMap(({ payload }) => hexIds((payload as { ids: Uint8Array }).ids))
const askedOf = (effects: readonly GossipEffect[]): string[] => sends(effects, 'want').map(({ to }) => to)
const hexIds = (ids: Uint8Array): string[] => Array.from({ length: ids.length / 32 }, (_, index) => Buffer.from(ids.subarray(index * 32, index * 32 + 32)).toString('hex'))
const randomIds = (count: number, seed = 0): Uint8Array[] => Array.from({ length: count }, (_, index) => {
  const id = new Uint8Array(32).fill(7)
  new DataView(id.buffer).setUint32(0, index + 1)
  new DataView(id.buffer).setUint32(8, seed)
  return id
})
function have(rig: Rig, from: string, ids: readonly Uint8Array[], topic = TOPIC): readonly GossipEffect[] {
  return rig.take({ kind: 'have', from, list: [{ topic, ids: joinIds(ids) }] })
}
/** Outside the mesh, so that heartbeats announce to it. */
function outsider(rig: Rig, name: string): string {
  const peer = rig.peer(name)
  if (rig.mesh.includes(peer)) rig.take({ kind: 'prune', from: peer, topic: TOPIC, backoffMs: 600_000 })
  return peer
}

pull('what is announced and missing is asked for, what is here is not', () => {
  const rig = new Rig()
  const [a] = rig.peers(1)
  const known = rig.press.frame()
  rig.item(a!, known)
  const [missing] = randomIds(1)
  assert.equal(idsIn(have(rig, a!, [rig.idOf(known), missing!])), hexIds(missing!))
})

pull('one peer is asked at a time, the next announcer after 400 to 800 ms', () => {
  const rig = new Rig()
  const [a, b] = rig.peers(2)
  const ids = randomIds(1)
  assert.equal(askedOf(have(rig, a!, ids)), [a])
  assert.equal(askedOf(have(rig, b!, ids)), [])
  assert.equal(askedOf(rig.pass(399)), [])
  assert.equal(askedOf(rig.pass(600)), [b])
})

pull('an announcement for a topic we do not subscribe to is ignored', () => {
  const rig = new Rig()
  const [a] = rig.peers(1)
  assert.equal(askedOf(have(rig, a!, randomIds(1), 'other')), [])
})

pull('a promise that is kept, by whomever, costs nobody', () => {
  const rig = new Rig()
  const [a, b] = rig.peers(2)
  const frame = rig.press.frame()
  have(rig, a!, [rig.idOf(frame)])
  rig.item(b!, frame)
  rig.pass(5_000)
  assert.is(rig.counter('promise-broken'), 0)
  assert.is(rig.state.stats.wants, 0)
})

pull('a promise not kept in 3 s is broken, and many of them graylist the liar', () => {
  const rig = new Rig()
  const [liar] = rig.peers(1)
  have(rig, liar!, randomIds(100, 1))
  rig.pass(2_900)
  assert.is(rig.counter('promise-broken'), 0)
  rig.pass(300)
  assert.is(rig.counter('promise-broken'), 1, 'one id of each question is watched')
  for (let beat = 0; beat < 3; beat++) {
    for (let count = 0; count < 10; count++) have(rig, liar!, randomIds(100, 100 + beat * 10 + count))
    rig.pass(1_000)
  }
  rig.pass(4_000)
  assert.ok(rig.state.scoreOf(liar!) <= -1_000, `${rig.state.scoreOf(liar!)}`)
  assert.equal(askedOf(have(rig, liar!, randomIds(1, 999))), [])
  rig.pass(10_000)
  assert.is(rig.state.stats.wants, 0)
})

pull('a node that was busy itself charges nobody for what came to nothing meanwhile', () => {
  const rig = new Rig()
  const [a] = rig.peers(1)
  have(rig, a!, randomIds(1))
  rig.nowMs += 20_000
  rig.pass(1_000)
  assert.is(rig.counter('promise-broken'), 0)
  rig.pass(3_000)
  assert.is(rig.counter('promise-broken'), 1, 'it has its three seconds from then on')
})

pull('a node that is behind does not ask at once for what it hears of; it asks when it is still missing later', () => {
  const rig = new Rig()
  const [a] = rig.peers(1)
  const asked = (): number => sends(have(rig, a!, randomIds(1, rig.nowMs)), 'want').length
  rig.pass(2_000)
  assert.is(asked(), 1)
  rig.nowMs += 1_500
  rig.pass(0)
  const [id] = randomIds(1, rig.nowMs)
  assert.is(sends(have(rig, a!, [id!]), 'want').length, 0)
  const later = rig.pass(3_000)
  assert.ok(idsIn(later).includes(hexIds(id!)[0]!), 'it did not come by itself')
  rig.pass(6_000)
  assert.is(asked(), 1, 'it has caught up')
})

pull('what is here and waits to be checked is not asked for again', () => {
  const rig = new Rig({ verifies: false })
  const [a, b] = rig.peers(2)
  const frame = rig.press.frame({ timestampMs: rig.wallMs })
  have(rig, a!, [rig.idOf(frame)])
  have(rig, b!, [rig.idOf(frame)])
  rig.item(a!, frame)
  assert.equal(askedOf(rig.pass(2_000)), [])
})

pull('a promised item that waits to be checked is no broken promise', () => {
  const rig = new Rig({ verifies: false })
  const [a] = rig.peers(1)
  const frame = rig.press.frame()
  have(rig, a!, [rig.idOf(frame)])
  rig.item(a!, frame)
  rig.pass(5_000)
  assert.is(rig.counter('promise-broken'), 0)
})

pull('10 announcements of 1,000 ids are heeded in a heartbeat; more is dropped, the double a breach', () => {
  const rig = new Rig()
  const [a] = rig.peers(1)
  for (let count = 0; count < 10; count++) assert.equal(askedOf(have(rig, a!, randomIds(1, count))), [a])
  assert.equal(askedOf(have(rig, a!, randomIds(1, 10))), [])
  assert.is(rig.counter('have-breach'), 0)
  for (let count = 0; count < 10; count++) have(rig, a!, randomIds(1, 20 + count))
  assert.is(rig.counter('have-breach'), 1)
  rig.pass(1_000)
  assert.is(idsIn(have(rig, a!, randomIds(900, 50))).length, 900)
  assert.is(idsIn(have(rig, a!, randomIds(200, 51))).length, 100)
})

pull('ids that are no whole number of ids are a breach', () => {
  const rig = new Rig()
  const [a] = rig.peers(1)
  rig.take({ kind: 'have', from: a!, list: [{ topic: TOPIC, ids: new Uint8Array(33) }] })
  rig.take({ kind: 'want', from: a!, ids: new Uint8Array(33) })
  rig.take({ kind: 'dont-want', from: a!, ids: new Uint8Array(31) })
  assert.is(rig.counter('have-malformed') + rig.counter('want-malformed') + rig.counter('dont-want-malformed'), 3)
})

pull('an announcer that leaves is forgotten, and another is asked', () => {
  const rig = new Rig()
  const [a, b] = rig.peers(2)
  have(rig, a!, randomIds(1))
  have(rig, b!, randomIds(1))
  rig.take({ kind: 'left', from: a! })
  assert.equal(askedOf(rig.pass(100)), [b])
  rig.take({ kind: 'left', from: b! })
  rig.pass(10_000)
  assert.is(rig.state.stats.wants, 0)
  assert.is(rig.counter('promise-broken'), 0)
})

pull('an item is served three times to one peer, and what is not here not at all', () => {
  const rig = new Rig()
  const [a, b] = rig.peers(2)
  const frame = rig.press.frame()
  rig.item(a!, frame)
  const want = (from: string): number => pushes(rig.take({ kind: 'want', from, ids: rig.idOf(frame) })).length
  assert.equal([want(b!), want(b!), want(b!), want(b!)], [1, 1, 1, 0])
  assert.is(want(a!), 1)
  assert.is(pushes(rig.take({ kind: 'want', from: b!, ids: randomIds(1)[0]! })).length, 0)
})

pull('an IWANT storm is served 1,000 ids and 4 MiB a heartbeat and costs the peer', () => {
  const rig = new Rig()
  const [a, storm] = rig.peers(2)
  const frames = Array.from({ length: 80 }, () => rig.press.frame({ size: 60_000 }))
  for (const frame of frames) rig.item(a!, frame)
  const ids = joinIds(frames.map(frame => rig.idOf(frame)))
  const served = pushes(rig.take({ kind: 'want', from: storm!, ids })).length
  assert.is(served, Math.floor(4 * 1024 * 1024 / frames[0]!.length))
  for (let count = 0; count < 30; count++) rig.take({ kind: 'want', from: storm!, ids })
  assert.is(rig.counter('want-breach'), 1)
  for (let beat = 0; beat < 16; beat++) {
    rig.pass(1_000)
    for (let count = 0; count < 30; count++) rig.take({ kind: 'want', from: storm!, ids })
  }
  assert.ok(rig.state.scoreOf(storm!) < -100)
  rig.pass(1_000)
  assert.is(pushes(rig.take({ kind: 'want', from: storm!, ids })).length, 0)
})

pull('a peer that does not want an item is not pushed it, whether we have it yet or not', () => {
  const rig = new Rig()
  const [a, b, c] = rig.peers(3)
  const early = rig.press.frame()
  rig.take({ kind: 'dont-want', from: b!, ids: rig.idOf(early) })
  assert.equal(pushedTo(rig.item(a!, early)), [c])
})

pull('512 refusals are heeded in a heartbeat', () => {
  const rig = new Rig()
  const [a, b] = rig.peers(2)
  const frame = rig.press.frame()
  rig.take({ kind: 'dont-want', from: b!, ids: joinIds([...randomIds(512), rig.idOf(frame)]) })
  assert.equal(pushedTo(rig.item(a!, frame)), [b])
  assert.is(rig.counter('dont-want-dropped'), 1)
})

pull('a heartbeat announces the ids of three heartbeats to subscribers outside the mesh that do not have them', () => {
  const rig = new Rig()
  const [a] = rig.peers(6)
  const outside = outsider(rig, 'outside')
  const frame = rig.press.frame({ timestampMs: rig.wallMs })
  rig.item(a!, frame)
  const rounds = Array.from({ length: 5 }, () => sends(rig.pass(1_000), 'have'))
  assert.equal(rounds.map(round => round.length), [1, 1, 1, 0, 0])
  assert.is(rounds[0]![0]!.to, outside)
})

pull('who announced it itself is not told', () => {
  const rig = new Rig()
  const [a] = rig.peers(6)
  const outside = outsider(rig, 'outside')
  const frame = rig.press.frame({ timestampMs: rig.wallMs })
  rig.item(a!, frame)
  have(rig, outside, [rig.idOf(frame)])
  assert.is(sends(rig.pass(2_000), 'have').length, 0)
})

pull('at least 8, or a quarter, of those outside hear an announcement', () => {
  const rig = new Rig({ parameters: { opportunisticScore: -1 } })
  const [a] = rig.peers(6)
  for (let index = 0; index < 20; index++) outsider(rig, `outside-${index}`)
  rig.good(a!)
  assert.is(sends(rig.pass(1_000), 'have').length, 8)
  for (let index = 20; index < 60; index++) outsider(rig, `outside-${index}`)
  assert.is(sends(rig.pass(1_000), 'have').length, 15)
  const poor = new Rig({ parameters: { opportunisticScore: 1_000 } })
  const [b] = poor.peers(6)
  for (let index = 0; index < 60; index++) outsider(poor, `outside-${index}`)
  poor.good(b!)
  assert.is(sends(poor.pass(1_000), 'have').length, 24, 'more while the mesh is poor')
})

pull('a peer below the gossip threshold hears no announcement and is asked for nothing', () => {
  const rig = new Rig()
  const [a] = rig.peers(6)
  const outside = outsider(rig, 'outside')
  for (let count = 0; count < 2; count++) rig.item(outside, rig.press.resigned(rig.press.frame(), 0))
  rig.good(a!)
  assert.is(sends(rig.pass(2_000), 'have').length, 0)
  assert.equal(askedOf(have(rig, outside, randomIds(1))), [])
})

pull('of a large item two are pushed it, the rest of the mesh hear of it within 25 ms', () => {
  const rig = new Rig()
  const peers = rig.peers(6)
  const effects = rig.good(peers[0]!, { size: 30_000 })
  assert.is(pushedTo(effects).length, 2)
  const told = sends(rig.pass(25), 'have').map(({ to }) => to)
  assert.equal([...pushedTo(effects), ...told].sort(), peers.slice(1).sort())
})

pull('announcements that a peer would not heed wait for the next heartbeat', () => {
  const rig = new Rig()
  const peers = rig.peers(6)
  let said = 0
  for (let count = 0; count < 40; count++) {
    rig.good(peers[count % 6]!, { size: 30_000 })
    said += sends(rig.pass(25), 'have').filter(({ to }) => to === peers[5]).length
  }
  assert.ok(said <= 20, `${said}`)
  assert.ok(said >= 8, `${said}`)
})

pull('delivered by a pull is delivered', () => {
  const rig = new Rig()
  const [a] = rig.peers(1)
  const frame = rig.press.frame()
  have(rig, a!, [rig.idOf(frame)])
  assert.is(delivered(rig.item(a!, frame)).length, 1)
})

pull.run()
