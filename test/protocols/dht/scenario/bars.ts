import type { ResourceAnnouncement } from '../../../../lib/contracts/resources.ts'
import type { MeshNode } from '../../../../lib/testing/mesh-node.ts'
import { groupNumber } from '../../../../lib/protocols/dht/netgroup.ts'
import { positionFrom } from '../../../../lib/protocols/dht/position.ts'
import { mean, quantile, World, type WorldOptions } from './world.ts'

/** What one bar came to in one world: figures beside what was asked. */
export interface Bar {
  readonly bar: string
  readonly ours: number
  readonly wanted: number
  readonly better: 'more' | 'less'
  readonly holds: boolean
  readonly samples: number
  readonly extra: Readonly<Record<string, unknown>>
}

export interface BarOptions {
  n: number
  seed: number
  /** Lookups, or whatever is counted. */
  samples: number
}

const BATCH = 25
const TYPE = 'thing'

function bar(name: string, ours: number, better: 'more' | 'less', wanted: number, samples: number, extra: Record<string, unknown> = {}, also = true): Bar {
  return { bar: name, ours, wanted, better, holds: (better === 'more' ? ours >= wanted : ours <= wanted) && also, samples, extra }
}

/** By size: n = 100, 1,000, 10,000. */
const bySize = (n: number, [small, middle, large]: readonly [number, number, number]): number => (n <= 100 ? small : n <= 1_000 ? middle : large)

/** D1 to D3. */
export async function lookups({ n, seed, samples }: BarOptions): Promise<Bar[]> {
  await using world = new World({ nodes: n, seed })
  await world.settle()
  const depths: number[] = []
  const rounds: number[] = []
  const asked: number[] = []
  const before = world.mesh.stats.sent
  await inBatches(world, samples, async () => {
    const result = await world.dhtOf(world.pick()).running.searches.find(world.randomTarget())
    depths.push(result.depth)
    rounds.push(result.rounds)
    asked.push(result.asked)
  })
  const links = mean(world.honest.map(node => node.links.size))
  const carriedMessages = (world.mesh.stats.sent - before) / samples
  const depthMax = bySize(n, [3, 4, 4])
  return [
    bar('D1', mean(depths), 'less', 0.3 * Math.log2(n), samples, { p99: quantile(depths, 0.99), p99Max: depthMax, links }, quantile(depths, 0.99) <= depthMax),
    bar('D2', mean(rounds), 'less', bySize(n, [4, 5, 6]), samples, { p99: quantile(rounds, 0.99) }),
    bar('D3', mean(asked), 'less', bySize(n, [30, 32, 36]), samples, { p99: quantile(asked, 0.99), withRelaysAndAnswers: carriedMessages }),
  ]
}

/** Announced by honest nodes, then looked for by others. */
async function announceSome(world: World, count: number): Promise<string[]> {
  const ids: string[] = []
  await inBatches(world, count, async index => {
    const id = `t-${index}`
    const node = world.pick()
    const { core } = world.dhtOf(node).running
    const frame = await core.context.author({ type: 'record', payload: { type: TYPE, id, sets: [], seq: core.nowMs, created: core.nowMs, expires: core.nowMs + 20 * 3_600_000, data: index, gone: false } })
    const record = await core.records.read(frame)
    if (typeof record !== 'string') await world.dhtOf(node).running.writer.putItem(record)
    ids.push(id)
  })
  return ids
}

async function inBatches(world: World, count: number, run: (index: number) => Promise<void>): Promise<void> {
  for (let start = 0; start < count; start += BATCH) {
    await world.mesh.drive(Promise.all(Array.from({ length: Math.min(BATCH, count - start) }, (_, index) => run(start + index))), { withinMs: 600_000 })
  }
}

