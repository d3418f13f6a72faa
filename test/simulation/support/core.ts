import { execFileSync } from 'node:child_process'
import type { SimNode } from '../../../lib/testing/sim-node.ts'
import { simulate, type Scenario, type SimulateOptions, type SimulationResult } from '../../../lib/testing/simulate.ts'
import type { Simulation } from '../../../lib/testing/simulation.ts'
import { Chatter } from './chatter.ts'

export const MINUTE = 60_000

export interface CoreOptions extends SimulateOptions {
  /** How many nodes. */
  count: number
  /** Links of each, about. */
  degree: number
  /** How long the world lasts, in virtual milliseconds. Nothing goes wrong any more in its last three minutes. */
  forMs: number
  /** From one word of a node to its next. */
  speakEveryMs: number
}

/** How long a core of honest nodes may take until all talk again, after nothing goes wrong any more: five heartbeats of ten seconds, and a dial. */
export const HEALED_WITHIN_MS = 2 * MINUTE
const QUIET_MS = 3 * MINUTE

/** What was found in a core that got well again. */
export interface CoreResult extends SimulationResult {
  healedMs: number
  links: number
}

/**
 * Plays a core of nodes that chatter while things go wrong, and then has them get well: all up, all links that somebody wishes for are there, and
 * over each of them both have heard each other.
 */
export async function playCore(options: CoreOptions): Promise<CoreResult> {
  const { count, degree, forMs, speakEveryMs, ...rest } = options
  const found = { healedMs: 0, links: 0 }
  const scenario: Scenario = async sim => {
    await sim.addNodes(count, { protocols: () => [new Chatter({ everyMs: speakEveryMs })], config: { heartbeatInterval: 10_000 } })
    await sim.connectAll({ degree })
    await sim.run({ forMs: forMs - QUIET_MS - sim.nowMs })
    const sinceMs = sim.nowMs
    await sim.runUntil(() => unwell(sim, sinceMs) === undefined, { withinMs: HEALED_WITHIN_MS, get what() { return `all are well; ${unwell(sim, sinceMs)}` } })
    found.healedMs = sim.nowMs - sinceMs
    await sim.run({ forMs: forMs - sim.nowMs })
    found.links = sim.nodes.reduce((sum, node) => sum + node.wishes.size, 0)
  }
  const result = await simulate({ faultsUntilMs: forMs - QUIET_MS, replay: command, ...rest }, scenario)
  return { ...result, ...found }
}

/** The first thing that is not as it should be. */
function unwell(sim: Simulation, sinceMs: number): string | undefined {
  for (const node of sim.nodes) {
    if (!node.isUp) return `${node.name} is down`
    for (const wish of node.wishes) {
      const why = !hears(node, wish, sinceMs) ? `${node.name} has not heard ${wish.name}` : !hears(wish, node, sinceMs) ? `${wish.name} has not heard ${node.name}` : undefined
      if (why !== undefined) return why
    }
  }
  return undefined
}

function hears(node: SimNode, other: SimNode, sinceMs: number): boolean {
  return node.isUp && other.isUp && (node.handler(Chatter).heardAtMs.get(other.id) ?? -1) > sinceMs
}

/** Seeds to play: those given, or the one that a failure named. */
export function seedsOr(seeds: readonly number[]): readonly number[] {
  const named = process.env.SIM_SEED
  return named === undefined ? seeds : [Number(named)]
}

/** The faults that a failure named. */
export function faultsNamed(): readonly number[] | undefined {
  const named = process.env.SIM_FAULTS
  return named === undefined ? undefined : named.split(',').filter(text => text !== '').map(Number)
}

function command(seed: unknown, only: readonly number[] | undefined): string {
  const faults = only === undefined ? '' : ` SIM_FAULTS=${only.join()}`
  return `at ${commit()}: SIM_SEED=${String(seed)}${faults} npm test -- simulation/core`
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'an unknown commit'
  }
}

/** Rejections that nobody took, since the start of the process. */
export const unhandled: unknown[] = []
process.on('unhandledRejection', reason => void unhandled.push(reason))
