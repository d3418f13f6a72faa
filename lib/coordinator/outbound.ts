import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { OutgoingMessage, P2PMessage, PeerId } from '../contracts/message.ts'
import type { LeastAuth } from '../contracts/protocol.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { fromHex } from '../foundation/hex.ts'
import type { LocalNode } from '../peers/local-node.ts'
import type { PeerManager } from '../peers/peer-manager.ts'
import type { PeerRecord } from '../peers/peer-table.ts'
import type { BroadcastReceipt, SendReceipt } from './config.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { Registry } from './registry.ts'

export interface OutboundOptions {
  node: LocalNode
  manager: PeerManager
  registry: Registry
  pending: PendingRequests
}

const REFUSAL_TYPE = 'error'
const REFUSAL_TEXT_MAX = 200

/** What leaves the front desk: with the authentication its protocol declares, to whom it may go. */
export class Outbound {
  readonly #options: OutboundOptions

  constructor(options: OutboundOptions) {
    this.#options = options
  }

  async sendTo(peerId: PeerId, message: OutgoingMessage, options: WaitOptions & { route?: 'direct' | 'any' }): Promise<SendReceipt> {
    const { manager } = this.#options
    if (options.route === 'any' && manager.recordOf(peerId)?.link === undefined) return await this.#relay(peerId)
    const record = manager.linkedRecord(peerId)
    return await manager.send(record, message, this.#authOf(message), options)
  }

  async broadcast(message: OutgoingMessage, options: WaitOptions & { except?: readonly PeerId[]; onlySpeakers?: boolean }): Promise<BroadcastReceipt> {
    const { manager } = this.#options
    const except = new Set(options.except?.map(id => manager.names.resolve(id)))
    const records = [...manager.table.connected()].filter(record =>
      !except.has(record.id) && (!options.onlySpeakers || speaks(record, message.protocol!)))
    return await manager.broadcastTo(records, message, this.#authOf(message), options)
  }

  async request(peerId: PeerId, message: OutgoingMessage, options: WaitOptions): Promise<P2PMessage> {
    const { manager, pending, node } = this.#options
    const record = manager.linkedRecord(peerId)
    this.#mustSpeak(record, message)
    const messageId = message.messageId ?? node.author.nextMessageId()
    const answer = pending.wait(messageId, record.id, message.protocol, message.type, options)
    manager.send(record, { ...message, messageId }, this.#authOf(message)).catch((error: unknown) => pending.fail(messageId, error))
    const reply = await answer
    if (reply.protocol !== undefined && reply.type === REFUSAL_TYPE) throw refusalOf(reply, message.type)
    return reply
  }

  async reply(to: P2PMessage, payload: unknown, options: WaitOptions): Promise<SendReceipt> {
    const { manager } = this.#options
    const record = manager.linkedRecord(to.from)
    const message: OutgoingMessage = { type: to.type, payload, inReplyTo: to.messageId }
    if (to.protocol !== undefined) message.protocol = to.protocol
    return await manager.send(record, message, this.#authOf(message), options)
  }

  /** Says that no answer will come. Best effort: the asker's deadline covers the rest. */
  refuse(to: P2PMessage, code: string, text: string): void {
    const record = this.#options.manager.recordOf(to.from)
    if (record?.link === undefined || to.protocol === undefined) return
    const refusal: OutgoingMessage = {
      protocol: to.protocol, type: REFUSAL_TYPE, inReplyTo: to.messageId, payload: { code, message: text.slice(0, REFUSAL_TEXT_MAX) },
    }
    this.#options.manager.send(record, refusal, 'channel').catch(() => {})
  }

  /** A message as its author's frame: to gossip, to store, to hold as evidence. */
  author(message: OutgoingMessage): Promise<Uint8Array> {
    const { manager } = this.#options
    const to = message.to === undefined ? undefined : manager.names.resolve(message.to)
    if (message.to !== undefined && to === undefined) throw new P2PError(ErrorCode.PEER_UNKNOWN, `no peer is known as ${JSON.stringify(message.to)}`, { peerId: message.to })
    return manager.authorFrame(message, to === undefined ? undefined : fromHex(to))
  }

  #authOf(message: OutgoingMessage): LeastAuth {
    return this.#options.registry.leastAuth(message.protocol ?? null, message.type)
  }

  /** A peer that has told what it speaks and left this out will never answer: say so at once. */
  #mustSpeak(record: PeerRecord, message: OutgoingMessage): void {
    if (message.protocol === undefined || speaks(record, message.protocol)) return
    throw new P2PError(ErrorCode.PROTOCOL_UNKNOWN, `${record.surface.peerId} does not speak '${message.protocol}'; it speaks ${record.room.protocols?.map(({ name }) => name).join(', ') || 'nothing'}`, { peerId: record.surface.peerId, protocol: message.protocol })
  }

  async #relay(peerId: PeerId): Promise<SendReceipt> {
    throw new P2PError(ErrorCode.RELAY_NO_PROVIDER, `${peerId} is not connected and no plugin plays the relay role; connectToPeer first, or register one`, { peerId })
  }
}

/** True when the peer's hello names the protocol. */
export function speaks(record: PeerRecord, protocol: string): boolean {
  return record.room.protocols?.some(({ name }) => name === protocol) ?? false
}

function refusalOf(reply: P2PMessage, type: string): P2PError {
  const { code, message } = (reply.payload ?? {}) as { code?: unknown; message?: unknown }
  const said = `${typeof code === 'string' ? code.slice(0, 64) : 'no code'}${typeof message === 'string' ? `: ${message.slice(0, REFUSAL_TEXT_MAX)}` : ''}`
  return new P2PError(ErrorCode.PROTOCOL_REQUEST_REFUSED, `${reply.from} refused '${type}' (${said})`, { peerId: reply.from, protocol: reply.protocol })
}
