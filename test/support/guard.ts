import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs test files and believes none of them. uvu exits 0 where a `before` throws, where `after.each`
 * throws, and where a test throws something that is not an Error; it knows no deadline, and a file
 * that forgot `.run()` looks like success. So each file runs in a process of its own and has to show
 * exit code 0 and one summary in which every test passed and none was skipped.
 */

const FILES_AT_ONCE = 2
const DEADLINE_MS = 120_000
/** More than this is a loop, not a message. */
const OUTPUT_BYTES_MAX = 8 * 1024 * 1024
/** How long helpers of a finished file (a compiler, a child being reaped) may take to go. */
const LEFTOVER_GRACE_MS = 2_000
/** Between asking a process to end and ending it: a nested guard uses it to end its own children. */
const TERM_GRACE_MS = 1_000

export interface Verdict {
  file: string
  passed: number
  total: number
  ms: number
  /** Empty when the file is to be believed. */
  complaints: string[]
  output: string
}

export interface GuardOptions {
  dir: string
  /** Only files whose path contains one of these; all files when there are none. */
  patterns?: readonly string[]
  /** Fewer tests than this is a failure: it catches files that went missing. Not applied with patterns. */
  testsMin?: number
  write?: (text: string) => void
}

/** Runs every `*.test.ts` below `dir`; resolves to whether all is well. The last line written is the count. */
export async function guard({ dir, patterns = [], testsMin = 1, write = text => process.stdout.write(text) }: GuardOptions): Promise<boolean> {
  const started = performance.now()
  const files = (await testFiles(dir)).filter(file => patterns.length === 0 || patterns.some(pattern => file.includes(pattern)))
  const verdicts: Verdict[] = []
  const queue = [...files]
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const verdict = await judge(dir, file)
      verdicts.push(verdict)
      write(describe(verdict))
    }
  }))

  const passed = sum(verdicts, verdict => verdict.passed)
  let failed = sum(verdicts, verdict => verdict.complaints.length > 0 ? Math.max(1, verdict.total - verdict.passed) : 0)
  const complain = (text: string): void => { failed++; write(`\n${text}\n`) }
  if (files.length === 0) complain(`no test file${patterns.length > 0 ? ` matches ${patterns.join(', ')}` : ''} in ${dir}`)
  else if (patterns.length === 0 && passed < testsMin) complain(`only ${passed} tests passed where at least ${testsMin} are known to exist: which file went missing?`)
  write(`\n${files.length} files in ${((performance.now() - started) / 1000).toFixed(1)} s\n${passed} passed, ${failed} failed\n`)
  return failed === 0
}

async function testFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map(entry => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter(file => !file.split('/').includes('node_modules'))
    .sort()
}

/** A file that needs longer says so in its own text: `// guard: deadline 300 s`. */
function deadlineMsOf(source: string): number {
  const seconds = /^\/\/ guard: deadline (\d+) s\b/m.exec(source)?.[1]
  return seconds === undefined ? DEADLINE_MS : Number(seconds) * 1000
}

/** Names of suites that got tests after their last `.run()`, or never ran: uvu drops those tests without a word. */
export function suitesNotRun(source: string): string[] {
  const names = [...source.matchAll(/^[ \t]*(?:const|let)\s+(\w+)\s*=\s*suite\b/gm)].map(match => match[1]!)
  if (/^import\s*\{[^}]*\btest\b[^}]*\}\s*from\s*['"]uvu['"]/m.test(source)) names.push('test')
  return names.filter(name => {
    const lastTest = [...source.matchAll(new RegExp(`^[ \\t]*${name}(?:\\.only)?\\(`, 'gm'))].at(-1)?.index ?? -1
    return lastTest > source.lastIndexOf(`${name}.run()`)
  })
}

