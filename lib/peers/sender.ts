import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { OutgoingMessage, PeerId } from '../contracts/message.ts'
import type { LeastAuth } from '../contracts/protocol.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { equalBytes } from '../foundation/bytes.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { fromHex } from '../foundation/hex.ts'
import type { OutgoingFields, SignedMessage } from '../wire/author.ts'
import type { Link } from './link.ts'
import type { LocalNode } from './local-node.ts'
import { isPeerId, type NameBook } from './name-book.ts'
import type { PeerRecord } from './peer-table.ts'

export interface BroadcastResult {
  messageId: string
  /** Peers it was handed to. */
  sent: number
  failed: { peerId: PeerId; error: Error }[]
}

/** Puts messages under our key and onto links. */
export class Sender {
  readonly #node: LocalNode

  constructor(node: LocalNode) {
    this.#node = node
  }

  /**
   * A promise only where the caller should wait, for room or for a signature. That a message has
   * arrived only an answer can say. Throws when the peer is gone or its outbox full.
   */
  send(record: PeerRecord, fields: CompleteFields, auth: LeastAuth, options?: WaitOptions): Promise<void> | undefined {
    const sending = auth === 'channel' ? this.#sendPlain(record, fields) : this.#sendSigned(record, fields)
    return sending === undefined ? undefined : this.#within(options, record, sending)
  }

  /** Sealed or signed once; the same bytes go to everybody. */
  async broadcast(records: readonly PeerRecord[], fields: CompleteFields, auth: LeastAuth, options: WaitOptions = {}): Promise<BroadcastResult> {
    const result: BroadcastResult = { messageId: fields.messageId, sent: 0, failed: [] }
    const put = await this.#prepared(fields, auth)
    const one = async (record: PeerRecord): Promise<void> => {
      try {
        await this.#within(options, record, put(openLink(record)))
        result.sent++
      } catch (error) {
        result.failed.push({ peerId: record.surface.peerId, error: error instanceof Error ? error : new Error(String(error)) })
      }
    }
    await Promise.all(records.map(one))
    return result
  }

  /** Waits for room no longer than the caller wants to. */
  #within(options: WaitOptions | undefined, record: PeerRecord, sending: Promise<void> | undefined): Promise<void> | undefined {
    if (sending === undefined || (options?.signal === undefined && options?.timeoutMs === undefined)) return sending
    return withDeadline(this.#node.clock, options, () => sending, { what: `sending to ${record.id}` })
  }

  #sendPlain(record: PeerRecord, fields: CompleteFields): Promise<void> | undefined {
    const frame = this.#node.author.channelFrame(fields)
    this.#mustFit(frame.length, fields)
    return openLink(record).sendFrame(frame)
  }

  #sendSigned(record: PeerRecord, fields: CompleteFields): Promise<void> {
    return new Promise((resolve, reject) => {
      openLink(record).mustTakeMore()
      this.#node.author.sign(fields, (error, signed) => {
        if (signed === null) return reject(error as Error)
        try {
          this.#mustFit(signed.size, fields)
          const room = openLink(record).sendSigned(signed)
          if (room === undefined) resolve()
          else room.then(resolve, reject)
        } catch (failure) {
          reject(failure as Error)
        }
      })
    })
  }

  async #prepared(fields: CompleteFields, auth: LeastAuth): Promise<(link: Link) => Promise<void> | undefined> {
    if (auth === 'channel') {
      const frame = this.#node.author.channelFrame(fields)
      this.#mustFit(frame.length, fields)
      return link => link.sendFrame(frame)
    }
    const signed = await this.signed(fields)
    this.#mustFit(signed.size, fields)
    return link => link.sendSigned(signed)
  }

  signed(fields: CompleteFields): Promise<SignedMessage> {
    return new Promise((resolve, reject) => {
      this.#node.author.sign(fields, (error, signed) => (signed === null ? reject(error as Error) : resolve(signed)))
    })
  }

  #mustFit(size: number, fields: CompleteFields): void {
    const max = this.#node.vocabulary.messageBytesMax(fields.protocol ?? null)
    if (size <= max) return
    const whose = fields.protocol ? `messages of '${fields.protocol}'` : 'messages'
    throw new P2PError(ErrorCode.WIRE_FRAME_TOO_LARGE, `'${fields.type}' takes ${size} bytes; ${whose} are at most ${max}: send less, or declare messageBytesMax in the protocol`, { protocol: fields.protocol ?? undefined })
  }
}

/** What a message is made of, with its id decided. */
export type CompleteFields = OutgoingFields & { messageId: string }

/**
 * Checks what a caller wants said and fills in the rest. A full `P2PMessage` fits: its `from` must be
 * this node, its `to` whom it is sent to. Throws TypeError or RangeError.
 */
export function outgoingFields(
  message: OutgoingMessage, protocol: string | undefined, node: LocalNode, names: NameBook, to: Uint8Array | undefined,
): CompleteFields {
  if (typeof message !== 'object' || message === null) throw new TypeError(`expected a message { type, payload }, got ${message === null ? 'null' : typeof message}`)
  const { type, payload, from, timestamp, messageId, inReplyTo, slot } = message
  if (typeof type !== 'string' || type === '') throw new TypeError(`a message needs a type, a text that is not empty; got ${JSON.stringify(type)}`)
  if (from !== undefined && names.resolve(from) !== node.id && from !== node.id) throw new RangeError(`from must be this node (${node.id}) or left out, got ${JSON.stringify(from)}`)
  if (message.to !== undefined) checkRecipient(message.to, names, to)
  if (timestamp !== undefined && !Number.isSafeInteger(timestamp)) throw new RangeError(`timestamp must be Unix milliseconds, got ${String(timestamp)}`)
  return { protocol, type, payload, to, timestamp, messageId: messageId ?? node.author.nextMessageId(), inReplyTo, slot }
}

function checkRecipient(recipient: PeerId, names: NameBook, to: Uint8Array | undefined): void {
  const id = names.resolve(recipient)
  const fits = to !== undefined && id !== undefined && isPeerId(id) && equalBytes(fromHex(id), to)
  if (!fits) throw new RangeError(`to is ${JSON.stringify(recipient)}, which is not whom the message is sent to${to === undefined ? ': a broadcast has no recipient' : ''}`)
}

function openLink(record: PeerRecord): Link {
  if (record.link !== undefined) return record.link
  throw new P2PError(ErrorCode.PEER_NOT_CONNECTED, `${record.surface.peerId} is ${record.state}`, { peerId: record.id })
}
