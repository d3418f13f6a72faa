import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { GossipOptions } from '../../../lib/protocols/gossip/index.node.ts'
import { Forger, Pest, type Mischief } from './scenario/adversaries.ts'
import { TOPIC, World, type Figures } from './scenario/world.ts'
import type { IProtocolHandler } from '../../../lib/contracts/protocol.ts'

// Forty honest nodes, mallory linked to ten of them: what she does is refused and charged to her, never to the honest, who do not notice.
const bad = suite('gossip: bad input')

const NODES = 40
const VICTIMS = 10
const SEED = 5
const MESSAGES = 60
/** The issue's: honest p99 moves by less than a fifth. */
const SLOWER_MAX = 1.2

interface Result {
  figures: Figures
  /** Summed over all honest nodes. */
  counters: Record<string, number>
  /** Mallory's score, where she stands worst and where best, at those she is linked with. */
  worst: number
  best: number
  honestBlamed: number
  honestBelowZero: number
}

async function attacked(mallory: IProtocolHandler | undefined, gossip: (malloryId: string) => GossipOptions = () => ({}), id = ''): Promise<Result> {
  await using world = await World.make({ nodes: NODES, seed: SEED, degree: 12, gossip: gossip(id) })
  const place = mallory && await world.ground.add('mallory', mallory)
  const victims = world.honest.slice(0, VICTIMS)
  if (place !== undefined) for (const victim of victims) world.ground.link(place, victim)
  await world.settle()
  await world.publishMany(MESSAGES, { everyMs: 100 })
  const scores = place === undefined ? [] : victims.map(victim => world.gossipOf(victim).scoreOf(place.id))
  const honest = new Set(world.honest.map(each => each.id))
  return {
    figures: world.figures(), counters: world.counters(), worst: Math.min(...scores), best: Math.max(...scores),
    honestBlamed: [...world.ground.blamed].filter(blamed => honest.has(blamed)).length,
    honestBelowZero: world.honest.flatMap(a => world.honest.map(b => world.gossipOf(a).scoreOf(b.id))).filter(score => score < 0).length,
  }
}

/** The id that the machine added last gets in this world: it follows from the seed. */
async function malloryId(): Promise<string> {
  await using world = await World.make({ nodes: NODES, seed: SEED, degree: 12 })
  return (await world.ground.add('mallory', new Pest(TOPIC, () => {}))).id
}

const ids = (count: number, from: number): Uint8Array => {
  const bytes = new Uint8Array(32 * count)
  const view = new DataView(bytes.buffer)
  for (let index = 0; index < count; index++) view.setFloat64(32 * index, from + index + 1)
  return bytes
}
const item = (frame: Uint8Array, topic = TOPIC): unknown => ({ list: [{ topic, hops: 1, path: new Uint8Array(0), frame }] })

interface Attack {
  readonly mischief: Mischief
  /** Counts what was refused. */
  readonly counter: string
  /** Mallory's score afterwards, at most; undefined where nobody is charged for it. */
  readonly score?: number
  /** Switches the defence off. */
  readonly without?: Partial<NonNullable<GossipOptions['parameters']>>
}

const LOTS = 1_000_000_000

const attacks: Record<string, Attack> = {
  'lies about what she has': { mischief: (tell, round) => tell('have', { list: [{ topic: TOPIC, ids: ids(10, round * 10) }] }), counter: 'promise-broken', score: -10, without: { promiseMs: LOTS } },
  'a storm of announcements': {
    mischief: (tell, round) => { for (let count = 0; count < 10; count++) tell('have', { list: [{ topic: TOPIC, ids: ids(1, round) }] }) },
    counter: 'have-dropped', score: -10, without: { havesMax: LOTS, promiseMs: LOTS },
  },
  'a storm of wants': { mischief: tell => tell('want', { ids: ids(1_000, 1) }), counter: 'want-dropped', score: -10, without: { wantIdsMax: LOTS } },
  'a flood of dont-wants': { mischief: (tell, round) => tell('dont-want', { ids: ids(500, round * 500) }), counter: 'dont-want-dropped', score: -10, without: { dontWantIdsMax: LOTS } },
  'a flood of grafts': { mischief: tell => { for (let count = 0; count < 10; count++) tell('graft', { topic: `topic ${count}` }) }, counter: 'graft-dropped', score: -10, without: { graftsMax: LOTS } },
  'grafts under backoff': {
    mischief: tell => {
      tell('prune', { topic: TOPIC, backoffMs: 3_600_000 })
      tell('graft', { topic: TOPIC })
    },
    counter: 'graft-under-backoff', score: -10,
  },
  'items of unknown topics': { mischief: async (tell, round, author) => tell('items', item(await author(`u${round}`), 'unknown')), counter: 'unknown-topic' },
  'items that say another topic': { mischief: async (tell, round, author) => tell('items', item(await author(`o${round}`, { topic: 'other' }))), counter: 'invalid', score: -1_000 },
  'two statements in one slot': { mischief: async (tell, round, author) => tell('items', item(await author(`e${round}`, { slot: 'slot' }))), counter: 'equivocation', score: -90 },
  'ids that are no ids': { mischief: tell => tell('want', { ids: new Uint8Array(33) }), counter: 'want-malformed', score: -10 },
}

let calm: Result
bad.before(async () => {
  calm = await attacked(undefined)
  assert.is(calm.figures.delivered, 1)
})

for (const [name, { mischief, counter, score, without }] of Object.entries(attacks)) {
  bad(`${name}: refused, charged to her alone, and the others do not notice`, async () => {
    const { figures, counters, best, honestBlamed, honestBelowZero } = await attacked(new Pest(TOPIC, mischief))
    assert.is(figures.delivered, 1)
    assert.is(figures.twice, 0)
    assert.ok((counters[counter] ?? 0) > (calm.counters[counter] ?? 0), `${counter}: ${counters[counter]}`)
    assert.ok(figures.p99Ms < calm.figures.p99Ms * SLOWER_MAX, `p99 ${figures.p99Ms} ms beside ${calm.figures.p99Ms} ms`)
    if (score !== undefined) assert.ok(best <= score, `scores up to ${best}`)
    assert.is(honestBlamed, 0)
    assert.is(honestBelowZero, 0)
  })
  if (without !== undefined) {
    bad(`${name}: with that brake off nothing is refused and she is not charged`, async () => {
      const { counters, worst } = await attacked(new Pest(TOPIC, mischief), () => ({ parameters: without }))
      assert.is(counters[counter] ?? 0, 0)
      assert.ok(worst > -10, `${worst}`)
    })
  }
}

bad('a thousand forgeries a second: four are checked; of a peer that is never judged, all', async () => {
  const judged = await attacked(new Forger(TOPIC, 1_000))
  assert.is(judged.counters.invalid, 4 * VICTIMS)
  assert.is(judged.honestBlamed, 0)
  assert.ok(judged.figures.p99Ms < calm.figures.p99Ms * SLOWER_MAX)
  const trusted = await attacked(new Forger(TOPIC, 100), id => ({ direct: [id] }), await malloryId())
  assert.ok(trusted.counters.invalid! > 100 * VICTIMS, `${trusted.counters.invalid}`)
})

bad.run()
