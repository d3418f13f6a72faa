import { COLUMNS, figure, percent, type Column, type Row } from './report.ts'
import type { Rounds, Source } from './rounds.ts'

/** As much of `Rounds` as judging needs. */
export type Measured = Pick<Rounds, 'summary'>

/** One row: who is measured by what, and what is enough. The peer is js-libp2p. */
export interface Plan {
  readonly row: string
  readonly unit: string
  readonly better: 'more' | 'less'
  readonly ours: Source
  readonly peer?: Source
  readonly hyperdht?: Source
  /** What the machine allows: bare sockets, and the same with sealing and encoding on top. */
  readonly ceiling?: Source
  readonly sealedCeiling?: Source
  /** Ours with the author's signature on every message, beside a row that rests on the channel's. */
  readonly signed?: Source
  /** Whose figure says how this machine compares with the table's; the peer's unless named. */
  readonly yardstick?: Source
  readonly bar: Bar
  readonly extra?: (ours: number) => Readonly<Record<string, unknown>>
  readonly repeats?: number
  readonly once?: boolean
}

/** What ours must reach, given what the yardstick did in this run; null where that is needed and missing. */
export type Bar = (yardstick: number | null) => number | null

/** So many times the peer's figure of this run. */
export const timesPeer = (factor: number): Bar => peer => peer === null ? null : factor * peer
/**
 * A bar that the design gives as a figure of its own machine, where the peer did `peerThen`: here it is worth as
 * much more or less as the peer does now. Both ways: a faster machine asks for more, a slower or busier one for
 * less. The same formula serves times and rates, since each is compared with its own kind.
 */
export const scaled = (bar: number, peerThen: number): Bar => peer => peer === null ? null : bar * peer / peerThen
/** Counts and the floors of seed 004 do not depend on the machine. */
export const fixed = (bar: number): Bar => () => bar

/** Next to each other in time: ours, theirs, and the ceiling over both. */
export function sourcesOf(plan: Plan): readonly Source[] {
  const { ours, peer, hyperdht, ceiling, sealedCeiling, signed, yardstick } = plan
  return [ours, peer, hyperdht, ceiling, sealedCeiling, signed, yardstick].filter(source => source !== undefined)
}

/** What a row came to: its figures, its bar on this machine, and whether it holds. */
export function judge(plan: Plan, measured: Measured): Row {
  const { row, unit, better } = plan
  const at = (source: Source | undefined) => measured.summary(source).median
  const mine = measured.summary(plan.ours)
  const ours = mine.median
  const peer = at(plan.peer)
  const bar = plan.bar(at(plan.yardstick ?? plan.peer))
  const ahead = (mine: number | null, other: number | null) =>
    mine === null || other === null ? null : better === 'more' ? mine / other : other / mine
  const reached = ours !== null && bar !== null && (better === 'more' ? ours >= bar : ours <= bar)
  const errors = sourcesOf(plan).flatMap(source => measured.summary(source).errors)
  return {
    row, unit, ours, peer, ratio: ahead(ours, peer), bar,
    // A measurement of ours that failed is a message lost or a link that broke: no median makes up for it.
    holds: reached && mine.errors.length === 0,
    better,
    hyperdht: at(plan.hyperdht),
    ceiling: at(plan.ceiling), share: ahead(ours, at(plan.ceiling)),
    sealedCeiling: at(plan.sealedCeiling), sealedShare: ahead(ours, at(plan.sealedCeiling)),
    signed: at(plan.signed),
    least: mine.least, most: mine.most, samples: mine.samples,
    ...(ours === null ? {} : plan.extra?.(ours)),
    ...(errors.length === 0 ? {} : { error: errors.join('\n') }),
  }
}

export const PEER_COLUMNS: readonly Column[] = [
  COLUMNS.row, COLUMNS.unit, COLUMNS.ours,
  { title: 'signed', cell: row => figure(row.signed) },
  { ...COLUMNS.peer, title: 'libp2p' },
  { title: 'hyperdht', cell: row => figure(row.hyperdht) },
  COLUMNS.ratio, COLUMNS.bar,
  { title: 'ceiling', cell: row => figure(row.ceiling) },
  { title: 'of it', cell: row => percent(row.share) },
  { title: 'sealed', cell: row => figure(row.sealedCeiling) },
  { title: 'of it', cell: row => percent(row.sealedShare) },
  COLUMNS.holds,
]
