// Real processes on loopback, some of them killed in the middle of a stream.
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { SimRandom } from '../../../../lib/testing/sim-random.ts'
import { atMost, delivered, type Measured } from './check.ts'
import type { Order, Report } from './member.ts'

export interface ProcessesOptions { processes: number; killed: number; messages: number; seed: number }

const ANSWER_MS = 120_000
/** After the last message. */
const COMPLETE_MS = 20_000
const LINKS = 4

/** Everybody publishes in turn; in the middle some are killed with SIGKILL. What a survivor said, every survivor has heard, once. */
export async function processes({ processes: count, killed, messages, seed }: ProcessesOptions): Promise<Measured> {
  const random = new SimRandom(seed)
  const members: Member[] = []
  try {
    for (let index = 0; index < count; index++) members.push(new Member())
    const addresses = await Promise.all(members.map(async member => ((await member.next('ready')) as { address: string }).address))
    for (const [index, member] of members.entries()) {
      const others = random.shuffled(addresses.slice(0, index)).slice(0, LINKS)
      await member.ask({ kind: 'connect', addresses: others }, 'connected')
    }
    await new Promise(resolve => setTimeout(resolve, 2_000))
    const wanted: string[] = []
    const victims = new Set(random.shuffled(members).slice(0, killed))
    for (let number = 0; number < messages; number++) {
      if (number === Math.floor(messages / 2)) for (const victim of victims) victim.kill()
      const speaker = random.pick(members.filter(member => member.isAlive && !victims.has(member)))
      await speaker.ask({ kind: 'publish', text: `message ${number}` }, 'published')
      wanted.push(`message ${number}`)
    }
    const survivors = members.filter(member => member.isAlive)
    const began = performance.now()
    let missing: number
    let twice: number
    do {
      const reports = await Promise.all(survivors.map(async member => (await member.ask({ kind: 'report' }, 'heard')) as Extract<Report, { kind: 'heard' }>))
      missing = reports.reduce((sum, { texts }) => sum + wanted.filter(text => !texts.includes(text)).length, 0)
      twice = reports.reduce((sum, report) => sum + report.twice, 0)
      if (missing > 0) await new Promise(resolve => setTimeout(resolve, 200))
    } while (missing > 0 && performance.now() - began < COMPLETE_MS)
    const all = wanted.length * survivors.length
    return {
      samples: all, figures: { survivors: survivors.length, completeMs: performance.now() - began },
      checks: [delivered((all - missing) / all), atMost('twice', 'deliveries', twice, 0)],
    }
  } finally {
    for (const member of members) member.kill()
  }
}

class Member {
  readonly #child: ChildProcess

  constructor() {
    this.#child = fork(fileURLToPath(new URL('member.ts', import.meta.url)), { execArgv: ['--import', import.meta.resolve('tsx')] })
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && !this.#child.killed
  }

  kill(): void {
    if (this.isAlive) this.#child.kill('SIGKILL')
  }

  ask(order: Order, answer: Report['kind']): Promise<Report> {
    const promise = this.next(answer)
    this.#child.send(order)
    return promise
  }

  next(kind: Report['kind']): Promise<Report> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#child.off('message', onMessage as never)
        this.#child.off('exit', onExit)
      }
      const onMessage = (report: Report): void => {
        if (report.kind !== kind) return
        done()
        resolve(report)
      }
      const onExit = (): void => {
        done()
        reject(new Error(`a process ended before it was '${kind}'`))
      }
      const timer = setTimeout(() => {
        done()
        reject(new Error(`a process was not '${kind}' within ${ANSWER_MS} ms`))
      }, ANSWER_MS)
      this.#child.on('message', onMessage as never)
      this.#child.on('exit', onExit)
    })
  }
}
