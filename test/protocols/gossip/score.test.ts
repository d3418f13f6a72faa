import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PeerScore, SCORE, TopicScore } from '../../../lib/protocols/gossip/score.ts'
import { Rig, TOPIC } from './support/rig.ts'

const score = suite('gossip: scores')
const MINUTE = 60_000

score('P1: five minutes in the mesh count, more do not', () => {
  const one = new TopicScore()
  one.joinMesh(0)
  assert.is(one.value(0, undefined), 0)
  assert.is(one.value(MINUTE, undefined), 1.2)
  assert.is(one.value(5 * MINUTE, undefined), 6)
  assert.is(one.value(50 * MINUTE, undefined), 6)
})

score('P2: first deliveries count to a point, and half as much after ten minutes', () => {
  const one = new TopicScore()
  one.first = 10
  assert.is(one.value(0, undefined), 4)
  one.decay(10 * MINUTE)
  assert.is(one.value(0, undefined), 2)
  one.first = 1_000
  assert.is(one.value(0, undefined), 20)
})

score('P3: who brings nothing after 30 s in the mesh of a busy topic is below zero, who brings its share is not', () => {
  const one = new TopicScore()
  one.joinMesh(0)
  assert.ok(one.value(29_000, 5) >= 0, 'too early to say')
  assert.ok(one.value(31_000, 5) < -70)
  one.near = 2.5
  assert.ok(one.value(31_000, 5) < -15 && one.value(31_000, 5) > -25)
  one.near = 5
  assert.ok(one.value(31_000, 5) >= 0)
  one.near = 0
  assert.ok(one.value(31_000, undefined) >= 0, 'where it cannot be judged it is not')
})

score('P3b: leaving the mesh does not wash it off', () => {
  const one = new TopicScore()
  one.joinMesh(0)
  one.leaveMesh(40_000, 5)
  assert.is(one.value(40_000, 5), SCORE.lack)
  one.decay(5 * MINUTE)
  assert.is(one.value(340_000, 5), SCORE.lack / 2)
})

score('P3 and P3b together cost at most 80, which does not close the ears', () => {
  const one = new TopicScore()
  for (let count = 0; count < 5; count++) {
    one.joinMesh(0)
    one.leaveMesh(40_000, 5)
  }
  one.joinMesh(40_000)
  assert.is(one.value(100_000, 5), SCORE.lack + 1.2)
})

score('P4: the square of invalid items, halved every hour', () => {
  const one = new TopicScore()
  one.invalid = 2
  assert.is(one.value(0, undefined), -396)
  one.decay(60 * MINUTE)
  assert.is(one.value(0, undefined), -99)
})

score('what is good is capped over all topics and does not hide what is bad in one', () => {
  const peer = new PeerScore()
  for (let index = 0; index < 20; index++) peer.topic(`topic-${index}`).first = 50
  assert.is(peer.value(0, () => undefined), 100)
  peer.topic('bad').invalid = 2
  assert.is(peer.value(0, () => undefined), 100 - 396)
})

score('P5: what the application thinks is added', () => {
  const opinions: Record<string, number> = {}
  const rig = new Rig({ appScore: peerId => opinions[peerId] ?? 0 })
  const [peer] = rig.peers(1)
  opinions[peer!] = -50
  rig.pass(1_000)
  assert.ok(rig.state.scoreOf(peer!) < -49)
  opinions[peer!] = 0
  rig.pass(1_000)
  assert.ok(rig.state.scoreOf(peer!) >= 0)
})

score('P6: four of one netgroup are free, the others cost all of them', () => {
  const rig = new Rig()
  const peers = Array.from({ length: 6 }, (_, index) => rig.peer(`house-${index}`, { netgroup: '203.0.113' }))
  rig.pass(1_000)
  assert.ok(peers.every(id => rig.state.scoreOf(id) < -19 && rig.state.scoreOf(id) > -21))
  rig.take({ kind: 'left', from: peers[5]! })
  rig.take({ kind: 'left', from: peers[4]! })
  rig.pass(1_000)
  assert.ok(rig.state.scoreOf(peers[0]!) >= 0)
})

score('P7: three breaches are free, then the square', () => {
  const peer = new PeerScore()
  peer.behaviour = 3
  assert.is(peer.value(0, () => undefined), 0)
  peer.behaviour = 5
  assert.is(peer.value(0, () => undefined), -40)
})

score('a black hole leaves the mesh of a busy topic; its honest neighbours, and their late copies, stay', () => {
  const rig = new Rig()
  const peers = rig.peers(8)
  for (const from of peers) rig.take({ kind: 'graft', from, topic: TOPIC })
  const [hole, ...honest] = peers as [string, ...string[]]
  for (let second = 0; second < 60; second++) {
    const frame = rig.press.frame({ timestampMs: rig.wallMs })
    rig.item(honest[second % honest.length]!, frame)
    rig.nowMs += 200
    for (const from of honest) rig.item(from, frame)
    rig.pass(800)
  }
  assert.not.ok(rig.mesh.includes(hole))
  for (const id of honest) assert.ok(rig.mesh.includes(id))
})

score('who brought everything for minutes and then nothing is below zero within 45 s; with its good deeds not capped it would not be', () => {
  const secondsUntilPoor = (caps: boolean): number => {
    const one = new TopicScore()
    one.joinMesh(0)
    // Two items a second, all of which it brought: what a topic then remembers of them, and 5% of it.
    const brought = 2 * 15 / Math.LN2
    one.near = brought
    one.first = 30
    for (let second = 1; second < 200; second++) {
      one.decay(1_000)
      if (caps) one.capNear(brought * 0.05)
      if (one.value(120_000 + second * 1_000, brought * 0.05) < 0) return second
    }
    return Number.POSITIVE_INFINITY
  }
  assert.ok(secondsUntilPoor(true) <= 45, `${secondsUntilPoor(true)}`)
  assert.ok(secondsUntilPoor(false) > 60, `${secondsUntilPoor(false)}`)
})

score('in a slow topic the cap leaves the few deliveries there are', () => {
  const one = new TopicScore()
  one.near = 3
  one.capNear(0.2)
  assert.is(one.near, 3)
  one.near = 10
  one.capNear(undefined)
  assert.is(one.near, 10, 'where nobody is judged nothing is forgotten')
})

score('copies later than 250 ms after the first are no credit', () => {
  const rig = new Rig()
  const peers = rig.peers(8)
  for (const from of peers) rig.take({ kind: 'graft', from, topic: TOPIC })
  const [late, ...prompt] = peers as [string, ...string[]]
  for (let second = 0; second < 60; second++) {
    const frame = rig.press.frame({ timestampMs: rig.wallMs })
    for (const from of prompt) rig.item(from, frame)
    rig.nowMs += 251
    rig.item(late, frame)
    rig.pass(749)
  }
  assert.not.ok(rig.mesh.includes(late))
})

score('in a line nobody is judged by what it brings: the far end has nothing to bring', () => {
  const rig = new Rig()
  const [source, end] = rig.peers(2)
  for (let second = 0; second < 90; second++) {
    rig.good(source!)
    rig.pass(1_000)
  }
  assert.ok(rig.mesh.includes(end!))
})

score('in a quiet topic nobody is judged by what it brings', () => {
  const rig = new Rig()
  const peers = rig.peers(8)
  for (const from of peers) rig.take({ kind: 'graft', from, topic: TOPIC })
  for (let count = 0; count < 10; count++) {
    rig.good(peers[0]!)
    rig.pass(10_000)
  }
  assert.is(rig.mesh.length, 8)
})

score.run()
