// The bars of the design's gossip page on the real handlers over the simulated context. Each returns what it measured, with the bar beside it.
import { Forger } from './adversaries.ts'
import { TOPIC, World, type Figures } from './world.ts'

export interface Bar {
  readonly bar: string
  readonly n: number
  readonly seed: number
  readonly figures: Figures
  readonly wanted: string
  readonly holds: boolean
}

export interface BarOptions { n: number; seed: number; messages?: number }

const byNodes = <T>(n: number, small: T, middle: T, large: T): T => (n <= 100 ? small : n <= 1_000 ? middle : large)

/** No attack: everybody, in few hops, soon. */
export async function g1({ n, seed, messages = 100 }: BarOptions): Promise<Bar> {
  await using world = new World({ nodes: n, seed })
  await world.settle()
  await world.publishMany(messages)
  const figures = world.figures()
  const hops = byNodes(n, 4, 6, 8)
  const p99Ms = byNodes(n, 250, 350, 450)
  const holds = figures.delivered === 1 && figures.twice === 0 && figures.hopsP99 <= hops && figures.p99Ms <= p99Ms
  return { bar: 'G1', n, seed, figures, wanted: `100%, p99 hops <= ${hops}, p99 <= ${p99Ms} ms`, holds }
}

/** Copies that were not needed, by the size of the item. */
export async function g2({ n, seed, messages = 100 }: BarOptions, size: 'small' | 'middle' | 'large'): Promise<Bar> {
  await using world = new World({ nodes: n, seed })
  await world.settle()
  const bytes = { small: 100, middle: 4_096, large: 32_768 }[size]
  await world.publishMany(messages, { body: new Uint8Array(bytes), everyMs: size === 'large' ? 200 : 50 })
  const figures = world.figures()
  const most = { small: 6.5, middle: 6.5, large: 2 }[size]
  const holds = figures.delivered === 1 && figures.duplicatesPerDelivery <= most && (size !== 'large' || figures.p99Ms <= 600)
  return { bar: `G2 ${size}`, n, seed, figures, wanted: `duplicates <= ${most}${size === 'large' ? ', p99 <= 600 ms' : ''}`, holds }
}

/** Black holes hold a share of everybody's links. */
export async function g3({ n, seed, messages = 100 }: BarOptions, sybilShare: 0.2 | 0.33, vanishRate = 0): Promise<Bar> {
  await using world = new World({ nodes: n, seed, sybilShare })
  await world.settle()
  world.mesh.setQuality({ vanishRate })
  await world.publishMany(messages)
  const figures = world.figures()
  const hops = sybilShare === 0.2 ? 7 : 8
  return { bar: `G3 ${sybilShare * 100}%${vanishRate > 0 ? ` at ${vanishRate * 100}% loss` : ''}`, n, seed, figures, wanted: `100%, p99 hops <= ${hops}`, holds: figures.delivered === 1 && figures.hopsP99 <= hops }
}

/** Half of the links lead to black holes, and lines lose a twentieth. */
export async function g4({ n, seed, messages = 100 }: BarOptions): Promise<Bar> {
  await using world = new World({ nodes: n, seed, sybilShare: 0.5 })
  await world.settle()
  world.mesh.setQuality({ vanishRate: 0.05 })
  await world.publishMany(messages)
  const figures = world.figures()
  return { bar: 'G4', n, seed, figures, wanted: '>= 99.99%, p99 < 1 s', holds: figures.delivered >= 0.9999 && figures.p99Ms < 1_000 }
}

/** Lines that lose a fifth of all words. */
export async function g8Loss({ n, seed, messages = 100 }: BarOptions): Promise<Bar> {
  await using world = new World({ nodes: n, seed })
  await world.settle()
  world.mesh.setQuality({ vanishRate: 0.2 })
  await world.publishMany(messages, { graceMs: 20_000 })
  const figures = world.figures()
  return { bar: 'G8 20% loss', n, seed, figures: { ...figures, broken: world.counters()['promise-broken'] ?? 0 }, wanted: '100%', holds: figures.delivered === 1 }
}

/** A tenth of the nodes is replaced each minute. */
export async function g8Churn({ n, seed, messages = 100 }: BarOptions): Promise<Bar> {
  await using world = new World({ nodes: n, seed })
  await world.settle()
  const everyMs = 60_000 / (n / 10)
  const stayers = new Set(world.honest.slice(0, Math.floor(n / 2)))
  let nextMs = world.mesh.nowMs + everyMs
  let added = 0
  for (let count = 0; count < messages; count++) {
    for (; nextMs <= world.mesh.nowMs; nextMs += everyMs) {
      const going = world.mesh.random.pick(world.up.filter(node => !stayers.has(node)))
      world.mesh.crash(going)
      world.forget(going)
      const coming = world.add(`late-${added++}`)
      for (const other of world.mesh.random.shuffled(world.up).slice(0, 20)) world.mesh.link(coming, other)
    }
    await world.publish('x', world.mesh.random.pick([...stayers]), [...stayers])
    await world.mesh.run({ forMs: 600 })
  }
  await world.mesh.run({ forMs: 5_000 })
  const figures = world.figures()
  return { bar: 'G8 churn', n, seed, figures, wanted: '>= 99.99% to nodes up throughout', holds: figures.delivered >= 0.9999 && figures.twice === 0 }
}

/** A minute in two halves, then one again. */
export async function g9({ n, seed, messages = 100 }: BarOptions): Promise<Bar> {
  await using world = new World({ nodes: n, seed })
  await world.settle()
  const left = world.honest.slice(0, n / 2)
  world.mesh.partition([left])
  for (let count = 0; count < messages; count++) {
    await world.publish('x')
    await world.mesh.run({ forMs: 60_000 / messages })
  }
  const healedAtMs = world.mesh.nowMs
  world.mesh.heal()
  await world.mesh.runUntil(() => world.isComplete, { withinMs: 30_000, what: 'everybody to have everything' }).catch(() => {})
  const healMs = world.mesh.nowMs - healedAtMs
  const figures = world.figures()
  return { bar: 'G9', n, seed, figures: { ...figures, healMs }, wanted: '100% within 5 s of healing', holds: figures.delivered === 1 && figures.twice === 0 && healMs <= 5_000 }
}

/** One peer sends a thousand forgeries a second to all it is linked with. */
export async function g10({ n, seed, messages = 100 }: BarOptions): Promise<Bar> {
  const calm = await g1({ n, seed, messages })
  await using world = new World({ nodes: n, seed })
  const forger = new Forger(TOPIC, 1_000)
  const node = world.mesh.addNode('forger', [forger])
  for (const victim of world.honest.slice(0, 40)) world.mesh.link(node, victim)
  await world.settle()
  await world.publishMany(messages)
  const figures = world.figures()
  const checked = world.honest.slice(0, 40).map(victim => world.gossipOf(victim).getStats().counters.invalid ?? 0)
  const most = Math.max(...checked)
  const slower = figures.p99Ms / calm.figures.p99Ms
  return {
    bar: 'G10', n, seed, figures: { ...figures, forgeriesChecked: most, slower }, wanted: 'graylisted after <= 5, p99 up < 20%',
    holds: most <= 5 && most >= 1 && slower < 1.2 && figures.delivered === 1,
  }
}
