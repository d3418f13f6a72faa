import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { delivered, pushedTo, pushes, Rig, sends, TOPIC } from './support/rig.ts'

const spread = suite('gossip: spreading')

function publish(rig: Rig, options: Parameters<Rig['press']['frame']>[0] = {}): ReturnType<Rig['take']> {
  const frame = rig.press.frame({ author: 'me', timestampMs: rig.wallMs, ...options })
  return rig.take({ kind: 'publish', topic: options.topic ?? TOPIC, frame, message: rig.press.read(frame)! })
}

spread('our own goes to every subscriber, in the mesh or not, with one hop and no path', () => {
  const rig = new Rig()
  const peers = rig.peers(30)
  const effects = publish(rig)
  assert.equal(pushedTo(effects).sort(), [...peers].sort())
  assert.is(rig.state.publishedTo, 30)
  assert.equal([pushes(effects)[0]!.item.hops, pushes(effects)[0]!.item.path.length], [1, 0])
  assert.is(delivered(effects).length, 0)
})

spread('not to a peer below the publish threshold', () => {
  const rig = new Rig()
  const [bad, good] = rig.peers(2)
  for (let count = 0; count < 3; count++) rig.item(bad!, rig.press.resigned(rig.press.frame(), 0))
  assert.equal(pushedTo(publish(rig)), [good])
})

spread('a large one goes to the mesh, and up to 64 others hear of it', () => {
  const rig = new Rig()
  rig.peers(90)
  const effects = publish(rig, { size: 30_000 })
  assert.equal(pushedTo(effects).sort(), rig.mesh.sort())
  assert.is(sends(rig.pass(25), 'have').length, 64)
  assert.is(rig.state.publishedTo, 70)
})

spread('without flood publishing it goes to the mesh alone', () => {
  const rig = new Rig({ parameters: { floodPublish: false } })
  rig.peers(30)
  assert.equal(pushedTo(publish(rig)).sort(), rig.mesh.sort())
})

spread('one may publish to a topic without subscribing, and is asked for it later', () => {
  const rig = new Rig()
  const peer = rig.peer('peer', { topics: ['other'] })
  const frame = rig.press.frame({ author: 'me', topic: 'other' })
  const effects = rig.take({ kind: 'publish', topic: 'other', frame, message: rig.press.read(frame)! })
  assert.equal(pushedTo(effects), [peer])
  assert.is(pushes(rig.take({ kind: 'want', from: peer, ids: rig.idOf(frame) })).length, 1)
  assert.is(rig.item(peer, frame, { topic: 'other' }).length, 0)
})

spread('our own that comes back is a duplicate', () => {
  const rig = new Rig()
  const [a] = rig.peers(2)
  const frame = rig.press.frame({ author: 'me' })
  rig.take({ kind: 'publish', topic: TOPIC, frame, message: rig.press.read(frame)! })
  assert.is(delivered(rig.item(a!, frame)).length, 0)
})

spread('three of the mesh are pushed an item at once, the others 60 ms later if they have not sent it by then', () => {
  const rig = new Rig()
  const peers = rig.peers(6)
  const frame = rig.press.frame()
  const now = pushedTo(rig.item(peers[0]!, frame))
  assert.is(now.length, 3)
  const waiting = peers.slice(1).filter(id => !now.includes(id))
  rig.item(waiting[0]!, frame)
  assert.equal(pushedTo(rig.pass(59)), [])
  assert.equal(pushedTo(rig.pass(1)), waiting.slice(1))
})

spread('where others are heard to have items at once, second pushes wait 5 ms; where that takes long, 60 ms and no more', () => {
  const secondAfterMs = (newsMs: number): number => {
    const rig = new Rig()
    const peers = rig.peers(8, { outbound: true })
    rig.pass(1_000)
    for (let count = 0; count < 30; count++) {
      const frame = rig.press.frame({ timestampMs: rig.wallMs })
      rig.item(peers[0]!, frame)
      rig.pass(newsMs)
      for (const from of peers.slice(1, 4)) rig.take({ kind: 'dont-want', from, ids: rig.idOf(frame) })
      rig.pass(400)
    }
    const first = pushedTo(rig.good(peers[0]!)).length
    for (let ms = 1; ms < 200; ms++) if (pushedTo(rig.pass(1)).length > 0) return first === 3 ? ms : -1
    return Number.POSITIVE_INFINITY
  }
  assert.is(secondAfterMs(1), 5)
  assert.is(secondAfterMs(20), 40)
  assert.is(secondAfterMs(150), 60)
})

