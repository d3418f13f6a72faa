import { P2PError, type ErrorCode } from '../../contracts/errors.ts'
import { TokenBucket } from '../../foundation/token-bucket.ts'
import { toHex } from '../../foundation/hex.ts'
import { onAbort } from './aborting.ts'
import { fraction } from './chance.ts'
import type { Core } from './core.ts'
import { FRAME_BYTES_MAX, LIFETIME_MS_MAX, OWN_MAX } from './limits.ts'
import { RECORD, type Statement, type Stored } from './record.ts'
import type { Placement, WriteOptions, Writer } from './writer.ts'

/** Nobody took it. The message says why and when to try again. */
export const REFUSED: ErrorCode = 'ERR_DHT_REFUSED'
/** The writer expected another value there. */
export const CHANGED: ErrorCode = 'ERR_DHT_CHANGED'

/** Something of ours that is kept alive until it ends. */
export interface Own {
  record: Stored
  /** How long it lives from each signing on: 24 hours at most. */
  lifetimeMs: number
  /** Signed anew until then; Infinity while it is to be renewed for ever. */
  untilMs: number
  /** At how many nodes its own key was found a place the last time. */
  copies: number
  timer: Disposable | undefined
  /** Changes of one thing happen one after the other. */
  turn: Promise<unknown>
}

/** What is to be said, before it has times and a number. */
export interface Draft {
  readonly type: string
  readonly id: string
  readonly sets: readonly string[]
  readonly data: unknown
  readonly lifetimeMs: number
  /** Renewed again and again when that is over. */
  readonly renew: boolean
  /** Only where this number, or nothing (0), is there now. */
  readonly cas?: number | undefined
}

const STORE_PREFIX = 'own/'
/** New contacts are told of what has too few copies after this long: they come in crowds. */
const SPREAD_AFTER_MS = 500
/** A republishing misses its time by at most this share, so that a network does not do it all at once. */
const JITTER = 0.1
/** At most so many republishings begin a second: who announces thousands does not publish them all at once. */
const REPUBLISH_PER_SECOND = 20
/** Refused for want of room or rate, a put is tried again so often. */
const TRIES_MAX = 5

/** What this node publishes: signs, places, keeps alive, changes and withdraws. Kept in the store, so that a restart takes it up again. */
export class OwnRecords {
  readonly #core: Core
  readonly #writer: Writer
  readonly #own = new Map<string, Own>()
  readonly #pace: TokenBucket
  #spreading: Disposable | undefined
  #isOver = false
  #lastSeq = 0
  /** Told of each change of ours, before anybody else can know of it. */
  onChange: (record: Stored) => void = () => {}

  constructor(core: Core, writer: Writer) {
    this.#core = core
    this.#writer = writer
    this.#pace = new TokenBucket(core.context.clock, REPUBLISH_PER_SECOND, REPUBLISH_PER_SECOND)
  }

  get count(): number {
    return this.#own.size
  }

  /** Live ones. */
  *live(): Iterable<Stored> {
    for (const { record } of this.#own.values()) if (!record.gone && record.expires > this.#core.nowMs) yield record
  }

  /** True for what is announced, or was withdrawn, here. */
  knows(entry: string): boolean {
    return this.#own.has(entry)
  }

  /** Takes up what was announced before a restart and has not ended. Unreadable entries are dropped. */
  async load(): Promise<void> {
    const { context, records, nowMs, ownId } = this.#core
    for await (const [key, frame] of context.store.entries(STORE_PREFIX, { limit: OWN_MAX })) {
      if (this.#isOver) return
      const record = await records.read(frame)
      if (typeof record === 'string' || record.publisher !== ownId || record.expires <= nowMs) {
        await context.store.delete(key)
        continue
      }
      this.#lastSeq = Math.max(this.#lastSeq, record.seq)
      const name = toHex(record.entry)
      if (this.#own.has(name)) continue
      const own: Own = { record, lifetimeMs: record.expires - nowMs, untilMs: record.expires, copies: 0, timer: undefined, turn: Promise.resolve() }
      this.#own.set(name, own)
      this.#scheduleRepublish(own, 0)
    }
  }

  /** The next number is above this one: somebody else has written there. */
  passed(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq)
  }

  /** Signs and places something, in the stead of what was under that name before. Rejects with ERR_DHT_REFUSED, ERR_DHT_CHANGED; RangeError for too much. */
  async publish(draft: Draft, options: WriteOptions = {}): Promise<Own> {
    const key = this.#keyOf(draft.type, draft.id)
    const present = this.#own.get(key)
    if (present === undefined && this.#own.size >= OWN_MAX) this.#dropEnded()
    if (present === undefined && this.#own.size >= OWN_MAX) throw new RangeError(`one node announces at most ${OWN_MAX} things at once; withdraw some, or let them end`)
    const { nowMs } = this.#core
    const created = present !== undefined && !present.record.gone ? present.record.created : nowMs
    const untilMs = nowMs + draft.lifetimeMs
    const lifetimeMs = Math.min(draft.lifetimeMs, LIFETIME_MS_MAX)
    const record = await this.#sign({ ...draft, created, expires: nowMs + lifetimeMs, gone: false }, present?.record.seq ?? 0, draft.cas)
    const own: Own = present ?? { record, lifetimeMs, untilMs, copies: 0, timer: undefined, turn: Promise.resolve() }
    await this.#inTurn(own, async () => {
      await this.#replace(own, key, record, { ...options, cas: draft.cas })
      own.lifetimeMs = lifetimeMs
      own.untilMs = draft.renew ? Number.POSITIVE_INFINITY : untilMs
      this.#scheduleRepublish(own)
    })
    return own
  }

  /** Other data under the same name, for as long as it still had. */
  async update(own: Own, data: unknown, options: WriteOptions = {}): Promise<void> {
    await this.#inTurn(own, async () => {
      this.#mustLive(own)
      const record = await this.#sign({ ...own.record, data }, own.record.seq)
      await this.#replace(own, toHex(record.entry), record, options)
    })
  }