/** D4 to D7: found at the first try, and with one more on eight paths. */
export async function found(name: string, { n, seed, samples }: BarOptions, { liars = 0, vanish = 0, first, retry, messagesMax }: { liars?: number; vanish?: number; first: number; retry?: number; messagesMax?: number }): Promise<Bar[]> {
  const options: WorldOptions = { nodes: n, seed, liars }
  await using world = new World(options)
  await world.settle()
  const ids = await announceSome(world, Math.min(200, Math.ceil(samples / 5)))
  if (vanish > 0) {
    world.crashHalf(vanish)
    await world.mesh.run({ forMs: 200 })
  }
  let firstTry = 0
  let second = 0
  const asked: number[] = []
  await inBatches(world, samples, async index => {
    const { directory, searches, core } = world.dhtOf(world.pick()).running
    const id = ids[index % ids.length]!
    if (index % 10 === 0) asked.push((await searches.find(core.targets.item(TYPE, id))).asked)
    if (await directory.get(TYPE, id) !== null) firstTry++
    else if (await directory.get(TYPE, id, { careful: true }) !== null) second++
  })
  const rate = firstTry / samples
  const bars = [bar(name, rate, 'more', first, samples, { records: ids.length, messages: mean(asked) }, messagesMax === undefined || mean(asked) <= messagesMax)]
  if (retry !== undefined) bars.push(bar(`${name} with retry`, (firstTry + second) / samples, 'more', retry, samples, { retried: samples - firstTry }))
  return bars
}

/** D8: so many ids in so many networks, nearer to a key than any honest node; then half of who was told vanishes. */
export async function targeted({ n, seed, samples }: BarOptions, { ids, groups, wanted, salts = 1 }: { ids: number; groups: number; wanted: number; salts?: number }): Promise<Bar> {
  const keys = Math.max(1, Math.min(5, Math.floor(1_000 / (ids * salts))))
  const readers = Math.ceil(samples / keys)
  await using world = new World({ nodes: n, seed })
  await world.settle()
  const targets = world.dhtOf(world.honest[0]!).running.core.targets
  for (let key = 0; key < keys; key++) {
    for (let salt = 0; salt < salts; salt++) {
      const target = targets.item(TYPE, nameOf(key, salt))
      for (let index = 0; index < ids; index++) {
        const liar = world.addLiar(groupNumber(`attacker ${key} ${salt} ${index % groups}`))
        const bytes = target.bytes.slice()
        bytes.set(world.mesh.random.bytes(28), 4)
        // Within 2^-32 of the key: no honest node is there.
        world.positions.chosen.set(liar.id, positionFrom(bytes))
        world.gang.add(liar.id, world.groups.get(liar.id)!)
        for (const near of world.nearestTo(target, world.honest, 30)) world.mesh.link(liar, near)
      }
    }
  }
  await world.settle()
  const holders: MeshNode[][] = []
  for (let key = 0; key < keys; key++) {
    for (let salt = 0; salt < salts; salt++) {
      const { core, writer } = world.dhtOf(world.pick()).running
      const frame = await core.context.author({ type: 'record', payload: { type: TYPE, id: nameOf(key, salt), sets: [], seq: core.nowMs, created: core.nowMs, expires: core.nowMs + 20 * 3_600_000, data: key, gone: false } })
      const record = await core.records.read(frame)
      if (typeof record === 'string') throw new Error(record)
      await world.mesh.drive(writer.putItem(record), { withinMs: 600_000 })
      holders.push(world.honest.filter(node => world.dhtOf(node).running.core.held.under(core.targets.item(TYPE, nameOf(key, salt)).bytes, core.nowMs).length > 0))
    }
  }
  const vanished = new Set(holders.flatMap(nodes => world.mesh.random.shuffled(nodes).slice(0, Math.floor(nodes.length / 2))))
  for (const node of vanished) world.mesh.crash(node)
  await world.mesh.run({ forMs: 200 })
  let seen = 0
  await inBatches(world, keys * readers, async index => {
    const { directory } = world.dhtOf(world.pick()).running
    for (let salt = 0; salt < salts; salt++) {
      if (await directory.get(TYPE, nameOf(index % keys, salt)) === null) continue
      seen++
      return
    }
  })
  return bar(`D8 ${ids} in ${groups}${salts > 1 ? `, ${salts} keys` : ''}`, seen / (keys * readers), 'more', wanted, keys * readers, { keys, honestHolders: holders.map(nodes => nodes.length) })
}

function nameOf(key: number, salt: number): string {
  return `target-${key}-${salt}`
}

