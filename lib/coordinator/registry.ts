import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import type { IProtocolHandler, LeastAuth } from '../contracts/protocol.ts'
import type { Vocabulary } from '../peers/local-node.ts'

/** A registered plugin and what ends it. */
export interface Registration {
  readonly handler: IProtocolHandler
  /** Aborts as soon as it is unregistered. */
  readonly abort: AbortController
  /** Aborts when it has been unregistered and has put its things away. */
  readonly over: AbortController
  /** What it opened under keys of their own. */
  readonly ephemerals: Set<AsyncDisposable>
  /** True for the typed way of writing a plugin: it lives in its room and speaks in keys. */
  readonly speaksInKeys: boolean
}

/** A role that one plugin plays for all others. */
export type Role = 'resources' | 'pubsub' | 'relay'
const ROLES: readonly Role[] = ['resources', 'pubsub', 'relay']

/** A refusal claims nothing but that no answer will come: the link vouches for it. */
const REFUSAL_TYPE = 'error'
const NAME_BYTES_MAX = 64

/** Which plugin answers for which protocol name, and what the wire must know of each. */
export class Registry implements Vocabulary {
  readonly #registrations = new Map<string, Registration>()
  readonly #limits: Limits

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Throws ERR_PROTOCOL_DUPLICATE, ERR_PROTOCOL_ROLE_TAKEN, TypeError or RangeError. */
  add(handler: IProtocolHandler): Registration {
    checkHandler(handler)
    const { protocolName: name } = handler
    if (this.#registrations.has(name)) {
      throw new P2PError(ErrorCode.PROTOCOL_DUPLICATE, `a protocol named '${name}' is registered already; unregisterProtocol('${name}') first, or choose another name`, { protocol: name })
    }
    if (this.#registrations.size >= this.#limits.protocolsMax) throw new RangeError(`a node speaks at most ${this.#limits.protocolsMax} protocols (limits.protocolsMax)`)
    this.#checkRoles(handler)
    const bytesMax = handler.definition?.messageBytesMax
    if (bytesMax !== undefined && !(bytesMax > 0 && bytesMax <= this.#limits.largeMessageBytesMax)) {
      throw new RangeError(`${name}: messageBytesMax must be at most ${this.#limits.largeMessageBytesMax} bytes (limits.largeMessageBytesMax), got ${bytesMax}`)
    }
    const registration: Registration = {
      handler, abort: new AbortController(), over: new AbortController(), ephemerals: new Set(), speaksInKeys: handler.definition !== undefined,
    }
    this.#registrations.set(name, registration)
    return registration
  }

  /** Throws ERR_PROTOCOL_NOT_REGISTERED. */
  remove(name: string): Registration {
    const registration = this.#registrations.get(name)
    if (registration === undefined) throw new P2PError(ErrorCode.PROTOCOL_NOT_REGISTERED, `no protocol named '${name}' is registered`, { protocol: name })
    this.#registrations.delete(name)
    return registration
  }

  get(name: string): Registration | undefined {
    return this.#registrations.get(name)
  }

  /** In order of registration. */
  all(): Registration[] {
    return [...this.#registrations.values()]
  }

  /** The plugin that plays a role, if one does. */
  role<R extends Role>(role: R): NonNullable<IProtocolHandler[R]> | undefined {
    for (const { handler } of this.#registrations.values()) {
      const player = handler[role]
      if (player !== undefined) return player as NonNullable<IProtocolHandler[R]>
    }
    return undefined
  }

  /** What may come in. Words of a protocol that nobody speaks here are not heard, so nobody is blamed for them. */
  leastAuth(protocol: string | null, type: string): LeastAuth {
    return protocol === null || this.#registrations.has(protocol) ? this.authOf(protocol, type) : 'channel'
  }

  /** What goes out. */
  authOf(protocol: string | null, type: string): LeastAuth {
    if (protocol === null) return 'signature'
    if (type === REFUSAL_TYPE) return 'channel'
    const auth = this.#registrations.get(protocol)?.handler.definition?.auth
    if (auth === undefined || typeof auth === 'string') return auth ?? 'signature'
    return Object.hasOwn(auth, type) ? auth[type]! : 'signature'
  }

  messageBytesMax(protocol: string | null): number {
    if (protocol === null) return this.#limits.messageBytesMax
    return this.#registrations.get(protocol)?.handler.definition?.messageBytesMax ?? this.#limits.messageBytesMax
  }

  list(): { name: string; version: number }[] {
    return this.all().map(({ handler }) => ({ name: handler.protocolName, version: handler.definition?.version ?? 0 }))
  }

  #checkRoles(handler: IProtocolHandler): void {
    for (const role of ROLES) {
      if (handler[role] === undefined || this.role(role) === undefined) continue
      throw new P2PError(ErrorCode.PROTOCOL_ROLE_TAKEN, `'${handler.protocolName}' plays the role '${role}', which another plugin plays already; register one of them`, { protocol: handler.protocolName })
    }
  }
}

function checkHandler(handler: IProtocolHandler): void {
  if (typeof handler !== 'object' || handler === null) throw new TypeError(`expected a protocol handler, got ${handler === null ? 'null' : typeof handler}`)
  if (typeof handler.handleMessage !== 'function') throw new TypeError('a protocol handler needs handleMessage(message, from)')
  const name: unknown = handler.protocolName
  if (typeof name !== 'string' || name.length === 0 || new TextEncoder().encode(name).length > NAME_BYTES_MAX) {
    throw new RangeError(`protocolName must be 1 to ${NAME_BYTES_MAX} bytes of UTF-8, got ${JSON.stringify(name)}`)
  }
  if (handler.definition !== undefined && handler.definition.name !== name) {
    throw new RangeError(`protocolName is '${name}' but its definition is named '${handler.definition.name}'`)
  }
}
