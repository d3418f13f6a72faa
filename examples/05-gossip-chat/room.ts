import Type from 'typebox'
import { P2PCoordinator, type PeerId } from '../../lib/index.ts'
import { PeerExchange } from '../../lib/protocols/exchange/index.ts'
import { Gossip } from '../../lib/protocols/gossip/index.node.ts'

/** What travels. Who said it, and when, stands in the signed message around it. */
const Said = Type.Object({ name: Type.String({ minLength: 1, maxLength: 32 }), text: Type.String({ minLength: 1, maxLength: 500 }) })

export interface Line {
  /** The key that signed it. */
  readonly author: PeerId
  /** What its author calls itself: anybody may, so the key is shown beside it. */
  readonly name: string
  readonly text: string
  /** Unix time in milliseconds, on the author's clock. */
  readonly atMs: number
  readonly messageId: string
}

const HISTORY_MAX = 1_000

/** One member's view of a room: who said what, in order of time. */
export class Room implements AsyncDisposable {
  readonly name: string
  readonly history: Line[] = []
  readonly #topic: string
  readonly #node = new P2PCoordinator()
  readonly #gossip = new Gossip({ echo: true })
  readonly #onLine: (line: Line) => void

  /** `members` are addresses to begin with; one is enough. */
  constructor(name: string, room: string, members: readonly string[], onLine: (line: Line) => void = () => {}) {
    this.name = name
    this.#topic = `chat/${room}`
    this.#onLine = onLine
    this.#node.registerProtocol(this.#gossip)
    this.#node.registerProtocol(new PeerExchange({ bootstrap: members }))
    this.#node.subscribe(this.#topic, ({ name: author, text }, { from, timestamp, messageId }) => {
      this.#note({ author: from, name: author, text, atMs: timestamp, messageId })
    }, { schema: Said })
  }

  /** Opens the door on this machine; the address is what others join by. */
  async open(): Promise<{ id: PeerId; address: string }> {
    const { address } = await this.#node.listen('ws://127.0.0.1:0')
    return { id: this.#node.id, address }
  }

  async say(text: string): Promise<void> {
    await this.#node.publish(this.#topic, { name: this.name, text })
  }

  /** Keys of those who are here and linked to us. */
  get present(): PeerId[] {
    return this.#gossip.subscribersOf(this.#topic)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.shutdown()
  }

  /** What comes late, or out of order, finds its place by its author's clock. */
  #note(line: Line): void {
    const at = this.history.findLastIndex(({ atMs }) => atMs <= line.atMs) + 1
    this.history.splice(at, 0, line)
    if (this.history.length > HISTORY_MAX) this.history.shift()
    this.#onLine(line)
  }
}

/** `12:30:05 alice (1f2e3d4c): hello`, without what would move a terminal's cursor: it is a stranger's text. */
export function shown({ author, name, text, atMs }: Line): string {
  const plain = (words: string): string => words.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
  return `${new Date(atMs).toTimeString().slice(0, 8)} ${plain(name)} (${author.slice(0, 8)}): ${plain(text)}`
}