  /** Gone for everybody: what is left says so until it would have ended. Twice does nothing. */
  async withdraw(own: Own, options: WriteOptions = {}): Promise<void> {
    await this.#inTurn(own, async () => {
      if (own.record.gone || own.record.expires <= this.#core.nowMs) return
      own.untilMs = own.record.expires
      const record = await this.#sign({ ...own.record, data: null, gone: true }, own.record.seq)
      await this.#replace(own, toHex(record.entry), record, options).catch((error: unknown) => {
        // Nobody left who could be told: it is gone here, and elsewhere when it ends.
        if (!(error instanceof P2PError) || error.code !== REFUSED) throw error
      })
    })
  }

  /** Somebody has come who may hold what has too few copies. */
  contactCame(): void {
    if (this.#spreading !== undefined || this.#isOver) return
    this.#spreading = this.#core.context.clock.schedule(SPREAD_AFTER_MS, () => {
      this.#spreading = undefined
      const { parameters: { k }, table } = this.#core
      for (const own of this.#own.values()) if (own.copies < Math.min(k, table.size + 1)) this.#scheduleRepublish(own, 0)
    })
  }

  cleanup(): void {
    this.#dropEnded()
  }

  close(): void {
    this.#isOver = true
    this.#spreading?.[Symbol.dispose]()
    for (const own of this.#own.values()) own.timer?.[Symbol.dispose]()
  }

  #keyOf(type: string, id: string): string {
    return toHex(this.#core.targets.entry(this.#core.ownId, type, id))
  }

  #mustLive(own: Own): void {
    if (!own.record.gone && own.record.expires > this.#core.nowMs) return
    throw new P2PError(REFUSED, `'${own.record.type}/${own.record.id}' has ${own.record.gone ? 'been withdrawn' : 'ended'}; announce it again`, { protocol: 'dht' })
  }

  /** Waits for what is under way with the same thing, however that ends. */
  #inTurn<T>(own: Own, run: () => Promise<T>): Promise<T> {
    const next = own.turn.then(run)
    own.turn = next.catch(() => {})
    return next
  }

  async #sign(statement: Omit<Statement, 'seq'>, seqBefore: number, cas?: number): Promise<Stored> {
    const { context, targets, ownId, nowMs } = this.#core
    const { type, id, sets, created, expires, data, gone } = statement
    const seq = Math.max(seqBefore, this.#lastSeq, cas ?? 0, nowMs) + 1
    this.#lastSeq = seq
    const payload = { type, id, sets: [...sets], seq, created, expires, data: data === undefined ? null : data, gone }
    const frame = await context.author({ type: RECORD, payload })
    if (frame.length > FRAME_BYTES_MAX) throw new RangeError(`an announcement takes at most ${FRAME_BYTES_MAX} bytes signed, got ${frame.length}; announce a reference to larger things`)
    // What a message would turn into on its way is what is kept here, too.
    const record = await this.#core.records.read(frame)
    if (typeof record === 'string') throw new P2PError(record, `what was signed here for '${type}/${id}' does not verify`, { protocol: 'dht' })
    return { ...record, publisher: ownId, entry: targets.entry(ownId, type, id) }
  }

  async #replace(own: Own, key: string, record: Stored, options: WriteOptions): Promise<void> {
    const { context } = this.#core
    const before = this.#own.get(key)
    const wasRecord = own.record
    own.record = record
    this.#own.set(key, own)
    await context.store.put(STORE_PREFIX + key, record.frame, { sync: true })
    this.onChange(record)
    try {
      await this.#placeAll(own, options)
    } catch (error) {
      // Nothing came of it: what was before holds.
      if (before === undefined) {
        this.#own.delete(key)
        if (!context.signal.aborted) await context.store.delete(STORE_PREFIX + key)
      } else own.record = wasRecord
      throw error
    }
    this.#scheduleRepublish(own)
  }

  /** Its own key and its sets at once. Throws where its own key found no place. */
  async #placeAll(own: Own, options: WriteOptions): Promise<void> {
    const { record } = own
    const [item] = await Promise.all([
      this.#placeOne(() => this.#writer.putItem(record, options), options, own),
      ...record.sets.map((_, set) => this.#placeOne(() => this.#writer.putInSet(record, set, { signal: options.signal }), options, own)),
    ])
    own.copies = item!.holders.length
    if (item!.holders.length > 0) return
    const { refused, waitMs, seq } = item!
    if (options.cas !== undefined && refused.changed !== undefined) throw new P2PError(CHANGED, `expected '${record.type}/${record.id}' to be at number ${options.cas}, it is at ${seq}; read it again`, { protocol: 'dht' })
    const reasons = Object.entries(refused).map(([reason, count]) => `${reason} ${count}`).join(', ')
    throw new P2PError(REFUSED, reasons === ''
      ? `nobody is here to hold '${record.type}/${record.id}', and this node serves as a client only; connect to somebody first`
      : `nobody took '${record.type}/${record.id}' (${reasons}); try again ${waitMs > 0 ? `in ${Math.ceil(waitMs / 1_000)} s` : 'later'}`, { protocol: 'dht' })
  }

  /** Where there was neither room nor rate for it anywhere, once more when they said. */
  async #placeOne(place: () => Promise<Placement>, { signal }: WriteOptions, own: Own): Promise<Placement> {
    const { record } = own
    for (let tries = 1; ; tries++) {
      const placement = await place()
      const { holders, waitMs } = placement
      const busy = placement.refused.busy ?? 0
      if (busy === 0 || tries >= TRIES_MAX || own.record !== record || this.#isOver || (holders.length > 0 && holders.length >= busy)) return placement
      await this.#pause(Math.max(waitMs, 50), signal)
    }
  }

  #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { context } = this.#core
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        for (const each of [timer, aborting, over]) each[Symbol.dispose]()
        settle()
      }
      const timer = context.clock.schedule(ms, () => end(resolve))
      const aborting = onAbort(signal, () => end(() => reject(signal!.reason as Error)))
      const over = onAbort(context.signal, () => end(() => reject(context.signal.reason as Error)))
    })
  }

  /** Half of its lifetime on, but not more often than every ten minutes nor less than every hour; and when it ends. */
  #scheduleRepublish(own: Own, delayMs?: number): void {
    if (this.#isOver) return
    own.timer?.[Symbol.dispose]()
    const { parameters: { republishMs, republishMsMin }, context, nowMs } = this.#core
    const leftMs = own.record.expires - nowMs
    const everyMs = Math.min(republishMs, Math.max(republishMsMin, own.lifetimeMs / 2))
    const jittered = everyMs * (1 - JITTER * fraction(context))
    const isRenewed = own.untilMs > own.record.expires
    const nextMs = isRenewed ? Math.min(jittered, own.lifetimeMs / 2) : Math.min(jittered, leftMs)
    own.timer = context.clock.schedule(Math.max(0, delayMs ?? nextMs), () => void this.#republish(own))
  }

  async #republish(own: Own): Promise<void> {
    const waitMs = this.#pace.take()
    if (waitMs > 0) return this.#scheduleRepublish(own, waitMs)
    try {
      await this.#inTurn(own, async () => {
        const { nowMs } = this.#core
        if (this.#isOver) return
        const key = toHex(own.record.entry)
        if (own.untilMs > own.record.expires && !own.record.gone) {
          const record = await this.#sign({ ...own.record, expires: Math.min(own.untilMs, nowMs + own.lifetimeMs) }, own.record.seq)
          return await this.#replace(own, key, record, {})
        }
        if (own.record.expires <= nowMs) return await this.#forget(own)
        this.#core.count('republished')
        await this.#placeAll(own, {})
        this.#scheduleRepublish(own)
      })
    } catch {
      if (this.#isOver) return
      this.#core.count('republish-failed')
      this.#scheduleRepublish(own)
    }
  }

  async #forget(own: Own): Promise<void> {
    const key = toHex(own.record.entry)
    own.timer?.[Symbol.dispose]()
    if (this.#own.get(key) !== own) return
    this.#own.delete(key)
    await this.#core.context.store.delete(STORE_PREFIX + key)
  }

  #dropEnded(): void {
    for (const own of [...this.#own.values()]) {
      if (own.record.expires > this.#core.nowMs || own.untilMs > this.#core.nowMs) continue
      void this.#forget(own).catch(() => this.#core.count('store-failed'))
    }
  }
}
