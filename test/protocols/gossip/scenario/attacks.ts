// Bars against adversaries who hold most of the links.
import { BlackHole, censorOf, Covert } from './adversaries.ts'
import { atLeast, atMost, delivered, type BarOptions, type Measured } from './check.ts'
import type { Place } from './ground.ts'
import { TOPIC, World } from './world.ts'

/** The published cold boot: links between honest nodes, and those of each Sybil; 400 to 20 for every honest node. */
const HONEST_LINKS = 20
const SYBIL_LINKS = 100
/** The model's rate: two in a heartbeat. */
const EVERY_MS = 500
const WITHIN_MS = 6_000

/** Four Sybils for every honest node, twenty hostile links for every honest one, from the first moment on. */
export async function g5({ n, seed, fidelity, messages = 100, gossip }: BarOptions): Promise<Measured> {
  await using world = await World.make({ nodes: n, seed, fidelity, degree: HONEST_LINKS, gossip })
  const { ground } = world
  for (let index = 0; index < 4 * n; index++) {
    const hole = await ground.add(`hole-${index}`, new BlackHole(TOPIC))
    for (const victim of ground.random.shuffled(world.honest).slice(0, SYBIL_LINKS)) ground.link(hole, victim)
  }
  await world.settle(2_000)
  await world.publishMany(messages, { everyMs: EVERY_MS, graceMs: 10_000 })
  const figures = world.figures()
  return {
    samples: figures.samples, figures,
    checks: [delivered(world.shareWithin(WITHIN_MS), 99.9), atMost('p99', 'ms', figures.p99Ms, 1_200)],
  }
}

const FLIP_AT_MS = 120_000
const HEARTBEATS_MAX = 90
const HONEST_SHARE = 0.9

/** Half of everybody's links lead to nodes that are honest for two minutes. */
export async function g6({ n, seed, fidelity, gossip }: BarOptions): Promise<Measured> {
  await using world = await World.make({ nodes: n, seed, fidelity, degree: HONEST_LINKS, gossip })
  const { ground } = world
  const coverts: Covert[] = []
  const isHonest = new Set(world.honest.map(place => place.id))
  for (let index = 0; index < n / 10; index++) {
    const covert = new Covert()
    covert.subscribe(TOPIC, () => {})
    coverts.push(covert)
    const place = await ground.add(`covert-${index}`, covert)
    for (const victim of ground.random.shuffled(world.honest).slice(0, HONEST_LINKS * 10)) ground.link(place, victim)
  }
  await world.settle(1_000)
  await world.publishMany((FLIP_AT_MS - ground.nowMs) / EVERY_MS, { everyMs: EVERY_MS, graceMs: 0 })
  for (const covert of coverts) covert.flip()
  const flippedAtMs = ground.nowMs
  const before = honestShare(world, isHonest)
  let heartbeats = Number.POSITIVE_INFINITY
  for (let beat = 1; beat <= HEARTBEATS_MAX; beat++) {
    await world.publishMany(2, { everyMs: EVERY_MS, graceMs: 0 })
    if (beat < heartbeats && honestShare(world, isHonest) >= HONEST_SHARE) heartbeats = beat
  }
  const after = honestShare(world, isHonest)
  await ground.run(10_000)
  const figures = world.figures()
  return {
    samples: figures.samples, figures: { ...figures, honestShareBefore: before },
    checks: [
      delivered(world.shareWithin(WITHIN_MS, flippedAtMs), 99.9),
      atLeast('honest in mesh', '%', after * 100, HONEST_SHARE * 100),
      atMost('until then', 'heartbeats', heartbeats, HEARTBEATS_MAX),
    ],
  }
}

/** Of all places in honest nodes' meshes, those that honest nodes hold. */
function honestShare(world: World, honest: ReadonlySet<string>): number {
  let all = 0
  let good = 0
  for (const place of world.up) {
    for (const peer of world.gossipOf(place).meshOf(TOPIC)) {
      all++
      if (honest.has(peer)) good++
    }
  }
  return good / all
}

const LINKS = 40
const CENSORED_SHARE = 0.67
const CENSORED_WITHIN_MS = 4_000

/** Two thirds of one publisher's links lead to nodes that are honest towards everybody else. */
export async function g7({ n, seed, fidelity, messages = 100 }: BarOptions): Promise<Measured> {
  await using world = await World.make({ nodes: n - 1, seed, fidelity, degree: LINKS })
  const { ground } = world
  const publisher = await world.add('publisher')
  const censorsCount = Math.round(LINKS * CENSORED_SHARE)
  const others = world.honest.filter(place => place !== publisher)
  for (const other of ground.random.shuffled(others).slice(0, LINKS - censorsCount)) ground.link(publisher, other)
  for (let index = 0; index < censorsCount; index++) {
    const censor = await ground.add(`censor-${index}`, censorOf(() => publisher.id, TOPIC))
    ground.link(censor, publisher)
    for (const other of ground.random.shuffled(others).slice(0, LINKS)) ground.link(censor, other)
  }
  await world.settle()
  await world.publishMany(messages, { from: publisher as Place, graceMs: 10_000 })
  const figures = world.figures()
  return {
    samples: figures.samples, figures,
    checks: [delivered(world.shareWithin(CENSORED_WITHIN_MS)), atMost('slowest', 'ms', figures.maxMs, CENSORED_WITHIN_MS)],
  }
}
