import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const DEADLINE_MS = 30_000

export interface ProgramEnd {
  code: number | null
  signal: NodeJS.Signals | null
  /** What it printed to stdout, line by line. */
  lines: string[]
  stderr: string
}

/** Runs a TypeScript file as a program of its own; `onLine` may send it signals. Ends it after a while. */
export function runProgram(url: URL, onLine: (line: string, kill: (signal: NodeJS.Signals) => void) => void = () => {}): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), fileURLToPath(url)], { stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`still running after ${DEADLINE_MS} ms: ${url.pathname}; it printed ${JSON.stringify(out)} ${err}`))
    }, DEADLINE_MS)
    let out = ''
    let err = ''
    let seen = 0
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      for (const lines = out.split('\n'); seen < lines.length - 1; seen++) onLine(lines[seen]!, signal => void child.kill(signal))
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, lines: out.split('\n').slice(0, -1), stderr: err })
    })
  })
}
