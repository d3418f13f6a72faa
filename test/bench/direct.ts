import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Outcome, RunOptions, Task } from './command.ts'
import { describeMachine, machineLines, peerVersions } from './machine.ts'
import { packagesOfHyperdht, packagesOfLibp2p, packagesOfOurs } from './packages.ts'
import { PEER_COLUMNS, fixed, judge, scaled, sourcesOf, timesPeer, type Plan } from './plan.ts'
import { BUILT_ENTRY, PEERS, buildPackage, compileOurs, installPeers } from './prepare.ts'
import { measure, type Figures } from './programs.ts'
import { Rounds, type Source } from './rounds.ts'

/** Two nodes and nothing between them, against js-libp2p and hyperdht doing the same, and against bare `ws`. */
export const direct: Task = {
  about: 'two peers over WebSocket on loopback: dial, round trip, one-way, signed, heap, import, packages',
  rows: [
    'dial', 'round-trip', 'one-way-1k', 'one-way-64k', 'signed-1k', 'heap', 'import', 'packages',
    'floor-rate', 'floor-connections',
  ],
  rounds: 3,
  run: measureDirect,
}

/** peers.md, P10: heap of an accepted idle connection, `ws` included. */
const P10_KIB = 36
/** Seed 004 asks for 50 or more. */
const FLOOR_CONNECTIONS = 64

const STEP_TIMEOUT_MS = 60_000
/** The ceiling is steady, and shorter runs of it leave time for the others. */
const CEILING_SECONDS = 2

/** The sides' programs, with the seconds this run allows them. */
function sources(oursFile: string, quick: boolean) {
  const by = (side: string, file: string, seconds: number) => (command: string, field: string): Source => ({
    key: `${side} ${command}`,
    field,
    measure: () => measure(file, [...command.split(' '), '--seconds', String(quick ? 1 : seconds)], STEP_TIMEOUT_MS),
  })
  return {
    ours: by('peerweft', oursFile, 4),
    libp2p: by('libp2p', join(PEERS, 'libp2p.mjs'), 4),
    hyperdht: by('hyperdht', join(PEERS, 'hyperdht.mjs'), 4),
    ceiling: by('ceiling', join(PEERS, 'ceiling.mjs'), CEILING_SECONDS),
  }
}

const importing = (side: string, specifiers: readonly string[]): Source => ({
  key: `${side} import`,
  field: 'ms',
  measure: () => measure(join(PEERS, 'import.mjs'), specifiers, STEP_TIMEOUT_MS),
})
const counting = (side: string, count: () => Promise<number>): Source => ({
  key: `${side} packages`,
  field: 'packages',
  measure: async (): Promise<Figures> => ({ packages: await count() }),
})

