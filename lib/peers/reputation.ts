import type { IClock } from '../contracts/clock.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import type { ILogger } from '../contracts/logger.ts'
import type { PeerId } from '../contracts/message.ts'
import type { Ban, BanOptions, IReputation, RankedPeer, ReputationStats, Standing } from '../contracts/reputation.ts'
import type { IStore } from '../contracts/store.ts'
import { systemClock } from '../foundation/clock.ts'
import { textOf } from '../foundation/error-text.ts'
import { DEFAULT_LIMITS } from '../foundation/limits.ts'
import { named, silentLogger } from '../foundation/logger.ts'
import { MemoryStore } from '../foundation/memory-store.ts'
import { checkEquivocation } from '../wire/equivocation.ts'
import { BanList } from './bans.ts'
import { BEHAVIORS, chargeFor, CUT_CHARGE } from './reputation-behaviors.ts'
import { innerPoints, publicScore, SCORE_MIN } from './reputation-score.ts'
import { ScoreBook } from './reputation-book.ts'

export interface ReputationOptions {
  clock?: IClock
  /** Scores and bans are kept here; in memory by default. */
  store?: IStore
  limits?: Pick<Limits, 'reputationPeersMax' | 'bansMax' | 'discourageMs'>
  logger?: ILogger
  /** Points of the public score for behaviours of your own, or other points for ours. */
  behaviors?: Readonly<Record<string, number>>
  /** On a test network of one's own nobody is slowed or refused for what the house itself charges. */
  isPrivate?: () => boolean
  /** The key behind a name. */
  resolve?: (peerId: PeerId) => PeerId | undefined
  /** Somebody's standing has changed by what was just recorded. */
  onStanding?: (peerId: PeerId, standing: Standing) => void
  /** The store did not take or give something; nobody waits for it. */
  onFailure?: (error: P2PError) => void
}

/** Steps of the score, -100 to 100: at 40, 30 and 20 of the public figure. */
const THROTTLED_BELOW = -20
const GRAYLISTED_BELOW = -40
const DISCOURAGED_BELOW = -60
/** Behaviours that applications may name, so that counting them is bounded. */
const BEHAVIORS_MAX = 256

/**
 * What this node thinks of others, for itself alone. Stands by itself, too: `new Reputation()` needs no node.
 */
export class Reputation implements IReputation {
  readonly #options: ReputationOptions
  readonly #clock: IClock
  readonly #discourageMs: number
  readonly #logger: ILogger
  readonly #points: Readonly<Record<string, number>>
  readonly #scores: ScoreBook
  readonly #bans: BanList
  readonly #counts: Record<string, number> = {}
  #refused = 0
  #loaded: Promise<void> | undefined

  /** Throws RangeError for behaviours that are not finite points. */
  constructor(options: ReputationOptions = {}) {
    const { clock = systemClock, store = new MemoryStore(), limits = DEFAULT_LIMITS, logger = silentLogger } = options
    const onFailure = (error: unknown): void => this.#failed(error)
    this.#options = options
    this.#clock = clock
    this.#discourageMs = limits.discourageMs
    this.#logger = named(logger, 'Reputation')
    this.#points = checkedBehaviors({ ...BEHAVIORS, ...options.behaviors })
    this.#scores = new ScoreBook({ clock, store, peersMax: limits.reputationPeersMax, onFailure })
    this.#bans = new BanList({ clock, store, bansMax: limits.bansMax, discourageMs: limits.discourageMs, onFailure })
  }

