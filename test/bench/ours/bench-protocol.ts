import Type from 'typebox'
import type { PeerId } from '../../../lib/contracts/message.ts'
import type { Receivers, Responders } from '../../../lib/contracts/protocol.ts'
import { peerweft } from './peerweft.ts'

const BODY_BYTES_MAX = 65_536
const Body = Type.Object({ body: peerweft.Bytes({ max: BODY_BYTES_MAX }) })

/** The vocabulary, once answered for by the channel and once by the author's signature. */
function benchProtocol(auth: 'channel' | 'signature') {
  return peerweft.defineProtocol({
    name: 'bench',
    version: 1,
    auth,
    messages: { item: Body },
    requests: { echo: { request: Body, reply: Body } },
  })
}
type Bench = ReturnType<typeof benchProtocol>

/** One word that is counted and one question that is answered with itself. */
export class BenchHandler extends peerweft.ProtocolHandler<Bench> {
  readonly #onItem: (body: Uint8Array) => void
  protected readonly receive: Receivers<Bench> = { item: ({ body }) => this.#onItem(body) }
  protected override readonly answer: Responders<Bench> = { echo: ({ body }) => ({ body }) }

  constructor(auth: 'channel' | 'signature', onItem: (body: Uint8Array) => void = () => {}) {
    super(benchProtocol(auth))
    this.#onItem = onItem
  }

  item(to: PeerId, body: Uint8Array): Promise<void> {
    return this.send(to, 'item', { body })
  }

  async echo(to: PeerId, body: Uint8Array): Promise<Uint8Array> {
    return (await this.request(to, 'echo', { body })).body
  }
}
