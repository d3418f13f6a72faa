import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { suitesNotRun } from './support/guard.ts'

const run = join(import.meta.dirname, 'run.ts')
const modules = join(import.meta.dirname, '..', 'node_modules')
const head = "import { test, suite } from 'uvu'\n"
const good = `${head}test('holds', () => {})\ntest.run()\n`

/** Each of these looks like success to uvu, or to whoever reads exit codes; and what the guard must say of it. */
const plants: Record<string, { source: string; complaint: RegExp }> = {
  'a before that throws': {
    source: `${head}test.before(() => { throw new Error('no') })\ntest('never runs', () => {})\ntest.run()`,
    complaint: /1 of 1 tests did not pass/,
  },
  'an after.each that throws': {
    source: `${head}test.after.each(() => { throw new Error('no') })\ntest('one', () => {})\ntest('two', () => {})\ntest.run()`,
    complaint: /2 of 2 tests did not pass/,
  },
  'a thrown non-Error': {
    source: `${head}test('throws text', () => { throw 'text' })\ntest.run()`,
    complaint: /1 of 1 tests did not pass/,
  },
  'a rejected non-Error': {
    source: `${head}test('rejects', () => Promise.reject({ msBeforeNext: 1 }))\ntest.run()`,
    complaint: /1 of 1 tests did not pass/,
  },
  'a forgotten run': { source: `${head}test('never runs', () => {})`, complaint: /no uvu summary/ },
  'a second suite that never runs': {
    source: `${head}const second = suite('second')\ntest('runs', () => {})\nsecond('never runs', () => {})\ntest.run()`,
    complaint: /"second" has tests after its last second\.run\(\)/,
  },
  'a test after the run': {
    source: `${good}test('never runs', () => {})`,
    complaint: /"test" has tests after its last test\.run\(\)/,
  },
  'an empty file': { source: '', complaint: /no uvu summary/ },
  'a suite without tests': { source: `${head}test.run()`, complaint: /no test in it/ },
  'a skipped test': { source: `${head}test.skip('later', () => {})\ntest('now', () => {})\ntest.run()`, complaint: /1 tests skipped/ },
  'an exit in the middle': {
    source: `${head}test('leaves', () => process.exit(0))\ntest('never runs', () => {})\ntest.run()`,
    complaint: /no uvu summary/,
  },
  'an exit after a summary': {
    source: `${good}process.on('exit', () => { process.exitCode = 3 })`,
    complaint: /exit code 3/,
  },
  'an await between two runs': {
    source: `${head}const second = suite('second')\ntest('one', () => {})\ntest.run()\nawait new Promise(r => setTimeout(r, 50))\nsecond('two', () => {})\nsecond.run()`,
    complaint: /more than one uvu summary/,
  },
  'a test that hangs': {
    source: `// guard: deadline 2 s\n${head}test('waits', () => new Promise(() => setInterval(() => {}, 1000)))\ntest.run()`,
    complaint: /still running after 2 s/,
  },
  'a loop without end': {
    source: `// guard: deadline 2 s\n${head}test('spins', () => { for (;;); })\ntest.run()`,
    complaint: /still running after 2 s/,
  },
  'a socket left open': {
    source: `// guard: deadline 2 s\n${head}import { createServer } from 'node:net'\ntest('listens', () => { createServer().listen(0) })\ntest.run()`,
    complaint: /still running after 2 s/,
  },
  'a child left running': {
    source: `${head}import { spawn } from 'node:child_process'\ntest('spawns', () => { spawn('sleep', ['60'], { stdio: 'ignore' }).unref() })\ntest.run()`,
    complaint: /left running:/,
  },
}

/** Runs the guard as a user does, on files written into a directory of its own. */
function guardOn(files: Record<string, string>, ...args: string[]): { status: number | null; output: string; lastLine: string | undefined } {
  const dir = mkdtempSync(join(tmpdir(), 'guard-'))
  try {
    symlinkSync(modules, join(dir, 'node_modules'), 'junction')
    writeFileSync(join(dir, 'package.json'), '{ "type": "module" }')
    for (const [name, source] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true })
      writeFileSync(join(dir, name), source)
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', run, '--dir', dir, ...args], { encoding: 'utf8' })
    return { status, output: stdout + stderr, lastLine: stdout.split('\n').at(-2) }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const fileOf = (name: string): string => `${name.replaceAll(' ', '-')}.test.ts`

const all = suite('guard')

const planted = guardOn({
  'good.test.ts': good,
  ...Object.fromEntries(Object.entries(plants).map(([name, { source }]) => [fileOf(name), source])),
})

for (const [name, { complaint }] of Object.entries(plants)) {
  all(`${name} is a failure`, () => {
    const part = planted.output.split(/^(?=FAIL |ok {3})/m).find(text => text.includes(` ${fileOf(name)} `)) ?? ''
    assert.match(part, /^FAIL /, planted.output)
    assert.match(part, complaint)
  })
}

all('a run with failures exits with 1, prints their output and ends with the count', () => {
  assert.is(planted.status, 1)
  assert.match(planted.output, /^ok {3}good\.test\.ts {2}1\/1 {2}\d+ ms$/m)
  assert.match(planted.output, /Exiting early before testing is finished/)
  assert.match(planted.lastLine ?? '', /^\d+ passed, \d+ failed$/)
  const failed = Number(/(\d+) failed/.exec(planted.lastLine ?? '')?.[1])
  assert.ok(failed >= Object.keys(plants).length, planted.lastLine)
})

all('good files pass, in sub-folders too', () => {
  const { status, lastLine, output } = guardOn({ 'one.test.ts': good, 'below/two.test.ts': good, 'helper.ts': 'throw 1' }, '--tests-min', '2')
  assert.is(lastLine, '2 passed, 0 failed', output)
  assert.is(status, 0)
})

all('fewer tests than the floor is a failure', () => {
  const { status, lastLine, output } = guardOn({ 'one.test.ts': good }, '--tests-min', '2')
  assert.is(lastLine, '1 passed, 1 failed')
  assert.is(status, 1)
  assert.match(output, /only 1 tests passed where at least 2/)
})

all('a pattern chooses files and lifts the floor', () => {
  const { status, lastLine, output } = guardOn({ 'one.test.ts': good, 'two.test.ts': good }, '--tests-min', '9', 'two')
  assert.is(lastLine, '1 passed, 0 failed')
  assert.is(status, 0)
  assert.not.match(output, /one\.test\.ts/)
})

all('a pattern that matches nothing is a failure', () => {
  const { status, lastLine, output } = guardOn({ 'one.test.ts': good }, 'three')
  assert.is(lastLine, '0 passed, 1 failed')
  assert.is(status, 1)
  assert.match(output, /no test file matches three/)
})

all('suites that ran after their last test are not complained of', () => {
  assert.equal(suitesNotRun(good), [])
  assert.equal(suitesNotRun("import { suite } from 'uvu'\nconst mine = suite<State>('mine')\nfor (const x of xs) {\n  mine(x, () => {})\n}\nmine.run()"), [])
})

all.run()
