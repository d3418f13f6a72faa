import { join } from 'node:path'
import type { Outcome, RunOptions, Task } from './command.ts'
import { describeMachine, machineLines, peerVersions } from './machine.ts'
import { judge, sourcesOf, timesPeer, type Plan } from './plan.ts'
import { PEERS, buildPackage, compileOurs, installPeers } from './prepare.ts'
import { measure } from './programs.ts'
import { COLUMNS } from './report.ts'
import { Rounds, type Source } from './rounds.ts'

/** Signed publications of 1 KiB to everybody, against js-libp2p's gossipsub with StrictSign doing the same over the same sockets. */
export const gossip: Task = {
  about: 'signed gossip beside gossipsub: two processes, 16 and 50 nodes in one process, saturated and paced',
  rows: ['2-processes', '16-nodes', '16-nodes-cpu', '16-nodes-paced', '50-nodes', '50-nodes-cpu', '50-nodes-paced'],
  rounds: 3,
  run: measureGossip,
}

const STEP_TIMEOUT_MS = 180_000
/** Publishers at a time, and what each says at once. */
const LOAD = '--window 4 --batch 16'
/** Publications a second: about half of what the peer can carry. */
const RATE = { 16: 20, 50: 4 } as const

function plans(oursFile: string, quick: boolean): readonly Plan[] {
  const by = (side: string, file: string) => (command: string, field: string): Source => ({
    key: `${side} ${command}`,
    field,
    measure: () => measure(file, [...command.split(' '), '--seconds', quick ? '2' : '5'], STEP_TIMEOUT_MS),
  })
  const ours = by('peerweft', oursFile)
  const libp2p = by('libp2p', join(PEERS, 'libp2p-gossip.mjs'))
  const crowd = (count: 16 | 50): Plan[] => {
    const saturated = `saturate --nodes ${count} --extra 3 --size 1024 ${LOAD}`
    const evenly = `paced --nodes ${count} --extra 3 --size 1024 --rate ${RATE[count]}`
    return [
      {
        row: `${count}-nodes`, unit: 'deliveries/s', better: 'more', bar: timesPeer(10),
        ours: ours(saturated, 'deliveriesPerSecond'), peer: libp2p(saturated, 'deliveriesPerSecond'),
      },
      { row: `${count}-nodes-cpu`, unit: 'ms/delivery', better: 'less', bar: timesPeer(0.1), ours: ours(saturated, 'cpuMs'), peer: libp2p(saturated, 'cpuMs') },
      { row: `${count}-nodes-paced`, unit: 'p99 ms', better: 'less', bar: timesPeer(0.5), ours: ours(evenly, 'p99'), peer: libp2p(evenly, 'p99') },
    ]
  }
  return [
    {
      row: '2-processes', unit: 'delivered/s', better: 'more', bar: timesPeer(10),
      ours: ours('pair --size 1024', 'perSecond'), peer: by('libp2p', join(PEERS, 'libp2p.mjs'))('publish --size 1024', 'perSecond'),
    },
    ...crowd(16),
    ...crowd(50),
  ]
}

async function measureGossip({ rows, rounds, quick, progress }: RunOptions): Promise<Outcome> {
  await installPeers(progress)
  await buildPackage(progress)
  const chosen = plans(await compileOurs('gossip'), quick).filter(plan => rows.includes(plan.row))
  const machine = describeMachine()
  const versions = peerVersions(['libp2p', '@libp2p/gossipsub', '@libp2p/noise', '@libp2p/yamux', 'ws'])
  const measured = new Rounds()
  await measured.run(chosen.map(plan => ({ ...plan, name: plan.row, sources: sourcesOf(plan) })), rounds, progress)
  return {
    heading: [...machineLines(machine, versions), `medians of ${rounds} round${rounds === 1 ? '' : 's'}; saturated with ${LOAD}`],
    rows: chosen.map(plan => judge(plan, measured)),
    columns: [COLUMNS.row, COLUMNS.unit, COLUMNS.ours, { ...COLUMNS.peer, title: 'libp2p' }, COLUMNS.ratio, COLUMNS.bar, COLUMNS.holds],
    extra: { rounds, machine, versions },
  }
}
