import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { PeerInfo } from '../../contracts/peer.ts'
import type { ProtocolContext, Receivers, Responders } from '../../contracts/protocol.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import { ProtocolHandler } from '../../protocol-kit/protocol-handler.ts'
import { EffectTimers } from '../../protocol-kit/run-effects.ts'
import { encodeCause } from './causes.ts'
import { coinjoinProtocol, type CoinJoinProtocol } from './definition.ts'
import { readElements } from './field.ts'
import { Inbox } from './inbox.ts'
import { ANSWERS_MAX, FRAMES_MAX } from './limits.ts'
import { MemberEffects, type MemberWork } from './member-effects.ts'
import { Neighbours } from './neighbours.ts'
import type { Pr } from './pr.ts'
import type { PrPool } from './pr-pool.ts'
import { RosterTalk } from './roster-talk.ts'
import type { Session } from './session.ts'
import type { Cause, SessionInput } from './session-types.ts'
import { hexBytes, PHASES, type Word } from './words.ts'

export interface MemberOptions extends MemberWork {
  readonly crypto: ICryptoBackend
  readonly pool: PrPool
}

/** Words kept of runs that we are not in, or not yet: seven phases' words of fifty peers, and some. */
const WAITING_MAX = 512

/** One round's own identity at work: its links, its members, and the session's wishes carried out. */
export class Member extends ProtocolHandler<CoinJoinProtocol> {
  readonly #options: MemberOptions
  readonly #timers = new EffectTimers()
  readonly #neighbours: Neighbours
  readonly #inbox: Inbox
  readonly #effects: MemberEffects
  readonly #talk: RosterTalk
  readonly #answered = new Map<PeerId, number>()
  /** Words that came before there was a session for them. */
  readonly #waiting = new Map<string, Word>()
  #session: Session | undefined
  #roster: readonly Pr[] = []

  protected readonly receive: Receivers<CoinJoinProtocol> = {
    // PRs travel between nodes, not between a round's members.
    prs: () => {},
    words: ({ frames }, from) => this.#inbox.take(frames, from.peerId),
    roots: ({ run, roots }, from) => this.#takeRoots(toHex(run), roots, from.peerId),
  }
  protected override readonly answer: Responders<CoinJoinProtocol> = {
    'known-prs': () => ({ frames: [] }),
    missing: ({ run, phase, indices }, from) => ({ frames: this.#countsFor(from) ? this.#heard(toHex(run), phase, indices) : [] }),
    about: ({ run }, from) => this.#about(toHex(run), from),
    'these-prs': ({ ids }, from) => ({ frames: this.#countsFor(from) ? this.#prFrames(ids) : [] }),
    cause: ({ id }, from) => ({ cause: this.#countsFor(from) ? this.#cause(toHex(id)) : new Uint8Array(0) }),
  }

  constructor(options: MemberOptions) {
    super(coinjoinProtocol)
    this.#options = options
    this.#neighbours = new Neighbours(() => this.context)
    this.#inbox = new Inbox({
      context: () => this.context, crypto: options.crypto, isKnown: author => options.pool.byAuthor(author) !== undefined,
      onWord: (word, from) => this.#takeWord(word, from), onVote: vote => this.#step({ kind: 'vote', vote }), onLeave: leave => this.#step({ kind: 'leave', leave }),
    })
    this.#effects = new MemberEffects({
      context: () => this.context, work: options, neighbours: this.#neighbours, timers: this.#timers,
      members: () => this.#roster.map(({ author }) => author), session: () => this.#session,
      step: input => this.#step(input), take: (frames, from) => this.#inbox.take(frames, from), learn: (from, run) => this.#talk.learn(from, run),
    })
    this.#talk = new RosterTalk({
      context: () => this.context, crypto: options.crypto, params: options.params, paramsHash: options.paramsHash, epoch: options.epoch, chain: options.chain, pool: options.pool,
      verify: frame => this.context.verify(frame), run: work => this.#effects.compute(work),
      session: () => this.#session, roster: () => this.#roster,
      step: input => this.#step(input), retry: () => this.#inbox.retry(), begin: roster => this.begin(roster), fail: why => this.#options.onEnd({ kind: 'failed', code: 'minority', why }),
    })
  }

  get id(): PeerId {
    return this.context.localPeer.peerId
  }

  get session(): Session | undefined {
    return this.#session
  }

  /** For tests and the house: the context of this identity. */
  get room(): ProtocolContext {
    return this.context
  }

