import { hostile } from '../scenarios/hostile.ts'
import type { Outcome, RunOptions, Task } from '../bench/command.ts'
import type { Row } from '../bench/report.ts'
import { ACCUSATION_ROWS, rows as accusationRows } from './scenario-accusations.ts'
import { ADDRESS_BOOK_ROWS, rows as addressBookRows } from './scenario-address-book.ts'

/** The bars that the hostile scenario measures already, by their names in the design. */
const FROM_HOSTILE: Readonly<Record<string, string>> = {
  'P5 frames accepted': 'frames accepted',
  'P5 frames missed': 'frames missed',
  'P5 frames crashed': 'frames crashed',
  'P5 handshakes accepted': 'handshakes accepted',
  'P5 handshakes crashed': 'handshakes crashed',
  'P6 replays accepted': 'replays accepted',
  'P7 stalled reader held': 'stalled reader held',
}

export const peersScenario: Task = {
  about: 'peers among adversaries: eclipses, crowds, mutations, replays, a reader that stalls, false accusations',
  rows: [...ADDRESS_BOOK_ROWS, ...Object.keys(FROM_HOSTILE), ...ACCUSATION_ROWS],
  rounds: 1,
  async run(options: RunOptions): Promise<Outcome> {
    const rows: Row[] = []
    if (ADDRESS_BOOK_ROWS.some(name => options.rows.includes(name))) rows.push(...(await addressBookRows(options)).filter(({ row }) => options.rows.includes(row)))
    const asked = Object.entries(FROM_HOSTILE).filter(([name]) => options.rows.includes(name))
    if (asked.length > 0) {
      const { rows: found } = await hostile.run({ ...options, rows: asked.map(([, theirs]) => theirs) })
      for (const [name, theirs] of asked) rows.push(...found.filter(({ row }) => row === theirs).map(row => ({ ...row, row: name })))
    }
    if (ACCUSATION_ROWS.some(name => options.rows.includes(name))) rows.push(...(await accusationRows(options)).filter(({ row }) => options.rows.includes(row)))
    return { rows, heading: [`peers: node ${process.version}${options.quick ? ', quick' : ''}`] }
  },
}
