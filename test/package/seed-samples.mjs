// The samples of the document this library grew from, word for word but for the import path, run against the package as published.
// What they take for granted (a coordinator, imports they leave out, a host named bob-server) stands around them, not in them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { transformSync } from 'esbuild'

const SAMPLE_MS_MAX = 30_000
const folder = join(import.meta.dirname, 'seed-004')

/** Where `bob-server` is, as /etc/hosts and a port forward would have it. */
const redirect = `
import net from 'node:net'
const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) {
  const options = Array.isArray(args[0]) ? args[0][0] : args[0]
  if (options?.host === 'bob-server') Object.assign(options, { host: '127.0.0.1', port: Number(process.env.BOB_PORT) })
  return connect.apply(this, args)
}
`

const coordinator = "import { P2PCoordinator, P2PMessage, PeerInfo } from 'peerweft'\nconst coordinator = new P2PCoordinator({ peerId: 'bob' })\n"
const listening = "const { address } = await coordinator.listen('ws://127.0.0.1:0')\nconsole.log('listening', address)\n"

/** The programs: what stands before and after each sample. */
export const programs = {
  'seed-bob.ts': `${coordinator}coordinator.on('message', (message, from) => console.log('bob heard', message.type, JSON.stringify(message.payload), message.messageId))\n${listening}`,
  'seed-1.ts': sample('1-basic-communication'),
  'seed-2.ts': `${coordinator}${sample('2-resource-announcement')}`,
  'seed-2-dht.ts': `${coordinator}import { Dht } from 'peerweft/protocols/dht'
coordinator.registerProtocol(new Dht())
${sample('2-resource-announcement')}`,
  'seed-3.ts': `${coordinator}${sample('3-protocol-handler')}${listening}`,
  'seed-3-sender.ts': `import { P2PCoordinator } from 'peerweft'
const sender = new P2PCoordinator({ peerId: 'alice' })
const { peerId } = await sender.connectToPeer(process.env.BOB!)
await sender.sendTo(peerId, { protocol: 'simple', type: 'note', payload: { text: 'routed by name' } })
`,
}

function sample(name) {
  return readFileSync(join(folder, `${name}.ts`), 'utf8')
}

/** Runs the samples in `consumer`, where the package is installed; throws where one does not do what the document says. */
export async function runSeedSamples(consumer, say) {
  for (const [name, code] of Object.entries(programs)) {
    writeFileSync(join(consumer, name.replace('.ts', '.mjs')), transformSync(code, { loader: 'ts', format: 'esm' }).code)
  }
  writeFileSync(join(consumer, 'redirect.mjs'), redirect)
  const running = []
  const start = (name, env = {}) => {
    const program = new Program(consumer, name, env)
    running.push(program)
    return program
  }
  try {
    const bob = start('seed-bob')
    const [, port] = await bob.says(/listening ws:\/\/127\.0\.0\.1:(\d+)/)
    start('seed-1', { BOB_PORT: port })
    await bob.says(/bob heard greeting \{"text":"Hello Bob!"\} msg-001/)
    say('seed sample 1: bob heard the greeting')

    await start('seed-2').says(/ERR_RESOURCE_NO_DIRECTORY/)
    say('seed sample 2: ERR_RESOURCE_NO_DIRECTORY, until a directory is registered')
    await start('seed-2-dht').says(/Available rounds: \[[^]*resourceId: 'round-xyz'[^]*status: 'waiting'/)
    say('seed sample 2, with the DHT registered: the round is discovered')

    const handler = start('seed-3')
    const [, address] = await handler.says(/listening (ws:\S+)/)
    start('seed-3-sender', { BOB: address })
    await handler.says(/\[simple\] From [0-9a-f]{64}: \{ text: 'routed by name' \}/)
    say('seed sample 3: the handler was called by protocol name')
  } finally {
    await Promise.all(running.map(program => program.end()))
  }
}

/** A child process whose words are waited for. */
class Program {
  #child
  #name
  #output = ''

  constructor(cwd, name, env) {
    this.#name = name
    this.#child = spawn(process.execPath, ['--import', './redirect.mjs', `${name}.mjs`], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on('data', chunk => { this.#output += chunk; this.#child.emit('words') })
  }

  async says(pattern) {
    const deadline = AbortSignal.timeout(SAMPLE_MS_MAX)
    while (true) {
      const match = pattern.exec(this.#output)
      if (match) return match
      await once(this.#child, 'words', { signal: deadline }).catch(() => { throw new Error(`${this.#name} did not say ${pattern} within ${SAMPLE_MS_MAX} ms, but:\n${this.#output}`) })
    }
  }

  async end() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill()
    await once(this.#child, 'exit')
  }
}
