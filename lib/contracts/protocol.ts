import type { Static, TSchema } from 'typebox'
import type { P2PError } from './errors.ts'
import type { IClock } from './clock.ts'
import type { OutgoingMessage, P2PMessage, PeerId } from './message.ts'
import type { DisconnectReason, PeerInfo } from './peer.ts'
import type { IRelay } from './relay.ts'
import type { IPubSub } from './pubsub.ts'
import type { IResourceDirectory } from './resources.ts'
import type { IStore } from './store.ts'
import type { WaitOptions } from './wait.ts'

/** A protocol plugin. The first four members are the seed's; the rest are optional. */
export interface IProtocolHandler {
  readonly protocolName: string
  /** With it, the wire refuses weaker authentication than declared and the handshake tells peers the version. */
  readonly definition?: ProtocolDefinition
  /** Called once per verified message, in order per peer. A throw is reported, never fatal. */
  handleMessage(message: P2PMessage, from: PeerInfo): Promise<void>
  onPeerConnected?(peer: PeerInfo): Promise<void>
  onPeerDisconnected?(peer: PeerInfo): Promise<void>

  /** Receives the capabilities of this protocol: the only way out of the room. */
  onRegister?(context: ProtocolContext): void
  onUnregister?(): void | Promise<void>
  /** Drops what has expired. Called by `coordinator.cleanup()`. */
  cleanup?(): void
  /** Set by a plugin that can answer resource questions for everyone else. */
  readonly resources?: IResourceDirectory
  /** Set by a plugin that can publish to and subscribe for everyone else. */
  readonly pubsub?: IPubSub
  /** Set by a plugin that can carry messages to peers we have no link to. */
  readonly relay?: IRelay
}

/**
 * What every plugin gets, and all that any plugin gets. Scoped to one protocol: messages leave
 * stamped with its name, and seals are domain-separated by it.
 */
export interface ProtocolContext {
  readonly localPeer: PeerInfo
  readonly clock: IClock
  readonly resources: IResourceDirectory
  readonly pubsub: IPubSub
  /** This protocol's own keyspace in the node's store; in memory unless the node has a disk. */
  readonly store: IStore
  /** Aborts when the protocol is unregistered or the coordinator shuts down. */
  readonly signal: AbortSignal
  /** Connected peers that speak this protocol. */
  peers(): PeerInfo[]
  randomBytes(length: number): Uint8Array
  /** Lookups may hold short-lived links beyond `maxConnections`, within their own bound. */
  connect(peer: PeerInfo | PeerId, options?: WaitOptions & { shortLived?: boolean }): Promise<PeerInfo>
  disconnect(peerId: PeerId, reason?: DisconnectReason): Promise<void>
  /**
   * The node's address book. `add` keeps another's signed record, told by `from`: say who, for all that come without a source share
   * one, an eighth of the book. False where there was nothing new, nothing dialable or no room; rejects with ERR_WIRE_*.
   */
  readonly addresses: { add(record: Uint8Array, from?: PeerId): Promise<boolean>; sample(count: number): PeerInfo[]; own(): Promise<Uint8Array> }

  send(to: PeerId, message: OutgoingMessage, options?: WaitOptions): Promise<void>
  broadcast(message: OutgoingMessage, options?: WaitOptions & { except?: readonly PeerId[] }): Promise<void>
  request(to: PeerId, message: OutgoingMessage, options?: WaitOptions): Promise<P2PMessage>
  reply(to: P2PMessage, payload: unknown, options?: WaitOptions): Promise<void>

  /** A message as its author's frame, signed (in a burst when that pays): to gossip, store, or hold as evidence. */
  author(message: OutgoingMessage): Promise<Uint8Array>
  /** Checks form, proof and header of such a frame, whoever brought it and whenever; marks nothing as seen. Rejects with ERR_WIRE_*. */
  verify(frame: Uint8Array): Promise<P2PMessage>
  /** Hands a frame that came by this plugin's own route to the node's intake, as from its author. An envelope sealed to this node is opened first. */
  deliver(frame: Uint8Array, via: PeerInfo): Promise<void>
  /** Runs another handler on a fresh identity, never persisted, with links of its own and this protocol's store: nothing ties it to this node but the network address. */
  ephemeral(handler: IProtocolHandler): Promise<AsyncDisposable>
  /** A peer brought gossip that was new, or an answer that was of use: it is not the first to go when somebody else dials us. */
  useful?(peerId: PeerId, how: 'gossip' | 'answer'): void
  /** Puts an error on the coordinator's `error` event and, if it blames a peer, on its score. */
  report(error: P2PError): void
}

/** The least authentication a message type may arrive with. */
export type LeastAuth = 'signature' | 'channel'
/** One level for every type, or one for each; types not named need a signature. */
export type AuthDeclaration = LeastAuth | Readonly<Record<string, LeastAuth>>

/** A protocol's vocabulary. One-way words in `messages`, question-and-answer pairs in `requests`. */
export interface ProtocolDefinition {
  readonly name: string
  readonly version: number
  /** Who answers for a message: its author's signature (default), or only the channel it came by. */
  readonly auth?: AuthDeclaration
  /** The largest message of this protocol, in bytes, where it is more than the default 96 KiB; at most 1 MiB. */
  readonly messageBytesMax?: number
  readonly messages: Readonly<Record<string, TSchema>>
  readonly requests: Readonly<Record<string, RequestSchema>>
}
export interface RequestSchema {
  readonly request: TSchema
  readonly reply: TSchema
}

export type MessageType<D extends ProtocolDefinition> = keyof D['messages'] & string
export type RequestType<D extends ProtocolDefinition> = keyof D['requests'] & string
export type MessagePayload<D extends ProtocolDefinition, T extends MessageType<D>> = Static<D['messages'][T]>
export type RequestPayload<D extends ProtocolDefinition, T extends RequestType<D>> = Static<D['requests'][T]['request']>
export type ReplyPayload<D extends ProtocolDefinition, T extends RequestType<D>> = Static<D['requests'][T]['reply']>

/** One function per message type. The compiler asks for every one and types its payload. */
export type Receivers<D extends ProtocolDefinition> = {
  readonly [T in MessageType<D>]: (payload: MessagePayload<D, T>, from: PeerInfo, message: P2PMessage) => void | Promise<void>
}
/** One function per request type; what it returns is the reply. */
export type Responders<D extends ProtocolDefinition> = {
  readonly [T in RequestType<D>]: (payload: RequestPayload<D, T>, from: PeerInfo, message: P2PMessage) => ReplyPayload<D, T> | Promise<ReplyPayload<D, T>>
}
