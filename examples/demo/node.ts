/** One node of the demo, in a process of its own. It does what the main process asks over the IPC channel. */
import { P2PCoordinator, type PeerId } from '../../lib/index.ts'
import { RollCall, Talk } from './protocols.ts'

const name = process.argv[2] ?? 'nobody'
const coordinator = new P2PCoordinator({ peerId: name })
const rollCall = new RollCall()
const talk = new Talk()
coordinator.registerProtocol(rollCall)
coordinator.registerProtocol(talk)

/** Each returns what the main process is to know. */
const commands = {
  async listen() {
    const { address } = await coordinator.listen('ws://127.0.0.1:0')
    return { id: coordinator.id, address, crypto: coordinator.getStats().crypto }
  },
  async join(address: string) {
    const first = await coordinator.connectToPeer(address)
    const met = await rollCall.introduce(first.peerId)
    return { met: met.length + 1 }
  },
  peers() {
    return coordinator.getConnectedPeers().map(peer => peer.peerId)
  },
  async greet(text: string) {
    await talk.greet(name, text)
  },
  heard() {
    return { greetings: talk.greetings, numbers: talk.numbers, sum: talk.sum, errors: coordinator.getStats().peers.errors }
  },
  async square(to: PeerId, number: number) {
    const before = performance.now()
    const result = await talk.square(to, number)
    return { result, ms: performance.now() - before }
  },
  async count(to: PeerId, count: number) {
    const before = performance.now()
    await talk.count(to, count)
    return { ms: performance.now() - before }
  },
  async stop() {
    await coordinator.shutdown()
  },
}

export type Commands = typeof commands
export type Request = { id: number; command: keyof Commands; args: unknown[] }
export type Response = { id: number; result?: unknown; error?: string }

process.on('message', (request: Request) => void answer(request))
process.on('disconnect', () => void coordinator.shutdown())

async function answer({ id, command, args }: Request): Promise<void> {
  let response: Response
  try {
    const run = commands[command] as (...args: unknown[]) => unknown
    response = { id, result: await run(...args) }
  } catch (error) {
    response = { id, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
  process.send?.(response)
  if (command === 'stop') process.disconnect()
}
