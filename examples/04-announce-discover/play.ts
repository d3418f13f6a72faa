import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../04-announce-discover.ts', import.meta.url))
const PATIENCE_MS = 60_000

/** Somebody in a process of its own. */
class Member {
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #name: string

  constructor(name: string, addresses: readonly string[] = []) {
    this.#name = name
    this.#child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), PROGRAM, '--member', name, ...addresses], { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout! }).on('line', line => {
      this.#lines.push(line)
      this.#child.emit('said')
    })
  }

  /** The next line that fits. */
  async says(pattern: RegExp): Promise<string> {
    const deadline = AbortSignal.timeout(PATIENCE_MS)
    for (;;) {
      const at = this.#lines.findIndex(line => pattern.test(line))
      if (at >= 0) return this.#lines.splice(at, 1)[0]!
      await once(this.#child, 'said', { signal: deadline }).catch(() => { throw new Error(`${this.#name} did not say ${pattern}, but ${JSON.stringify(this.#lines)}`) })
    }
  }

  async does(order: string, answer: RegExp): Promise<string> {
    this.#child.stdin!.write(`${order}\n`)
    const line = await this.says(answer)
    console.log(line)
    return line
  }

  tell(order: string): void {
    this.#child.stdin!.write(`${order}\n`)
  }

  async end(how?: 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    if (how === undefined) this.#child.stdin!.end()
    else this.#child.kill(how)
    await gone
  }
}

/** The whole story, which ends by itself. Throws where something is not found that should be. */
export async function play(): Promise<void> {
  const members: Member[] = []
  const join = async (name: string, addresses: readonly string[] = []): Promise<{ who: Member; address: string }> => {
    const who = new Member(name, addresses)
    members.push(who)
    return { who, address: await who.says(/^ws:/) }
  }
  try {
    const alice = await join('alice')
    const bob = await join('bob', [alice.address])
    // Nobody but bob knows alice's address; the others find each other by themselves.
    const carol = await join('carol', [bob.address])
    const dave = await join('dave', [bob.address])
    const erin = await join('erin', [carol.address])

    erin.who.tell('watch')
    await alice.who.does('announce round-1 100000000', /has announced round-1/)
    await alice.who.does('announce round-2 5000', /has announced round-2/)
    await dave.who.does('nonsense round-x', /has announced nonsense/)
    console.log(await erin.who.says(/sees added round-1/))
    expect(await carol.who.does('find 1000000', /finds/), /finds round-1 \(100000000, by [0-9a-f]{8}\)$/)
    expect(await erin.who.does('find 1', /finds/), /round-1.*round-2/)

    await alice.who.does('withdraw round-2', /has withdrawn/)
    console.log(await erin.who.says(/sees removed round-2/))

    console.log('alice is killed: her round lives on at the others until it ends')
    await alice.who.end('SIGKILL')
    const frank = await join('frank', [erin.address])
    expect(await frank.who.does('find 1', /finds/), /finds round-1 \(100000000, by [0-9a-f]{8}\)$/)
  } finally {
    await Promise.all(members.map(each => each.end()))
  }
  console.log('done')
}

function expect(line: string, pattern: RegExp): void {
  if (!pattern.test(line)) throw new Error(`expected ${pattern}, got: ${line}`)
}
