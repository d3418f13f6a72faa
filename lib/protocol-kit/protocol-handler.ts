import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { P2PMessage, PeerId } from '../contracts/message.ts'
import type { PeerInfo } from '../contracts/peer.ts'
import type {
  IProtocolHandler, MessagePayload, MessageType, ProtocolContext, ProtocolDefinition,
  Receivers, ReplyPayload, RequestPayload, RequestType, Responders,
} from '../contracts/protocol.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { REFUSAL_TYPE } from './define-protocol.ts'
import { loadPayloadChecker, payloadCheckerReady, PayloadChecks } from './payload-check.ts'

type Row = (payload: unknown, from: PeerInfo, message: P2PMessage) => unknown
type Table = Readonly<Record<string, Row | undefined>>

/** What to say about one message beyond its payload. */
export interface SayOptions extends WaitOptions {
  /** For protocols in which one statement per slot is a promise. */
  slot?: string
}

/**
 * The typed way to write a plugin: declare a vocabulary, fill two tables, call three verbs.
 * Payloads arrive checked against their schemas; what does not fit never reaches the tables.
 */
export abstract class ProtocolHandler<D extends ProtocolDefinition> implements IProtocolHandler {
  readonly definition: D
  readonly #checks: PayloadChecks
  #context: ProtocolContext | undefined

  constructor(definition: D) {
    this.definition = definition
    this.#checks = new PayloadChecks(definition)
  }

  get protocolName(): D['name'] {
    return this.definition.name
  }

  /** One function for each word in `messages`. */
  protected abstract readonly receive: Receivers<D>
  /** One function for each question in `requests`; what it returns is the answer. */
  protected readonly answer: Responders<D> = {} as Responders<D>

  /** Throws ERR_PROTOCOL_NOT_REGISTERED before `registerProtocol` and after `unregisterProtocol`. */
  protected get context(): ProtocolContext {
    if (this.#context === undefined) {
      throw new P2PError(ErrorCode.PROTOCOL_NOT_REGISTERED, `${this.protocolName} is not registered; call coordinator.registerProtocol(handler) first`, { protocol: this.protocolName })
    }
    return this.#context
  }

  /** Rejects with TypeError for a payload off its schema, ERR_PEER_NOT_CONNECTED, or what the link says. */
  protected send<T extends MessageType<D>>(to: PeerId, type: T, payload: MessagePayload<D, T>, options?: SayOptions): Promise<void> {
    if (!payloadCheckerReady()) return loadPayloadChecker().then(() => this.send(to, type, payload, options))
    try {
      this.#mustFit(this.#checks.message(type), type, payload)
      return this.context.send(to, spoken(type, payload, options), options)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** To every connected peer that speaks this protocol. */
  protected async broadcast<T extends MessageType<D>>(
    type: T, payload: MessagePayload<D, T>, options?: SayOptions & { except?: readonly PeerId[] },
  ): Promise<void> {
    if (!payloadCheckerReady()) await loadPayloadChecker()
    this.#mustFit(this.#checks.message(type), type, payload)
    await this.context.broadcast(spoken(type, payload, options), options)
  }

  /** Resolves with the checked answer. Rejects with ERR_PROTOCOL_REQUEST_REFUSED, ERR_PROTOCOL_BAD_PAYLOAD or a TimeoutError. */
  protected async request<T extends RequestType<D>>(to: PeerId, type: T, payload: RequestPayload<D, T>, options?: WaitOptions): Promise<ReplyPayload<D, T>> {
    if (!payloadCheckerReady()) await loadPayloadChecker()
    this.#mustFit(this.#checks.request(type), type, payload)
    const reply = await this.context.request(to, { type, payload }, options)
    if (this.#checks.reply(type).fits(reply.payload)) return reply.payload as ReplyPayload<D, T>
    const error = this.#misfit(reply, `the answer to '${type}'`)
    this.#context?.report(error)
    throw error
  }

  /** Overriding it? Call `super.onRegister(context)` first. */
  onRegister(context: ProtocolContext): void {
    this.#context = context
    // Should it fail, the first message will say so.
    loadPayloadChecker().catch(() => {})
  }

  onUnregister(): void | Promise<void> {
    this.#context = undefined
  }

  /** Checks the payload against its schema, then calls the matching row of `receive` or `answer`. */
  async handleMessage(message: P2PMessage, from: PeerInfo): Promise<void> {
    if (!payloadCheckerReady()) await loadPayloadChecker()
    const { type } = message
    if (Object.hasOwn(this.definition.messages, type)) {
      if (!this.#checks.message(type).fits(message.payload)) throw this.#misfit(message, `'${type}'`)
      await (this.receive as Table)[type]?.(message.payload, from, message)
    } else if (Object.hasOwn(this.definition.requests, type)) {
      await this.#answerRequest(message, from)
    } else if (type === REFUSAL_TYPE && message.inReplyTo !== undefined) {
      throw this.#late('a refusal')
    } else {
      throw new P2PError(ErrorCode.PROTOCOL_UNKNOWN_TYPE, `${this.protocolName} has no word '${type}'`, { peerId: message.from, protocol: this.protocolName })
    }
  }

  async #answerRequest(message: P2PMessage, from: PeerInfo): Promise<void> {
    if (message.inReplyTo !== undefined) throw this.#late(`an answer to '${message.type}'`)
    if (!this.#checks.request(message.type).fits(message.payload)) throw this.#misfit(message, `'${message.type}'`)
    const respond = (this.answer as Table)[message.type]
    if (respond === undefined) {
      throw new P2PError(ErrorCode.PROTOCOL_UNKNOWN_TYPE, `${this.protocolName} has no answer for '${message.type}' on this node`, { protocol: this.protocolName })
    }
    const payload = await respond(message.payload, from, message)
    this.#mustFit(this.#checks.reply(message.type), message.type, payload)
    await this.context.reply(message, payload)
  }

  #late(what: string): P2PError {
    return new P2PError(ErrorCode.PROTOCOL_UNEXPECTED_REPLY, `${what} came that nobody waits for: too late, or never asked`, { protocol: this.protocolName })
  }

  #mustFit(check: { fits(payload: unknown): boolean; why(payload: unknown): string }, type: string, payload: unknown): void {
    if (!check.fits(payload)) throw new TypeError(`${this.protocolName}: the payload of '${type}' is off its schema: ${check.why(payload)}`)
  }

  #misfit(message: P2PMessage, what: string): P2PError {
    return new P2PError(ErrorCode.PROTOCOL_BAD_PAYLOAD, `${this.protocolName}: ${what} from ${message.from} is off its schema`, { peerId: message.from, protocol: this.protocolName })
  }
}

function spoken(type: string, payload: unknown, options: SayOptions | undefined) {
  return options?.slot === undefined ? { type, payload } : { type, payload, slot: options.slot }
}
