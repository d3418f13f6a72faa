import type { PeerId } from '../../contracts/message.ts'
import type { IStateMachine } from '../../contracts/state-machine.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import type { ExchangeEffect, ExchangeInput } from './events.ts'
import { BOOTSTRAP_TIMER, Dials } from './dials.ts'
import {
  CHECKS_MAX, EARLY_ASKS_MAX, LIST_EVERY_MS, NEWS_PER_ROUND_MAX, PEERS_MAX, RECORD_AGE_MS_MAX, RECORD_LEAD_MS_MAX, RECORDS_PER_NEWS, ROUND_MS, STANDING,
} from './limits.ts'
import { Standings, type Peer } from './peer.ts'
import { claimedOwner } from './record.ts'
import { RecordBook } from './record-book.ts'

export interface ExchangeStateOptions {
  ownId: PeerId
  /** Links this node makes itself. */
  outboundTarget: number
  hasBootstrap: boolean
  /** Numbers in [0, 1). */
  random(): number
  /** What else is known of a peer; below 0 it is left alone. */
  scoreOf(peerId: PeerId): number
  /** Some of the node's address book. */
  sample(): readonly PeerId[]
}

/** What can be counted from outside. Every one of them is bounded. */
export interface ExchangeStats {
  readonly peers: number
  /** Links this node made. */
  readonly outbound: number
  readonly dialling: number
  /** Records handed on. */
  readonly book: number
  /** Records heard of, to be dialled. */
  readonly hearsay: number
  readonly checking: number
  readonly backoffs: number
  readonly standings: number
  /** Refused or dropped since the start, by reason. */
  readonly counters: Readonly<Record<string, number>>
}

export const ROUND_TIMER = 'round'
const ROUND_JITTER = 0.1
/** Of the peers that are due, so many are asked in a round that all are within ten minutes. */
const ROUNDS_PER_LIST = LIST_EVERY_MS / ROUND_MS

/** PROTOCOL.md as a pure machine: input and time in, effects out; no socket, no clock, no chance of its own. */
export class ExchangeState implements IStateMachine<ExchangeInput, ExchangeEffect> {
  readonly #options: ExchangeStateOptions
  readonly #peers = new Map<PeerId, Peer>()
  readonly #standings: Standings
  readonly #book: RecordBook
  readonly #dials: Dials
  readonly #counters: Record<string, number> = {}
  #own: Uint8Array | null = null
  /** Who has yet to hear that our own record says something new. */
  readonly #ownToTell = new Set<PeerId>()
  #checking = 0
  #nowMs = 0
  #out: ExchangeEffect[] = []