/** The table of the design, row by row; its figures of the peers are the `peerThen` of scaled bars. */
function plans(oursFile: string, { quick, rounds }: RunOptions): readonly Plan[] {
  const { ours, libp2p, hyperdht, ceiling } = sources(oursFile, quick)
  const oneWay = libp2p('one-way --size 1024', 'perSecond')
  const signed = ours('one-way --size 1024 --auth signature', 'perSecond')
  return [
    {
      row: 'dial', unit: 'ms', better: 'less', bar: scaled(6, 13.7),
      ours: ours('dial', 'p50'), peer: libp2p('dial', 'p50'), hyperdht: hyperdht('dial', 'p50'),
      ceiling: ceiling('dial', 'p50'),
    },
    {
      row: 'round-trip', unit: 'ms', better: 'less', bar: scaled(0.18, 0.37),
      ours: ours('round-trip', 'p50'), peer: libp2p('round-trip', 'p50'), hyperdht: hyperdht('round-trip', 'p50'),
      ceiling: ceiling('round-trip', 'p50'), signed: ours('round-trip --auth signature', 'p50'),
    },
    {
      row: 'one-way-1k', unit: 'msgs/s', better: 'more', bar: timesPeer(4),
      ours: ours('one-way --size 1024', 'perSecond'), peer: oneWay, hyperdht: hyperdht('one-way --size 1024', 'perSecond'),
      ceiling: ceiling('one-way --size 1024', 'perSecond'), sealedCeiling: ceiling('sealed --size 1024', 'perSecond'), signed,
    },
    {
      row: 'one-way-64k', unit: 'MB/s', better: 'more', bar: timesPeer(1.6),
      ours: ours('one-way --size 65536', 'megabytesPerSecond'), peer: libp2p('one-way --size 65536', 'megabytesPerSecond'),
      hyperdht: hyperdht('one-way --size 65536', 'megabytesPerSecond'),
      ceiling: ceiling('one-way --size 65536', 'megabytesPerSecond'), sealedCeiling: ceiling('sealed --size 65536', 'megabytesPerSecond'),
      signed: ours('one-way --size 65536 --auth signature', 'megabytesPerSecond'),
    },
    {
      // What libp2p signs is published, so that is its figure here; the same work unsigned is the steadier yardstick.
      row: 'signed-1k', unit: 'msgs/s', better: 'more', bar: scaled(20_000, 11_200), yardstick: oneWay,
      ours: signed, peer: libp2p('publish --size 1024', 'perSecond'), ceiling: ceiling('bursts', 'perSecond'),
    },
    {
      row: 'heap', unit: 'KiB', better: 'less', bar: timesPeer(0.5),
      ours: ours('heap', 'heapKib'), peer: libp2p('heap', 'heapKib'),
      extra: kib => ({ p10Kib: P10_KIB, p10Holds: kib <= P10_KIB }),
    },
    {
      row: 'import', unit: 'ms', better: 'less', bar: scaled(100, 401), repeats: Math.ceil((quick ? 3 : 7) / rounds),
      ours: importing('peerweft', [pathToFileURL(BUILT_ENTRY).href]),
      peer: importing('libp2p', [
        '--first', './node-20.mjs', 'libp2p', '@libp2p/websockets', '@libp2p/noise', '@libp2p/yamux', '@libp2p/identify',
        '@libp2p/ping', '@libp2p/gossipsub', '@libp2p/kad-dht',
      ]),
      hyperdht: importing('hyperdht', ['hyperdht', 'protomux']),
    },
    {
      row: 'packages', unit: 'packages', better: 'less', bar: fixed(25), once: true,
      ours: counting('peerweft', packagesOfOurs), peer: counting('libp2p', packagesOfLibp2p),
      hyperdht: counting('hyperdht', packagesOfHyperdht),
    },
    {
      row: 'floor-rate', unit: 'msgs/s', better: 'more', bar: fixed(1_000), once: true,
      ours: ours('floor-rate --size 1024', 'perSecond'),
    },
    {
      row: 'floor-connections', unit: 'links', better: 'more', bar: fixed(50), once: true,
      ours: ours(`floor-connections --count ${FLOOR_CONNECTIONS}`, 'connections'),
    },
  ]
}

async function measureDirect(options: RunOptions): Promise<Outcome> {
  const { rows, rounds, progress } = options
  await installPeers(progress)
  await buildPackage(progress)
  const chosen = plans(await compileOurs('direct'), options).filter(plan => rows.includes(plan.row))
  const machine = describeMachine()
  const versions = peerVersions(['libp2p', '@libp2p/noise', '@libp2p/yamux', '@libp2p/gossipsub', 'hyperdht', 'protomux', 'ws'])
  const began = performance.now()
  const measured = new Rounds()
  await measured.run(chosen.map(plan => ({ ...plan, name: plan.row, sources: sourcesOf(plan) })), rounds, progress)
  progress(`took ${Math.round((performance.now() - began) / 1_000)} s`)
  return {
    heading: [...machineLines(machine, versions), `medians of ${rounds} round${rounds === 1 ? '' : 's'}`],
    rows: chosen.map(plan => judge(plan, measured)),
    columns: PEER_COLUMNS,
    extra: { rounds, machine, versions },
  }
}
