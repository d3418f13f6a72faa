import { join } from 'node:path'
import type { Outcome, RunOptions, Task } from './command.ts'
import { describeMachine, machineLines, peerVersions } from './machine.ts'
import { fixed, judge, PEER_COLUMNS, sourcesOf, type Bar, type Plan } from './plan.ts'
import { PEERS, buildPackage, compileOurs, installPeers } from './prepare.ts'
import { measure, type Figures } from './programs.ts'
import { Rounds, type Source } from './rounds.ts'

/** A table of 20 and of 100 nodes in one process over WebSocket, against js-libp2p's kad-dht, and hyperdht over UDP. */
export const dht: Task = {
  about: 'put and get among 20 and 100 nodes in one process beside kad-dht and hyperdht, messages a lookup, queries a second',
  rows: ['get-20', 'put-20', 'get-100', 'put-100', 'messages-20', 'messages-100', 'ready-100', 'queries'],
  rounds: 3,
  run: measureDht,
}

const STEP_TIMEOUT_MS = 180_000
/** The design's figures of its own machine: ours at most so much where kad-dht did so much. */
const GET = { 20: { ms: 10, kad: 275 }, 100: { ms: 25, kad: 2_500 } } as const
const READY_MS = 5_000
const MESSAGES_MAX = 30
const QUERIES_MIN = 100

function plans(oursFile: string, quick: boolean): readonly Plan[] {
  const by = (side: string, file: string) => (nodes: number, field: string): Source => ({
    key: `${side} ${nodes}`,
    field,
    measure: (): Promise<Figures> => measure(file, ['network', '--nodes', String(nodes), '--ops', String(quick ? 5 : nodes > 50 && side === 'libp2p' ? 10 : 40)], STEP_TIMEOUT_MS),
  })
  const ours = by('peerweft', oursFile)
  const libp2p = by('libp2p', join(PEERS, 'libp2p-dht.mjs'))
  const hyperdht = by('hyperdht', join(PEERS, 'hyperdht-dht.mjs'))
  const scaledGet = (nodes: 20 | 100, factor: number): Bar => kad => (kad === null ? null : factor * GET[nodes].ms * kad / GET[nodes].kad)
  const get = (nodes: 20 | 100): Plan => ({ row: `get-${nodes}`, unit: 'p50 ms', better: 'less', bar: scaledGet(nodes, 1), ours: ours(nodes, 'get'), peer: libp2p(nodes, 'get'), hyperdht: hyperdht(nodes, 'get') })
  const put = (nodes: 20 | 100): Plan => ({ row: `put-${nodes}`, unit: 'p50 ms', better: 'less', bar: scaledGet(nodes, 2), yardstick: libp2p(nodes, 'get'), ours: ours(nodes, 'put'), peer: libp2p(nodes, 'put'), hyperdht: hyperdht(nodes, 'put') })
  const messages = (nodes: 20 | 100): Plan => ({ row: `messages-${nodes}`, unit: 'a lookup', better: 'less', bar: fixed(MESSAGES_MAX), ours: ours(nodes, 'messages'), peer: libp2p(nodes, 'messages') })
  return [
    get(20), put(20), get(100), put(100), messages(20), messages(100),
    { row: 'ready-100', unit: 'ms', better: 'less', bar: fixed(READY_MS), ours: ours(100, 'readyMs'), peer: libp2p(100, 'readyMs'), hyperdht: hyperdht(100, 'readyMs') },
    { row: 'queries', unit: 'a second', better: 'more', bar: fixed(QUERIES_MIN), ours: ours(20, 'queriesPerSecond') },
  ]
}

async function measureDht({ rows, rounds, quick, progress }: RunOptions): Promise<Outcome> {
  await installPeers(progress)
  await buildPackage(progress)
  const chosen = plans(await compileOurs('dht'), quick).filter(plan => rows.includes(plan.row))
  const machine = describeMachine()
  const versions = peerVersions(['libp2p', '@libp2p/kad-dht', '@libp2p/noise', '@libp2p/yamux', 'hyperdht', 'ws'])
  const measured = new Rounds()
  await measured.run(chosen.map(plan => ({ ...plan, name: plan.row, sources: sourcesOf(plan) })), rounds, progress)
  return {
    heading: [...machineLines(machine, versions), `medians of ${rounds} round${rounds === 1 ? '' : 's'}; all nodes in one process`],
    rows: chosen.map(plan => judge(plan, measured)),
    columns: PEER_COLUMNS.filter(({ title }) => !['signed', 'ceiling', 'of it', 'sealed'].includes(title)),
    extra: { rounds, machine, versions },
  }
}