  /** Links to those whose PRs are here, before the roster is fixed: so that words can leave at once. */
  meet(prs: readonly Pr[]): void {
    for (const pr of prs) if (pr.author !== this.id) void this.#neighbours.meet(pr.author, pr.record)
  }

  /** The roster is fixed, as far as we know: the first run begins. */
  begin(roster: readonly Pr[]): void {
    this.#effects.run(this.#session?.dissolve() ?? [])
    this.#roster = roster
    this.meet(roster)
    this.#session = this.#effects.open(roster, this.id)
    this.#talk.opened()
    this.#step({ kind: 'start' })
    for (const word of [...this.#waiting.values()]) this.#takeWord(word, word.author)
  }

  /** Takes no further part, and tells the others. */
  abandon(why: string): void {
    this.#step({ kind: 'abandon', why })
  }

  override async onUnregister(): Promise<void> {
    this.#timers[Symbol.dispose]()
    this.#neighbours.close()
    await this.#effects.settled()
    await super.onUnregister()
  }

  async onPeerConnected(peer: PeerInfo): Promise<void> {
    this.#neighbours.onConnected(peer.peerId)
  }

  #step(input: SessionInput): void {
    if (this.#session === undefined) return
    this.#effects.run(this.#session.handle(input, this.context.clock.elapsedMs()))
  }

  /** Words of runs we do not know are kept, and their authors asked how those came about. */
  #takeWord(word: Word, from: PeerId): void {
    const session = this.#session
    // A session that gives way to another takes what it has heard with it.
    if (session?.runOf(word.run) === undefined && this.#waiting.size < WAITING_MAX) this.#waiting.set(`${word.author}/${word.hash}`, word)
    if (session !== undefined && this.#roster.some(({ author }) => author === word.author)) return this.#step({ kind: 'word', word, from })
    if (session !== undefined) void this.#talk.learn(word.author, word.run)
  }

  #takeRoots(run: string, bytes: Uint8Array, from: PeerId): void {
    const roots = readElements(bytes)
    if (roots === null) throw new P2PError('ERR_COINJOIN_BAD_FRAME', `expected output keys below p from ${from}`, { peerId: from, protocol: 'coinjoin' })
    if (this.#roster.some(({ author }) => author === from)) this.#step({ kind: 'hint', run, from, roots })
  }

  // Answers: bounded for each member, and only what is signed by others or public anyway.

  #countsFor(from: PeerInfo): boolean {
    const count = (this.#answered.get(from.peerId) ?? 0) + 1
    this.#answered.set(from.peerId, count)
    return this.#options.pool.byAuthor(from.peerId) !== undefined && count <= ANSWERS_MAX
  }

  #heard(run: string, phase: number, indices: Uint8Array): Uint8Array[] {
    const known = this.#session?.runOf(run)
    return [...indices].flatMap(index => known?.heard(PHASES[phase]!, index)?.frame ?? []).slice(0, FRAMES_MAX)
  }

  #about(run: string, from: PeerInfo): { prs: Uint8Array; causes: Uint8Array[] } {
    if (!this.#countsFor(from) || this.#session?.runOf(run) === undefined) return { prs: new Uint8Array(0), causes: [] }
    return { prs: Uint8Array.from(this.#roster.flatMap(({ id }) => [...hexBytes(id)])), causes: this.#causes().map(({ id }) => fromHex(id)) }
  }

  #causes(): { id: string; bytes: Uint8Array }[] {
    return (this.#session?.causes ?? []).map(cause => {
      const bytes = this.#encoded(cause)
      return { id: toHex(this.#options.crypto.sha256(bytes)), bytes }
    })
  }

  readonly #encodings = new WeakMap<Cause, Uint8Array>()

  #encoded(cause: Cause): Uint8Array {
    let bytes = this.#encodings.get(cause)
    if (bytes === undefined) this.#encodings.set(cause, bytes = encodeCause(cause, this.#roster, this.#options.epoch))
    return bytes
  }

  #cause(id: string): Uint8Array {
    return this.#causes().find(cause => cause.id === id)?.bytes ?? new Uint8Array(0)
  }

  #prFrames(ids: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = []
    for (let at = 0; at + 32 <= ids.length && frames.length < FRAMES_MAX; at += 32) {
      const pr = this.#options.pool.get(toHex(ids.subarray(at, at + 32)))
      if (pr !== undefined) frames.push(pr.frame)
    }
    return frames
  }
}
