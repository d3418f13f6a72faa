import { spawn, type ChildProcess } from 'node:child_process'

export interface Program {
  /** The command and its arguments. */
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly timeoutMs: number
}

/** A measuring program prints its figures by name, as one line of JSON. */
export type Figures = Readonly<Record<string, unknown>>

/** How much of a failing program's last words an error carries. */
const LAST_WORDS_CHARS = 2_000

const running = new Set<ChildProcess>()

/** Runs a program to its end and returns what it printed. Rejects when it fails or takes longer than allowed. */
export async function runProgram({ command, args, cwd, timeoutMs }: Program): Promise<string> {
  // A group of its own, so that the second process it starts can be ended with it.
  const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let printed = ''
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => { printed += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-LAST_WORDS_CHARS) })
  let late = false
  const timer = setTimeout(() => { late = true; end(child) }, timeoutMs)
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    if (late) throw new Error(`${words(command, args)} was ended after ${timeoutMs / 1_000} s\n${said}`)
    if (code !== 0) throw new Error(`${words(command, args)} ended with code ${code}\n${said}`)
    return printed
  } finally {
    clearTimeout(timer)
    running.delete(child)
    // Whatever it left behind in its group.
    end(child)
  }
}

/** Runs a measuring program in a Node of its own and reads the JSON it printed last. */
export async function measure(file: string, args: readonly string[], timeoutMs: number): Promise<Figures> {
  const needsCollector = args[0] === 'heap'
  const printed = await runProgram({
    command: process.execPath,
    args: [...(needsCollector ? ['--expose-gc'] : []), file, ...args],
    timeoutMs,
  })
  const line = printed.trimEnd().split('\n').at(-1) ?? ''
  try {
    return JSON.parse(line) as Figures
  } catch (cause) {
    throw new Error(`${words(file, args)} should end with a line of JSON, but printed ${JSON.stringify(line)}`, { cause })
  }
}

const words = (command: string, args: readonly string[]): string => [command.split('/').at(-1), ...args.map(arg => arg.split('/').at(-1))].join(' ')

function end(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch { /* the group has ended */ }
}

// Their own groups do not hear Ctrl-C, so we pass it on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    for (const child of running) end(child)
    process.exit(1)
  })
}
