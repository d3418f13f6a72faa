import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SimRandom } from '../../lib/testing/sim-random.ts'

const test = suite('simulated randomness')

const draws = (random: SimRandom): number[] => Array.from({ length: 20 }, () => random.uint32())

test('a seed draws the same for ever: these are the values of seed 7', () => {
  assert.equal(draws(new SimRandom(7)).slice(0, 4), SEVEN)
})

/** Whoever changes these breaks every seed that anybody has written down. */
const SEVEN = [2374623974, 2602333551, 1527314349, 232024028]

test('another seed draws other values, and a number is the same seed as its text', () => {
  assert.equal(draws(new SimRandom(7)), draws(new SimRandom('7')))
  const seen = new Set(Array.from({ length: 1_000 }, (_, seed) => draws(new SimRandom(seed)).join()))
  assert.is(seen.size, 1_000)
})

test('a fork depends on its name alone, not on what was drawn before', () => {
  const one = new SimRandom(1)
  const other = new SimRandom(1)
  draws(other)
  assert.equal(draws(one.fork('network')), draws(other.fork('network')))
  assert.not.equal(draws(one.fork('network')), draws(one.fork('nodes')))
  assert.not.equal(draws(one.fork('a').fork('b')), draws(one.fork('b').fork('a')))
})

test('fractions, ranges and choices keep to their bounds and use all of them', () => {
  const random = new SimRandom('bounds')
  const fractions = Array.from({ length: 10_000 }, () => random.fraction())
  assert.ok(fractions.every(fraction => fraction >= 0 && fraction < 1))
  assert.ok(Math.abs(fractions.reduce((sum, fraction) => sum + fraction) / 10_000 - 0.5) < 0.01)
  assert.equal(new Set(Array.from({ length: 1_000 }, () => random.below(5))), new Set([0, 1, 2, 3, 4]))
  assert.ok(Array.from({ length: 1_000 }, () => random.between(-3, 4)).every(value => value >= -3 && value < 4))
  assert.is(Array.from({ length: 10_000 }, () => random.chance(0)).filter(Boolean).length, 0)
  const hits = Array.from({ length: 10_000 }, () => random.chance(0.2)).filter(Boolean).length
  assert.ok(hits > 1_800 && hits < 2_200, `${hits} of 10,000 at one in five`)
  assert.throws(() => random.pick([]), RangeError)
})

test('shuffling keeps every value, and puts each everywhere', () => {
  const random = new SimRandom('cards')
  const cards = Array.from({ length: 8 }, (_, index) => index)
  const firsts = new Set<number>()
  for (let deal = 0; deal < 200; deal++) {
    const dealt = random.shuffled(cards)
    assert.equal([...dealt].sort(), cards)
    firsts.add(dealt[0]!)
  }
  assert.is(firsts.size, 8)
  assert.equal(cards, [0, 1, 2, 3, 4, 5, 6, 7])
})

test('bytes come in any length, and every value of a byte comes', () => {
  const random = new SimRandom('bytes')
  for (const length of [0, 1, 3, 4, 5, 33]) assert.is(random.bytes(length).length, length)
  assert.is(new Set(random.bytes(10_000)).size, 256)
})

test.run()
