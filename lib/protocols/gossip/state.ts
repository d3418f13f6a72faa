import type { PeerId } from '../../contracts/message.ts'
import type { IStateMachine } from '../../contracts/state-machine.ts'
import { Core, type GossipStateOptions } from './core.ts'
import type { Entry } from './entry.ts'
import type { GossipEffect, GossipInput } from './events.ts'
import { takeItem, takeUnverified, takeVerdict, takeVerified } from './intake.ts'
import { takeGraft, takeJoin, takeJoined, takeLeave, takeLeft, takePrune, takeSubscribe, takeUnsubscribe } from './membership.ts'
import type { Peer } from './peer.ts'
import { PULL_TIMER, pullAgain, takeDontWant, takeHave, takeWant } from './pull.ts'
import { THRESHOLDS } from './score.ts'
import { ANNOUNCE_TIMER, flushAnnouncements, LATER_TIMER, publish, pushLater } from './spread.ts'
import { endSync, takeSync, takeSyncAnswer } from './syncing.ts'
import { HEARTBEAT_TIMER, heartbeat, start } from './upkeep.ts'

export type { GossipStateOptions } from './core.ts'

/** What can be counted from outside. Every one of them is bounded. */
export interface GossipStats {
  readonly peers: number
  readonly topics: number
  readonly items: number
  readonly itemBytes: number
  readonly seen: number
  readonly checking: number
  readonly wants: number
  readonly syncs: number
  readonly retainedScores: number
  /** Refused or dropped since the start, by reason. */
  readonly counters: Readonly<Record<string, number>>
}

const NOTHING: readonly GossipEffect[] = Object.freeze([])

/** PROTOCOL.md as a pure machine: input and time in, effects out; no socket, no clock, no chance of its own. */
export class GossipState implements IStateMachine<GossipInput, GossipEffect> {
  readonly #core: Core
  #heartbeatAtMs = 0
  #publishedTo = 0

  constructor(options: GossipStateOptions) {
    this.#core = new Core(options)
  }

  handle(input: GossipInput, nowMs: number): readonly GossipEffect[] {
    const core = this.#core
    core.nowMs = nowMs
    this.#take(input)
    if (core.out.length === 0) return NOTHING
    const { out } = core
    core.out = []
    return out
  }

  /** How many the last `publish` was handed to. */
  get publishedTo(): number {
    return this.#publishedTo
  }

  get stats(): GossipStats {
    const { peers, topics, cache, seen, checking, wants, syncs, retained, counters } = this.#core
    return {
      peers: peers.size, topics: topics.size, items: cache.size, itemBytes: cache.bytes, seen: seen.size, checking,
      wants: wants.size, syncs: syncs.size, retainedScores: retained.size, counters: { ...counters },
    }
  }

  meshOf(topic: string): PeerId[] {
    return Array.from(this.#core.topics.get(topic)?.mesh.keys() ?? [], peer => peer.id)
  }

  /** Peers that subscribe to it. */
  membersOf(topic: string): PeerId[] {
    const known = this.#core.topics.get(topic)?.members
    if (known !== undefined) return Array.from(known, peer => peer.id)
    return [...this.#core.peers.values()].filter(peer => peer.topics.has(topic)).map(peer => peer.id)
  }

  /** Whether a connected peer subscribes to such a topic. */
  isHeardBySome(fits: (topic: string) => boolean): boolean {
    for (const peer of this.#core.peers.values()) for (const topic of peer.topics) if (fits(topic)) return true
    return false
  }

  /** Whether this author has said something in this slot that is still remembered. */
  hasSaidIn(topic: string, author: PeerId, slot: string): boolean {
    const { statements } = this.#core
    return statements.first(statements.nameOf(topic, author, { slot, messageId: '' })) !== undefined
  }

  /** False for what somebody handed in who has been graylisted since. */
  isWorthChecking({ from }: Entry): boolean {
    return from === undefined || from.direct || from.value > THRESHOLDS.graylist
  }

  scoreOf(peerId: PeerId): number {
    return this.#core.scoreOf(peerId)
  }

  #take(input: GossipInput): void {
    const core = this.#core
    switch (input.kind) {
      case 'start': return start(core)
      case 'joined': return takeJoined(core, input.facts)
      case 'sync-answer': return takeSyncAnswer(core, input.ref, input.ids, input.next)
      case 'sync-failed': return endSync(core, input.ref)
      case 'verified': return takeVerified(core, input.entry, input.message, input.wallMs)
      case 'unverified': return takeUnverified(core, input.entry, input.code, input.fault)
      case 'verdict': return takeVerdict(core, input.entry, input.verdict)
      case 'publish':
        this.#publishedTo = publish(core, input.topic, input.frame, input.message)
        return
      case 'join': return takeJoin(core, input.topic)
      case 'leave': return takeLeave(core, input.topic)
      case 'timer': return this.#takeTimer(input.timer, input.wallMs)
      default: return this.#takeWord(input)
    }
  }

  /** What a peer says. Step 1: from a graylisted one, nothing. */
  #takeWord(input: Extract<GossipInput, { from: PeerId }>): void {
    const core = this.#core
    const peer = core.peers.get(input.from)
    if (peer === undefined) return core.count('unknown-peer')
    if (input.kind === 'left') return takeLeft(core, peer)
    if (peer.value <= THRESHOLDS.graylist && !peer.direct) {
      core.count('graylist-dropped')
      if (input.kind === 'sync') core.out.push({ kind: 'answer', reply: { ids: new Uint8Array(0), next: null } })
      return
    }
    this.#heed(input, peer)
  }

  #heed(input: Exclude<Extract<GossipInput, { from: PeerId }>, { kind: 'left' }>, peer: Peer): void {
    const core = this.#core
    switch (input.kind) {
      case 'item': return takeItem(core, peer, input.item)
      case 'have': return takeHave(core, peer, input.list)
      case 'want': return takeWant(core, peer, input.ids)
      case 'dont-want': return takeDontWant(core, peer, input.ids)
      case 'graft': return takeGraft(core, peer, input.topic)
      case 'prune': return takePrune(core, peer, input.topic, input.backoffMs)
      case 'subscribe': return takeSubscribe(core, peer, input.topics)
      case 'unsubscribe': return takeUnsubscribe(core, peer, input.topics)
      case 'sync': return takeSync(core, peer, input.topic, input.question)
    }
  }

  #takeTimer(timer: string, wallMs: number): void {
    const core = this.#core
    if (timer === LATER_TIMER) pushLater(core)
    else if (timer === PULL_TIMER) pullAgain(core)
    else if (timer === ANNOUNCE_TIMER) flushAnnouncements(core, core.nowMs - this.#heartbeatAtMs)
    else if (timer === HEARTBEAT_TIMER) {
      this.#heartbeatAtMs = core.nowMs
      heartbeat(core, wallMs)
    }
  }
}