/** D9: nodes come and go; what is announced is found all along, and never an old value. */
export async function churn({ n, seed, samples }: BarOptions, hours: number): Promise<Bar[]> {
  await using world = new World({ nodes: n, seed, parameters: { linksWanted: 36, refreshMs: 600_000, ttlMs: 24 * 3_600_000 } })
  await world.settle()
  const { mesh } = world
  const publishers = world.honest.slice(0, 10)
  const staying = new Set(publishers)
  const versions = new Map<string, number>()
  const handles = await mesh.drive(Promise.all(publishers.map((node, index) => world.dhtOf(node).resources.announce(TYPE, `t-${index}`, 0, { ttlMs: 23 * 3_600_000, renew: true }))), { withinMs: 600_000 })
  const everyMs = 60_000
  const leaveChance = 1 - 2 ** (-everyMs / 3_600_000)
  let looked = 0
  let missed = 0
  let stale = 0
  let alone = 0
  const lookEvery = Math.max(1, Math.floor(hours * 60 / Math.ceil(samples / 10)))
  for (let minute = 0; minute < hours * 60; minute++) {
    for (const node of world.up) {
      if (staying.has(node) || !mesh.random.chance(leaveChance)) continue
      mesh.crash(node)
      mesh.link(world.addHonest(), world.pick())
    }
    if (minute % 97 === 0) {
      const index = mesh.random.below(publishers.length)
      const version = (versions.get(`t-${index}`) ?? 0) + 1
      await mesh.drive(handles[index]!.update(version), { withinMs: 600_000 })
      versions.set(`t-${index}`, version)
    }
    await mesh.run({ forMs: everyMs })
    if (minute % lookEvery !== 0) continue
    await inBatches(world, 10, async () => {
      const index = mesh.random.below(publishers.length)
      const reader = world.dhtOf(world.pick())
      const got = await reader.resources.get<number>(TYPE, `t-${index}`)
      looked++
      if (got === null) {
        missed++
        if (reader.getStats().contacts === 0) alone++
      } else if (got.data !== (versions.get(`t-${index}`) ?? 0)) stale++
    })
  }
  return [
    bar('D9 found', 1 - missed / looked, 'more', 0.999, looked, { hours, left: world.honest.length - n, missed, readersWithoutAnyContact: alone }),
    bar('D9 stale', stale / looked, 'less', 0.001, looked),
  ]
}

/** D10: forged, replayed, rolled back, oversize and misplaced puts, each examined. */
export async function badPuts({ seed, samples }: BarOptions): Promise<Bar> {
  await using world = new World({ nodes: 3, seed, parameters: { putsPerSecond: 1e9, putsBurst: 1e9, asksPerSecond: 1e9, asksBurst: 1e9 } })
  await world.settle()
  const [alice, bob, mallory] = world.honest.map(node => world.dhtOf(node).running)
  const { core } = mallory!
  const victim = alice!.core.ownId
  const target = core.targets.item(TYPE, 'x')
  const said = (seq: number, id = 'x') => ({ type: TYPE, id, sets: [], seq, created: core.nowMs, expires: core.nowMs + 3_600_000, data: `bad ${seq}`, gone: false })
  const honest = await bob!.core.context.author({ type: 'record', payload: { ...said(1_000), data: 'good' } })
  const good = await bob!.core.records.read(honest)
  if (typeof good === 'string') throw new Error(good)
  await world.mesh.drive(bob!.writer.putItem(good))
  const older = await bob!.core.context.author({ type: 'record', payload: said(999) })
  const elsewhere = await core.context.author({ type: 'record', payload: said(5_000, 'y') })
  const { token } = await world.mesh.drive(core.ask(victim, 'find', { target: target.bytes, records: false, token: true }, {}))
  const verdicts: Record<string, number> = {}
  await inBatches(world, samples, async index => {
    const forged = honest.slice()
    forged[34 + index % (forged.length - 34)]! ^= 1 + index % 255
    const frame = [forged, older, elsewhere, new Uint8Array(6_000)][index % 4]!
    // Past the check of our own words, as a stranger would.
    const reply = await core.context.request(victim, { type: 'put', payload: { target: target.bytes, slot: 0, token, frame, cas: null } }, { timeoutMs: 5_000 }).then(({ payload }) => (payload as { verdict: string }).verdict, () => 'refused')
    verdicts[reply] = (verdicts[reply] ?? 0) + 1
  })
  const now = alice!.core.held.under(target.bytes, alice!.core.nowMs)
  const shown = await world.mesh.drive(alice!.directory.get(TYPE, 'x'))
  const isUntouched = now.length === 1 && now[0]!.data === 'good' && shown?.data === 'good'
  return bar('D10', verdicts.stored ?? 0, 'less', 0, samples, { verdicts }, isUntouched)
}

