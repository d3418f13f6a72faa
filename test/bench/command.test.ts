import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runCommand, type Registry, type RunOptions } from './command.ts'
import type { Row } from './report.ts'

const fast: Row = { row: 'fast', unit: 'ms', ours: 1, peer: 3, ratio: 3, bar: 2, holds: true }
const slow: Row = { row: 'slow', unit: 'ms', ours: 1 / 3, peer: null, ratio: null, bar: 0.1, holds: false }

/** Runs a command over a registry of two rows and keeps what it said and how it was asked. */
async function say(...args: string[]) {
  const printed: string[] = []
  const complaints: string[] = []
  const asked: RunOptions[] = []
  const registry: Registry = {
    race: {
      about: 'two rows',
      rows: ['fast', 'slow'],
      rounds: 3,
      async run(options) {
        asked.push(options)
        return { heading: ['a machine'], rows: [fast, slow].filter(row => options.rows.includes(row.row)) }
      },
    },
    broken: { about: 'never measures', rows: ['any'], rounds: 1, run: () => Promise.reject(new Error('the build failed')) },
  }
  const code = await runCommand('bench', registry, args, {
    log: (text: string) => { printed.push(...text.split('\n')) },
    error: (text: string) => { complaints.push(text) },
  })
  return { code, printed, complaints: complaints.join('\n'), asked }
}

const command = suite('bench command')

command('an unknown name is refused with the names there are', async () => {
  const { code, complaints } = await say('nothing')
  assert.is(code, 2)
  assert.match(complaints, /no bench "nothing"/)
  assert.match(complaints, /race +two rows/)
})

command('no name, an unknown row, option or number of rounds is refused before anything runs', async () => {
  for (const args of [[], ['race', '--rows', 'fats'], ['race', '--rows', ','], ['race', '--fast'], ['race', '--rounds', '0'], ['race', 'broken'], ['toString']]) {
    const { code, asked } = await say(...args)
    assert.is(code, 2, args.join(' '))
    assert.is(asked.length, 0)
  }
})

command('the last line is JSON with the computed rows when asked for', async () => {
  const { printed, code } = await say('race', '--json')
  assert.is(code, 1)
  const last = JSON.parse(printed.at(-1) ?? '') as { bench: string; rows: Row[] }
  assert.is(last.bench, 'race')
  assert.equal(last.rows, [fast, { ...slow, ours: 0.33333 }])
})

command('one row that does not hold fails the run, and without it the run passes', async () => {
  assert.is((await say('race')).code, 1)
  assert.is((await say('race', '--rows', 'fast')).code, 0)
})

command('a run that could not measure fails with its reason', async () => {
  const { code, complaints } = await say('broken', '--json')
  assert.is(code, 1)
  assert.match(complaints, /the build failed/)
})

command('quick means one round unless a number is given', async () => {
  const roundsOf = async (...args: string[]) => (await say('race', ...args)).asked[0]?.rounds
  assert.is(await roundsOf(), 3)
  assert.is(await roundsOf('--quick'), 1)
  assert.is(await roundsOf('--quick', '--rounds', '2'), 2)
})

command.run()
