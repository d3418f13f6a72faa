import { ErrorCode, type ErrorCode as Code } from '../../contracts/errors.ts'
import type { MessagePayload, MessageType } from '../../contracts/protocol.ts'
import type { PeerId } from '../../contracts/message.ts'
import { EarlyDrop } from './brakes.ts'
import type { GossipProtocol } from './definition.ts'
import type { Entry } from './entry.ts'
import type { GossipEffect } from './events.ts'
import { type Hasher, ItemIds } from './item-id.ts'
import { EQUIVOCATORS_MAX, INVALID_MAX, TOPICS_MAX } from './limits.ts'
import { MessageCache } from './message-cache.ts'
import type { GossipParameters } from './parameters.ts'
import type { Peer } from './peer.ts'
import type { PeerScore } from './score.ts'
import { SCORE, THRESHOLDS } from './score.ts'
import { SeenIds } from './seen.ts'
import { Statements } from './statements.ts'
import { Topic, type TopicOptions } from './topic.ts'
import { Wants } from './wants.ts'

export const INVALID_ITEM: Code = 'ERR_GOSSIP_INVALID_ITEM'
export const BREACH: Code = 'ERR_GOSSIP_BREACH'
export const EQUIVOCATION: Code = 'ERR_GOSSIP_EQUIVOCATION'

export interface GossipStateOptions {
  parameters: GossipParameters
  /** Ours, x-only. */
  ownKey: Uint8Array
  hasher: Hasher
  /** In [0, 1). */
  random: () => number
  /** Operators' own peers. */
  direct?: readonly PeerId[]
  topics?: Readonly<Record<string, TopicOptions>>
  /** P5: what the application thinks of a peer. */
  appScore?: ((peerId: PeerId) => number) | undefined
}

/** What all parts of the state share: who is there, what is held, and what is to be done. */
export class Core {
  readonly options: GossipStateOptions
  readonly parameters: GossipParameters
  readonly random: () => number
  readonly ids: ItemIds
  readonly peers = new Map<PeerId, Peer>()
  readonly topics = new Map<string, Topic>()
  readonly cache: MessageCache
  readonly seen: SeenIds
  /** Copies known to be bad: id and proof together, so that a forgery says nothing about the true one. */
  readonly invalid: SeenIds
  /** Copies that were too old or too far ahead: not looked at again, and nobody is charged. */
  readonly stale: SeenIds
  readonly wants: Wants
  /** Which item said what first. */
  readonly statements: Statements
  /** Pushes that wait to see whether they are needed, the oldest first. */
  later: { readonly entry: Entry; readonly peers: readonly Peer[]; readonly dueMs: number }[] = []
  readonly earlyDrop = new EarlyDrop()
  /** Scores of peers that left, with when. */
  readonly retained = new Map<PeerId, { score: PeerScore; leftAtMs: number }>()
  /** Syncs under way, by their reference. */
  readonly syncs = new Map<string, { readonly peer: Peer; readonly topic: Topic; readonly key: number; pages: number }>()
  /** What was refused or dropped, by reason. */
  readonly counters: Record<string, number> = {}
  /** Items under check or validation. */
  checking = 0
  heartbeats = 0
  /** When the next is to be. */
  heartbeatDueMs = 0
  /** By how much timers have come too late lately, halved at each heartbeat: how far behind with its input this node is. */
  lateMs = 0
  nowMs = 0
  /** How long after an item came here others were heard to have it, on average over some 16 of them; undefined before the first. */
  newsMs: number | undefined
  /** When outstanding wants are looked at next. */
  pullDueMs: number | undefined
  syncCount = 0
  out: GossipEffect[] = []
  readonly #equivocators = new Set<PeerId>()

  constructor(options: GossipStateOptions) {
    const { parameters, random, hasher } = options
    this.options = options
    this.parameters = parameters
    this.random = random
    this.ids = new ItemIds(hasher)
    this.cache = new MessageCache(parameters.retentionBytesMax)
    this.seen = new SeenIds({ keepMs: parameters.seenMs, max: parameters.seenMax, random })
    this.invalid = new SeenIds({ keepMs: parameters.seenMs, max: INVALID_MAX, mayForget: true, random })
    this.stale = new SeenIds({ keepMs: parameters.seenMs, max: INVALID_MAX, mayForget: true, random })
    this.wants = new Wants(parameters, random)
    this.statements = new Statements()
    for (const { retentionMs = 0 } of Object.values(options.topics ?? {})) this.seen.keepFor(retentionMs + parameters.leadMsMax * 2)
  }

