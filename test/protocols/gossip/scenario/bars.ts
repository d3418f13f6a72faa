// The bars of the design's gossip page. Each returns what it measured beside what is enough.
import { Forger } from './adversaries.ts'
import { atLeast, atMost, delivered, type BarOptions, type Measured } from './check.ts'
import { TOPIC, World, type Figures } from './world.ts'

const byNodes = <T>(n: number, small: T, middle: T, large: T): T => (n <= 100 ? small : n <= 1_000 ? middle : large)
const measured = (figures: Figures, checks: Measured['checks']): Measured => ({ checks, samples: figures.samples, figures })

/** No attack: everybody, in few hops, soon, once. */
export async function g1({ n, seed, fidelity, messages = 100 }: BarOptions): Promise<Measured> {
  await using world = await World.make({ nodes: n, seed, fidelity })
  await world.settle()
  await world.publishMany(messages)
  const figures = world.figures()
  return measured(figures, [
    delivered(figures.delivered),
    atMost('twice', 'deliveries', figures.twice, 0),
    atMost('hops p99', 'hops', figures.hopsP99, byNodes(n, 4, 6, 8)),
    atMost('p99', 'ms', figures.p99Ms, byNodes(n, 250, 350, 450)),
  ])
}

/** Copies that were not needed, by the size of the item. */
export async function g2({ n, seed, fidelity, messages = 100 }: BarOptions, size: 'small' | 'middle' | 'large'): Promise<Measured> {
  await using world = await World.make({ nodes: n, seed, fidelity })
  await world.settle()
  const bytes = { small: 100, middle: 4_096, large: 32_768 }[size]
  await world.publishMany(messages, { body: new Uint8Array(bytes), everyMs: size === 'large' ? 200 : 50 })
  const figures = world.figures()
  return measured(figures, [
    delivered(figures.delivered),
    atMost('duplicates', 'per delivery', figures.duplicatesPerDelivery, size === 'large' ? 2 : 6.5),
    ...(size === 'large' ? [atMost('p99', 'ms', figures.p99Ms, 600)] : []),
  ])
}

/** Black holes hold a share of everybody's links. */
export async function g3({ n, seed, fidelity, messages = 100 }: BarOptions, sybilShare: 0.2 | 0.33, lossRate = 0): Promise<Measured> {
  await using world = await World.make({ nodes: n, seed, fidelity, sybilShare })
  await world.settle()
  if (lossRate > 0) world.ground.lose(lossRate)
  await world.publishMany(messages)
  const figures = world.figures()
  return measured(figures, [delivered(figures.delivered), atMost('hops p99', 'hops', figures.hopsP99, sybilShare === 0.2 ? 7 : 8)])
}

/** Half of the links lead to black holes, and lines lose a twentieth. */
export async function g4({ n, seed, fidelity, messages = 100 }: BarOptions): Promise<Measured> {
  await using world = await World.make({ nodes: n, seed, fidelity, sybilShare: 0.5 })
  await world.settle()
  world.ground.lose(0.05)
  await world.publishMany(messages)
  const figures = world.figures()
  return measured(figures, [delivered(figures.delivered, 99.99), atMost('p99', 'ms', figures.p99Ms, 1_000)])
}

/** Lines that lose a fifth of everything. */
export async function g8Loss({ n, seed, fidelity, messages = 100 }: BarOptions): Promise<Measured> {
  await using world = await World.make({ nodes: n, seed, fidelity })
  await world.settle()
  world.ground.lose(0.2)
  await world.publishMany(messages, { graceMs: 20_000 })
  const figures = world.figures()
  return measured({ ...figures, counters: world.counters() }, [delivered(figures.delivered)])
}

/** A tenth of the nodes is replaced each minute. */
export async function g8Churn({ n, seed, fidelity, messages = 100 }: BarOptions): Promise<Measured> {
  await using world = await World.make({ nodes: n, seed, fidelity })
  await world.settle()
  const { ground } = world
  const everyMs = 60_000 / (n / 10)
  const stayers = new Set(world.honest.slice(0, Math.floor(n / 2)))
  let nextMs = ground.nowMs + everyMs
  let added = 0
  for (let count = 0; count < messages; count++) {
    for (; nextMs <= ground.nowMs; nextMs += everyMs) {
      const going = ground.random.pick(world.up.filter(place => !stayers.has(place)))
      ground.crash(going)
      world.forget(going)
      const coming = await world.add(`late-${added++}`)
      for (const other of ground.random.shuffled(world.up).slice(0, 20)) if (other !== coming) ground.link(coming, other)
    }
    await world.publish('x', ground.random.pick([...stayers]), [...stayers])
    await ground.run(600)
  }
  await ground.run(5_000)
  const figures = world.figures()
  return measured({ ...figures, replaced: added }, [delivered(figures.delivered, 99.99), atMost('twice', 'deliveries', figures.twice, 0)])
}

/** A minute in two halves, then one again. */
export async function g9({ n, seed, fidelity, messages = 100 }: BarOptions): Promise<Measured> {
  await using world = await World.make({ nodes: n, seed, fidelity })
  await world.settle()
  const { ground } = world
  ground.partition(world.honest.slice(0, n / 2))
  for (let count = 0; count < messages; count++) {
    await world.publish('x')
    await ground.run(60_000 / messages)
  }
  const healedAtMs = ground.nowMs
  ground.heal()
  await ground.runUntil(() => world.isComplete, 30_000)
  const healMs = ground.nowMs - healedAtMs
  const figures = world.figures()
  return measured(figures, [delivered(figures.delivered), atMost('twice', 'deliveries', figures.twice, 0), atMost('healed', 'ms', healMs, 5_000)])
}

/** One peer sends a thousand forgeries a second to all it is linked with. */
export async function g10(options: BarOptions): Promise<Measured> {
  const { n, seed, fidelity, messages = 100 } = options
  const calm = (await g1(options)).figures.p99Ms as number
  await using world = await World.make({ nodes: n, seed, fidelity })
  const { ground } = world
  const victims = world.honest.slice(0, 40)
  const forger = await ground.add('forger', new Forger(TOPIC, 1_000))
  for (const victim of victims) ground.link(forger, victim)
  await world.settle()
  await world.publishMany(messages)
  const figures = world.figures()
  const checked = victims.map(victim => world.gossipOf(victim).getStats().counters.invalid ?? 0)
  return measured(figures, [
    delivered(figures.delivered),
    atMost('forgeries checked', 'by one victim', Math.max(...checked), 5),
    atLeast('victims reached', 'nodes', checked.filter(count => count > 0).length, victims.length),
    atMost('p99 beside calm', 'times', figures.p99Ms / calm, 1.2),
  ])
}