async function judge(dir: string, file: string): Promise<Verdict> {
  const path = join(dir, file)
  const source = await readFile(path, 'utf8')
  const started = performance.now()
  const { output, complaints } = await runToEnd(path, deadlineMsOf(source))
  const ms = performance.now() - started

  const summaries = [...output.matchAll(/^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)\n/gm)]
  const [total, passed, skipped] = (summaries.at(-1) ?? []).slice(1).map(Number)
  if (total === undefined || passed === undefined) {
    complaints.push('no uvu summary: either it ended early, or .run() was forgotten')
    return { file, passed: 0, total: 0, ms, complaints, output }
  }
  if (summaries.length > 1) complaints.push('more than one uvu summary: an await between two .run() calls makes uvu start twice and lose tests')
  if (total === 0) complaints.push('no test in it')
  if (passed !== total) complaints.push(`${total - passed} of ${total} tests did not pass`)
  if (skipped !== 0) complaints.push(`${skipped} tests skipped (.skip, or .only on others): run them or remove them`)
  for (const name of suitesNotRun(source)) complaints.push(`"${name}" has tests after its last ${name}.run(): they never ran`)
  return { file, passed, total, ms, complaints, output }
}

/** Runs one file until it and everything it started have ended, by themselves or by force. */
async function runToEnd(path: string, deadlineMs: number): Promise<{ output: string; complaints: string[] }> {
  const complaints: string[] = []
  // A process group of its own, so that whatever the file starts can be found and ended with it.
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), path], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
  })
  const group = child.pid
  if (group === undefined) throw new Error(`could not start node for ${path}`)
  running.add(group)

  const chunks: Buffer[] = []
  let bytes = 0
  const collect = (chunk: Buffer): void => {
    bytes += chunk.length
    if (bytes <= OUTPUT_BYTES_MAX) chunks.push(chunk)
    else stop(`printed more than ${OUTPUT_BYTES_MAX} bytes`)
  }
  let stopping: Promise<void> | undefined
  const stop = (reason: string): void => {
    if (stopping) return
    complaints.push(reason)
    stopping = end(group)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const closed = new Promise(resolve => child.once('close', resolve))
  const timer = setTimeout(() => stop(`still running after ${deadlineMs / 1000} s: a test that never ends, or a socket or timer left open`), deadlineMs)
  const [code, signal] = await new Promise<[number | null, string | null]>(resolve => child.once('exit', (...how) => resolve(how)))
  clearTimeout(timer)
  await stopping

  if (complaints.length === 0 && code !== 0) complaints.push(signal ? `ended by ${signal}` : `exit code ${code}`)
  const left = await leftovers(group)
  if (left.length > 0) {
    complaints.push(`left running: ${left.join('; ')}`)
    await end(group)
  }
  await closed
  running.delete(group)
  return { output: Buffer.concat(chunks).toString(), complaints }
}

const running = new Set<number>()

/** Ends what is running now; for a guard that is itself told to stop. */
export function endAll(): void {
  for (const group of running) signalGroup(group, 'SIGKILL')
}

async function end(group: number): Promise<void> {
  signalGroup(group, 'SIGTERM')
  const killAt = performance.now() + TERM_GRACE_MS
  while (performance.now() < killAt && (await members(group)).length > 0) await sleep(20)
  signalGroup(group, 'SIGKILL')
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch { /* Already gone. */ }
}

/** What is still alive in the group after a short grace. */
async function leftovers(group: number): Promise<string[]> {
  const until = performance.now() + LEFTOVER_GRACE_MS
  let alive = await members(group)
  while (alive.length > 0 && performance.now() < until) {
    await sleep(20)
    alive = await members(group)
  }
  return alive
}

/** Command lines of the group's living processes. Zombies do not count: who reaps them is the machine's affair. */
async function members(group: number): Promise<string[]> {
  try {
    process.kill(-group, 0)
  } catch {
    return []
  }
  if (process.platform !== 'linux') return [`process group ${group}`]
  const found = await Promise.all((await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(async pid => {
    try {
      const [state, , pgrp] = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ')
      if (Number(pgrp) !== group || state === 'Z' || state === 'X') return undefined
      return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').join(' ').trim()
    } catch {
      return undefined
    }
  }))
  return found.filter(command => command !== undefined)
}

function describe({ file, passed, total, ms, complaints, output }: Verdict): string {
  const line = `${complaints.length > 0 ? 'FAIL' : 'ok  '} ${file}  ${passed}/${total}  ${Math.round(ms)} ms\n`
  if (complaints.length === 0) return line
  const indented = output.trimEnd().split('\n').map(text => `  | ${text}`).join('\n')
  return `${line}${complaints.map(text => `  ! ${text}\n`).join('')}${indented}\n`
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}
