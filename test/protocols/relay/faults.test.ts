import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { RelayWorld } from './support/line.ts'

const faults = suite('relay: when everything goes wrong')

for (const seed of [1, 2, 3]) {
  faults(`under every fault nothing arrives twice or as somebody else's, and once they end everything arrives (seed ${seed})`, async () => {
    await using world = new RelayWorld({ seed, faults: 'all', faultEveryMs: 5_000, faultsFromMs: 60_000, faultsUntilMs: 180_000 })
    const nodes = await world.addAll(10)
    await world.sim.connectAll({ degree: 3 })
    await world.sim.run({ forMs: 60_000 })
    let tried = 0
    let received = 0
    for (let at = 61_000; at < 180_000; at += 2_000) {
      world.sim.at(at, () => {
        const [from, to] = [world.sim.random.pick(nodes), world.sim.random.pick(nodes)]
        // Whoever has a link is sent to directly, which is not what is tested here.
        if (from === to || !from.isUp || from.coordinator.isConnected(to.id)) return
        const payload = `${from.name}>${to.name} ${tried++}`
        void from.coordinator.sendTo(to.id, { type: 'note', payload }, { route: 'any' }).then(() => void received++, () => {})
      })
    }
    await world.sim.run({ forMs: 150_000 })
    const heard = nodes.flatMap(node => world.ear(node).messages.map(({ message, from }) => [String(message.payload), from, node.name] as const))
    assert.is(new Set(heard.map(([payload]) => payload)).size, heard.length, 'nothing twice')
    for (const [payload, from, at] of heard) {
      assert.is(payload.split(' ')[0], `${nodes.find(({ id }) => id === from)!.name}>${at}`, 'from its author, at its target')
    }
    assert.ok(received <= heard.length, 'nobody is told of a receipt for what was not heard')
    assert.ok(received >= tried / 4, `${received} of ${tried} in the thick of it`)

    // All are up, and up for long enough to take what is relayed.
    await world.sim.runUntil(() => nodes.every(node => node.isUp && node.coordinator.getConnectedPeers().length > 0), { withinMs: 300_000 })
    await world.sim.run({ forMs: 120_000 })
    for (const [index, node] of nodes.entries()) {
      const other = nodes[(index + 5) % 10]!
      await world.send(node, other, `after ${node.name}`)
      await world.sim.run({ forMs: 1_000 })
      assert.is(world.payloads(other).filter(payload => payload === `after ${node.name}`).length, 1)
    }
    for (const node of nodes) {
      const { pending, sends, searches } = world.relay(node).getStats()
      assert.equal([sends, searches], [0, 0])
      assert.ok(pending <= 2)
    }
  })
}

faults.run()
