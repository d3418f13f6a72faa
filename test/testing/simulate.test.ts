import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SimulateOptions } from '../../lib/testing/simulate.ts'
import { shrink, simulate } from '../../lib/testing/simulate.ts'
import { SimulationError } from '../../lib/testing/simulation-error.ts'
import { Simulation } from '../../lib/testing/simulation.ts'
import { Chatter } from '../simulation/support/chatter.ts'

const test = suite('playing scenarios')

/** A small world under fire. */
const options: SimulateOptions = { seed: 5, faults: 'all', faultEveryMs: 2_000 }

async function populate(sim: Simulation): Promise<void> {
  await sim.addNodes(4, { protocols: () => [new Chatter({ everyMs: 1_000 })] })
  await sim.connectAll({ degree: 3 })
}

test('a scenario that holds is played once, shut down, and told with its hash', async () => {
  let played = 0
  const result = await simulate(options, async sim => {
    played++
    await populate(sim)
    await sim.run({ forMs: 30_000 })
  })
  assert.is(played, 1)
  assert.match(result.hash, /^[0-9a-f]{64}$/)
  assert.ok(result.faults.length > 5 && result.events > 500 && result.elapsedMs >= 30_000, `${result.faults.length} faults, ${result.events} events`)
})

test('a failure is shrunk to the fault that it needs, and says how to see it again', async () => {
  let played = 0
  const error = await simulate({ ...options, replay: (seed, only) => `SEED=${seed} FAULTS=${String(only)} npm test -- mine` }, async sim => {
    played++
    await populate(sim)
    await sim.run({ forMs: 60_000 })
    const stalled = sim.faults.find(({ kind }) => kind === 'partition-halves')
    if (stalled) throw new Error('somebody was cut off')
  }).catch((reason: Error) => reason)
  assert.instance(error, SimulationError)
  const { faults, onlyFaults, message } = error as SimulationError
  assert.equal(faults.map(({ kind }) => kind), ['partition-halves'])
  assert.ok(played > 2 && played <= 22, `played ${played} times`)
  assert.match(message, /^somebody was cut off/)
  assert.match(message, new RegExp(`replay: SEED=5 FAULTS=${String(onlyFaults)} npm test -- mine$`))

  // What it says is true: with exactly those faults it fails again, in the same way.
  const again = await simulate({ ...options, onlyFaults, shrinkRunsMax: 0 }, async sim => {
    await populate(sim)
    await sim.run({ forMs: 60_000 })
    assert.equal(sim.faults, faults)
    throw new Error('somebody was cut off')
  }).catch((reason: Error) => reason)
  assert.match((again as Error).message, /somebody was cut off/)
})

test('a failure that needs no fault at all is told without any', async () => {
  const error = await simulate(options, async sim => {
    await populate(sim)
    await sim.run({ forMs: 20_000 })
    throw new TypeError('a plain bug')
  }).catch((reason: Error) => reason)
  assert.equal((error as SimulationError).faults, [])
  assert.match((error as Error).message, /^a plain bug/)
  assert.instance((error as Error).cause, TypeError)
})

test('shrinking stops after as many runs as it may take', async () => {
  let played = 0
  const scenario = async (sim: Simulation): Promise<void> => {
    played++
    await populate(sim)
    await sim.run({ forMs: 30_000 })
    if (sim.faults.length >= 6) throw new Error('too much')
  }
  const failure = await simulate({ ...options, shrinkRunsMax: 0 }, scenario).catch((reason: SimulationError) => reason)
  assert.is(played, 1)
  const shrunk = await shrink({ ...options, shrinkRunsMax: 4, failure: failure as SimulationError }, scenario)
  assert.is(played, 5)
  assert.ok(shrunk.faults.length <= (failure as SimulationError).faults.length)
})

test('leaving faults out leaves the others what they were', async () => {
  const play = async (onlyFaults?: readonly number[]): Promise<Simulation> => {
    const sim = new Simulation({ ...options, faults: ['loss', 'jitter', 'clock-jump', 'partition-ring'], onlyFaults })
    await populate(sim)
    await sim.run({ forMs: 60_000 })
    await sim.shutdown()
    return sim
  }
  const all = (await play()).faults
  assert.ok(all.length > 10)
  assert.equal((await play([1, 3, 4])).faults, all.filter(({ number }) => [1, 3, 4].includes(number)))
  assert.equal((await play([])).faults, [])
})

test('after their last moment nothing goes wrong any more, and all that was wrong is mended', async () => {
  const sim = new Simulation({ ...options, faultEveryMs: 500, faultsUntilMs: 40_000 })
  await populate(sim)
  await sim.run({ forMs: 90_000 })
  assert.ok(sim.faults.length > 50 && sim.faults.every(({ fromMs, untilMs }) => fromMs < 40_000 && untilMs <= 40_000))
  assert.ok(sim.nodes.every(node => node.isUp && node.clock.skewMs === 0 && node.signer === 'good' && !node.host.outOfSockets))
  assert.ok(sim.nodes.every(a => sim.nodes.every(b => a === b || !sim.network.path(a.host, b.host).cut)))
  await sim.shutdown()
})

test.run()
