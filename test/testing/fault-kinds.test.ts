import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { FaultEffect, FaultWorld } from '../../lib/testing/fault.ts'
import { FAULT_KINDS, type FaultKind } from '../../lib/testing/fault-kinds.ts'
import type { LinkQuality } from '../../lib/testing/link-quality.ts'
import type { SimNode } from '../../lib/testing/sim-node.ts'
import { SimRandom } from '../../lib/testing/sim-random.ts'
import { Simulation } from '../../lib/testing/simulation.ts'
import { Chatter } from '../simulation/support/chatter.ts'

const test = suite('kinds of faults')

/** A world of six that chatter, in which one fault can be begun by hand. */
class Scene {
  readonly sim = new Simulation({ redialMs: 2_000 })
  readonly world: FaultWorld = {
    clock: this.sim.clock,
    network: this.sim.network,
    nodes: this.sim.nodes,
    crash: (node, how) => this.sim.crash(node, how),
    restart: node => this.world.beside(() => node.start()),
    beside: work => void work().catch((error: unknown) => { this.failure = error }),
  }
  failure: unknown

  static async make(): Promise<Scene> {
    const scene = new Scene()
    await scene.sim.addNodes(6, { protocols: () => [new Chatter({ everyMs: 1_000 })], config: { heartbeatInterval: 10_000 } })
    await scene.sim.connectAll({ degree: 4 })
    await scene.sim.run({ forMs: 5_000 })
    return scene
  }

  get nodes(): readonly SimNode[] {
    return this.sim.nodes
  }

  begin(kind: FaultKind, seed: number | string = kind): FaultEffect {
    const effect = FAULT_KINDS[kind].begin(this.world, new SimRandom(seed))
    if (effect === undefined) throw new Error(`${kind} found nothing to break`)
    return effect
  }

  /** Who the fault was done to, by its own words. */
  victim({ what }: FaultEffect): SimNode {
    return this.nodes.find(({ name }) => new RegExp(`\\b${name}\\b`).test(what))!
  }

  run(forMs: number): Promise<void> {
    return this.sim.run({ forMs })
  }

  /** The pairs between which nothing gets through now, as `from>to`. */
  get cuts(): string[] {
    const { network } = this.sim
    return this.nodes.flatMap(a => this.nodes.filter(b => a !== b && network.path(a.host, b.host).cut).map(b => `${a.name}>${b.name}`))
  }

  /** The pairs whose lines are not what they were in this respect. */
  worse(field: keyof LinkQuality, than: number): string[] {
    const { network } = this.sim
    return this.nodes.flatMap(a => this.nodes.filter(b => a !== b && network.path(a.host, b.host).quality[field] !== than).map(b => `${a.name}>${b.name}`))
  }

  /** All are up, linked as they wish, and have heard each other after that moment. */
  async recovers(): Promise<void> {
    const sinceMs = this.sim.nowMs
    const hear = (a: SimNode, b: SimNode): boolean => (b.handler(Chatter).heardAtMs.get(a.id) ?? -1) > sinceMs
    await this.sim.runUntil(() => this.nodes.every(node => node.isUp) && this.nodes.every(a => [...a.wishes].every(b => hear(a, b) && hear(b, a))), { withinMs: 180_000, what: 'all talk again' })
    await this.sim.shutdown()
    assert.is(this.failure, undefined)
  }
}

const LINES: [FaultKind, keyof LinkQuality, number, howMany: number][] = [
  ['loss', 'lossRate', 0, 10],
  ['burst-loss', 'lossRate', 0, 30],
  ['delay', 'tailRate', 0, 10],
  ['jitter', 'jitterMs', 2, 30],
  ['slow-link', 'bytesPerSecond', Infinity, 10],
  ['resets', 'resetRate', 0, 10],
  ['duplicate-frames', 'duplicateRate', 0, 2],
  ['reorder-frames', 'reorderRate', 0, 2],
  ['corrupt-frames', 'corruptRate', 0, 2],
  ['truncate-frames', 'truncateRate', 0, 2],
]
const checked = new Set<FaultKind>()

function kind(name: FaultKind, about: string, check: (scene: Scene) => Promise<void>): void {
  checked.add(name)
  test(`${name}: ${about}`, async () => {
    const scene = await Scene.make()
    await check(scene)
    await scene.recovers()
  })
}

for (const [name, field, before, howMany] of LINES) {
  kind(name, `${howMany} directions of 30 have another ${field} until it ends`, async scene => {
    const effect = scene.begin(name)
    assert.is(scene.worse(field, before).length, howMany)
    await scene.run(10_000)
    effect.end!()
    assert.is(scene.worse(field, before).length, 0)
  })
}

