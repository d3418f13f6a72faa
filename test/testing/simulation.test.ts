import { Type } from 'typebox'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IProtocolHandler, ProtocolContext } from '../../lib/contracts/protocol.ts'
import type { P2PMessage } from '../../lib/contracts/message.ts'
import type { PeerInfo } from '../../lib/contracts/peer.ts'
import { defineProtocol } from '../../lib/protocol-kit/define-protocol.ts'
import { ProtocolHandler } from '../../lib/protocol-kit/protocol-handler.ts'
import type { SimNode } from '../../lib/testing/sim-node.ts'
import { SimulationError } from '../../lib/testing/simulation-error.ts'
import type { SimulationOptions } from '../../lib/testing/simulation-options.ts'
import { Simulation } from '../../lib/testing/simulation.ts'
import { Chatter } from '../simulation/support/chatter.ts'

const test = suite('simulation')

// What somebody writes who wants to try a protocol of his own: twenty lines, and a hundred nodes with faults.

const rumour = defineProtocol({ name: 'example/rumour', version: 1, messages: { heard: Type.Object({ text: Type.String() }) } })

class Rumour extends ProtocolHandler<typeof rumour> {
  readonly known = new Set<string>()

  constructor() {
    super(rumour)
  }

  async tell(text: string): Promise<void> {
    if (this.known.has(text)) return
    this.known.add(text)
    await this.broadcast('heard', { text })
  }

  async onPeerConnected(peer: PeerInfo): Promise<void> {
    for (const text of this.known) await this.send(peer.peerId, 'heard', { text })
  }

  protected readonly receive = {
    heard: ({ text }: { text: string }): Promise<void> => this.tell(text),
  }
}

test('a protocol of twenty lines is tried on a hundred nodes with faults, without a socket', async () => {
  const sim = new Simulation({ seed: 7, faults: 'all', faultEveryMs: 2_000, faultsUntilMs: 60_000 })
  const nodes = await sim.addNodes(100, { protocols: () => [new Rumour()], config: { heartbeatInterval: 10_000 } })
  await sim.connectAll({ degree: 6 })

  await nodes[0]!.handler(Rumour).tell('the wallet is open')
  await sim.run({ forMs: 60_000 })
  await sim.runUntil(() => nodes.every(node => node.isUp && node.handler(Rumour).known.size === 1), { withinMs: 120_000, what: 'all have heard it' })

  assert.ok(sim.faults.length > 15, `${sim.faults.length} faults`)
  await sim.shutdown()
})

/** A few nodes that chatter, all linked with all. */
async function chatting(count: number, options: SimulationOptions = {}): Promise<Simulation> {
  const sim = new Simulation(options)
  const people = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi']
  await sim.addNodes(count, { protocols: () => [new Chatter({ everyMs: 1_000 })], config: { heartbeatInterval: 10_000 } }, index => people[index]!)
  for (const [index, node] of sim.nodes.entries()) for (const other of sim.nodes.slice(0, index)) await sim.connect(node, other)
  return sim
}

const talks = (from: SimNode, to: SimNode, sinceMs: number): boolean => (to.handler(Chatter).heardAtMs.get(from.id) ?? -1) > sinceMs

test('the same seed is the same run, event by event; another seed is another', async () => {
  const hashOf = async (seed: number): Promise<string> => {
    const sim = await chatting(6, { seed, faults: 'all', faultEveryMs: 3_000 })
    await sim.run({ forMs: 60_000 })
    await sim.shutdown()
    return sim.hash()
  }
  const first = await hashOf(1)
  assert.is(await hashOf(1), first)
  assert.not.equal(await hashOf(2), first)
})

test('what a scenario logs counts for the hash, and can be read', async () => {
  const hashOf = async (text: string): Promise<string> => {
    const sim = await chatting(2)
    sim.log(text)
    await sim.run({ forMs: 1_000 })
    await sim.shutdown()
    return sim.hash()
  }
  assert.is(await hashOf('a'), await hashOf('a'))
  assert.not.equal(await hashOf('a'), await hashOf('b'))
})