  constructor(options: ExchangeStateOptions) {
    this.#options = options
    this.#standings = new Standings({ elapsedMs: () => this.#nowMs })
    this.#book = new RecordBook(options.random)
    this.#dials = new Dials({
      ...options,
      links: this.#peers,
      mayHeed: id => this.#mayHeed(id),
      judge: (source, by) => this.#judge(source, by),
    }, options.outboundTarget)
  }

  handle(input: ExchangeInput, nowMs: number): readonly ExchangeEffect[] {
    this.#nowMs = this.#dials.nowMs = nowMs
    this.#take(input)
    this.#out.push(...this.#dials.fill())
    const out = this.#out
    this.#out = []
    return out
  }

  get stats(): ExchangeStats {
    const outbound = [...this.#peers.values()].filter(peer => peer.outbound).length
    return {
      peers: this.#peers.size, outbound, dialling: this.#dials.underWay, book: this.#book.size, hearsay: this.#dials.hearsay.size,
      checking: this.#checking, backoffs: this.#dials.backoffs.size, standings: this.#standings.size, counters: { ...this.#counters },
    }
  }

  #take(input: ExchangeInput): void {
    switch (input.kind) {
      case 'start': return this.#start()
      case 'joined': return this.#takeJoined(input)
      case 'left': return this.#takeLeft(input.from)
      case 'own': return this.#takeOwn(input.record, input.isNew)
      case 'asked': return this.#takeAsked(input.from, input.own)
      case 'list': return this.#takeRecords(input.from, input.records)
      case 'news': return this.#takeNews(input.from, input.records)
      case 'checked': return this.#takeChecked(input)
      case 'unchecked': return this.#takeUnchecked(input)
      case 'taken': return this.#takeTaken(input.owner)
      case 'dialled': return this.#takeDialled(input.to, input.outcome)
      case 'reached': return this.#takeReached(input.from)
      case 'target':
        this.#dials.outboundTarget = input.count
        return
      case 'timer': return this.#takeTimer(input.timer)
    }
  }

  #takeTimer(timer: string): void {
    if (timer === ROUND_TIMER) this.#round()
    else if (timer === BOOTSTRAP_TIMER) this.#out.push(...this.#dials.bootstrap())
  }

  #start(): void {
    this.#planRound()
    this.#out.push(...this.#dials.planBootstrap())
  }

  // Peers.

  #takeJoined({ from, speaks, outbound, group }: Extract<ExchangeInput, { kind: 'joined' }>): void {
    if (this.#peers.size >= PEERS_MAX) return this.#count('too-many-peers')
    const known = this.#peers.get(from)
    const peer: Peer = known ?? {
      id: from, linkedAtMs: this.#nowMs, speaks, outbound, group, askedAtMs: Number.NEGATIVE_INFINITY, servedAtMs: Number.NEGATIVE_INFINITY, earlyAsks: 0, newsThisRound: 0, toldUpTo: this.#book.sequence,
    }
    this.#peers.set(from, peer)
    this.#book.linked(from)
    const rumour = this.#dials.hearsay.get(from)
    if (rumour?.isTaken) this.#book.put(from, rumour.record, rumour.statedAtMs, this.#nowMs)
    this.#dials.linked(from)
    // It may have learned to speak since.
    const greets = speaks && (known === undefined || !known.speaks)
    peer.speaks = speaks
    if (greets) this.#ask(peer)
  }

  #takeLeft(id: PeerId): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    this.#peers.delete(id)
    this.#ownToTell.delete(id)
    this.#book.left(id, this.#nowMs - peer.linkedAtMs)
    this.#out.push(...this.#dials.planBootstrap())
  }

  /** Two may have dialled each other: whichever link stayed, this one we have found ourselves. */
  #takeReached(id: PeerId): void {
    const peer = this.#peers.get(id)
    if (peer) peer.outbound = true
  }

  #takeDialled(to: PeerId, outcome: Extract<ExchangeInput, { kind: 'dialled' }>['outcome']): void {
    if (outcome === 'linked') this.#takeReached(to)
    else if (outcome === 'unusable') this.#count('unusable')
    this.#dials.ended(to, outcome)
  }

  #takeTaken(owner: PeerId): void {
    const rumour = this.#dials.hearsay.get(owner)
    if (rumour) rumour.isTaken = true
  }

  #takeOwn(record: Uint8Array | null, isNew: boolean): void {
    this.#own = record
    if (isNew && record !== null) for (const peer of this.#peers.values()) if (peer.speaks) this.#ownToTell.add(peer.id)
  }

  // Asking and telling.

  #ask(peer: Peer): void {
    if (!this.#mayHeed(peer.id)) return
    peer.askedAtMs = this.#nowMs
    // The question carries it.
    this.#ownToTell.delete(peer.id)
    this.#out.push({ kind: 'ask', to: peer.id })
  }

  #takeAsked(from: PeerId, own: Uint8Array | null): void {
    const peer = this.#peers.get(from)
    const records = peer === undefined ? [] : this.#listFor(peer)
    if (own !== null) this.#takeRecords(from, [own])
    this.#out.push({ kind: 'answer', records })
  }

  #listFor(peer: Peer): Uint8Array[] {
    if (!this.#mayHeed(peer.id)) return this.#nothing('asked-by-misbehaving')
    if (this.#nowMs - peer.servedAtMs < LIST_EVERY_MS || !this.#standings.takeList(peer.id)) {
      if (++peer.earlyAsks === EARLY_ASKS_MAX) this.#breach(peer, 'asks for lists again and again')
      return this.#nothing('asked-too-early')
    }
    peer.earlyAsks = 0
    peer.toldUpTo = this.#book.sequence
    peer.servedAtMs = this.#nowMs
    return this.#book.list(peer.id, this.#nowMs)
  }

  #nothing(reason: string): Uint8Array[] {
    this.#count(reason)
    return []
  }

  #takeNews(from: PeerId, records: readonly Uint8Array[]): void {
    const peer = this.#peers.get(from)
    if (peer === undefined) return this.#count('unknown-peer')
    peer.newsThisRound++
    if (peer.newsThisRound <= NEWS_PER_ROUND_MAX) return this.#takeRecords(from, records)
    this.#count('news-too-often')
    if (peer.newsThisRound === 2 * NEWS_PER_ROUND_MAX + 1) this.#breach(peer, 'tells more news than a round allows')
  }

  /** Cheap refusals first: nothing before `check` costs a signature. */
  #takeRecords(from: PeerId, records: readonly Uint8Array[]): void {
    for (const record of records) {
      const owner = claimedOwner(record)
      if (!this.#mayHeed(from)) this.#count('told-by-misbehaving')
      else if (owner === undefined) this.#invalid(from)
      else if (owner === this.#options.ownId) this.#count('own-record')
      else if (this.#book.holds(owner, record, equalBytes)) this.#count('known')
      else if (this.#checking >= CHECKS_MAX) this.#count('too-much-to-check')
      else if (!this.#standings.take(from)) this.#count('over-intake')
      else {
        this.#checking++
        this.#out.push({ kind: 'check', from, owner, record })
      }
    }
  }

  #takeChecked({ from, owner, record, statedAtMs, wallMs, usable, group }: Extract<ExchangeInput, { kind: 'checked' }>): void {
    this.#checking--
    // It may have fallen while this waited.
    if (!this.#mayHeed(from)) return this.#count('told-by-misbehaving')
    if (wallMs - statedAtMs > RECORD_AGE_MS_MAX || statedAtMs - wallMs > RECORD_LEAD_MS_MAX) return this.#count('stale')
    // Of those that we have met, the newest word is kept for others, whoever brought it.
    if (this.#peers.has(owner)) {
      if (usable) this.#book.put(owner, record, statedAtMs, this.#nowMs)
      else this.#count('unusable')
    } else if (this.#dials.hearsay.has(owner)) this.#count('known')
    else if (!this.#dials.hearsay.add({ peerId: owner, record, statedAtMs, source: from, heardAtMs: this.#nowMs, group, isTaken: false })) this.#count('hearsay-full')
    else this.#out.push({ kind: 'emit', event: { kind: 'found', peerId: owner, through: from } })
  }

  #takeUnchecked({ from, isFault }: Extract<ExchangeInput, { kind: 'unchecked' }>): void {
    this.#checking--
    if (isFault) this.#invalid(from)
    else this.#count('unchecked')
  }

  // Judging.

  #mayHeed(id: PeerId): boolean {
    return this.#standings.valueOf(id) >= 0 && this.#options.scoreOf(id) >= 0
  }

  /** A record that its owner did not sign: whoever hands it over had to check it. */
  #invalid(from: PeerId): void {
    this.#count('invalid')
    this.#judge(from, STANDING.invalid)
    this.#out.push({ kind: 'blame', peerId: from, code: 'ERR_EXCHANGE_INVALID_RECORD' })
  }

  #breach(peer: Peer, what: string): void {
    this.#count('breach')
    this.#out.push({ kind: 'breach', from: peer.id, code: 'ERR_EXCHANGE_BREACH', what })
  }

  #judge(source: PeerId, by: number): void {
    if (this.#standings.change(source, by) >= 0) return
    this.#dials.hearsay.forgetSource(source)
    this.#book.delete(source)
  }

  // Every 30 s.

  #planRound(): void {
    const delayMs = Math.round(ROUND_MS * (1 + ROUND_JITTER * (2 * this.#options.random() - 1)))
    this.#out.push({ kind: 'schedule', timer: ROUND_TIMER, delayMs })
  }

  #round(): void {
    this.#planRound()
    this.#out.push({ kind: 'refresh' })
    this.#book.expire(this.#nowMs)
    this.#dials.expire()
    this.#standings.expire(id => this.#peers.has(id))
    for (const peer of this.#peers.values()) peer.newsThisRound = 0
    const heeded = [...this.#peers.values()].filter(peer => peer.speaks && this.#mayHeed(peer.id))
    for (const peer of this.#dueOf(heeded)) this.#ask(peer)
    for (const peer of heeded) this.#tell(peer)
  }

  /** Nobody is asked twice in ten minutes; of those that are due, some each round, those asked longest ago first. */
  #dueOf(peers: readonly Peer[]): Peer[] {
    const due = peers.filter(peer => this.#nowMs - peer.askedAtMs >= LIST_EVERY_MS).sort((a, b) => a.askedAtMs - b.askedAtMs)
    return due.slice(0, Math.max(1, Math.ceil(peers.length / ROUNDS_PER_LIST)))
  }

  /** Whom we have met since, three at a time; and where we are ourselves, if that has changed. */
  #tell(peer: Peer): void {
    const ownIsNews = this.#ownToTell.delete(peer.id) && this.#own !== null
    const { records, upTo } = this.#book.newsFor(peer.id, peer.toldUpTo, ownIsNews ? RECORDS_PER_NEWS - 1 : RECORDS_PER_NEWS)
    peer.toldUpTo = upTo
    if (ownIsNews) records.push(this.#own!)
    if (records.length > 0) this.#out.push({ kind: 'send', to: peer.id, type: 'news', payload: { records } })
  }

  #count(reason: string): void {
    this.#counters[reason] = (this.#counters[reason] ?? 0) + 1
  }
}