/** D11: everything of one type is listed, and nobody carries it all. */
export async function enumeration({ n, seed, samples }: BarOptions): Promise<Bar[]> {
  await using world = new World({ nodes: n, seed, liars: 0.2 })
  await world.settle()
  const expected = new Set<string>()
  await inBatches(world, samples, async index => {
    const node = world.honest[index % world.honest.length]!
    await world.dhtOf(node).resources.announce(TYPE, `t-${index}`, index, { ttlMs: 20 * 3_600_000 })
    expected.add(`t-${index}`)
  })
  const loads = world.honest.map(node => world.dhtOf(node).getStats().records)
  let listed = 0
  const readers = 3
  let seen: ResourceAnnouncement[] = []
  for (let reader = 0; reader < readers; reader++) {
    seen = await world.mesh.drive(world.dhtOf(world.pick()).resources.discover(TYPE, undefined, { timeoutMs: 600_000 }), { withinMs: 1_200_000 })
    listed += new Set(seen.map(({ resourceId }) => resourceId)).size
  }
  const registrars = loads.filter(load => load > 0)
  return [
    bar('D11 listed', listed / (readers * expected.size), 'more', 0.99, readers * expected.size),
    bar('D11 load', Math.max(...registrars) / mean(registrars), 'less', 3, registrars.length, { most: Math.max(...registrars), mean: mean(registrars) }),
  ]
}

/** D12: twenty ids put 10,000 times a second while others put as usual. */
export async function flood({ n, seed, samples }: BarOptions): Promise<Bar[]> {
  await using world = new World({ nodes: n, seed })
  await world.settle()
  const victims = world.honest.slice(0, 20)
  const flooders = Array.from({ length: 20 }, () => {
    const node = world.addHonest()
    for (const victim of victims) world.mesh.link(node, victim)
    return node
  })
  await world.settle()
  const seconds = Math.ceil(samples / 10_000)
  let offered = 0
  for (const [index, node] of flooders.entries()) {
    const { core } = world.dhtOf(node).running
    const frames = Array.from({ length: 500 }, (_, id) => ({ id: `f-${index}-${id}`, frame: undefined as Uint8Array | undefined }))
    const burst = (second: number): void => {
      for (const each of frames) {
        const { id } = each
        each.frame ??= core.context.author({ type: 'record', payload: { type: TYPE, id, sets: [], seq: core.nowMs, created: core.nowMs, expires: core.nowMs + 3_600_000, data: 'f', gone: false } }) as never
        const victim = victims[offered++ % victims.length]!.id
        const target = core.targets.item(TYPE, id).bytes
        void Promise.resolve(each.frame as unknown as Promise<Uint8Array>).then(async frame => {
          const { token } = await core.ask(victim, 'find', { target, records: false, token: true }, { timeoutMs: 3_000 })
          await core.ask(victim, 'put', { target, slot: 0, token, frame, cas: null }, { timeoutMs: 3_000 })
        }).catch(() => {})
      }
      if (second + 1 < seconds) world.mesh.clock.schedule(1_000, () => burst(second + 1))
    }
    world.mesh.clock.schedule(index * 10, () => burst(0))
  }
  let put = 0
  const tries = Math.max(20, seconds * 10)
  await inBatches(world, tries, async index => {
    const handle = await world.dhtOf(world.pick()).resources.announce('honest', `h-${index}`, index).catch(() => null)
    if (handle !== null) put++
  })
  await world.mesh.run({ forMs: seconds * 1_000 })
  const held = Math.max(...victims.map(node => world.dhtOf(node).getStats().records))
  return [
    bar('D12 honest', put / tries, 'more', 0.99, tries, { offered }),
    bar('D12 held', held, 'less', 50_000, victims.length),
  ]
}
