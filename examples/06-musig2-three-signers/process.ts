/** A signer's process, as the main one sees it. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Commands } from './signer.ts'

const ANSWER_MS_MAX = 30_000

export class SignerProcess {
  readonly name: string
  readonly #child: ChildProcess
  #asked = 0

  constructor(name: string) {
    this.name = name
    this.#child = fork(fileURLToPath(new URL('./signer.ts', import.meta.url)), [name], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  }

  get pid(): number {
    return this.#child.pid!
  }

  ask<C extends keyof Commands>(command: C, ...args: Parameters<Commands[C]>): Promise<Awaited<ReturnType<Commands[C]>>> {
    const id = ++this.#asked
    return new Promise((resolve, reject) => {
      const done = (error?: Error, result?: unknown): void => {
        clearTimeout(timer)
        this.#child.off('message', hear).off('exit', left)
        if (error === undefined) resolve(result as Awaited<ReturnType<Commands[C]>>)
        else reject(error)
      }
      const hear = (answer: { id: number; result?: unknown; error?: string }): void => {
        if (answer.id === id) done(answer.error === undefined ? undefined : new Error(`${this.name}: ${answer.error}`), answer.result)
      }
      const left = (code: number | null): void => done(new Error(`${this.name} ended with code ${code} before it answered '${command}'`))
      const timer = setTimeout(() => done(new Error(`${this.name} did not answer '${command}' within ${ANSWER_MS_MAX} ms`)), ANSWER_MS_MAX)
      this.#child.on('message', hear).on('exit', left)
      this.#child.send({ id, command, args })
    })
  }

  /** Ends in good order. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const exited = once(this.#child, 'exit')
    await this.ask('stop')
    await exited
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** Processes that know each other: all start, and each connects to those before it. */
export async function startSigners(names: readonly string[]): Promise<{ signers: SignerProcess[]; keys: string[]; curve: string }> {
  const signers = names.map(name => new SignerProcess(name))
  try {
    const started = await Promise.all(signers.map(signer => signer.ask('start')))
    for (const [at, signer] of signers.entries()) for (const { address } of started.slice(0, at)) await signer.ask('connect', address)
    return { signers, keys: started.map(({ key }) => key), curve: started[0]!.curve }
  } catch (error) {
    signers.forEach(signer => signer.kill())
    throw error
  }
}
