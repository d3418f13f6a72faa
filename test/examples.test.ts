// guard: deadline 600 s
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const root = join(import.meta.dirname, '..')
const DEADLINE_MS = 100_000
const examples = suite('examples')

interface End { code: number | null; out: string; err: string; ms: number }

/** Runs a program without a terminal until it ends by itself. */
function run(file: string): Promise<End> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), join(root, 'examples', file)], { stdio: ['ignore', 'pipe', 'pipe'], cwd: root })
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    const timer = setTimeout(() => {
      child.kill('SIGTERM')
      reject(new Error(`${file} still runs after ${DEADLINE_MS} ms; it printed:\n${out}${err}`))
    }, DEADLINE_MS)
    child.once('error', reject)
    child.once('close', code => {
      clearTimeout(timer)
      resolve({ code, out, err, ms: performance.now() - startedAt })
    })
  })
}

const files = readdirSync(join(root, 'examples')).filter(name => /^\d\d-.*\.ts$/.test(name)).sort()

examples('there are some', () => {
  assert.ok(files.length >= 5, files.join(', '))
})

for (const file of files) {
  examples(`${file} opens with what it shows, tells what happened, and ends by itself`, async () => {
    assert.match(readFileSync(join(root, 'examples', file), 'utf8'), /^(\/\*\*\n \* |\/\/ )\S/)
    const { code, out, err } = await run(file)
    assert.is(code, 0, `${out}\n${err}`)
    assert.is(err, '')
    assert.ok(out.split('\n').length > 2, out)
  })
}

examples('the chat of four processes: who comes late remembers what the others do', async () => {
  const { out } = await run('05-gossip-chat.ts')
  assert.match(out, 'dave came late, and has heard all of it')
  assert.match(out, 'all four remember the same 5 lines in the same order, each signed by one of 4 keys')
  assert.ok(/^dave +\| .* alice \([0-9a-f]{8}\): good morning$/m.test(out), out)
})

examples('the demo of npm start goes through all its acts', async () => {
  const { code, out, err, ms } = await run('demo/main.ts')
  assert.is(code, 0, `${out}\n${err}`)
  assert.ok(/^Done in [\d.]+ s:$/m.test(out), out)
  assert.match(out, 'one publication reached all five')
  assert.match(out, 'two sealed messages crossed three relays')
  assert.match(out, 'a sixth node found the other five from one address')
  console.log(`    the demo took ${(ms / 1000).toFixed(1)} s`)
})

examples.run()
