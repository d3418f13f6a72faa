import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toHex } from '../../lib/foundation/hex.ts'
import { SeenSet } from '../../lib/wire/seen-set.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { Person } from './support/people.ts'

const { crypto } = new Person('alice')
const hash = (number: number): Uint8Array => crypto.sha256(Uint8Array.of(number >>> 16, number >>> 8, number))

function setup(seenMessagesMax = 1_000_000, seenMsMin = 300_000): { clock: ManualClock; seen: SeenSet } {
  const clock = new ManualClock()
  return { clock, seen: new SeenSet({ seenMsMin, seenMessagesMax, clock, random: seededRandom('seen') }) }
}

const seenSet = suite('seen set')

seenSet('knows what was added and nothing else', () => {
  const { seen } = setup()
  for (let number = 0; number < 20_000; number += 2) assert.ok(seen.add(hash(number)))
  for (let number = 0; number < 20_000; number++) assert.is(seen.has(hash(number)), number % 2 === 0)
  assert.is(seen.size, 10_000)
})

seenSet('adding twice is adding once', () => {
  const { seen } = setup()
  assert.ok(seen.add(hash(1)))
  assert.ok(seen.add(hash(1)))
  assert.is(seen.size, 1)
})

seenSet('what is added again lives on from then', () => {
  const { clock, seen } = setup()
  seen.add(hash(1))
  clock.advance(50_000)
  seen.add(hash(1))
  clock.advance(299_999)
  assert.ok(seen.has(hash(1)))
})

seenSet('tells hashes apart by any of their first 128 bits', () => {
  const { seen } = setup()
  const base = hash(1)
  seen.add(base)
  for (let bit = 0; bit < 128; bit++) assert.not.ok(seen.has(base.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))), `bit ${bit}`)
})

seenSet('an entry lives for the whole time, and is forgotten after a third more', () => {
  const { clock, seen } = setup()
  seen.add(hash(1))
  clock.advance(299_999)
  assert.ok(seen.has(hash(1)))
  clock.advance(100_001)
  assert.not.ok(seen.has(hash(1)))
  assert.is(seen.size, 0)
})

seenSet('never forgets early, however entries and time come', () => {
  const step = fc.record({ advanceMs: fc.nat(5_000), number: fc.nat(200) })
  fc.assert(fc.property(fc.array(step, { maxLength: 300 }), steps => {
    const { clock, seen } = setup(1_000, 10_000)
    const addedAt = new Map<number, number>()
    for (const { advanceMs, number } of steps) {
      clock.advance(advanceMs)
      if (seen.add(hash(number))) addedAt.set(number, clock.elapsedMs())
      for (const [other, atMs] of addedAt) {
        const ageMs = clock.elapsedMs() - atMs
        if (ageMs < 10_000) assert.ok(seen.has(hash(other)), `forgotten after ${ageMs} ms`)
        // Renewed with the generation it shares, it may live on; without company it is gone.
        if (ageMs > 20_000) assert.not.ok(seen.has(hash(other)), `still there after ${ageMs} ms`)
      }
    }
  }), { numRuns: 500 })
})

seenSet('when full it refuses, keeps all it has, and takes again once time has made room', () => {
  const { clock, seen } = setup(100)
  for (let number = 0; number < 100; number++) assert.ok(seen.add(hash(number)))
  assert.not.ok(seen.add(hash(100)))
  assert.not.ok(seen.has(hash(100)))
  assert.ok(seen.add(hash(5)), 'what is known is not refused')
  for (let number = 0; number < 100; number++) assert.ok(seen.has(hash(number)))
  clock.advance(300_000)
  assert.ok(seen.add(hash(100)))
  assert.is(seen.size, 1)
})

seenSet('follows the monotonic clock: a jump of the other one changes nothing', () => {
  const clock = new ManualClock()
  let jumpMs = 0
  const jumping = { elapsedMs: () => clock.elapsedMs(), now: () => clock.now() + jumpMs }
  const seen = new SeenSet({ seenMsMin: 1_000, seenMessagesMax: 10, clock: jumping })
  seen.add(hash(1))
  jumpMs = 1e9
  assert.ok(seen.has(hash(1)))
  jumpMs = -1e9
  assert.ok(seen.has(hash(1)))
})

seenSet('sweeping releases what is old without being asked for anything', () => {
  const { clock, seen } = setup()
  seen.add(hash(1))
  clock.advance(300_000)
  seen.sweep()
  assert.is(seen.size, 0)
})

seenSet('hashes that begin alike are told apart and found', () => {
  const { seen } = setup()
  const alike = (number: number): Uint8Array => {
    const bytes = new Uint8Array(32)
    new DataView(bytes.buffer).setUint32(12, number + 1)
    return bytes
  }
  for (let number = 0; number < 500; number++) assert.ok(seen.add(alike(number)))
  for (let number = 0; number < 500; number++) assert.ok(seen.has(alike(number)), toHex(alike(number)))
  assert.not.ok(seen.has(alike(500)))
})

seenSet('another seed changes where entries lie, not what is known', () => {
  const clock = new ManualClock()
  const sets = [undefined, seededRandom(1), seededRandom(2)].map(random => new SeenSet({ seenMsMin: 1_000, seenMessagesMax: 10_000, clock, random }))
  for (let number = 0; number < 3_000; number++) for (const seen of sets) seen.add(hash(number))
  for (let number = 0; number < 6_000; number++) for (const seen of sets) assert.is(seen.has(hash(number)), number < 3_000)
})

seenSet.run()