kind('one-way-cut', 'nothing gets from one node to another or to all, the other way is open', async scene => {
  const counts = new Set<number>()
  for (let seed = 0; seed < 20; seed++) {
    const effect = scene.begin('one-way-cut', seed)
    const { cuts } = scene
    counts.add(cuts.length)
    assert.ok(cuts.every(cut => !cuts.includes(cut.split('>').reverse().join('>'))))
    effect.end!()
    assert.is(scene.cuts.length, 0)
  }
  assert.equal([...counts].sort(), [1, 5])
})

kind('partition-halves', 'three on either side do not reach each other', async scene => {
  const effect = scene.begin('partition-halves')
  assert.is(scene.cuts.length, 18)
  await scene.run(20_000)
  effect.end!()
  assert.is(scene.cuts.length, 0)
})

kind('partition-ring', 'each reaches its four neighbours and not the one across', async scene => {
  const effect = scene.begin('partition-ring')
  assert.is(scene.cuts.length, 6)
  for (const { name } of scene.nodes) assert.is(scene.cuts.filter(cut => cut.startsWith(`${name}>`)).length, 1)
  effect.end!()
  assert.is(scene.cuts.length, 0)
})

kind('flapping', 'the lines of one node come and go', async scene => {
  const effect = scene.begin('flapping')
  const states: boolean[] = []
  for (let second = 0; second < 30; second++) {
    states.push(scene.cuts.length === 10)
    await scene.run(1_000)
  }
  const changes = states.filter((state, index) => index > 0 && state !== states[index - 1]).length
  assert.ok(changes >= 4, `${changes} changes in 30 s`)
  effect.end!()
  assert.is(scene.cuts.length, 0)
})

kind('clog', 'some are cut off one by one and come back', async scene => {
  const effect = scene.begin('clog')
  await scene.run(10_000)
  assert.is(scene.cuts.length, 10)
  await scene.run(10_000)
  assert.is(scene.cuts.length, 0)
  effect.end!()
})

kind('half-open', 'a channel is dead, which heartbeats find out after some time', async scene => {
  const effect = scene.begin('half-open')
  const victim = scene.victim(effect)
  const before = victim.coordinator.getConnectedPeers().length
  await scene.run(20_000)
  assert.is(victim.coordinator.getConnectedPeers().length, before, 'nobody knows')
  const codes: string[] = []
  for (const node of scene.nodes) node.coordinator.on('error', error => void codes.push(error.code))
  await scene.run(60_000)
  assert.ok(codes.includes('ERR_PEER_UNRESPONSIVE'), codes.join())
})

kind('stopped-reader', 'one node hears nothing and is heard', async scene => {
  const effect = scene.begin('stopped-reader')
  const victim = scene.victim(effect)
  await scene.run(2_000)
  const sinceMs = scene.sim.nowMs
  await scene.run(5_000)
  const chatter = victim.handler(Chatter)
  assert.ok([...chatter.heardAtMs.values()].every(atMs => atMs <= sinceMs))
  const linked = scene.nodes.filter(node => node !== victim && node.coordinator.isConnected(victim.id))
  assert.ok(linked.length > 0 && linked.every(node => node.handler(Chatter).heardAtMs.get(victim.id)! > sinceMs))
  effect.end!()
})

kind('address-change', 'a node goes on at another address', async scene => {
  const before = new Map(scene.nodes.map(node => [node, node.address]))
  const effect = scene.begin('address-change')
  const victim = scene.victim(effect)
  effect.end!()
  await scene.run(1_000)
  assert.not.equal(victim.address, before.get(victim))
})

kind('listener-crash', 'nobody gets in until the node listens again', async scene => {
  const effect = scene.begin('listener-crash')
  const victim = scene.victim(effect)
  assert.is(victim.host.listeners.size, 0)
  effect.end!()
  await scene.run(100)
  assert.is(victim.host.listeners.size, 1)
})

for (const name of ['crash', 'power-loss', 'torn-write'] as const) {
  kind(name, 'a node is down until it ends, and off only without power', async scene => {
    const effect = scene.begin(name)
    const victim = scene.victim(effect)
    assert.equal([victim.isUp, victim.host.up, victim.host.channels.size], [false, name === 'crash', 0])
    await scene.run(5_000)
    effect.end!()
    await scene.run(1_000)
    assert.equal([victim.isUp, victim.host.up, victim.starts], [true, true, 2])
  })
}

kind('crash-at-call', 'a node dies in the middle of what it does, and starts again', async scene => {
  const effect = scene.begin('crash-at-call')
  const victim = scene.victim(effect)
  assert.is(victim.isUp, true)
  await scene.sim.runUntil(() => !victim.isUp, { withinMs: 60_000 })
  effect.end!()
  await scene.run(1_000)
  assert.is(victim.isUp, true)
})

