import type { PeerId } from '../../contracts/message.ts'
import { TokenBucket } from '../../foundation/token-bucket.ts'
import type { Asker } from './asker.ts'
import { draw } from '../../protocol-kit/draw.ts'
import { fraction } from './chance.ts'
import type { Core } from './core.ts'
import { KEPT_CONTACTS_MAX } from './limits.ts'
import { randomNear } from './position.ts'
import { encodeIds } from './referral.ts'
import type { Answered, Searches } from './searches.ts'

const SECOND = 1_000
/** After the first contact the neighbourhood is looked at this soon, and then again: it grows while one looks. */
const FIRST_LOOKS_MS = [50, 500, 2 * SECOND, 5 * SECOND, 20 * SECOND, 60 * SECOND]
const SETTLED_LOOKS = 2
const POLITE_LOOKS = 3
/** Without a contact, so soon and so many known addresses are tried; then again at each look. */
const LOST_MS = 1_000
const RETURNS = 4
/** A little off, so that nodes that started together do not look together. */
const JITTER = 0.3
const DIALS_PER_LOOK = 24
const DIALS_AT_ONCE = 4
const DIAL_MS = 5 * SECOND
/** Who could not be dialled is left alone for so long; so many are remembered. */
const FAILED_MS = 5 * 60 * SECOND
const FAILED_MAX = 1_024
/** Dials may come close together at first, and then seldom. */
const DIALS_PER_SECOND = 2
const DIALS_BURST = 60
const STORE_PREFIX = 'contact/'

/** Keeps the table good: finds who is near and who is far, and dials whom it lacks while there are links to spare. */
export class Keeper {
  readonly #core: Core
  readonly #asker: Asker
  readonly #searches: Searches
  readonly #dials: TokenBucket
  readonly #failed = new Map<PeerId, number>()
  #timer: Disposable | undefined
  #looks = 0
  #isLooking = false
  #isOver = false
  /** Told after each look from the third on, when the neighbourhood is known. */
  onLook: () => void = () => {}

  constructor(core: Core, asker: Asker, searches: Searches) {
    this.#core = core
    this.#asker = asker
    this.#searches = searches
    this.#dials = new TokenBucket(core.context.clock, DIALS_PER_SECOND, DIALS_BURST)
  }