  count(reason: string, by = 1): void {
    this.counters[reason] = (this.counters[reason] ?? 0) + by
  }

  say<T extends MessageType<GossipProtocol>>(peer: Peer, type: T, payload: MessagePayload<GossipProtocol, T>): void {
    this.out.push({ kind: 'send', to: peer.id, type, payload } as GossipEffect)
  }

  /** Undefined for a name too many. */
  ensureTopic(name: string): Topic | undefined {
    let topic = this.topics.get(name)
    if (topic === undefined) {
      if (this.topics.size >= TOPICS_MAX && !this.#forgetIdleTopic()) return undefined
      topic = new Topic(name, this.options.topics?.[name]?.retentionMs ?? this.parameters.retentionMs)
      for (const peer of this.peers.values()) if (peer.topics.has(name)) topic.members.add(peer)
      this.topics.set(name, topic)
    }
    topic.usedAtMs = this.nowMs
    return topic
  }

  /** P4, for form and signature: charged to whoever handed it over. */
  chargeItem(peer: Peer, topic: string, code: Code): void {
    peer.record.rejected++
    peer.score.topic(topic).invalid++
    this.revalue(peer)
    this.out.push({ kind: 'blame', peerId: peer.id, code })
  }

  /** P4, for what an author says; whoever passed it on may not have been able to tell. Nothing is kept of authors we never had a link with. */
  chargeAuthor(author: PeerId, topic: string): void {
    const peer = this.peers.get(author)
    const score = peer?.score ?? this.retained.get(author)?.score
    if (score !== undefined) score.topic(topic).invalid++
    if (peer !== undefined) this.revalue(peer)
  }

  /** True the first time: the proof is the same however often it happens. */
  noteEquivocator(author: PeerId): boolean {
    if (this.#equivocators.has(author)) return false
    if (this.#equivocators.size >= EQUIVOCATORS_MAX) this.#equivocators.delete(this.#equivocators.values().next().value!)
    this.#equivocators.add(author)
    return true
  }

  /** P7, for manners. The few that happen to the honest are told to nobody. */
  chargeBreach(peer: Peer, reason: string, weight = 1): void {
    this.count(reason)
    peer.score.behaviour += weight
    this.revalue(peer)
    if (peer.score.behaviour > SCORE.behaviourFree && !peer.direct) this.out.push({ kind: 'blame', peerId: peer.id, code: BREACH })
  }

  revalue(peer: Peer): void {
    const before = peer.value
    peer.value = peer.direct ? 0 : peer.score.value(this.nowMs, name => this.topics.get(name)?.lackFrom(this.parameters.meshMin))
    if (peer.value > THRESHOLDS.graylist || before <= THRESHOLDS.graylist) return
    this.count('graylisted')
    this.out.push({ kind: 'emit', event: { kind: 'graylisted', peerId: peer.id, score: peer.value } })
  }

  topicScore(peer: Peer, topic: Topic): number {
    return peer.score.topics.get(topic.name)?.value(this.nowMs, topic.lackFrom(this.parameters.meshMin)) ?? 0
  }

  scoreOf(peerId: PeerId): number {
    const peer = this.peers.get(peerId)
    if (peer !== undefined) return peer.value
    return this.retained.get(peerId)?.score.value(this.nowMs, () => undefined) ?? 0
  }

  /** A topic we only published to, unused for longest. */
  #forgetIdleTopic(): boolean {
    let idle: Topic | undefined
    for (const topic of this.topics.values()) {
      if (!topic.subscribed && (idle === undefined || topic.usedAtMs < idle.usedAtMs)) idle = topic
    }
    if (idle === undefined) return false
    this.cache.forget(idle)
    this.topics.delete(idle.name)
    return true
  }
}

/** The wire's refusals that every node checks for before it passes anything on. */
export const FAULTS_OF_HOP: ReadonlySet<string> = new Set([
  ErrorCode.WIRE_MALFORMED, ErrorCode.WIRE_FRAME_TOO_LARGE, ErrorCode.WIRE_WRONG_VERSION,
  ErrorCode.WIRE_WRONG_NETWORK, ErrorCode.WIRE_BAD_SIGNATURE, ErrorCode.WIRE_WEAK_AUTH,
])
