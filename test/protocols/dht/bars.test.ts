// guard: deadline 300 s
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { badPuts, flood, found, lookups, type Bar } from './scenario/bars.ts'

const bars = suite('DHT: the bars of the design on a hundred handlers')

function holding(measured: readonly Bar[]): void {
  for (const { bar, ours, wanted, better, holds, samples, extra } of measured) {
    assert.ok(holds, `${bar}: ${ours}, expected ${better} than ${wanted} over ${samples} samples, ${JSON.stringify(extra)}`)
  }
}

bars('lookups reach the nearest in few referrals, rounds and questions', async () => {
  holding(await lookups({ n: 100, seed: 11, samples: 100 }))
})

bars('with a fifth of the nodes lying, what was announced is found', async () => {
  holding(await found('D4', { n: 100, seed: 12, samples: 100 }, { liars: 0.2, first: 0.99, retry: 1 }))
})

bars('with half of the nodes gone at once, what was announced is found', async () => {
  holding(await found('D6', { n: 100, seed: 13, samples: 100 }, { vanish: 0.5, first: 1, messagesMax: 60 }))
})

bars('of a thousand forged, rolled-back, misplaced and oversize puts none is taken or shown', async () => {
  holding([await badPuts({ n: 3, seed: 14, samples: 1_000 })])
})

bars('twenty flooders keep nobody from announcing, and fill nobody up', async () => {
  holding(await flood({ n: 60, seed: 15, samples: 10_000 }))
})

bars.run()
