/** The demo's processes as the main process sees them: started, asked, and ended by id. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Commands, Request, Response } from './node.ts'

const ANSWER_MS_MAX = 60_000

export class Actor {
  readonly name: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (response: Response) => void>()
  #asked = 0

  /** What its environment says: whom to begin with, and where to look coins up. */
  constructor(name: string, { bootstrap = '', chainUrl }: { bootstrap?: string; chainUrl: string }) {
    this.name = name
    const env = { ...process.env, BOOTSTRAP_PEERS: bootstrap, CHAIN_URL: chainUrl }
    this.#child = fork(fileURLToPath(new URL('./node.ts', import.meta.url)), [name], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env })
    this.#child.on('message', (response: Response) => this.#waiting.get(response.id)?.(response))
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Has the node carry out a command and returns its answer. */
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

  /** Asks it to shut down; resolves with its exit code. */
  async stop(): Promise<number | null> {
    const exited = once(this.#child, 'exit')
    await this.ask('stop')
    const [code] = (await exited) as [number | null]
    return code
  }

  /** For when something has gone wrong. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