test('nodes talk, and links take the time of their lines', async () => {
  const sim = await chatting(3, { latencyMs: 100, quality: { jitterMs: 0 } })
  await sim.run({ forMs: 10_000 })
  for (const node of sim.nodes) assert.is(node.handler(Chatter).heard.size, 2)
  const [alice, bob] = sim.nodes as [SimNode, SimNode]
  const roundTripMs = alice.coordinator.getPeer(bob.id)!.roundTripMs!
  assert.ok(roundTripMs >= 200 && roundTripMs < 210, `${roundTripMs}`)
  await sim.shutdown()
})

test('a node that crashes forgets all but its disk, is missed, and is dialled again by whoever wished for it', async () => {
  const sim = await chatting(3)
  const [alice, bob, carol] = sim.nodes as [SimNode, SimNode, SimNode]
  await sim.run({ forMs: 10_000 })
  const before = bob.handler(Chatter)
  sim.crash('bob')
  assert.is(bob.isUp, false)
  await sim.run({ forMs: 1_000 })
  assert.equal([alice.coordinator.isConnected(bob.id), carol.coordinator.isConnected(bob.id)], [false, false])
  await sim.restart('bob')
  await sim.runUntil(() => talks(bob, alice, 12_000) && talks(carol, bob, 12_000), { withinMs: 30_000 })
  assert.is.not(bob.handler(Chatter), before)
  assert.ok(bob.handler(Chatter).count >= before.count, 'it goes on counting where its disk stood')
  assert.is(alice.handler(Chatter).wentBack, 0, 'nobody heard a number twice')
  await sim.shutdown()
})

test('the coordinator itself dials a lost peer again, when the application leaves it to it', async () => {
  const sim = await chatting(2, { redialMs: Infinity })
  const [alice, bob] = sim.nodes as [SimNode, SimNode]
  sim.crash(alice)
  await sim.run({ forMs: 3_000 })
  await sim.restart(alice)
  assert.is(bob.wishes.has(alice), true)
  await sim.runUntil(() => bob.coordinator.isConnected(alice.id), { withinMs: 30_000 })
  await sim.shutdown()
})

test('a crash may come at any call to clock, store, signer or socket, and the node comes back from each', async () => {
  const sim = await chatting(3, { redialMs: 2_000 })
  const bob = sim.node('bob')
  const places = new Set<number>()
  for (let call = 1; call <= 60; call++) {
    const startedAt = bob.starts
    bob.life.dieAtCall(call)
    await sim.runUntil(() => !bob.isUp, { withinMs: 60_000, what: `bob dies at call ${call}` })
    places.add(call)
    await sim.restart(bob)
    assert.is(bob.starts, startedAt + 1)
  }
  const sinceMs = sim.nowMs
  await sim.runUntil(() => sim.nodes.every(node => node === bob || (talks(bob, node, sinceMs) && talks(node, bob, sinceMs))), { withinMs: 60_000 })
  assert.is(sim.node('alice').handler(Chatter).wentBack, 0)
  await sim.shutdown()
})

test('the dead have no effect: neither timers nor sends nor writes of a crashed program do anything', async () => {
  const sim = await chatting(2)
  const [alice, bob] = sim.nodes as [SimNode, SimNode]
  const ghost = alice.coordinator
  await sim.run({ forMs: 5_000 })
  sim.crash(alice)
  const stored = alice.store.image()
  const heardBefore = bob.handler(Chatter).heard.get(alice.id)
  let returned = false
  void ghost.sendTo(bob.id, { type: 'boo', payload: null }).then(() => { returned = true }, () => {})
  await sim.run({ forMs: 60_000 })
  assert.is(returned, false)
  assert.equal(alice.store.image(), stored)
  assert.is(bob.handler(Chatter).heard.get(alice.id), heardBefore)
  assert.is(alice.holdings.timers, 0)
  await sim.shutdown()
})

test('a partition silences, and healing lets everybody talk again', async () => {
  const sim = await chatting(4)
  const [alice, bob, carol, dave] = sim.nodes as [SimNode, SimNode, SimNode, SimNode]
  sim.partition([['alice', 'bob'], [carol, dave]])
  await sim.run({ forMs: 30_000 })
  const sinceMs = sim.nowMs - 20_000
  assert.equal([talks(alice, bob, sinceMs), talks(carol, dave, sinceMs), talks(alice, carol, sinceMs), talks(dave, bob, sinceMs)], [true, true, false, false])
  sim.heal()
  await sim.runUntil(() => sim.nodes.every(a => sim.nodes.every(b => a === b || talks(a, b, sim.nowMs - 3_000))), { withinMs: 120_000 })
  await sim.shutdown()
})