  /** Dials some of those that were here before the restart. */
  async start(): Promise<void> {
    const { context } = this.#core
    this.#schedule(this.#core.parameters.refreshMs)
    if (this.#core.parameters.linksWanted === 0) return
    for await (const [key, record] of context.store.entries(STORE_PREFIX, { limit: KEPT_CONTACTS_MAX })) {
      if (this.#isOver) return
      try {
        await context.addresses.add(record)
        void this.#connect(key.slice(STORE_PREFIX.length))
      } catch {
        await context.store.delete(key)
      }
    }
  }

  /** One more that can be asked: the neighbourhood may look different now. */
  contactCame(): void {
    const { table, parameters } = this.#core
    if (table.size === 1 || (this.#looks >= FIRST_LOOKS_MS.length && table.size <= parameters.k / 2)) this.#looks = 0
    if (this.#looks === 0 && !this.#isLooking) this.#schedule(FIRST_LOOKS_MS[0]!)
  }

  /** The last one has gone: who was heard of before is dialled again. */
  contactLeft(): void {
    if (this.#core.table.size > 0 || this.#core.parameters.linksWanted === 0) return
    this.#looks = 0
    this.#schedule(LOST_MS)
  }

  close(): void {
    this.#isOver = true
    this.#timer?.[Symbol.dispose]()
  }

  /** Keeps addresses for the next start. */
  async save(): Promise<void> {
    const { context, table, addresses } = this.#core
    const contacts = [...table.all()].filter(({ id }) => addresses.has(id)).slice(0, KEPT_CONTACTS_MAX)
    const kept = new Set(contacts.map(({ id }) => STORE_PREFIX + id))
    if (kept.size === 0) return
    for await (const [key] of context.store.entries(STORE_PREFIX)) if (!kept.has(key)) await context.store.delete(key)
    for (const { id } of contacts) await context.store.put(STORE_PREFIX + id, addresses.get(id)!)
  }

  #schedule(delayMs: number): void {
    if (this.#isOver) return
    this.#timer?.[Symbol.dispose]()
    this.#timer = this.#core.context.clock.schedule(delayMs * (1 - JITTER * fraction(this.#core.context)), () => void this.#look())
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    try {
      this.#core.held.sweep(this.#core.nowMs)
      this.#core.watchers.sweep(this.#core.context.clock.elapsedMs())
      if (this.#core.parameters.linksWanted > 0) await (this.#core.table.size > 0 ? this.#improve() : this.#returnTo())
      if (!this.#isOver && this.#looks >= SETTLED_LOOKS) this.onLook()
      if (!this.#isOver) await this.save()
    } catch {
      this.#core.count('looks-failed')
    } finally {
      this.#isLooking = false
      this.#looks++
      this.#schedule(FIRST_LOOKS_MS[this.#looks] ?? this.#core.parameters.refreshMs)
    }
  }

  /** Nobody is left to ask: some of whom the node has addresses. */
  async #returnTo(): Promise<void> {
    const known = this.#core.context.addresses.sample(RETURNS)
    await Promise.all(known.filter(({ peerId }) => !this.#core.links.has(peerId)).map(({ peerId }) => this.#connect(peerId)))
  }

  /** The nearest first, then one lookup for each bucket that lacks somebody. */
  async #improve(): Promise<void> {
    const { table, own, parameters: { nearWanted, bucketWanted }, context } = this.#core
    const near = await this.#searches.find(own)
    await this.#dialAll(near.answered.slice(0, nearWanted))
    const buckets = Math.max(0, Math.ceil(Math.log2(Math.max(2, table.estimate() / this.#core.parameters.k))))
    for (let bucket = 0; bucket <= buckets && this.#hasRoom; bucket++) {
      const lacking = bucketWanted - table.countIn(bucket)
      if (lacking <= 0) continue
      const found = await this.#searches.find(randomNear(own, bucket, draw(context, 32)))
      if (this.#isOver) return
      await this.#dialAll(found.answered.slice(0, lacking))
    }
  }

  get #hasRoom(): boolean {
    return !this.#isOver && this.#core.links.size < this.#core.parameters.linksWanted
  }

  async #dialAll(candidates: readonly Answered[]): Promise<void> {
    const nowMs = this.#core.context.clock.elapsedMs()
    // Of two that look at each other at the same time the one with the larger id dials; should it not be able to, the other does later.
    const isOurs = (id: PeerId): boolean => this.#looks >= POLITE_LOOKS || this.#core.ownId > id
    const strangers = candidates.filter(({ id }) => isOurs(id) && !this.#core.links.has(id) && (this.#failed.get(id) ?? 0) <= nowMs).slice(0, DIALS_PER_LOOK)
    const dialNext = async (): Promise<void> => {
      for (let stranger = strangers.shift(); stranger !== undefined && this.#hasRoom; stranger = strangers.shift()) await this.#dial(stranger)
    }
    await Promise.all(Array.from({ length: DIALS_AT_ONCE }, dialNext))
  }

  /** Its address is asked of who named it: that one has a link to it. */
  async #dial({ id, route }: Answered): Promise<void> {
    if (this.#core.links.has(id) || this.#dials.take() > 0) return
    const { context } = this.#core
    try {
      if (route.length > 1) {
        const { records } = await this.#asker.ask(route.slice(0, -1), 'where', { ids: encodeIds([id]) })
        for (const record of records.slice(0, 1)) await context.addresses.add(record)
      }
      await this.#connect(id)
    } catch {
      this.#fail(id)
    }
  }

  async #connect(id: PeerId): Promise<void> {
    try {
      await this.#core.context.connect(id, { timeoutMs: DIAL_MS })
      this.#core.count('dialled')
    } catch {
      this.#fail(id)
    }
  }

  #fail(id: PeerId): void {
    this.#core.count('dials-failed')
    if (this.#failed.size >= FAILED_MAX) this.#failed.clear()
    this.#failed.set(id, this.#core.context.clock.elapsedMs() + FAILED_MS)
  }
}
