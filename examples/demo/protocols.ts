import Type from 'typebox'
import { Bytes, defineProtocol, ProtocolHandler, type PeerId, type Receivers, type Responders } from '../../lib/index.ts'

/** How newcomers find the rest: everybody hands on the signed records it knows. */
const rollCall = defineProtocol({
  name: 'roll-call',
  version: 1,
  messages: {},
  requests: {
    present: { request: Bytes({ max: 2048 }), reply: Type.Array(Bytes({ max: 2048 }), { maxItems: 16 }) },
  },
})

export class RollCall extends ProtocolHandler<typeof rollCall> {
  readonly #records = new Map<PeerId, Uint8Array>()
  protected readonly receive: Receivers<typeof rollCall> = {}
  protected override readonly answer: Responders<typeof rollCall> = {
    present: async record => {
      await this.#keep(record)
      return [...this.#records.values()]
    },
  }

  constructor() {
    super(rollCall)
  }

  /** Tells one peer where we are, learns whom it knows, and connects to each of them by key. */
  async introduce(to: PeerId): Promise<PeerId[]> {
    const own = await this.context.addresses.own()
    await this.#keep(own)
    const met: PeerId[] = []
    for (const record of await this.request(to, 'present', own)) {
      const id = await this.#keep(record)
      if (id === this.context.localPeer.peerId || id === to) continue
      await this.context.connect(id)
      met.push(id)
    }
    return met
  }

  /** Only what its owner signed is kept, and only under the owner's key. */
  async #keep(record: Uint8Array): Promise<PeerId> {
    const { from } = await this.context.verify(record)
    await this.context.addresses.add(record)
    this.#records.set(from, record)
    return from
  }
}

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
