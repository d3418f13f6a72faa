import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { g1, g2, g3, g9, type Bar, type BarOptions } from './scenario/bars.ts'

// The fast part of the scenario: a hundred nodes, one seed, fewer messages. `scenario/main.ts` runs them at full size.
const OPTIONS: BarOptions = { n: 100, seed: 11, messages: 15 }
const bars = suite('gossip: bars at a hundred nodes')

const cases: [name: string, run: () => Promise<Bar>][] = [
  ['everybody hears everything in few hops, soon, and once', () => g1(OPTIONS)],
  ['large items cost at most two copies too many', () => g2(OPTIONS, 'large')],
  ['with a third of all links leading to black holes everybody still hears everything', () => g3(OPTIONS, 0.33)],
  ['two halves have everything within five seconds of being one again', () => g9(OPTIONS)],
]
for (const [name, run] of cases) {
  bars(name, async () => {
    const { bar, seed, figures, wanted, holds } = await run()
    assert.ok(holds, `${bar}, seed ${seed}: wanted ${wanted}, got ${JSON.stringify(figures)}`)
  })
}

bars.run()