for (const rate of ['vanishRate', 'duplicateRate', 'reorderRate', 'corruptRate', 'truncateRate'] as const) {
  test(`a sealed link does not survive ${rate}: it is cut and made anew, and nothing false gets through`, async () => {
    const sim = await chatting(2, { redialMs: 3_000 })
    const [alice, bob] = sim.nodes as [SimNode, SimNode]
    const codes: string[] = []
    for (const node of sim.nodes) node.coordinator.on('error', error => void codes.push(error.code))
    const worse = sim.network.impose({ applies: () => true, quality: { [rate]: 0.2 } })
    await sim.run({ forMs: 120_000 })
    worse[Symbol.dispose]()
    assert.ok(codes.includes('ERR_PEER_UNSEALING_FAILED'), codes.join())
    const sinceMs = sim.nowMs
    await sim.runUntil(() => talks(alice, bob, sinceMs) && talks(bob, alice, sinceMs), { withinMs: 60_000 })
    assert.equal([alice.handler(Chatter).wentBack, bob.handler(Chatter).wentBack], [0, 0])
    await sim.shutdown()
  })
}

test('signatures that are none are refused and blamed, and no handler sees the message', async () => {
  const sim = await chatting(3)
  const [alice, bob] = sim.nodes as [SimNode, SimNode]
  await sim.run({ forMs: 3_000 })
  alice.signer = 'forges'
  await sim.run({ forMs: 2_000 })
  const heard = bob.handler(Chatter).heard.get(alice.id)
  await sim.run({ forMs: 20_000 })
  assert.is(bob.handler(Chatter).heard.get(alice.id), heard)
  assert.ok(bob.coordinator.getStats().refused.ERR_WIRE_BAD_SIGNATURE! > 3)
  await sim.shutdown()
})

test('what is said on a wrong clock is refused as stale or early, and heard again when the clock is right', async () => {
  const sim = await chatting(3)
  const [alice, bob] = sim.nodes as [SimNode, SimNode]
  for (const [jumpMs, code] of [[-200_000, 'ERR_WIRE_STALE'], [100_000, 'ERR_WIRE_FUTURE']] as const) {
    alice.clock.jump(jumpMs)
    await sim.run({ forMs: 5_000 })
    assert.ok(bob.coordinator.getStats().refused[code]! > 2, code)
    alice.clock.jump(-jumpMs)
    const sinceMs = sim.nowMs
    await sim.runUntil(() => talks(alice, bob, sinceMs), { withinMs: 10_000 })
  }
  await sim.shutdown()
})

test('a node that stops in good order says so, and leaves nothing behind', async () => {
  const sim = await chatting(3)
  const reasons: string[] = []
  sim.node('alice').coordinator.on('disconnected', (_, reason) => void reasons.push(reason))
  await sim.stop('bob')
  await sim.run({ forMs: 1_000 })
  assert.equal(reasons, ['shutdown'])
  assert.equal(sim.node('bob').holdings, { timers: 0, channels: 0, listeners: 0 })
  await sim.shutdown()
  assert.is(sim.clock.pending, 0)
})

class Forgetful implements IProtocolHandler {
  readonly protocolName = 'test/forgetful'
  onRegister({ clock }: ProtocolContext): void {
    const again = (): void => void clock.schedule(1_000, again)
    again()
  }

  async handleMessage(): Promise<void> {}
}

test('a protocol that leaves a timer behind is found out', async () => {
  const sim = new Simulation()
  await sim.addNode('alice', { protocols: () => [new Forgetful()] })
  const error = await sim.shutdown().catch((reason: Error) => reason)
  assert.instance(error, SimulationError)
  assert.match((error as Error).message, /alice has shut down and left 1 timers/)
})

