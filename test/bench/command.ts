import { parseArgs } from 'node:util'
import { COLUMNS, table, type Column, type Row } from './report.ts'

export interface RunOptions {
  /** The rows asked for; all of the task's unless the caller chose. */
  readonly rows: readonly string[]
  /** How often each side is measured; the figures are medians over them. */
  readonly rounds: number
  /** One short round: to see that everything runs, not to judge by. */
  readonly quick: boolean
  /** Says on stderr what is going on. */
  progress(text: string): void
}

export interface Outcome {
  readonly rows: readonly Row[]
  readonly columns?: readonly Column[]
  /** Printed above the table: machine, versions, sample sizes. */
  readonly heading: readonly string[]
  /** Carried in the JSON line beside the rows. */
  readonly extra?: Readonly<Record<string, unknown>>
}

/** One benchmark or scenario. */
export interface Task {
  readonly about: string
  /** Every row it can print, in order. */
  readonly rows: readonly string[]
  readonly rounds: number
  run(options: RunOptions): Promise<Outcome>
}

/** Where the table goes, and where progress and complaints go. */
export type Voice = Pick<Console, 'log' | 'error'>

export type Registry = Readonly<Record<string, Task>>

/**
 * `NAME [--json] [--rows a,b] [--rounds n] [--quick]`: runs one task of the registry and prints its table. With
 * `--json` the last line is `{ [kind]: NAME, rows }`. Returns the exit code: 0 if every row holds, 1 if one does
 * not or nothing could be measured, 2 if the command was not understood.
 */
export async function runCommand(kind: string, registry: Registry, args: readonly string[], voice: Voice = console): Promise<number> {
  const asked = understand(kind, registry, args)
  if ('problem' in asked) {
    voice.error(`${asked.problem}\n\n${usage(kind, registry)}`)
    return 2
  }
  const { name, task, options, json } = asked
  let outcome
  try {
    outcome = await task.run({ ...options, progress: text => voice.error(text) })
  } catch (error) {
    voice.error(error instanceof Error ? error.message : String(error))
    return 1
  }
  voice.log(`${[...outcome.heading, ''].join('\n')}\n${table(outcome.rows, outcome.columns ?? Object.values(COLUMNS))}`)
  for (const row of outcome.rows) if (row.error !== undefined) voice.log(`\n${row.row}: ${row.error}`)
  if (json) voice.log(JSON.stringify({ [kind]: name, rows: outcome.rows, ...outcome.extra }, fewDigits))
  return outcome.rows.every(row => row.holds) ? 0 : 1
}

/** Five digits say all that such a measurement knows. */
const fewDigits = (_key: string, value: unknown): unknown => typeof value === 'number' ? Number(value.toPrecision(5)) : value

type Asked = { problem: string } | { name: string; task: Task; options: Omit<RunOptions, 'progress'>; json: boolean }

function understand(kind: string, registry: Registry, args: readonly string[]): Asked {
  let parsed
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, rows: { type: 'string' }, rounds: { type: 'string' } },
    })
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
  const { values, positionals: [name, ...others] } = parsed
  const task = name !== undefined && Object.hasOwn(registry, name) ? registry[name] : undefined
  if (name === undefined) return { problem: `Which ${kind}?` }
  if (task === undefined) return { problem: `There is no ${kind} "${name}".` }
  if (others.length > 0) return { problem: `One ${kind} at a time, got ${[name, ...others].join(', ')}.` }

  const rows = values.rows?.split(',').filter(row => row !== '') ?? task.rows
  const unknown = rows.filter(row => !task.rows.includes(row))
  if (rows.length === 0) return { problem: `--rows takes names from ${task.rows.join(', ')}.` }
  if (unknown.length > 0) return { problem: `"${name}" has no row ${unknown.join(', ')}; it has ${task.rows.join(', ')}.` }
  const quick = values.quick === true
  const rounds = values.rounds === undefined ? (quick ? 1 : task.rounds) : Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) return { problem: `--rounds takes a whole number above 0, got ${values.rounds}.` }
  return { name, task, json: values.json === true, options: { rows, rounds, quick } }
}

function usage(kind: string, registry: Registry): string {
  const names = Object.entries(registry).map(([name, task]) => `  ${name.padEnd(12)} ${task.about}`)
  return [
    `npm run ${kind} -- NAME [--json] [--rows a,b] [--rounds n] [--quick]`,
    '',
    names.length === 0 ? `No ${kind} is registered yet.` : names.join('\n'),
  ].join('\n')
}
