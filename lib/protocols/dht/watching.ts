import type { PeerId } from '../../contracts/message.ts'
import type { ResourceAnnouncement, ResourceChange } from '../../contracts/resources.ts'
import type { WaitOptions } from '../../contracts/wait.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import { toHex } from '../../foundation/hex.ts'
import { TIMER_MS_MAX } from '../../foundation/deadline.ts'
import type { Core } from './core.ts'
import { WATCH_MS } from './limits.ts'
import type { Position } from './position.ts'
import { announcementOf, liesAt, unfitNow, type Stored } from './record.ts'
import { BAD_RECORD } from './verified-records.ts'

/** Holders that are asked to tell of changes under one key. */
const TELLERS = 5
/** Watches of our own at once. */
const LISTENERS_MAX = 256

type Listener = (record: Stored) => void

/** What others tell of changes under keys that somebody here watches. Whoever was not asked is not heard. */
export class Changes {
  readonly #core: Core
  readonly #listeners = new Map<string, { readonly target: Position; readonly heard: Set<Listener>; readonly tellers: Map<PeerId, number> }>()

  constructor(core: Core) {
    this.#core = core
  }

  get count(): number {
    return this.#listeners.size
  }

  /** Hears of records under a key from now on, as far as linked holders tell. Throws RangeError for one too many. */
  listen(target: Position, listener: Listener): Disposable {
    const key = toHex(target.bytes)
    const entry = this.#listeners.get(key) ?? { target, heard: new Set<Listener>(), tellers: new Map<PeerId, number>() }
    if (!this.#listeners.has(key) && this.#listeners.size >= LISTENERS_MAX) throw new RangeError(`at most ${LISTENERS_MAX} things can be watched at once; end some of the watches`)
    this.#listeners.set(key, entry)
    entry.heard.add(listener)
    return {
      [Symbol.dispose]: () => {
        entry.heard.delete(listener)
        if (entry.heard.size === 0) this.#listeners.delete(key)
      },
    }
  }

  /** Asks the nearest peers with a link to tell; those who promised before are not asked again until half of that time is over. */
  async enlist(target: Position): Promise<void> {
    const entry = this.#listeners.get(toHex(target.bytes))
    const { table, context, parameters } = this.#core
    if (entry === undefined) return
    const nowMs = context.clock.elapsedMs()
    for (const [id, untilMs] of entry.tellers) if (untilMs <= nowMs || !this.#core.links.has(id)) entry.tellers.delete(id)
    const nearest = table.nearest(target, TELLERS).filter(({ id }) => (entry.tellers.get(id) ?? 0) < nowMs + WATCH_MS / 2)
    await Promise.all(nearest.map(async ({ id }) => {
      try {
        const { forMs } = await this.#core.ask(id, 'watch', { target: target.bytes }, { timeoutMs: parameters.askMsMax })
        if (forMs > 0) entry.tellers.set(id, nowMs + Math.min(forMs, WATCH_MS))
      } catch {
        this.#core.count('watches-failed')
      }
    }))
  }

  /** A peer says that something under a key has changed. */
  async told(target: Uint8Array, frame: Uint8Array, from: PeerId): Promise<void> {
    const entry = this.#listeners.get(toHex(target))
    if (entry === undefined || !entry.tellers.has(from)) return this.#core.count('told-unasked')
    const record = await this.#core.records.read(frame)
    if (typeof record === 'string' || !this.#liesThere(record, target)) {
      return this.#core.blame(from, BAD_RECORD, `${from} told of a record that is none, or not of this key`, [frame])
    }
    if (unfitNow(record, this.#core.nowMs) === null) this.changed(target, record)
  }

  /** Something under a key has changed here. */
  changed(target: Uint8Array, record: Stored): void {
    for (const listener of [...this.#listeners.get(toHex(target))?.heard ?? []]) listener(record)
  }

  /** A key that is watched is a thing's own, or the root of a set. */
  #liesThere(record: Stored, target: Uint8Array): boolean {
    const { targets } = this.#core
    return liesAt(targets, record, 0, target) || record.sets.some(set => equalBytes(targets.shard(set, 0, 0).bytes, target))
  }
}

interface WatchOptions extends WaitOptions {
  core: Core
  changes: Changes
  type: string
  fits: (resource: ResourceAnnouncement) => boolean
  all: (signal: AbortSignal | undefined) => Promise<Stored[]>
}

/** Present matches, then each change: at once where linked holders tell of it, at the next look where not. */
export async function* watchSet<T>({ core, changes, type, fits, all, signal, timeoutMs = Number.POSITIVE_INFINITY }: WatchOptions): AsyncGenerator<ResourceChange<T>, void, undefined> {
  const { context: { clock, signal: over }, parameters: { watchEveryMs } } = core
  if (!(timeoutMs >= 0)) throw new RangeError(`timeoutMs must be a number of at least 0, got ${String(timeoutMs)}`)
  const target = core.targets.shard(type, 0, 0)
  const view = new View<T>(fits)
  const bell = new Bell()
  const endsAtMs = clock.elapsedMs() + timeoutMs
  const onAbort = (): void => bell.ring()
  const isOver = (): boolean => signal?.aborted === true || over.aborted || clock.elapsedMs() >= endsAtMs
  using _listening = changes.listen(target, record => {
    if (record.type !== type) return
    view.take(record)
    bell.ring()
  })
  signal?.addEventListener('abort', onAbort)
  over.addEventListener('abort', onAbort)
  try {
    let lookAtMs = clock.elapsedMs()
    while (!isOver()) {
      if (clock.elapsedMs() >= lookAtMs) {
        await changes.enlist(target)
        view.look(await looked(all, signal, over))
        lookAtMs = clock.elapsedMs() + watchEveryMs
      }
      view.expire(core.nowMs)
      for (let change = view.next(); change !== undefined && !isOver(); change = view.next()) yield change
      const waitMs = Math.min(lookAtMs - clock.elapsedMs(), endsAtMs - clock.elapsedMs(), view.endsInMs(core.nowMs), TIMER_MS_MAX)
      if (waitMs <= 0 || isOver()) continue
      using _timer = clock.schedule(waitMs, onAbort)
      await bell.rung()
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    over.removeEventListener('abort', onAbort)
  }
}

/** An end that the caller wanted is no error. */
async function looked(all: WatchOptions['all'], signal: AbortSignal | undefined, over: AbortSignal): Promise<Stored[] | undefined> {
  try {
    return await all(signal)
  } catch (error) {
    if (signal?.aborted === true || over.aborted) return undefined
    throw error
  }
}

/** What a watcher has been told, and what it has not been told yet. */
class View<T> {
  readonly #fits: (resource: ResourceAnnouncement) => boolean
  /** The newest of each entry, also of those that do not match. */
  readonly #records = new Map<string, Stored>()
  readonly #shown = new Map<string, ResourceAnnouncement<T>>()
  readonly #changes: ResourceChange<T>[] = []

  constructor(fits: (resource: ResourceAnnouncement) => boolean) {
    this.#fits = fits
  }

  next(): ResourceChange<T> | undefined {
    return this.#changes.shift()
  }

  take(record: Stored): void {
    const key = toHex(record.entry)
    const present = this.#records.get(key)
    if (present !== undefined && present.seq >= record.seq) return
    this.#records.set(key, record)
    const resource = announcementOf<T>(record)
    if (record.gone || !this.#fits(resource)) return this.#hide(key)
    this.#changes.push({ kind: this.#shown.has(key) ? 'updated' : 'added', resource })
    this.#shown.set(key, resource)
  }

  /** Everything there is, withdrawn ones among it. What is only missing is not gone: a holder may not have answered, and its end will come. */
  look(records: readonly Stored[] | undefined): void {
    if (records === undefined) return
    for (const record of records) this.take(record)
  }

  expire(nowMs: number): void {
    for (const [key, { expires }] of [...this.#records]) {
      if (expires > nowMs) continue
      this.#records.delete(key)
      this.#hide(key)
    }
  }

  /** Until the next of those shown ends. */
  endsInMs(nowMs: number): number {
    let ms = Number.POSITIVE_INFINITY
    for (const { expires } of this.#records.values()) ms = Math.min(ms, expires - nowMs)
    return ms
  }

  #hide(key: string): void {
    const shown = this.#shown.get(key)
    if (shown === undefined) return
    this.#shown.delete(key)
    this.#changes.push({ kind: 'removed', resource: shown })
  }
}

/** Wakes one that waits; rung before, it does not wait. */
class Bell {
  #hasRung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#hasRung = true
    this.#wake?.()
  }

  rung(): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        this.#hasRung = false
        this.#wake = undefined
        resolve()
      }
      if (this.#hasRung) wake()
      else this.#wake = wake
    })
  }
}