spread('whoever has left the mesh or said it does not want it meanwhile is left out', () => {
  const rig = new Rig()
  const peers = rig.peers(7)
  for (const from of peers) rig.take({ kind: 'graft', from, topic: TOPIC })
  const frame = rig.press.frame()
  const now = pushedTo(rig.item(peers[0]!, frame))
  const [left, unwilling, waiting] = peers.slice(1).filter(id => !now.includes(id))
  rig.take({ kind: 'left', from: left! })
  rig.take({ kind: 'dont-want', from: unwilling!, ids: rig.idOf(frame) })
  assert.equal(pushedTo(rig.pass(100)), [waiting])
})

spread('with more than 4,096 items waiting for their second push nobody waits', () => {
  const rig = new Rig({ parameters: { pushDelayMs: 60_000 } })
  const peers = rig.peers(6)
  let pushed = 0
  for (let count = 0; count < 4_097; count++) pushed = pushedTo(rig.good(peers[count % 6]!)).length
  assert.is(pushed, 5)
})

spread('at the hop limit an item is delivered and announced, not pushed; a later copy with fewer hops is pushed', () => {
  const rig = new Rig({ parameters: { maxHops: 5 } })
  const [a, b, c] = rig.peers(3)
  const frame = rig.press.frame()
  const effects = rig.item(a!, frame, { hops: 5 })
  assert.is(delivered(effects).length, 1)
  assert.equal(pushedTo(effects), [])
  assert.equal(sends(rig.pass(25), 'have').map(({ to }) => to).sort(), [b, c].sort())
  assert.equal(pushedTo(rig.item(b!, frame, { hops: 4 })), [c])
  const next = rig.press.frame()
  assert.is(pushedTo(rig.item(a!, next, { hops: 4 })).length, 2, 'one hop below it is pushed')
})

spread('with strict hops it is neither announced nor served nor synced, until a copy with fewer hops comes', () => {
  const rig = new Rig({ parameters: { maxHops: 5, strictHops: true } })
  const [a, b] = rig.peers(2)
  const frame = rig.press.frame()
  assert.is(delivered(rig.item(a!, frame, { hops: 5 })).length, 1)
  assert.is(sends(rig.pass(3_000), 'have').length, 0)
  assert.is(pushes(rig.take({ kind: 'want', from: b!, ids: rig.idOf(frame) })).length, 0)
  rig.item(b!, frame, { hops: 3 })
  assert.is(pushes(rig.take({ kind: 'want', from: b!, ids: rig.idOf(frame) })).length, 1)
})

spread('a path is 24 relays long at most', () => {
  const rig = new Rig()
  const [a] = rig.peers(2)
  const path = new Uint8Array(24 * 32).fill(9)
  const effects = rig.take({ kind: 'item', from: a!, item: { topic: TOPIC, hops: 2, path, frame: rig.press.frame() } })
  assert.is(pushes(effects)[0]!.item.path.length, 24 * 32)
})

spread('items are kept in 16 MiB; the oldest go first, and are still known', () => {
  const rig = new Rig({ parameters: { retentionBytesMax: 200_000 } })
  const [a, b] = rig.peers(2)
  const frames = Array.from({ length: 10 }, () => rig.press.frame({ size: 60_000 }))
  for (const frame of frames) rig.item(a!, frame)
  assert.ok(rig.state.stats.itemBytes <= 200_000)
  assert.is(rig.state.stats.items, 3)
  assert.is(pushes(rig.take({ kind: 'want', from: b!, ids: rig.idOf(frames[0]!) })).length, 0)
  assert.is(pushes(rig.take({ kind: 'want', from: b!, ids: rig.idOf(frames[9]!) })).length, 1)
  assert.is(delivered(rig.item(b!, frames[0]!)).length, 0)
})

spread('items older than the topic keeps are let go', () => {
  const rig = new Rig({ topics: { [TOPIC]: { retentionMs: 30_000 } } })
  const [a] = rig.peers(1)
  rig.good(a!)
  rig.pass(30_000)
  assert.is(rig.state.stats.items, 1)
  rig.pass(11_000)
  assert.is(rig.state.stats.items, 0)
})

spread('a topic that is only published to makes room for the next when there are too many', () => {
  const rig = new Rig()
  for (let index = 0; index < 1_100; index++) publish(rig, { topic: `topic-${index}` })
  assert.is(rig.state.stats.topics, 1_024)
  assert.is(rig.state.stats.items, 1_023)
})

spread.run()
