import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Gossip } from '../../../lib/protocols/gossip/index.node.ts'
import { tune, withMaxPeers } from '../../../lib/protocols/gossip/tuning.ts'
import { gossipParameters } from '../../../lib/protocols/gossip/parameters.ts'
import { Club, type Member } from './support/club.ts'
import { idOf, Rig, sends, TOPIC } from './support/rig.ts'

const tuning = suite('gossip: changed while it runs')

tuning('setMaxPeers takes effect at the next heartbeat: the mesh shrinks, and those who go are told', async () => {
  await using club = new Club()
  const members = await club.members(7)
  const [hub, ...others] = members as [Member, ...Member[]]
  await club.link(...others.map(other => [hub, other] as const))
  await club.pass(3_000)
  assert.is(hub.gossip.meshOf('news').length, 6)
  const evicted: { peerId: string; reason: string }[] = []
  hub.gossip.events.on('peerEvicted', event => { if (event.topic === 'news') evicted.push(event) })
  const toldOf: Member[] = []
  for (const other of others) other.gossip.events.on('peerEvicted', ({ reason, topic }) => { if (reason === 'pruned-us' && topic === 'news') toldOf.push(other) })
  hub.gossip.setMaxPeers(3)
  await club.pass(1_500)
  assert.is(hub.gossip.meshOf('news').length, 3)
  assert.equal(evicted.map(({ reason }) => reason), ['full', 'full', 'full'])
  for (const { peerId } of evicted) {
    const gone = others.find(({ node }) => node.id === peerId)!
    assert.ok(toldOf.includes(gone), 'it was told')
  }
  await hub.node.publish('news', 'for all')
  await club.pass(2_000)
  assert.ok(others.every(({ heard }) => heard.length === 1))
})

tuning('setMinPeers has a mesh below it refilled', () => {
  const rig = new Rig({ parameters: { meshMin: 1, meshTarget: 8, meshMax: 12, meshOutbound: 0 } })
  const peers = rig.peers(8)
  rig.pass(1_000)
  const before = rig.mesh.length
  tune(rig.parameters, { meshMin: 6 })
  rig.pass(1_000)
  assert.ok(before < 6 && rig.mesh.length === 8, `${before}, then ${rig.mesh.length} of ${peers.length}`)
})

tuning('with the eviction strategy off, a full mesh refuses who is nearer; with it on the farthest goes, and is told', () => {
  const full = (evictFarthest: boolean): { rig: Rig; near: string } => {
    const rig = new Rig({ parameters: { meshMin: 1, meshTarget: 2, meshMax: 2, meshBest: 1, meshOutbound: 0, nearest: true } })
    for (const name of ['~far', '}far']) rig.take({ kind: 'graft', from: rig.peer(name), topic: TOPIC })
    assert.is(rig.mesh.length, 2)
    tune(rig.parameters, { evictFarthest })
    const near = rig.peer('mf')
    const effects = rig.take({ kind: 'graft', from: near, topic: TOPIC })
    assert.is(sends(effects, 'prune').length, 1)
    return { rig, near }
  }
  const off = full(false)
  assert.not.ok(off.rig.mesh.includes(off.near))
  const on = full(true)
  assert.ok(on.rig.mesh.includes(on.near))
  assert.is(on.rig.mesh.length, 2)
})

tuning('setXorRouting has those taken who are nearest', () => {
  const rig = new Rig({ parameters: { meshMin: 2, meshTarget: 2, meshMax: 2, meshBest: 1, meshOutbound: 0 } })
  tune(rig.parameters, { nearest: true })
  for (const name of ['~a', '~b', 'mf', 'mg', '~c']) rig.peer(name, { outbound: false })
  rig.pass(1_000)
  assert.equal([...rig.mesh].sort(), [idOf('mf'), idOf('mg')].sort())
})

tuning('what cannot work is refused by name and changes nothing, and what tables are made by cannot change', () => {
  const gossip = new Gossip({ preset: 'seedMesh' })
  const before = { ...gossip.parameters }
  assert.throws(() => gossip.setMinPeers(4), /meshMin <= meshTarget/)
  assert.throws(() => gossip.setMaxPeers(0), RangeError)
  assert.throws(() => gossip.setMaxPeers(1.5), RangeError)
  assert.throws(() => gossip.setXorRouting('yes' as never), TypeError)
  assert.throws(() => gossip.setParameters({ seenMs: 600_000 }), /seenMs is chosen when gossip is made/)
  assert.throws(() => gossip.setParameters({ nonsense: 1 } as never), /nonsense is not a parameter/)
  assert.equal({ ...gossip.parameters }, before)
  gossip.setMaxPeers(10)
  gossip.setMinPeers(2)
  gossip.setEvictionStrategy(false)
  gossip.setXorRouting(false)
  const { meshMax, meshTarget, meshMin, evictFarthest, nearest } = gossip.parameters
  assert.equal({ meshMax, meshTarget, meshMin, evictFarthest, nearest }, { meshMax: 10, meshTarget: 10, meshMin: 2, evictFarthest: false, nearest: false })
})

tuning('fewer peers than the minimum bring the minimum down with them', () => {
  const parameters = gossipParameters()
  tune(parameters, withMaxPeers(parameters, 3))
  assert.equal([parameters.meshMin, parameters.meshTarget, parameters.meshMax, parameters.meshBest, parameters.meshOutbound], [3, 3, 3, 3, 3])
})

tuning.run()
