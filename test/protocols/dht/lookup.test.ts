import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { baseBackend } from '../../../lib/crypto/select.node.ts'
import { ASKS_MAX } from '../../../lib/protocols/dht/limits.ts'
import { Lookup, routeOf, type Step } from '../../../lib/protocols/dht/lookup.ts'
import { compareDistance, positionFrom, Positions, Targets } from '../../../lib/protocols/dht/position.ts'
import { Watchers } from '../../../lib/protocols/dht/watchers.ts'
import { WriteTokens } from '../../../lib/protocols/dht/tokens.ts'
import { TOKEN_MS, WATCH_MS, WATCHERS_PER_KEY_MAX } from '../../../lib/protocols/dht/limits.ts'

const lookup = suite('DHT: lookups, tokens and watchers')

const positions = new Positions(baseBackend())
const id = (number: number): string => (number + 1).toString(16).padStart(64, '0')
const TARGET = positionFrom(new Uint8Array(32).fill(77))
const world = Array.from({ length: 200 }, (_, index) => ({ id: id(index), group: 0 }))
const byDistance = [...world].sort((a, b) => compareDistance(TARGET, positions.of(a.id), positions.of(b.id)))

function made(seeds = world.slice(0, 20), changes: object = {}): Lookup {
  return new Lookup({ target: TARGET, own: id(500), positions, seeds, k: 20, alpha: 3, paths: 4, ...changes })
}

/** Answers everything with what `named` says, until it is done. */
function play(running: Lookup, named: (step: Step) => { id: string; group: number }[] | null): Step[] {
  const asked: Step[] = []
  while (!running.isDone) {
    const steps = running.next()
    assert.ok(steps.length > 0, 'somebody is asked while it is not done')
    asked.push(...steps)
    for (const step of steps) {
      const rows = named(step)
      if (rows === null) running.failed(step)
      else running.answered(step, rows)
    }
  }
  return asked
}

lookup('finds the twenty nearest, asks nobody twice, and no two paths the same', () => {
  const running = made()
  const asked = play(running, () => byDistance.slice(0, 20))
  assert.is(new Set(asked.map(({ node }) => node.id)).size, asked.length)
  assert.equal(running.answerers().slice(0, 20).map(({ node }) => node.id), byDistance.slice(0, 20).map(node => node.id))
  assert.ok(asked.length <= 40, `${asked.length} questions`)
})

lookup('one path of liars keeps the others from nothing', () => {
  const liars = new Set(world.slice(0, 5).map(node => node.id))
  const running = made(byDistance.slice(100, 120))
  const firstPath = new Set<string>()
  play(running, step => {
    if (step.path === 0 || liars.has(step.node.id)) {
      firstPath.add(step.node.id)
      return []
    }
    return byDistance.slice(0, 20)
  })
  const found = new Set(running.answerers().map(({ node }) => node.id))
  assert.is(byDistance.slice(0, 15).filter(node => found.has(node.id)).length, 15)
})

lookup('whoever names three that do not answer is not believed any further', () => {
  const running = made(world.slice(0, 1))
  const named = Array.from({ length: 300 }, (_, index) => ({ id: id(1_000 + index), group: 0 }))
  const asked = play(running, step => (step.namer === undefined ? named : null))
  assert.ok(asked.length <= 8, `${asked.length} questions`)
})

lookup('answers without end end the lookup at its bound', () => {
  let count = 10_000
  const running = made(world.slice(0, 8))
  const asked = play(running, () => Array.from({ length: 20 }, () => ({ id: id(count++), group: 0 })))
  assert.ok(asked.length <= ASKS_MAX)
})

lookup('a route leads over those who named it, and our own id is never asked', () => {
  const running = made(world.slice(0, 1))
  const [first] = running.next()
  running.answered(first!, [{ id: id(500), group: 0 }, byDistance[0]!])
  const [second] = running.next()
  assert.equal(routeOf(second!), [world[0]!.id, byDistance[0]!.id])
  assert.is(second!.depth, 2)
})

lookup('leave to write is good for five to ten minutes, for one peer and one key', () => {
  let drawn = 0
  const tokens = new WriteTokens(new Targets(baseBackend()), () => new Uint8Array(32).fill(drawn++))
  const key = new Uint8Array(32)
  const token = tokens.give(id(1), key, 0)
  assert.is(tokens.isGood(token, id(1), key, TOKEN_MS - 1), true)
  assert.is(tokens.isGood(token, id(1), key, TOKEN_MS), true)
  assert.is(tokens.isGood(token, id(2), key, 0), false)
  assert.is(tokens.isGood(token, id(1), new Uint8Array(32).fill(1), 0), false)
  assert.is(tokens.isGood(token, id(1), key, 2 * TOKEN_MS), false)
})

lookup('leave of before a long silence is no leave', () => {
  let drawn = 0
  const tokens = new WriteTokens(new Targets(baseBackend()), () => new Uint8Array(32).fill(drawn++))
  const token = tokens.give(id(1), new Uint8Array(32), 0)
  assert.is(tokens.isGood(token, id(1), new Uint8Array(32), 10 * TOKEN_MS), false)
})

lookup('watchers are told for ten minutes, are bounded for each key and peer, and end with their link', () => {
  const watchers = new Watchers()
  for (let number = 0; number < WATCHERS_PER_KEY_MAX; number++) assert.is(watchers.add('key', id(number), 0), WATCH_MS)
  assert.is(watchers.add('key', id(999), 0), 0)
  assert.is(watchers.of('key', WATCH_MS - 1).length, WATCHERS_PER_KEY_MAX)
  watchers.forget(id(0))
  assert.is(watchers.count, WATCHERS_PER_KEY_MAX - 1)
  watchers.sweep(WATCH_MS)
  assert.is(watchers.count, 0)
  assert.equal(watchers.of('key', WATCH_MS), [])
})

lookup.run()