test('a run that does not reach its goal says the seed, the faults and the latest events', async () => {
  const sim = await chatting(3, { seed: 'grey', faults: ['crash', 'stall'], faultEveryMs: 5_000 })
  const error = await sim.runUntil(() => false, { withinMs: 60_000, what: 'pigs fly' }).catch((reason: Error) => reason)
  assert.instance(error, SimulationError)
  const { message } = error as SimulationError
  assert.match(message, /not within 60000 ms: pigs fly/)
  assert.match(message, /again with \{ seed: "grey" \}/)
  assert.match(message, /#0 \d+-\d+ ms (crash|stall): \w+ (crashes|is stuck)/)
  assert.match(message, /latest events:\n/)
  assert.is((error as SimulationError).faults.length, sim.faults.length)
  await sim.shutdown()
})

test('what must always hold is looked at again and again, and at the end', async () => {
  const sim = await chatting(2, { checkEveryMs: 1_000 })
  let limit = 100
  sim.always('few have been heard', () => sim.nodes.every(node => !node.isUp || node.handler(Chatter).count < limit))
  await sim.run({ forMs: 20_000 })
  limit = 40
  const error = await sim.run({ forMs: 100_000 }).catch((reason: Error) => reason)
  assert.match((error as Error).message, /^does not hold: few have been heard/)
  assert.ok(sim.nowMs < 50_000, 'it ends there and then')

  const other = await chatting(2)
  other.always('never', () => false)
  assert.match(((await other.shutdown().catch((reason: Error) => reason)) as Error).message, /^does not hold: never/)
})

test('what an event throws ends the run as its failure', async () => {
  const sim = await chatting(2)
  sim.clock.schedule(10, () => { throw new Error('boom') })
  const error = await sim.run({ forMs: 1_000 }).catch((reason: Error) => reason)
  assert.instance(error, SimulationError)
  assert.match((error as Error).message, /^boom \(after/)
  await sim.shutdown()
})

test('the script of a scenario may act at given moments', async () => {
  const sim = await chatting(3)
  const startMs = sim.nowMs
  sim.at(startMs + 5_000, () => sim.crash('bob'))
  sim.at(startMs + 8_000, () => sim.restart('bob'))
  await sim.run({ forMs: 6_000 })
  assert.is(sim.node('bob').isUp, false)
  await sim.run({ forMs: 6_000 })
  assert.is(sim.node('bob').isUp, true)
  await sim.shutdown()
})

test('an application starts again with its node, and hears it', async () => {
  const sim = new Simulation()
  const heard: string[] = []
  const onStart = (node: SimNode): void => {
    node.coordinator.on('message', (message: P2PMessage) => void heard.push(`${node.name} heard ${message.type} of ${String(message.payload)}`))
  }
  const [alice, bob] = [await sim.addNode('alice', { onStart }), await sim.addNode('bob', { onStart })]
  await sim.connect('alice', 'bob')
  await sim.clock.drive(alice.coordinator.sendTo(bob.id, { type: 'greeting', payload: 'alice' }))
  await sim.run({ forMs: 1_000 })
  sim.crash('bob')
  await sim.run({ forMs: 1_000 })
  await sim.restart('bob')
  await sim.runUntil(() => alice.coordinator.isConnected(bob.id), { withinMs: 30_000 })
  await sim.clock.drive(alice.coordinator.sendTo(bob.id, { type: 'greeting', payload: 'alice again' }))
  await sim.run({ forMs: 1_000 })
  assert.equal(heard, ['bob heard greeting of alice', 'bob heard greeting of alice again'])
  await sim.shutdown()
})

for (const crypto of ['noble', 'wasm'] as const) {
  test(`the same world runs on real curves: ${crypto}`, async () => {
    const hashOf = async (): Promise<string> => {
      const sim = await chatting(3, { crypto })
      await sim.run({ forMs: 3_000 })
      assert.is(sim.node('alice').coordinator.getStats().crypto.curve, crypto)
      assert.ok(sim.nodes.every(node => node.handler(Chatter).heard.size === 2))
      await sim.shutdown()
      return sim.hash()
    }
    assert.is(await hashOf(), await hashOf())
  })
}

test('options that mean nothing are refused', () => {
  assert.throws(() => new Simulation({ fidelity: 'protocol' as 'full' }), /SimulatedMesh/)
  assert.throws(() => new Simulation({ faultEveryMs: 0 }), RangeError)
  assert.throws(() => new Simulation().node('nobody'), RangeError)
})

test('two nodes of one name are refused', async () => {
  const sim = new Simulation()
  await sim.addNode('alice')
  const error = await sim.addNode('alice').catch((reason: Error) => reason)
  assert.instance(error, RangeError)
  await sim.shutdown()
})

test.run()
