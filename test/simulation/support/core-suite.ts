import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SimulationOptions } from '../../../lib/testing/simulation-options.ts'
import { faultsNamed, HEALED_WITHIN_MS, MINUTE, playCore, seedsOr, unhandled, type CoreResult } from './core.ts'

type Crypto = NonNullable<SimulationOptions['crypto']>

const DEGREE = 6

/** So many coordinators, ten virtual minutes, every kind of fault. */
async function play(seed: number, count: number, crypto: Crypto): Promise<CoreResult> {
  return await playCore({ seed, crypto, count, degree: DEGREE, forMs: 10 * MINUTE, speakEveryMs: 6_000, faults: 'all', faultEveryMs: 5_000, onlyFaults: faultsNamed() })
}

/** Tests of the same kind for many seeds, in files of their own so that two cores share the work. */
export function coreSuite(seeds: readonly number[], { twice, count = 32, crypto = 'stand-in' }: { twice: readonly number[]; count?: number; crypto?: 'stand-in' | 'wasm' }): void {
  const test = suite(`a core of coordinators, seeds ${seeds.join(', ')}`)

  for (const seed of seedsOr(seeds)) {
    test(`seed ${seed}${crypto === 'stand-in' ? '' : ` on ${crypto}`}: ${count} nodes keep every invariant for ten minutes of faults, and get well`, async () => {
      const first = await play(seed, count, crypto)
      assert.ok(first.healedMs <= HEALED_WITHIN_MS)
      assert.is(first.elapsedMs >= 10 * MINUTE, true)
      assert.ok(faultsNamed() !== undefined || first.faults.length > 50, `${first.faults.length} faults`)
      assert.is(first.links, count * DEGREE / 2)
      assert.equal(unhandled, [])
      if (twice.includes(seed)) assert.is((await play(seed, count, crypto)).hash, first.hash, 'the same seed was another run')
    })
  }

  test.run()
}
