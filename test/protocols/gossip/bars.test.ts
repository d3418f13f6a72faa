import { suite } from 'uvu'
import * as assert from 'uvu/assert'
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

bars.run()
