import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { OutgoingMessage, P2PMessage, PeerId } from '../contracts/message.ts'
import type { LeastAuth } from '../contracts/protocol.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { fromHex } from '../foundation/hex.ts'
import type { PeerManager } from '../peers/peer-manager.ts'
import type { PeerRecord } from '../peers/peer-table.ts'
import { sealEnvelope } from '../peers/sealed-envelope.ts'
import type { CompleteFields } from '../peers/sender.ts'
import type { BroadcastReceipt, SendReceipt } from './config.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { Registry } from './registry.ts'

export interface OutboundOptions {
  manager: PeerManager
  registry: Registry
  pending: PendingRequests
}

/** For sends that need not wait. */
const DONE = Promise.resolve()
const REFUSAL_TYPE = 'error'
const REFUSAL_TEXT_MAX = 200

/** What leaves the front desk: with the authentication its protocol declares, to whom it may go. */
export class Outbound {
  readonly #options: OutboundOptions

  constructor(options: OutboundOptions) {
    this.#options = options
  }

  /** From the application, which names the protocol in the message if it means one. */
  async sendTo(peerId: PeerId, message: OutgoingMessage, options: WaitOptions & { route?: 'direct' | 'any' }): Promise<SendReceipt> {
    const { manager } = this.#options
    if (options.route === 'any' && manager.recordOf(peerId)?.openLink === undefined) return await this.#relay(peerId, message, options)
    const record = manager.linkedRecord(peerId)
    const fields = manager.fieldsOf(message, message?.protocol, record)
    await manager.send(record, fields, this.#authOf(message.protocol, fields.type), options)
    return { messageId: fields.messageId }
  }

  /** From a plugin. Many thousands a second: no promise is made where none has to wait. */
  send(protocol: string, to: PeerId, message: OutgoingMessage, options: WaitOptions | undefined): Promise<void> {
    const { manager } = this.#options
    try {
      const record = manager.linkedRecord(to)
      const sending = manager.send(record, manager.fieldsOf(message, protocol, record), this.#authOf(protocol, message.type), options)
      return sending ?? DONE
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  async broadcast(protocol: string | undefined, message: OutgoingMessage, options: WaitOptions & { except?: readonly PeerId[] | undefined; onlySpeakers?: boolean }): Promise<BroadcastReceipt> {
    const { manager } = this.#options
    const except = new Set(options.except?.map(id => manager.names.resolve(id)))
    const records = [...manager.table.open()].filter(record =>
      !except.has(record.id) && (!options.onlySpeakers || speaks(record, protocol!)))
    return await manager.broadcastTo(records, manager.fieldsOf(message, protocol), this.#authOf(protocol, message.type), options)
  }

  async request(protocol: string | undefined, peerId: PeerId, message: OutgoingMessage, options: WaitOptions): Promise<P2PMessage> {
    const { manager, pending } = this.#options
    const record = manager.linkedRecord(peerId)
    this.#mustSpeak(record, protocol)
    const fields = manager.fieldsOf(message, protocol, record)
    const answer = pending.wait(fields.messageId, record.id, protocol, message.type, options)
    this.#sendRequest(record, fields, protocol)
    const reply = await answer
    if (reply.protocol !== undefined && reply.type === REFUSAL_TYPE) throw refusalOf(reply, message.type)
    return reply
  }

  #sendRequest(record: PeerRecord, fields: CompleteFields, protocol: string | undefined): void {
    const { manager, pending } = this.#options
    const failed = (error: unknown): void => pending.fail(fields.messageId, error)
    try {
      manager.send(record, fields, this.#authOf(protocol, fields.type))?.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  async reply(to: P2PMessage, payload: unknown, options: WaitOptions): Promise<SendReceipt> {
    const { manager } = this.#options
    const record = manager.linkedRecord(to.from)
    const fields = manager.fieldsOf({ type: to.type, payload, inReplyTo: to.messageId }, to.protocol, record)
    await manager.send(record, fields, this.#authOf(to.protocol, to.type), options)
    return { messageId: fields.messageId }
  }

  /** Says that no answer will come. Best effort: the asker's deadline covers the rest. */
  refuse(to: P2PMessage, code: string, text: string): void {
    const record = this.#options.manager.recordOf(to.from)
    if (record?.openLink === undefined || to.protocol === undefined) return
    const { manager } = this.#options
    const refusal = { type: REFUSAL_TYPE, inReplyTo: to.messageId, payload: { code, message: text.slice(0, REFUSAL_TEXT_MAX) } }
    try {
      manager.send(record, manager.fieldsOf(refusal, to.protocol, record), 'channel')?.catch(() => {})
    } catch {
      // Gone or full: the asker's deadline speaks for us.
    }
  }

  /** A message as its author's frame: to gossip, to store, to hold as evidence. */
  author(protocol: string, message: OutgoingMessage): Promise<Uint8Array> {
    const { manager } = this.#options
    const to = message.to === undefined ? undefined : manager.names.resolve(message.to)
    if (message.to !== undefined && to === undefined) throw new P2PError(ErrorCode.PEER_UNKNOWN, `no peer is known as ${JSON.stringify(message.to)}`, { peerId: message.to })
    return manager.authorFrame(message, protocol, to === undefined ? undefined : fromHex(to))
  }

  #authOf(protocol: string | undefined, type: string): LeastAuth {
    return this.#options.registry.authOf(protocol ?? null, type)
  }

  /** A peer that has told what it speaks and left this out will never answer: say so at once. */
  #mustSpeak(record: PeerRecord, protocol: string | undefined): void {
    if (protocol === undefined || speaks(record, protocol)) return
    throw new P2PError(ErrorCode.PROTOCOL_UNKNOWN, `${record.surface.peerId} does not speak '${protocol}'; it speaks ${record.room.protocols?.map(({ name }) => name).join(', ') || 'nothing'}`, { peerId: record.surface.peerId, protocol })
  }

  /** To a peer we have no link to: signed by us, sealed to its key, carried by whoever plays the relay role. */
  async #relay(peerId: PeerId, message: OutgoingMessage, options: WaitOptions): Promise<SendReceipt> {
    const { manager, registry } = this.#options
    const relay = registry.role('relay')
    if (relay === undefined) {
      throw new P2PError(ErrorCode.RELAY_NO_PROVIDER, `${peerId} is not connected and no plugin plays the relay role; connectToPeer first, or register one`, { peerId })
    }
    const id = manager.names.resolve(peerId)
    if (id === undefined) throw new P2PError(ErrorCode.PEER_UNKNOWN, `no peer is known as ${JSON.stringify(peerId)}; a message can only be sealed to a known key`, { peerId })
    const publicKey = fromHex(id)
    const fields = manager.fieldsOf(message, message.protocol, { publicKey })
    await relay.send(id, sealEnvelope(manager.node, publicKey, await manager.frameOf(fields)), options)
    return { messageId: fields.messageId }
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
