/**
 * Questions and answers: typed both ways, with deadlines, refusals and cancelling.
 *
 *     npx tsx examples/03-request-reply.ts
 */
import Type from 'typebox'
import { defineProtocol, P2PCoordinator, ProtocolHandler, type PeerId, type Receivers, type Responders } from '../lib/index.ts'

const sums = defineProtocol({
  name: 'sums',
  version: 1,
  messages: {},
  requests: {
    add: { request: Type.Array(Type.Number(), { maxItems: 100 }), reply: Type.Object({ sum: Type.Number() }) },
    think: { request: Type.Null(), reply: Type.Null() },
    divide: { request: Type.Tuple([Type.Number(), Type.Number()]), reply: Type.Number() },
  },
})

class Sums extends ProtocolHandler<typeof sums> {
  protected readonly receive: Receivers<typeof sums> = {}
  protected override readonly answer: Responders<typeof sums> = {
    add: numbers => ({ sum: numbers.reduce((sum, number) => sum + number, 0) }),
    think: () => new Promise<null>(() => {}),
    divide: ([dividend, divisor]) => {
      if (divisor === 0) throw new Error('division by zero')
      return dividend / divisor
    },
  }

  constructor() {
    super(sums)
  }

  add(peer: PeerId, numbers: number[]) {
    return this.request(peer, 'add', numbers)
  }

  divide(peer: PeerId, dividend: number, divisor: number) {
    return this.request(peer, 'divide', [dividend, divisor])
  }

  think(peer: PeerId, options: { timeoutMs?: number; signal?: AbortSignal }) {
    return this.request(peer, 'think', null, options)
  }
}

await using alice = new P2PCoordinator()
await using bob = new P2PCoordinator()
const calculator = new Sums()
alice.registerProtocol(calculator)
bob.registerProtocol(new Sums())
bob.on('error', error => console.log('    bob notes:', error.code, '-', error.message))

const { address } = await bob.listen('ws://127.0.0.1:0')
const { peerId } = await alice.connectToPeer(address)

const { sum } = await calculator.add(peerId, [1, 2, 3.5])
console.log('1 + 2 + 3.5 =', sum)

await calculator.divide(peerId, 1, 0).catch((error: Error) => console.log('refused:', error.message))
await calculator.think(peerId, { timeoutMs: 100 }).catch((error: Error) => console.log('too slow:', error.name))

const cancel = new AbortController()
setTimeout(() => cancel.abort(), 50)
await calculator.think(peerId, { signal: cancel.signal }).catch((error: Error) => console.log('cancelled:', error.name))
console.log('done')
