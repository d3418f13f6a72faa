import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SeenIds } from '../../../lib/protocols/gossip/seen.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const random = seededRandom('seen ids')
const idsOf = (count: number): Uint8Array[] => Array.from({ length: count }, () => random(32))
const seen = suite('gossip: seen ids')

seen('what was added is known, what was not is not, through every growth', () => {
  const set = new SeenIds({ keepMs: 300_000, max: 100_000, random: () => 0.4 })
  const ids = idsOf(5_000)
  for (const id of ids) {
    assert.not.ok(set.has(id))
    assert.ok(set.add(id, 0))
  }
  assert.is(set.size, 5_000)
  assert.ok(ids.every(id => set.has(id)))
  assert.ok(idsOf(1_000).every(id => !set.has(id)))
})

seen('an id is kept for its time, and not much longer', () => {
  const set = new SeenIds({ keepMs: 300_000, max: 1_000, random: () => 0.4 })
  const [first, ...others] = idsOf(5) as [Uint8Array, ...Uint8Array[]]
  set.add(first, 0)
  others.forEach((id, index) => set.add(id, (index + 1) * 50_000))
  set.sweep(299_000)
  assert.ok(set.has(first))
  set.sweep(400_001)
  assert.not.ok(set.has(first))
  set.sweep(10_000_000)
  assert.is(set.size, 0)
})

seen('a full one takes nothing more and forgets nothing', () => {
  const set = new SeenIds({ keepMs: 300_000, max: 100, random: () => 0.4 })
  const ids = idsOf(150)
  assert.is(ids.filter(id => set.add(id, 0)).length, 100)
  assert.is(set.size, 100)
  assert.ok(ids.slice(0, 100).every(id => set.has(id)))
  assert.ok(set.add(ids[120]!, 300_000), 'until time has made room')
})

seen('one that may forget drops its older half, never the latest', () => {
  const set = new SeenIds({ keepMs: 300_000, max: 100, mayForget: true, random: () => 0.4 })
  const ids = idsOf(1_000)
  for (const id of ids) assert.ok(set.add(id, 0))
  assert.ok(set.size <= 100)
  assert.ok(ids.slice(-50).every(id => set.has(id)))
  assert.not.ok(set.has(ids[0]!))
})

seen('a longer time can be asked for, a shorter one changes nothing', () => {
  const set = new SeenIds({ keepMs: 300_000, max: 100, random: () => 0.4 })
  set.keepFor(600_000)
  set.keepFor(1_000)
  const [id] = idsOf(1)
  set.add(id!, 0)
  set.sweep(599_999)
  assert.ok(set.has(id!))
})

seen.run()
