/** One line of a benchmark or scenario: what was measured, against whom, and whether it is enough. */
export interface Row {
  readonly row: string
  readonly unit: string
  /** Null where the measurement failed; such a row never holds. */
  readonly ours: number | null
  /** The same figure of whom we are compared with, from the same run; null where there is nobody. */
  readonly peer: number | null
  /** How many times better ours is than the peer's: above 1 is ahead, whether more or less is better. */
  readonly ratio: number | null
  /** The least (or, where less is better, the most) that `ours` may be, in the same unit. */
  readonly bar: number | null
  readonly holds: boolean
  /** Why there is no figure, where there is none. */
  readonly error?: string
  readonly [extra: string]: unknown
}

export interface Column {
  readonly title: string
  cell(row: Row): string
}

/** Up to three significant digits, and thousands apart: 13.7, 0.182, 88,412. */
export function figure(value: unknown): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return '-'
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

export const times = (value: unknown): string => typeof value === 'number' ? `${figure(value)} x` : '-'
export const percent = (value: unknown): string => typeof value === 'number' ? `${Math.round(value * 100)} %` : '-'

/** Columns that every report has; a benchmark may put its own between them. */
export const COLUMNS = {
  row: { title: 'row', cell: row => row.row },
  unit: { title: 'unit', cell: row => row.unit },
  ours: { title: 'ours', cell: row => figure(row.ours) },
  peer: { title: 'peer', cell: row => figure(row.peer) },
  ratio: { title: 'ratio', cell: row => times(row.ratio) },
  bar: { title: 'bar', cell: row => figure(row.bar) },
  holds: { title: 'holds', cell: row => row.holds ? 'yes' : 'NO' },
} as const satisfies Record<string, Column>

export function table(rows: readonly Row[], columns: readonly Column[]): string {
  const lines = [columns.map(column => column.title), ...rows.map(row => columns.map(column => column.cell(row)))]
  const widths = columns.map((_, i) => Math.max(...lines.map(line => (line[i] ?? '').length)))
  // The first two columns are words, the others figures.
  const pad = (cell: string, i: number) => i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)
  const [head = [], ...body] = lines.map(line => line.map(pad).join('  ').trimEnd())
  return [head, '-'.repeat(head.length), ...body].join('\n')
}
