/**
 * A protocol of one's own in twenty lines: a vocabulary, a table of functions, one verb.
 * Payloads arrive checked against the schema and typed by it.
 *
 *     npx tsx examples/02-custom-protocol.ts
 */
import Type from 'typebox'
import { defineProtocol, P2PCoordinator, ProtocolHandler, type Receivers } from '../lib/index.ts'

// The protocol.
const weather = defineProtocol({
  name: 'weather',
  version: 1,
  messages: {
    report: Type.Object({ place: Type.String({ maxLength: 40 }), celsius: Type.Number({ minimum: -90, maximum: 60 }) }),
  },
})

class Weather extends ProtocolHandler<typeof weather> {
  readonly heard: string[] = []

  constructor() {
    super(weather)
  }

  protected readonly receive: Receivers<typeof weather> = {
    report: ({ place, celsius }, from) => void this.heard.push(`${place}: ${celsius} °C, says ${from.peerId.slice(0, 8)}...`),
  }

  tell(place: string, celsius: number): Promise<void> {
    return this.broadcast('report', { place, celsius })
  }
}

// Two nodes that speak it.
await using alice = new P2PCoordinator()
await using bob = new P2PCoordinator()
const hers = new Weather()
const his = new Weather()
alice.registerProtocol(hers)
bob.registerProtocol(his)

const { address } = await bob.listen('ws://127.0.0.1:0')
await alice.connectToPeer(address)

await hers.tell('Tromsø', -4)
while (his.heard.length === 0) await new Promise(resolve => setImmediate(resolve))
console.log('bob heard:', his.heard[0])

// A payload off its schema never leaves: the mistake is told to who made it.
await hers.tell('the Sun', 5500).catch((error: unknown) => console.log('alice is told:', (error as Error).message))

// A stranger's wrong payload never reaches the handler: it is refused, counted and blamed.
bob.on('error', (error, from) => console.log(`bob refuses: ${error.code}, blames ${from.peerId.slice(0, 8)}...`))
await alice.sendTo(bob.id, { protocol: 'weather', type: 'report', payload: { place: 'the Sun', celsius: 5500 } })
while (bob.getStats().peers.errors['ERR_PROTOCOL_BAD_PAYLOAD'] === undefined) await new Promise(resolve => setImmediate(resolve))
console.log(`bob's handler was called ${his.heard.length} time`)
