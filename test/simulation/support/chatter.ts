import { Type } from 'typebox'
import { defineProtocol } from '../../../lib/protocol-kit/define-protocol.ts'
import { ProtocolHandler } from '../../../lib/protocol-kit/protocol-handler.ts'
import type { PeerInfo } from '../../../lib/contracts/peer.ts'
import type { ProtocolContext } from '../../../lib/contracts/protocol.ts'

const vocabulary = defineProtocol({
  name: 'test/chatter',
  version: 1,
  auth: { 'how far': 'channel' },
  messages: { count: Type.Object({ count: Type.Integer({ minimum: 0 }) }) },
  requests: { 'how far': { request: Type.Object({}), reply: Type.Object({ count: Type.Integer() }) } },
})

export interface ChatterOptions {
  /** From one word to the next. */
  everyMs: number
}

/**
 * Says a number to everybody every few seconds, each one larger than the last, and now and then asks somebody how far he is. The number
 * is stored before it is said, so that no restart says an old one.
 */
export class Chatter extends ProtocolHandler<typeof vocabulary> {
  /** The latest number of each peer. */
  readonly heard = new Map<string, number>()
  /** When each peer was last heard, by our own clock. */
  readonly heardAtMs = new Map<string, number>()
  /** Numbers that came after a larger one of the same peer. */
  wentBack = 0
  answers = 0
  unanswered = 0
  count = 0
  readonly #everyMs: number
  #timer: Disposable | undefined

  constructor({ everyMs }: ChatterOptions = { everyMs: 5_000 }) {
    super(vocabulary)
    this.#everyMs = everyMs
  }

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    this.#plan()
  }

  override onUnregister(): void | Promise<void> {
    this.#timer?.[Symbol.dispose]()
    return super.onUnregister()
  }

  protected readonly receive = {
    count: ({ count }: { count: number }, from: PeerInfo): void => {
      if (count <= (this.heard.get(from.peerId) ?? -1)) this.wentBack++
      this.heard.set(from.peerId, count)
      this.heardAtMs.set(from.peerId, this.context.clock.elapsedMs())
    },
  }

  protected override readonly answer = {
    'how far': (): { count: number } => ({ count: this.count }),
  }

  #plan(): void {
    this.#timer = this.context.clock.schedule(this.#everyMs, () => {
      this.#plan()
      this.#speak().catch(() => {})
    })
  }

  async #speak(): Promise<void> {
    const { store } = this.context
    const stored = await store.get('count')
    this.count = Math.max(this.count, stored?.length === 4 ? new DataView(stored.buffer, stored.byteOffset).getUint32(0) : 0) + 1
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, this.count)
    await store.put('count', bytes, { sync: true })
    await this.broadcast('count', { count: this.count })
    await this.#ask()
  }

  async #ask(): Promise<void> {
    const peers = this.context.peers()
    if (peers.length === 0) return
    const asked = peers[this.context.randomBytes(1)[0]! % peers.length]!
    try {
      await this.request(asked.peerId, 'how far', {}, { timeoutMs: 10_000 })
      this.answers++
    } catch {
      this.unanswered++
    }
  }
}
