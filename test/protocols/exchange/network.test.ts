import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { areOne, ExchangeWorld } from './support/world.ts'

const exchange = suite('peer exchange between coordinators')

exchange('alice, who knows bob alone, learns carol through him and dials her', async () => {
  await using world = new ExchangeWorld()
  const bob = await world.add('bob')
  const carol = await world.add('carol', { bootstrap: [bob.address] })
  await world.sim.runUntil(() => carol.coordinator.isConnected(bob.id), { withinMs: 10_000 })
  const alice = await world.add('alice', { bootstrap: [bob.address] })
  await world.sim.runUntil(() => alice.coordinator.isConnected(carol.id), { withinMs: 10_000 })
  assert.equal(world.found.get('alice'), [carol.id])
  assert.is(alice.coordinator.getPeer(carol.id)?.direction, 'outbound')
})

exchange('twenty nodes with one address between them find each other: each has its links, and all are one network', async () => {
  await using world = new ExchangeWorld()
  const nodes = await world.addAll(20, { outboundTarget: 4 })
  await world.sim.runUntil(() => nodes.slice(1).every(node => world.degreeOf(node) >= 4) && areOne(nodes), { withinMs: 90_000 })
  await world.sim.run({ forMs: 60_000 })
  for (const node of nodes) assert.ok(world.exchange(node).getStats().outbound <= 5, `${node.name} made ${world.exchange(node).getStats().outbound} links`)
  for (const errors of world.errors.values()) assert.equal(errors.map(({ code }) => code), [])
})

exchange('they stay one network when the node they all began with is gone', async () => {
  await using world = new ExchangeWorld()
  const nodes = await world.addAll(12, { outboundTarget: 4 })
  await world.sim.runUntil(() => areOne(nodes) && nodes.slice(1).every(node => world.degreeOf(node) >= 4), { withinMs: 90_000 })
  world.sim.crash(nodes[0]!)
  const rest = nodes.slice(1)
  await world.sim.runUntil(() => rest.every(node => world.degreeOf(node) >= 4 && !node.coordinator.isConnected(nodes[0]!.id)) && areOne(rest), { withinMs: 120_000 })
})

exchange('a node that comes before the one it begins with asks again until that is there', async () => {
  await using world = new ExchangeWorld()
  const bob = await world.add('bob')
  const { address } = bob
  await world.sim.stop(bob)
  const alice = await world.add('alice', { bootstrap: [address] })
  await world.sim.run({ forMs: 20_000 })
  assert.is(world.degreeOf(alice), 0)
  assert.ok(world.errors.get('alice')!.length >= 3, 'it says that it could not')
  assert.match(world.errors.get('alice')![0]!.message, /^bootstrap address /)
  await world.sim.restart(bob)
  await world.sim.runUntil(() => world.degreeOf(alice) === 1, { withinMs: 35_000 })
})

exchange('who lost every link dials its bootstrap addresses again', async () => {
  await using world = new ExchangeWorld()
  const bob = await world.add('bob')
  const alice = await world.add('alice', { bootstrap: [bob.address], outboundTarget: 0 })
  await world.sim.runUntil(() => world.degreeOf(alice) === 1, { withinMs: 10_000 })
  await world.sim.stop(bob)
  await world.sim.runUntil(() => world.degreeOf(alice) === 0, { withinMs: 10_000 })
  await world.sim.restart(bob)
  await world.sim.runUntil(() => world.degreeOf(alice) === 1, { withinMs: 40_000 })
})

exchange('with a target of 0 records are exchanged and nobody is dialled', async () => {
  await using world = new ExchangeWorld()
  const nodes = await world.addAll(4, { outboundTarget: 0 })
  await world.sim.run({ forMs: 100_000 })
  assert.equal(nodes.map(node => world.degreeOf(node)), [3, 1, 1, 1])
  assert.ok(world.exchange(nodes[3]!).getStats().hearsay >= 2)
})

exchange('a node that begins to listen later is told of then', async () => {
  await using world = new ExchangeWorld()
  const bob = await world.add('bob', { outboundTarget: 0 })
  const carol = await world.add('carol', { outboundTarget: 0, bootstrap: [bob.address] })
  const alice = await world.add('alice', { outboundTarget: 0, bootstrap: [bob.address] })
  const client = await world.sim.addNode('client', { listens: false, config: { network: 'private', bootstrap: [bob.address] }, protocols: alice.options.protocols! })
  await world.sim.connect(client, bob)
  await world.sim.run({ forMs: 70_000 })
  assert.not(world.found.get('carol')!.includes(client.id), 'it cannot be dialled')
  await world.sim.clock.drive(client.coordinator.listen(`sim://${client.host.address}:4001`))
  await world.sim.run({ forMs: 100_000 })
  assert.ok(world.found.get('carol')!.includes(client.id))
  void carol
})

exchange('on a public network addresses inside somebody\'s own network are neither handed on nor dialled', async () => {
  await using world = new ExchangeWorld()
  const nodes = await world.addAll(4, { outboundTarget: 3 }, { network: 'public', sybilCost: false })
  for (const node of nodes) assert.match(node.address, /^sim:\/\/10\./)
  await world.sim.run({ forMs: 60_000 })
  assert.equal(nodes.map(node => world.degreeOf(node)), [3, 1, 1, 1])
  assert.equal(nodes.map(node => world.exchange(node).getStats().book), [0, 0, 0, 0])
  assert.ok((world.exchange(nodes[0]!).getStats().counters['unusable'] ?? 0) >= 3)
})

exchange('the same seed gives the same run', async () => {
  const run = async (): Promise<string> => {
    const world = new ExchangeWorld({ seed: 5 })
    await world.addAll(8, { outboundTarget: 3 })
    await world.sim.run({ forMs: 60_000 })
    await world.sim.shutdown()
    return world.sim.hash()
  }
  assert.is(await run(), await run())
})

exchange.run()
