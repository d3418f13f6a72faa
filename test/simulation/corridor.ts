import { VirtualClock } from '../../lib/testing/virtual-clock.ts'
import type { Outcome, RunOptions, Task } from '../bench/command.ts'
import { describeMachine, machineLines } from '../bench/machine.ts'
import type { Row } from '../bench/report.ts'
import { HEALED_WITHIN_MS, MINUTE, playCore, unhandled, type CoreResult } from './support/core.ts'
import { FloodedMesh } from './support/flood.ts'

interface Sizes { nodes: number; minutes: number; meshNodes: number; meshItems: number; events: number }

const FULL: Sizes = { nodes: 100, minutes: 10, meshNodes: 10_000, meshItems: 20, events: 5_000_000 }
const QUICK: Sizes = { nodes: 20, minutes: 5, meshNodes: 1_000, meshItems: 10, events: 500_000 }

const MESH_DEGREE = 40
/** docs of the design: what the simulator has to manage, so that others can be tried in it at full size. */
const WALL_SECONDS_MAX = 180
const EVENTS_PER_SECOND_MIN = 200_000
/** A message from handler to handler, frame checked and link's delay drawn, against an event that does nothing, on the same machine. */
const EVENTS_PER_MESSAGE_MAX = 10
const MESH_GIB_MAX = 4

const CORE_ROWS = ['invariants', 'same hash', 'healed', 'wall of both'] as const
const CLOCK_ROWS = ['clock'] as const
const MESH_ROWS = ['mesh', 'mesh memory'] as const

/** Whole coordinators at full size under every fault, twice with one hash; and how fast the simulator is. */
export function corridorScenario(): Task {
  return {
    about: '100 whole coordinators, ten virtual minutes of every fault, twice with one hash; the simulator\'s own speed',
    rows: [...CORE_ROWS, ...CLOCK_ROWS, ...MESH_ROWS],
    rounds: 1,
    async run(options: RunOptions): Promise<Outcome> {
      const sizes = options.quick ? QUICK : FULL
      const wants = (names: readonly string[]): boolean => names.some(name => options.rows.includes(name))
      const rows = [
        ...(wants(CORE_ROWS) ? await core(sizes, options) : []),
        ...(wants([...CLOCK_ROWS, ...MESH_ROWS]) ? await simulatorSpeed(sizes, options) : []),
      ]
      return { rows: rows.filter(({ row }) => options.rows.includes(row)), heading: [machineLines(describeMachine(), {})[0]!, `corridor: ${JSON.stringify(sizes)}`] }
    },
  }
}

async function core({ nodes, minutes }: Sizes, { progress }: RunOptions): Promise<Row[]> {
  const started = performance.now()
  const play = (): Promise<CoreResult> => playCore({
    seed: 100, count: nodes, degree: 8, forMs: minutes * MINUTE, speakEveryMs: 10_000, faults: 'all', faultEveryMs: 3_000, shrinkRunsMax: 4,
  })
  let first, second
  try {
    progress(`${nodes} coordinators, ${minutes} virtual minutes`)
    first = await play()
    progress(`the same again: ${first.events} events, ${first.faults.length} faults`)
    second = await play()
  } catch (error) {
    return CORE_ROWS.map(row => failed(row, error instanceof Error ? error.message : String(error)))
  }
  const seconds = (performance.now() - started) / 1_000
  const samples = { samples: first.events + second.events, faults: first.faults.length, links: first.links, hash: first.hash, unhandledRejections: unhandled.length }
  return [
    atMost('invariants', 'broken', unhandled.length, 0, samples),
    atMost('same hash', 'runs that differ', first.hash === second.hash ? 0 : 1, 0, { hashes: [first.hash, second.hash] }),
    atMost('healed', 'virtual s', first.healedMs / 1_000, HEALED_WITHIN_MS / 1_000),
    atMost('wall of both', 's', seconds, WALL_SECONDS_MAX, { eventsPerSecond: samples.samples / seconds }),
  ]
}

async function simulatorSpeed(sizes: Sizes, options: RunOptions): Promise<Row[]> {
  const nothing = await clock(sizes, options)
  return [nothing, ...await mesh(sizes, options, nothing.ours!)]
}

/** Timers that do nothing but set the next, a thousand at a time. */
async function clock({ events }: Sizes, { progress }: RunOptions): Promise<Row> {
  progress(`${events} events that do nothing`)
  const world = new VirtualClock()
  let happened = 0
  const again = (): void => {
    if (++happened < events) world.schedule(1 + (happened % 7), again)
  }
  for (let timer = 0; timer < 1_000; timer++) world.schedule(timer, again)
  const started = performance.now()
  await world.runToEnd()
  return atLeast('clock', 'events/s', world.happened / ((performance.now() - started) / 1_000), EVENTS_PER_SECOND_MIN, { samples: world.happened })
}

async function mesh({ meshNodes, meshItems }: Sizes, { progress }: RunOptions, eventsPerSecond: number): Promise<Row[]> {
  progress(`a mesh of ${meshNodes} nodes with ${MESH_DEGREE} links each`)
  const flooded = new FloodedMesh({ nodes: meshNodes, degree: MESH_DEGREE, items: meshItems })
  const started = performance.now()
  const { delivered, complete, hash } = await flooded.run()
  const messagesPerSecond = delivered / ((performance.now() - started) / 1_000)
  const samples = { samples: delivered, messagesPerSecond, complete, hash }
  const speed = atMost('mesh', 'events a message', eventsPerSecond / messagesPerSecond, EVENTS_PER_MESSAGE_MAX, samples)
  return [{ ...speed, holds: speed.holds && complete }, atMost('mesh memory', 'GiB', process.memoryUsage().rss / 2 ** 30, MESH_GIB_MAX)]
}

function atMost(row: string, unit: string, ours: number, bar: number, extra: Record<string, unknown> = {}): Row {
  return { row, unit, ours, peer: null, ratio: null, bar, holds: ours <= bar, ...extra }
}

function atLeast(row: string, unit: string, ours: number, bar: number, extra: Record<string, unknown> = {}): Row {
  return { row, unit, ours, peer: null, ratio: null, bar, holds: ours >= bar, ...extra }
}

function failed(row: string, error: string): Row {
  return { row, unit: '-', ours: null, peer: null, ratio: null, bar: null, holds: false, error }
}
