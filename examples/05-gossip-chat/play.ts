import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Order } from './member.ts'
import type { Line } from './room.ts'

const PATIENCE_MS = 20_000

/** A process that is in the room. */
class Actor {
  readonly name: string
  readonly #child: ChildProcess

  constructor(name: string, room: string, ...members: string[]) {
    this.name = name
    const program = fileURLToPath(new URL('../05-gossip-chat.ts', import.meta.url))
    this.#child = fork(program, ['--member', '--name', name, '--room', room, ...members], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  }

  /** One order at a time, each with its answer. */
  async ask<T>(order: Order): Promise<T> {
    const answered = once(this.#child, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) })
    this.#child.send(order)
    const [answer] = (await answered) as [T]
    return answer
  }

  async until(what: Order & { tell: string }, holds: (answer: never) => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (!holds(await this.ask<never>(what))) {
      if (performance.now() > deadline) throw new Error(`${this.name} waited in vain for its ${what.tell}`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  async leave(): Promise<void> {
    const gone = once(this.#child, 'exit')
    await this.ask({ leave: true })
    const [code] = (await gone) as [number | null]
    if (code !== 0) throw new Error(`${this.name} ended with code ${code}`)
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}

/** Four processes talk without anybody at the keyboard: three from the start, one who comes late. */
export async function play(room: string): Promise<void> {
  const actors: Actor[] = []
  try {
    const alice = new Actor('alice', room)
    actors.push(alice)
    const address = await alice.ask<string>({ tell: 'address' })
    console.log(`alice opens the room at ${address}; bob and carol know that address and nothing else`)
    const bob = new Actor('bob', room, address)
    const carol = new Actor('carol', room, address)
    actors.push(bob, carol)
    for (const actor of actors) await actor.until({ tell: 'present' }, (count: number) => count >= 1)
    await alice.until({ tell: 'present' }, (count: number) => count === 2)

    const said: [Actor, string][] = [[alice, 'good morning'], [bob, 'morning! did carol find us?'], [carol, 'I did, through alice alone'], [bob, 'and nobody runs a server']]
    for (const [index, [actor, text]] of said.entries()) {
      await actor.ask({ say: text })
      for (const hearer of actors) await hearer.until({ tell: 'history' }, (lines: readonly Line[]) => lines.length === index + 1)
    }

    const dave = new Actor('dave', room, address)
    actors.push(dave)
    await dave.until({ tell: 'history' }, (lines: readonly Line[]) => lines.length === said.length)
    console.log('dave came late, and has heard all of it')
    await dave.ask({ say: 'what did I miss? nothing, it seems' })
    for (const hearer of actors) await hearer.until({ tell: 'history' }, (lines: readonly Line[]) => lines.length === said.length + 1)

    const histories = await Promise.all(actors.map(actor => actor.ask<Line[]>({ tell: 'history' })))
    const told = new Set(histories.map(lines => JSON.stringify(lines.map(({ author, text, messageId }) => [author, text, messageId]))))
    if (told.size !== 1) throw new Error('they remember different things')
    const authors = new Set(histories[0]!.map(({ author }) => author))
    console.log(`all four remember the same ${histories[0]!.length} lines in the same order, each signed by one of ${authors.size} keys`)
    for (const actor of actors) await actor.leave()
    console.log('everybody has left; the processes end by themselves')
  } catch (error) {
    for (const actor of actors) actor.end()
    throw error
  }
}
