import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { OutgoingMessage, P2PMessage, PeerId } from '../contracts/message.ts'
import { PeerState, type DisconnectReason, type PeerInfo } from '../contracts/peer.ts'
import type { IProtocolHandler, LeastAuth, ProtocolContext } from '../contracts/protocol.ts'
import type { IStore } from '../contracts/store.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { toHex } from '../foundation/hex.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { prefixedStore } from '../foundation/memory-store.ts'
import { encodeCbor } from '../wire/cbor.ts'
import { meshContext, type MeshHouse } from './mesh-context.ts'
import type { MeshEnd, MeshLink, MeshWay } from './mesh-link.ts'
import { MeshMessage, type Framer } from './mesh-message.ts'
import type { FrameAuthor, MeshFrames } from './mesh-frames.ts'
import { MeshRequests } from './mesh-requests.ts'
import type { NodeClock } from './node-clock.ts'
import type { Pace } from './sim-event.ts'
import type { SimRandom } from './sim-random.ts'
import { SimStore } from './sim-store.ts'

/** What a node needs of the world around it. */
export interface MeshWorld {
  readonly frames: MeshFrames
  clockFor(name: string, skewMs: number): NodeClock
  /** Puts a message of `from` on its ways, but for some of them. */
  carry(from: MeshNode, ways: readonly MeshWay<MeshNode>[], message: MeshMessage, except?: readonly (MeshWay<MeshNode> | undefined)[]): void
  dial(from: MeshNode, peer: PeerInfo | PeerId, options: WaitOptions & { shortLived?: boolean }): Promise<PeerInfo>
  /** Ends a link from one of its ends. */
  hangUp(from: MeshNode, link: MeshLink<MeshNode>, reason: DisconnectReason): void
  knownTo(node: MeshNode): Iterable<MeshNode>
  /** The node that signed this record of addresses, now known to `node`. */
  introduce(node: MeshNode, record: P2PMessage): boolean
  spawn(parent: MeshNode, handler: IProtocolHandler, store: IStore): AsyncDisposable
  reported(node: MeshNode, error: P2PError): void
}

export interface MeshNodeOptions {
  name: string
  index: number
  random: SimRandom
  secret: Uint8Array
  publicKey: Uint8Array
  skewMs: number
  address: string
  store?: IStore | undefined
}

interface Registration { readonly name: string; readonly handler: IProtocolHandler; readonly abort: AbortController }

const SENT = Promise.resolve()
const REFUSAL_TYPE = 'error'
const RECORD = { protocol: 'peer', type: 'record' } as const
/** Of those handed in by `deliver`; the older half is forgotten when it is full. */
const DELIVERED_MAX = 20_000
/** Codes that the kit throws for what the sender did, and for what is nobody's fault. */
const TOLD_AS_THEY_ARE: ReadonlySet<string> = new Set([ErrorCode.PROTOCOL_BAD_PAYLOAD, ErrorCode.PROTOCOL_UNKNOWN_TYPE, ErrorCode.PROTOCOL_UNEXPECTED_REPLY])

/** One node of a mesh: its handlers, and links to others like it. */
export class MeshNode implements MeshHouse, MeshEnd, FrameAuthor {
  readonly name: string
  readonly index: number
  readonly id: PeerId
  readonly publicKey: Uint8Array
  readonly secret: Uint8Array
  readonly boot: Uint8Array
  readonly random: SimRandom
  readonly clock: NodeClock
  readonly pace: Pace
  readonly address: string
  readonly info: PeerInfo
  readonly infoOutbound: PeerInfo
  readonly infoInbound: PeerInfo
  readonly links = new Map<PeerId, MeshLink<MeshNode>>()
  readonly requests: MeshRequests
  /** What went wrong here, by code. */
  readonly errors: Record<string, number> = {}
  readonly addresses: ProtocolContext['addresses']
  isUp = true
  readonly #world: MeshWorld
  readonly #registrations = new Map<string, Registration>()
  #latest: Registration | undefined
  readonly #framer: Framer
  /** Ways to those who speak a protocol, as long as nothing changes. */
  readonly #speakers = new Map<string, MeshWay<MeshNode>[]>()
  #store: IStore | undefined
  #messageIdPrefix: string
  #messages = 0
  #delivered = new Set<string>()
  #deliveredBefore = new Set<string>()

