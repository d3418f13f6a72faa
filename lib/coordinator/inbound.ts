import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { P2PMessage } from '../contracts/message.ts'
import type { PeerInfo } from '../contracts/peer.ts'
import { textOf } from '../foundation/error-text.ts'
import type { PendingRequests } from './pending-requests.ts'
import type { Registration, Registry } from './registry.ts'
import { surfaceMessage, type Sender } from './surface.ts'

export interface InboundOptions {
  registry: Registry
  pending: PendingRequests
  /** A plain application message, in the user's names. */
  onMessage(message: P2PMessage, from: PeerInfo): void
  /** Something went wrong with a message: `sender` for a fault of theirs, undefined for one of ours. */
  onError(error: P2PError, sender: Sender | undefined): void
  /** The sender's own link brought it: it may answer for it. */
  onFault(error: P2PError, sender: Sender): void
  /** Says to the asker that no answer will come. */
  refuse(message: P2PMessage, code: string, text: string): void
  nameOf(id: string): string | undefined
}

/** Codes that the kit throws for what the sender did; anything else a handler throws is its own failure. */
const SENDERS_FAULTS: ReadonlySet<string> = new Set([ErrorCode.PROTOCOL_BAD_PAYLOAD, ErrorCode.PROTOCOL_UNKNOWN_TYPE])
const NOBODYS_FAULTS: ReadonlySet<string> = new Set([ErrorCode.PROTOCOL_UNEXPECTED_REPLY])

/** docs/wire.md section 9, step 11: a verified message finds the one who waits for it. */
export class Inbound {
  readonly #options: InboundOptions

  constructor(options: InboundOptions) {
    this.#options = options
  }

  /** The promise is there while a handler works on it, and never rejects. */
  route(message: P2PMessage, sender: Sender): Promise<void> | undefined {
    const { registry, pending, onMessage, onError, nameOf } = this.#options
    if (message.inReplyTo !== undefined && pending.answer(message, message.from)) return undefined
    if (message.protocol === undefined) {
      onMessage(surfaceMessage(message, nameOf), sender.surface)
      return undefined
    }
    const registration = registry.get(message.protocol)
    if (registration === undefined) {
      onError(new P2PError(ErrorCode.PROTOCOL_UNKNOWN, `a message for '${message.protocol}', which is not registered here`, { protocol: message.protocol }), sender)
      return undefined
    }
    return this.#handle(registration, message, sender)
  }

  #handle(registration: Registration, message: P2PMessage, sender: Sender): Promise<void> {
    const { handler, speaksInKeys } = registration
    try {
      const work = speaksInKeys
        ? handler.handleMessage(message, sender.room)
        : handler.handleMessage(surfaceMessage(message, this.#options.nameOf), sender.surface)
      // A handler written in plain JavaScript may return nothing.
      return Promise.resolve(work).catch((error: unknown) => this.#failed(registration, message, sender, error))
    } catch (error) {
      this.#failed(registration, message, sender, error)
      return Promise.resolve()
    }
  }

  #failed(registration: Registration, message: P2PMessage, sender: Sender, error: unknown): void {
    if (registration.abort.signal.aborted) return
    const name = registration.handler.protocolName
    const fault = error instanceof P2PError && SENDERS_FAULTS.has(error.code)
    const told = error instanceof P2PError && (fault || NOBODYS_FAULTS.has(error.code))
      ? error
      : new P2PError(ErrorCode.PROTOCOL_HANDLER_FAILED, `the handler of '${name}' failed on '${message.type}': ${textOf(error)}`, { protocol: name, cause: error })
    // Words that somebody else carried here were perhaps meant for others: their author hears of it, no more.
    if (fault && message.via === undefined) this.#options.onFault(told, sender)
    else this.#options.onError(told, fault ? sender : undefined)
    const isRequest = message.inReplyTo === undefined && Object.hasOwn(registration.handler.definition?.requests ?? {}, message.type)
    if (isRequest) this.#options.refuse(message, told.code, fault ? told.message : 'the handler failed')
  }
}