  /** Reads what the store has, once. A store that fails once may work the next time. */
  load(): Promise<void> {
    return (this.#loaded ??= this.#load().catch((error: unknown) => {
      this.#loaded = undefined
      throw error
    }))
  }

  /** Writes what is not written yet, and stops its timer. */
  async close(): Promise<void> {
    await Promise.all([this.#scores.close(), this.#bans.flush()])
  }

  getScore(peerId: PeerId): number {
    return publicScore(this.#scores.at(this.#keyOf(peerId)))
  }

  recordBehavior(peerId: PeerId, behavior: string): number {
    if (typeof peerId !== 'string' || peerId === '') throw new TypeError(`expected a peer's id or name, got ${JSON.stringify(peerId)}`)
    const points = Object.hasOwn(this.#points, behavior) ? this.#points[behavior] : undefined
    if (points === undefined) throw new RangeError(`no behaviour is called ${JSON.stringify(behavior)}; there are ${Object.keys(this.#points).join(', ')}, and \`behaviors\` may add some`)
    const key = this.#keyOf(peerId)
    const before = this.getScore(key)
    this.#add(key, behavior, points, SCORE_MIN)
    const after = this.getScore(key)
    this.#logger.info(`${peerId} | ${behavior} (${points > 0 ? '+' : ''}${points}) | Score: ${Math.round(before)} → ${Math.round(after)}`)
    return after
  }

  getTopPeers(count: number): RankedPeer[] {
    return this.#scores.best(count).map(([peerId, score]) => ({ peerId, score: publicScore(score) }))
  }

  shouldBan(peerId: PeerId): boolean {
    const key = this.#keyOf(peerId)
    return this.#bans.get(key) !== undefined || this.#scores.at(key) < DISCOURAGED_BELOW
  }

  standingOf(peerId: PeerId): Standing {
    const key = this.#keyOf(peerId)
    const ban = this.#bans.get(key)
    if (ban !== undefined) return ban.standing
    const score = this.#scores.at(key)
    if (score < DISCOURAGED_BELOW) return 'discouraged'
    return score < GRAYLISTED_BELOW ? 'graylisted' : score < THROTTLED_BELOW ? 'throttled' : 'good'
  }

  banOf(peerId: PeerId): Ban | undefined {
    return this.#bans.get(this.#keyOf(peerId))
  }

  bans(): Ban[] {
    return this.#bans.list()
  }

  ban(peerId: PeerId, options: BanOptions): void {
    const key = this.#keyOf(peerId)
    if ('proof' in options) {
      const shown = checkEquivocation(options.proof)
      if (shown?.author !== key) throw new RangeError(`the proof shows ${shown === undefined ? 'nothing' : `what ${shown.author} did`}, not that ${key} said two things in one slot; a ban without end needs one that does`)
      return this.banProven(key, shown.proof)
    }
    const { forMs } = options
    if (!Number.isFinite(forMs) || forMs <= 0) throw new RangeError(`forMs must be a number above 0 that ends, got ${String(forMs)}; only a proof bans for good`)
    this.#refuse({ peerId: key, standing: 'banned', untilMs: this.#clock.now() + forMs, code: ErrorCode.PEER_BANNED })
  }

  forgive(peerId: PeerId): void {
    const key = this.#keyOf(peerId)
    this.#bans.lift(key)
    this.#scores.delete(key)
    this.#options.onStanding?.(key, 'good')
  }

  getStats(): ReputationStats {
    const stats = { throttled: 0, graylisted: 0, discouraged: 0, banned: 0 }
    const bans = this.#bans.list()
    const refused = new Set(bans.map(({ peerId }) => peerId))
    for (const { standing } of bans) stats[standing]++
    for (const peerId of this.#scores.peers()) {
      if (refused.has(peerId)) continue
      const standing = this.standingOf(peerId)
      if (standing !== 'good') stats[standing]++
    }
    return { peers: this.#scores.size, ...stats, refused: this.#refused, behaviors: { ...this.#counts } }
  }

  /** Forgets scores that say nothing any more. */
  sweep(): void {
    this.#scores.sweep()
  }

  // For those inside the house: by key, never by name.

  /** Why this key is refused, as an error to report; undefined for one that is not. */
  refusalOf(key: PeerId, what: string): P2PError | undefined {
    const ban = this.#bans.get(key)
    if (ban === undefined) return undefined
    this.#refused++
    return refusalFor(ban, what)
  }

  /** The same question without its error: for what comes by the thousand. */
  refuses(key: PeerId): boolean {
    if (this.#bans.get(key) === undefined) return false
    this.#refused++
    return true
  }

  /** True while anybody is refused. */
  get refusesAny(): boolean {
    return this.#bans.size > 0
  }

  /** A fault that the house or a plugin has seen. */
  charge(key: PeerId, code: ErrorCode): void {
    this.#add(key, code, chargeFor(code), this.#houseFloor, code)
  }

  /** A link that had to be cut for a fault of its peer's. */
  chargeCut(key: PeerId, code: ErrorCode): void {
    this.#add(key, `cut for ${code}`, CUT_CHARGE, this.#houseFloor, code)
  }

  /** For a proof that was checked by whoever calls. */
  banProven(key: PeerId, proof: Uint8Array): void {
    this.#refuse({ peerId: key, standing: 'banned', untilMs: Infinity, code: ErrorCode.PEER_EQUIVOCATION, proof })
  }

  get #houseFloor(): number {
    return this.#options.isPrivate?.() ? THROTTLED_BELOW : SCORE_MIN
  }

  #add(key: PeerId, what: string, points: number, floor: number, code: ErrorCode = ErrorCode.PEER_DISCOURAGED): void {
    const before = this.standingOf(key)
    this.#scores.add(key, innerPoints(points), floor)
    if (Object.hasOwn(this.#counts, what) || Object.keys(this.#counts).length < BEHAVIORS_MAX) this.#counts[what] = (this.#counts[what] ?? 0) + 1
    const after = this.standingOf(key)
    if (after === before) return
    if (after === 'discouraged') this.#refuse({ peerId: key, standing: after, untilMs: this.#clock.now() + this.#discourageMs, code })
    else this.#options.onStanding?.(key, after)
  }

  #refuse(ban: Ban): void {
    this.#bans.add(ban)
    this.#logger.info(`${ban.peerId} is ${ban.standing} ${ban.untilMs === Infinity ? 'for good' : `until ${new Date(ban.untilMs).toISOString()}`} for ${ban.code}`)
    this.#options.onStanding?.(ban.peerId, ban.standing)
  }

  #keyOf(peerId: PeerId): PeerId {
    return this.#options.resolve?.(peerId) ?? peerId
  }

  async #load(): Promise<void> {
    await this.#scores.load()
    await this.#bans.load(({ peerId, proof }) => proof !== undefined && checkEquivocation(proof)?.author === peerId)
  }

  #failed(error: unknown): void {
    this.#options.onFailure?.(new P2PError(ErrorCode.PEER_RECORD_LOST, `the store did not keep or give what is known of a peer: ${textOf(error)}; it holds until this process ends`, { cause: error }))
  }
}

function refusalFor({ peerId, standing, untilMs, code }: Ban, what: string): P2PError {
  const until = untilMs === Infinity ? 'for good' : `until ${new Date(untilMs).toISOString()}`
  const isDiscouraged = standing === 'discouraged'
  return new P2PError(
    isDiscouraged ? ErrorCode.PEER_DISCOURAGED : ErrorCode.PEER_BANNED,
    `${what} ${peerId}, which is ${standing} ${until} (${code}); reputation.forgive(id) lets it in again`,
    { peerId },
  )
}

function checkedBehaviors(behaviors: Record<string, number>): Record<string, number> {
  const wrong = Object.entries(behaviors).find(([, points]) => !Number.isFinite(points) || Math.abs(points) > 50)
  if (wrong) throw new RangeError(`behaviors.${wrong[0]} must be points from -50 to 50 of the public score, got ${String(wrong[1])}`)
  return behaviors
}