kind('old-disk', 'a node starts again with what its disk held before', async scene => {
  const effect = scene.begin('old-disk')
  const victim = scene.victim(effect)
  const before = victim.handler(Chatter).count
  await scene.run(10_000)
  assert.ok(victim.handler(Chatter).count > before + 5)
  effect.end!()
  await scene.run(1_500)
  assert.ok(victim.handler(Chatter).count <= before + 2, 'it counts again what it had counted')
})

kind('corrupt-record', 'one bit of a record flips while the node is down', async scene => {
  const effect = scene.begin('corrupt-record')
  const victim = scene.victim(effect)
  assert.match(effect.what, /one bit of "protocol\//)
  assert.is(victim.isUp, false)
  effect.end!()
})

kind('stall', 'a node is stuck: its timers and what comes in wait', async scene => {
  const effect = scene.begin('stall')
  const victim = scene.victim(effect)
  const forMs = Number(/for (\d+) ms/.exec(effect.what)![1])
  const { count } = victim.handler(Chatter)
  const heard = [...victim.handler(Chatter).heard.values()]
  await scene.run(forMs - 1)
  assert.is(victim.handler(Chatter).count, count)
  assert.equal([...victim.handler(Chatter).heard.values()], heard)
  await scene.run(3_000)
  assert.ok(victim.handler(Chatter).count > count)
})

kind('clock-jump', 'a wall clock is wrong until it ends', async scene => {
  const effect = scene.begin('clock-jump')
  const victim = scene.victim(effect)
  assert.ok(Math.abs(victim.clock.skewMs) > 1_000)
  await scene.run(10_000)
  effect.end!()
  assert.is(victim.clock.skewMs, 0)
})

kind('clock-back-at-restart', 'a node starts again in the past', async scene => {
  const effect = scene.begin('clock-back-at-restart')
  const victim = scene.victim(effect)
  await scene.run(1_000)
  assert.ok(victim.isUp && victim.clock.skewMs < -1_000)
  effect.end!()
  assert.is(victim.clock.skewMs, 0)
})

kind('disk-full', 'writes are refused until there is room', async scene => {
  const effect = scene.begin('disk-full')
  const victim = scene.victim(effect)
  const error = await scene.sim.clock.drive(victim.store.put('key', Uint8Array.of(1)).catch((reason: Error) => reason.message))
  assert.match(String(error), /ENOSPC/)
  effect.end!()
  await scene.sim.clock.drive(victim.store.put('key', Uint8Array.of(1)))
})

kind('slow-disk', 'the disk takes its time', async scene => {
  const effect = scene.begin('slow-disk')
  const victim = scene.victim(effect)
  const startMs = scene.sim.nowMs
  await scene.sim.clock.drive(victim.store.put('key', Uint8Array.of(1), { sync: true }))
  assert.ok(scene.sim.nowMs - startMs > 50)
  effect.end!()
  const laterMs = scene.sim.nowMs
  await scene.sim.clock.drive(victim.store.put('key', Uint8Array.of(1), { sync: true }))
  assert.is(scene.sim.nowMs, laterMs)
})

kind('out-of-sockets', 'a node may open none', async scene => {
  const effect = scene.begin('out-of-sockets')
  assert.is(scene.victim(effect).host.outOfSockets, true)
  effect.end!()
  assert.is(scene.victim(effect).host.outOfSockets, false)
})

kind('shutdown', 'a node leaves in good order and comes back', async scene => {
  const reasons: string[] = []
  for (const node of scene.nodes) node.coordinator.on('disconnected', (_, reason) => void reasons.push(reason))
  const effect = scene.begin('shutdown')
  const victim = scene.victim(effect)
  await scene.run(5_000)
  assert.equal([victim.isUp, new Set(reasons).has('shutdown')], [false, true])
  effect.end!()
})

for (const [name, refused] of [['failing-signer', undefined], ['forged-signatures', 'ERR_WIRE_BAD_SIGNATURE']] as const) {
  kind(name, 'nothing of what a node says is heard', async scene => {
    const effect = scene.begin(name)
    const victim = scene.victim(effect)
    await scene.run(1_500)
    const sinceMs = scene.sim.nowMs
    await scene.run(5_000)
    assert.ok(scene.nodes.every(node => !((node.handler(Chatter).heardAtMs.get(victim.id) ?? 0) > sinceMs)))
    if (refused) assert.ok(scene.nodes.some(node => (node.coordinator.getStats().refused[refused] ?? 0) > 0))
    effect.end!()
  })
}

test('every kind there is has been tried here', () => {
  assert.equal((Object.keys(FAULT_KINDS) as FaultKind[]).filter(name => !checked.has(name)), [])
})

test.run()
