import Type from 'typebox'
import { defineProtocol, ProtocolHandler, type PeerId, type Receivers, type Responders } from '../../lib/index.ts'

/** What the demo's nodes talk about. */
const talk = defineProtocol({
  name: 'talk',
  version: 1,
  messages: {
    greeting: Type.Object({ from: Type.String({ maxLength: 20 }), text: Type.String({ maxLength: 100 }) }),
    number: Type.Object({ value: Type.Integer() }),
  },
  requests: {
    square: { request: Type.Number(), reply: Type.Number() },
  },
})

export class Talk extends ProtocolHandler<typeof talk> {
  readonly greetings: { from: string; text: string; author: PeerId; signed: boolean }[] = []
  numbers = 0
  sum = 0
  protected readonly receive: Receivers<typeof talk> = {
    greeting: ({ from, text }, _, message) => {
      this.greetings.push({ from, text, author: message.from, signed: message.signature?.length === 64 })
    },
    number: ({ value }) => {
      this.numbers++
      this.sum += value
    },
  }
  protected override readonly answer: Responders<typeof talk> = {
    square: number => number * number,
  }

  constructor() {
    super(talk)
  }

  greet(from: string, text: string): Promise<void> {
    return this.broadcast('greeting', { from, text })
  }

  square(to: PeerId, number: number): Promise<number> {
    return this.request(to, 'square', number)
  }

  /** Sends 1, 2, 3 ... `count`, each signed; together they share signatures in bursts. */
  async count(to: PeerId, count: number): Promise<void> {
    for (let sent = 0; sent < count; sent += 256) {
      const values = Array.from({ length: Math.min(256, count - sent) }, (_, index) => sent + index + 1)
      await Promise.all(values.map(value => this.send(to, 'number', { value })))
    }
  }
}
