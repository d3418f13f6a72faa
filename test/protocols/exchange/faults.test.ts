import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { areOne, ExchangeWorld } from './support/world.ts'

const faults = suite('exchange: when everything goes wrong')

for (const seed of [1, 2, 3]) {
  faults(`two minutes of every fault there is, and then all are one network again (seed ${seed})`, async () => {
    await using world = new ExchangeWorld({ seed, faults: 'all', faultEveryMs: 5_000, faultsFromMs: 30_000, faultsUntilMs: 150_000 })
    const nodes = await world.addAll(10, { outboundTarget: 3 })
    await world.sim.run({ forMs: 150_000 })
    assert.ok(world.sim.faults.length >= 10, `${world.sim.faults.length} faults`)
    await world.sim.runUntil(() => nodes.every(node => node.isUp && world.degreeOf(node) >= 3) && areOne(nodes), { withinMs: 200_000, what: 'all are up and one network' })
    for (const node of nodes) {
      const { backoffs, hearsay, book, standings } = world.exchange(node).getStats()
      assert.ok(backoffs <= 10 && hearsay <= 10 && book <= 10 && standings <= 10, `${node.name} holds no more than there are nodes`)
    }
  })
}

faults.run()