  constructor(world: MeshWorld, { name, index, random, secret, publicKey, skewMs, address, store }: MeshNodeOptions) {
    this.#world = world
    this.name = name
    this.index = index
    this.random = random
    this.secret = secret
    this.publicKey = publicKey
    this.id = toHex(publicKey)
    this.address = address
    this.boot = random.bytes(16)
    this.#messageIdPrefix = `${toHex(this.boot.subarray(0, 4))}-`
    this.clock = world.clockFor(name, skewMs)
    this.pace = this.clock.pace
    this.requests = new MeshRequests(this.clock, DEFAULT_LIMITS.requestTimeoutMs)
    this.#store = store
    const info = (direction?: 'inbound' | 'outbound'): PeerInfo => ({
      peerId: this.id, publicKey, addresses: { memory: address }, state: PeerState.CONNECTED, lastSeen: this.clock.now(), trust: 'first-use', protocols: [],
      ...(direction === undefined ? {} : { direction }),
    })
    this.info = info()
    this.infoInbound = info('inbound')
    this.infoOutbound = info('outbound')
    this.#framer = said => this.#leastAuth(said.protocol, said.type) === 'channel' ? undefined : world.frames.author(this, said)
    this.addresses = {
      add: async record => world.introduce(this, world.frames.verify(record)),
      sample: count => this.random.shuffled([...world.knownTo(this)]).slice(0, count).map(node => node.info),
      own: async () => world.frames.author(this, this.#said(RECORD.protocol, { type: RECORD.type, payload: { addresses: [this.address] } })),
    }
  }

  /** Registers a handler, as a coordinator would. */
  register(handler: IProtocolHandler): void {
    const abort = new AbortController()
    const { protocolName: name } = handler
    if (this.#registrations.has(name)) throw new P2PError(ErrorCode.PROTOCOL_DUPLICATE, `${this.name} runs '${name}' already`, { protocol: name })
    this.#registrations.set(name, { name, handler, abort })
    const protocols = [...this.#registrations.values()].map(({ handler: each }) => ({ name: each.protocolName, version: each.definition?.version ?? 0 }))
    for (const info of [this.info, this.infoInbound, this.infoOutbound]) info.protocols = protocols
    handler.onRegister?.(meshContext(this, name, abort.signal))
  }

  /** The handler of this class. Throws Error when there is none. */
  handler<H extends IProtocolHandler>(kind: abstract new (...args: never[]) => H): H {
    for (const { handler } of this.#registrations.values()) if (handler instanceof kind) return handler
    throw new Error(`${this.name} runs no ${kind.name}`)
  }

  speaks(protocol: string): boolean {
    return this.#registrations.has(protocol)
  }

  /** Unregisters all handlers, in good order. */
  async unregisterAll(): Promise<void> {
    for (const [name, { handler, abort }] of [...this.#registrations].reverse()) {
      const ended = new P2PError(ErrorCode.PROTOCOL_NOT_REGISTERED, `'${name}' has been unregistered`, { protocol: name })
      this.#registrations.delete(name)
      this.#latest = undefined
      abort.abort(ended)
      this.requests.failWhere((_, protocol) => protocol === name, () => ended)
      await handler.onUnregister?.()
    }
  }

  // Links, as the world says.

  linked(link: MeshLink<MeshNode>): void {
    this.links.set(link.other(this).id, link)
    this.#speakers.clear()
    this.#tell(handler => handler.onPeerConnected?.(link.infoFor(this)))
  }

  unlinked(link: MeshLink<MeshNode>, reason: DisconnectReason): void {
    const peer = link.other(this)
    link.closeAt(this)
    if (this.links.get(peer.id) === link) this.links.delete(peer.id)
    this.#speakers.clear()
    this.requests.failWhere(asked => asked === peer.id, () => new P2PError(ErrorCode.PEER_DISCONNECTED, `${peer.name} left before it answered (${reason})`, { peerId: peer.id }))
    this.#tell(handler => handler.onPeerDisconnected?.({ ...link.infoFor(this), state: PeerState.DISCONNECTED }))
  }

  /** A message has come by a link, or out of a frame; `nowMs` is what the clock here shows. */
  receive(message: P2PMessage, from: PeerInfo, nowMs: number): void {
    const ageMs = nowMs - message.timestamp
    if (ageMs > DEFAULT_LIMITS.messageAgeMsMax) return this.#count(ErrorCode.WIRE_STALE)
    if (-ageMs > DEFAULT_LIMITS.messageLeadMsMax) return this.#count(ErrorCode.WIRE_FUTURE)
    if (message.inReplyTo !== undefined && this.requests.answer(message)) return
    const registration = this.#registrationOf(message.protocol)
    if (registration === undefined) return this.#count(ErrorCode.PROTOCOL_UNKNOWN)
    try {
      const work = registration.handler.handleMessage(message, from) as Promise<void> | undefined
      work?.then(undefined, (error: unknown) => this.#failed(registration, message, error))
    } catch (error) {
      this.#failed(registration, message, error)
    }
  }

  // What its handlers ask for.

  role<R extends 'resources' | 'pubsub'>(role: R): IProtocolHandler[R] {
    for (const { handler } of this.#registrations.values()) if (handler[role] !== undefined) return handler[role]
    return undefined as IProtocolHandler[R]
  }

  storeOf(protocol: string): IStore {
    return prefixedStore((this.#store ??= new SimStore()), `protocol/${encodeURIComponent(protocol)}/`)
  }

  speakers(protocol: string): PeerInfo[] {
    return this.#waysTo(protocol).map(way => this.links.get(way.to.id)!.infoFor(this))
  }

  draw(length: number): Uint8Array {
    return this.random.bytes(length)
  }

  connect(peer: PeerInfo | PeerId, options: WaitOptions & { shortLived?: boolean }): Promise<PeerInfo> {
    return this.#world.dial(this, peer, options)
  }

  async disconnect(peerId: PeerId, reason: DisconnectReason): Promise<void> {
    const link = this.links.get(peerId)
    if (link !== undefined) this.#world.hangUp(this, link, reason)
  }

  send(protocol: string, to: PeerId, message: OutgoingMessage): Promise<void> {
    const link = this.links.get(to)
    if (link === undefined) return Promise.reject(notConnected(to))
    return this.#carried([link.wayFrom(this)], this.#said(protocol, message, to))
  }

  broadcast(protocol: string, message: OutgoingMessage, except: readonly PeerId[]): Promise<void> {
    return this.#carried(this.#waysTo(protocol), this.#said(protocol, message), except.map(id => this.links.get(id)?.wayFrom(this)))
  }

  async request(protocol: string, to: PeerId, message: OutgoingMessage, options: WaitOptions): Promise<P2PMessage> {
    options.signal?.throwIfAborted()
    const link = this.links.get(to)
    if (link === undefined) throw notConnected(to)
    if (!link.other(this).speaks(protocol)) throw new P2PError(ErrorCode.PROTOCOL_UNKNOWN, `${to} does not speak '${protocol}'`, { peerId: to, protocol })
    const said = this.#said(protocol, message, to)
    const answer = this.requests.wait(said.messageId, to, protocol, said.type, options)
    this.#world.carry(this, [link.wayFrom(this)], said)
    return await answer
  }

  async reply(protocol: string, to: P2PMessage, payload: unknown): Promise<void> {
    await this.send(protocol, to.from, { type: to.type, payload, inReplyTo: to.messageId })
  }

  author(protocol: string, message: OutgoingMessage): Uint8Array {
    return this.#world.frames.author(this, this.#said(protocol, message, message.to))
  }

  verify(frame: Uint8Array): P2PMessage {
    return this.#world.frames.verify(frame)
  }

  /** Rejects with ERR_WIRE_*, as the intake of a whole node would. */
  async deliver(frame: Uint8Array, via: PeerInfo): Promise<void> {
    const message = this.#world.frames.verify(frame)
    if (message.to !== undefined && message.to !== this.id) throw new P2PError(ErrorCode.WIRE_WRONG_RECIPIENT, `a message for ${message.to}`, { peerId: via.peerId })
    const key = `${message.from} ${message.slot === undefined ? message.messageId : `${message.slot} ${toHex(encodeCbor(message.payload).subarray(0, 64))}`}`
    if (this.#delivered.has(key) || this.#deliveredBefore.has(key)) throw new P2PError(ErrorCode.WIRE_DUPLICATE, 'a message that was here before', { peerId: via.peerId })
    this.#delivered.add(key)
    if (this.#delivered.size >= DELIVERED_MAX) {
      this.#deliveredBefore = this.#delivered
      this.#delivered = new Set()
    }
    const link = this.links.get(message.from)
    const author: PeerInfo = link === undefined
      ? { peerId: message.from, addresses: {}, state: PeerState.DISCONNECTED, lastSeen: 0, trust: 'first-use' }
      : link.infoFor(this)
    this.receive(message, author, this.clock.now())
  }

  ephemeral(protocol: string, handler: IProtocolHandler): AsyncDisposable {
    return this.#world.spawn(this, handler, this.storeOf(protocol))
  }

  report(error: P2PError): void {
    this.#count(error.code)
    this.#world.reported(this, error)
  }

  /** What cannot be encoded rejects. */
  #carried(ways: readonly MeshWay<MeshNode>[], message: MeshMessage, except?: readonly (MeshWay<MeshNode> | undefined)[]): Promise<void> {
    try {
      this.#world.carry(this, ways, message, except)
      return SENT
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** Most messages are of the same protocol as the one before. */
  #registrationOf(protocol: string | undefined): Registration | undefined {
    if (this.#latest?.name !== protocol) this.#latest = this.#registrations.get(protocol ?? '')
    return this.#latest
  }

  #waysTo(protocol: string): MeshWay<MeshNode>[] {
    let ways = this.#speakers.get(protocol)
    if (ways === undefined) {
      ways = [...this.links.values()].filter(link => link.other(this).speaks(protocol)).map(link => link.wayFrom(this))
      this.#speakers.set(protocol, ways)
    }
    return ways
  }

  #said(protocol: string, message: OutgoingMessage, to?: PeerId): MeshMessage {
    return new MeshMessage(this.id, {
      type: message.type,
      payload: message.payload,
      protocol,
      to,
      timestamp: message.timestamp ?? this.clock.now(),
      messageId: message.messageId ?? this.#messageIdPrefix + (this.#messages++).toString(36),
      inReplyTo: message.inReplyTo,
      slot: message.slot,
    }, this.#framer)
  }

  #leastAuth(protocol: string | undefined, type: string): LeastAuth {
    const auth = this.#registrations.get(protocol ?? '')?.handler.definition?.auth
    if (auth === undefined || typeof auth === 'string') return auth ?? 'signature'
    return Object.hasOwn(auth, type) ? auth[type]! : 'signature'
  }

  #tell(hook: (handler: IProtocolHandler) => Promise<void> | undefined): void {
    for (const { handler } of this.#registrations.values()) {
      try {
        hook(handler)?.then(undefined, (error: unknown) => this.report(handlerFailed(handler, error)))
      } catch (error) {
        this.report(handlerFailed(handler, error))
      }
    }
  }

  #failed({ handler, abort }: Registration, message: P2PMessage, error: unknown): void {
    if (abort.signal.aborted) return
    const told = error instanceof P2PError && TOLD_AS_THEY_ARE.has(error.code) ? error : handlerFailed(handler, error)
    this.report(told)
    const isRequest = message.inReplyTo === undefined && Object.hasOwn(handler.definition?.requests ?? {}, message.type)
    if (isRequest) this.send(handler.protocolName, message.from, { type: REFUSAL_TYPE, inReplyTo: message.messageId, payload: { code: told.code, message: told.message } }).catch(() => {})
  }

  #count(code: string): void {
    this.errors[code] = (this.errors[code] ?? 0) + 1
  }
}

function notConnected(peerId: PeerId): P2PError {
  return new P2PError(ErrorCode.PEER_NOT_CONNECTED, `${peerId} is not linked to this simulated node`, { peerId })
}

function handlerFailed({ protocolName }: IProtocolHandler, error: unknown): P2PError {
  return new P2PError(ErrorCode.PROTOCOL_HANDLER_FAILED, `the handler of '${protocolName}' failed: ${error instanceof Error ? error.message : String(error)}`, { protocol: protocolName, cause: error })
}
