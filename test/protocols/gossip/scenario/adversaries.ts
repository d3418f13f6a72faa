import { slotOnWire } from '../../../../lib/protocols/gossip/wire-slot.ts'
import type { PeerInfo } from '../../../../lib/contracts/peer.ts'
import type { ProtocolContext, Receivers } from '../../../../lib/contracts/protocol.ts'
import type { P2PMessage } from '../../../../lib/contracts/message.ts'
import { Gossip, gossipProtocol, type GossipProtocol } from '../../../../lib/protocols/gossip/index.node.ts'
import { ProtocolHandler } from '../../../../lib/protocol-kit/protocol-handler.ts'

/** Speaks the words; what it does with them is its own. */
abstract class Adversary extends ProtocolHandler<GossipProtocol> {
  protected readonly topic: string
  protected readonly receive = Object.fromEntries(Object.keys(gossipProtocol.messages).map(type => [type, () => {}])) as unknown as Receivers<GossipProtocol>
  protected override readonly answer = { sync: () => ({ ids: new Uint8Array(0), next: null }) }

  constructor(topic: string) {
    super(gossipProtocol)
    this.topic = topic
  }

  protected tell(peer: PeerInfo, type: string, payload: unknown): void {
    this.context.send(peer.peerId, { type, payload }).catch(() => {})
  }

  async onPeerConnected(peer: PeerInfo): Promise<void> {
    this.tell(peer, 'subscribe', { topics: [this.topic] })
    this.tell(peer, 'graft', { topic: this.topic })
  }
}

/** Joins every mesh and passes nothing on. */
export class BlackHole extends Adversary {}

/** Joins every mesh and sends what nobody has signed. */
export class Forger extends Adversary {
  sent = 0
  #everyMs: number
  #frame: Uint8Array | undefined
  #timer: Disposable | undefined

  constructor(topic: string, perSecond: number) {
    super(topic)
    this.#everyMs = 1_000 / perSecond
  }

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    void context.author({ type: 'publication', payload: { topic: this.topic, body: 'x' } }).then(frame => {
      this.#frame = frame
      this.#plan()
    })
  }

  override onUnregister(): void {
    this.#timer?.[Symbol.dispose]()
    void super.onUnregister()
  }

  #plan(): void {
    this.#timer = this.context.clock.schedule(this.#everyMs, () => {
      const frame = this.#frame!.slice()
      new DataView(frame.buffer).setUint32(40, ++this.sent)
      for (const peer of this.context.peers()) this.tell(peer, 'items', { list: [{ topic: this.topic, hops: 1, path: new Uint8Array(0), frame }] })
      this.#plan()
    })
  }
}

/** What a pest does to a peer, ten times a second. */
export type Mischief = (tell: (type: string, payload: unknown) => void, round: number, author: (body: unknown, of?: { slot?: string; topic?: string }) => Promise<Uint8Array>) => void | Promise<void>

/** Breaks one rule again and again towards everybody it is linked with. */
export class Pest extends Adversary {
  readonly #mischief: Mischief
  #round = 0
  #timer: Disposable | undefined

  constructor(topic: string, mischief: Mischief) {
    super(topic)
    this.#mischief = mischief
  }

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    this.#plan()
  }

  override onUnregister(): void {
    this.#timer?.[Symbol.dispose]()
    void super.onUnregister()
  }

  #plan(): void {
    this.#timer = this.context.clock.schedule(100, () => {
      const round = this.#round++
      const author = (body: unknown, { slot, topic = this.topic }: { slot?: string; topic?: string } = {}): Promise<Uint8Array> => (
        this.context.author({ type: 'publication', payload: { topic, body }, ...(slot === undefined ? {} : { slot: slotOnWire(topic, slot) }) })
      )
      for (const peer of this.context.peers()) void this.#mischief((type, payload) => this.tell(peer, type, payload), round, author)
      this.#plan()
    })
  }
}

/** An honest node until `flip()`; then it keeps its places in the meshes and passes nothing on, answers nothing, announces nothing. */
export class Covert extends Gossip {
  #hasFlipped = false

  flip(): void {
    this.#hasFlipped = true
  }

  override async handleMessage(message: P2PMessage, from: PeerInfo): Promise<void> {
    if (this.#hasFlipped && HONEST_WORK.has(message.type)) return
    await super.handleMessage(message, from)
  }
}

const HONEST_WORK: ReadonlySet<string> = new Set(['items', 'have', 'want', 'sync'])

/** Honest towards everybody but one author, of whom it passes nothing on. */
export function censorOf(author: () => string, topic: string): Gossip {
  const censor = new Gossip()
  censor.subscribe(topic, () => {}, { validate: (_, { from }) => (from === author() ? 'ignore' : 'accept') })
  return censor
}
