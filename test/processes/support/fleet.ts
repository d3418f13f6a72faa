import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Commands, Request, Response } from './member.ts'

const ANSWER_MS_MAX = 60_000
const ROOT = join(import.meta.dirname, '../../..')

/** The members' program in one file, so that twenty of them start in seconds; beside the packages it loads. */
export async function buildMember(): Promise<{ program: string } & Disposable> {
  const directory = mkdtempSync(join(ROOT, 'node_modules', '.processes-'))
  const program = join(directory, 'member.mjs')
  await build({ entryPoints: [join(import.meta.dirname, 'member.ts')], outfile: program, bundle: true, format: 'esm', platform: 'node', target: 'node20', external: ['tiny-secp256k1', 'secp256k1', 'secp256k1/*', 'bufferutil', 'utf-8-validate'], banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" }, logLevel: 'error' })
  return { program, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) }
}

/** One member as the test sees it. */
export class Member {
  readonly name: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (response: Response) => void>()
  #asked = 0

  constructor(program: string, name: string, bootstrap = '') {
    this.name = name
    this.#child = fork(program, [name, bootstrap], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] })
    this.#child.on('message', (response: Response) => this.#waiting.get(response.id)?.(response))
  }

  get pid(): number {
    return this.#child.pid!
  }

  async ask<C extends keyof Commands>(command: C, ...args: Parameters<Commands[C]>): Promise<Awaited<ReturnType<Commands[C]>>> {
    const id = ++this.#asked
    const { result, error } = await new Promise<Response>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name} did not answer '${command}' within ${ANSWER_MS_MAX} ms`)), ANSWER_MS_MAX)
      this.#waiting.set(id, response => {
        clearTimeout(timer)
        this.#waiting.delete(id)
        resolve(response)
      })
      this.#child.send({ id, command, args } satisfies Request)
    })
    if (error !== undefined) throw new Error(`${this.name}: ${error}`)
    return result as Awaited<ReturnType<Commands[C]>>
  }

  /** As `kill -9` does: nothing of it gets to say goodbye. Resolves when the system has taken it. */
  async kill(): Promise<void> {
    const exited = once(this.#child, 'exit')
    process.kill(this.pid, 'SIGKILL')
    await exited
  }

  /** Resolves with its exit code. */
  async stop(): Promise<number | null> {
    const exited = once(this.#child, 'exit')
    await this.ask('stop')
    const [code] = (await exited) as [number | null]
    return code
  }

  /** For when something has gone wrong. */
  end(): void {
    this.#child.kill('SIGKILL')
  }
}

/** Asks again until it holds. */
export async function untilAll(what: string, holds: () => Promise<boolean>, withinMs: number): Promise<number> {
  const startedAt = performance.now()
  while (!(await holds())) {
    if (performance.now() - startedAt > withinMs) throw new Error(`waited ${withinMs} ms in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  return performance.now() - startedAt
}
