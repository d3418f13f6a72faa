import { slotOnWire } from '../../../../lib/protocols/gossip/wire-slot.ts'
import type { MessagePayload, MessageType, Receivers } from '../../../../lib/contracts/protocol.ts'
import { gossipProtocol, type GossipProtocol } from '../../../../lib/protocols/gossip/index.ts'
import { ProtocolHandler } from '../../../../lib/protocol-kit/protocol-handler.ts'

/** Speaks gossip's words as it pleases, and keeps what it is told. */
export class Mallory extends ProtocolHandler<GossipProtocol> {
  readonly heard: [type: string, payload: unknown][] = []
  protected readonly receive = Object.fromEntries(
    Object.keys(gossipProtocol.messages).map(type => [type, (payload: unknown) => void this.heard.push([type, payload])]),
  ) as unknown as Receivers<GossipProtocol>
  protected override readonly answer = { sync: () => ({ ids: new Uint8Array(0), next: null }) }

  constructor() {
    super(gossipProtocol)
  }

  /** Whatever it wants, past the check of its own words. */
  async say<T extends MessageType<GossipProtocol>>(to: string, type: T, payload: MessagePayload<GossipProtocol, T>): Promise<void> {
    await this.context.send(to, { type, payload })
  }

  async publication(topic: string, body: unknown, slot?: string, messageId?: string): Promise<Uint8Array> {
    return await this.context.author({ type: 'publication', payload: { topic, body }, ...(slot === undefined ? {} : { slot: slotOnWire(topic, slot) }), ...(messageId === undefined ? {} : { messageId }) })
  }

  told(type: string): unknown[] {
    return this.heard.filter(([said]) => said === type).map(([, payload]) => payload)
  }
}
