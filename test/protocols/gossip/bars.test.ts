import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { g5 } from './scenario/attacks.ts'
import { g1, g10, g2, g3, g9 } from './scenario/bars.ts'
import { holds, type BarOptions, type Measured } from './scenario/check.ts'

// The fast part of the scenario: a hundred nodes, one seed, fewer messages. `npm run scenario -- gossip` runs all of it at full size.
const OPTIONS: BarOptions = { n: 100, seed: 11, messages: 15 }
const bars = suite('gossip: bars at a hundred nodes')

const cases: [name: string, run: () => Promise<Measured>][] = [
  ['everybody hears everything in few hops, soon, and once', () => g1(OPTIONS)],
  ['large items cost at most two copies too many', () => g2(OPTIONS, 'large')],
  ['with a third of all links leading to black holes everybody still hears everything', () => g3(OPTIONS, 0.33)],
  ['two halves have everything within five seconds of being one again', () => g9(OPTIONS)],
  ['a thousand forgeries a second are dropped after five, and nobody else notices', () => g10(OPTIONS)],
]
for (const [name, run] of cases) {
  bars(name, async () => {
    const { checks, figures } = await run()
    const missed = checks.filter(check => !holds(check))
    assert.equal(missed, [], `seed ${OPTIONS.seed}: ${JSON.stringify(figures)}`)
  })
}

bars('with twenty hostile links for each honest one from the first moment, items are pushed on all the same; without feeding who refuses us they are not', async () => {
  const boot = { n: 60, seed: 11, messages: 20 }
  const { checks, figures } = await g5(boot)
  assert.equal(checks.filter(check => !holds(check)), [], JSON.stringify(figures))
  const without = await g5({ ...boot, gossip: { parameters: { feedPeers: 0, meshOutbound: 0 } } })
  assert.ok(without.figures.p99Ms as number > (figures.p99Ms as number) * 1.5, `${String(without.figures.p99Ms)} ms beside ${String(figures.p99Ms)} ms`)
})

bars.run()
