import type { IClock } from '../contracts/clock.ts'
import type { ErrorCode } from '../contracts/errors.ts'
import type { PeerId } from '../contracts/message.ts'
import type { Ban } from '../contracts/reputation.ts'
import type { IStore } from '../contracts/store.ts'
import { decodeCbor, encodeCbor } from '../wire/cbor.ts'

export interface BanListOptions {
  clock: Pick<IClock, 'now' | 'elapsedMs'>
  store: IStore
  /** Kept at once; past it the one that would end first goes, proven ones last. */
  bansMax: number
  /** How long a discouraged peer is refused at most, however the wall clock was set since. */
  discourageMs: number
  /** The store did not take or give something. */
  onFailure(error: unknown): void
}

interface Held extends Ban {
  /** On the monotonic clock. */
  readonly endsAtMs: number
}

/** Who is refused, and until when. Written through at once: a ban that a crash lifts is none. */
export class BanList {
  readonly #options: BanListOptions
  readonly #held = new Map<PeerId, Held>()
  #writing: Promise<unknown> = Promise.resolve()

  constructor(options: BanListOptions) {
    this.#options = options
  }

  /** Bans kept, among them perhaps some that have just ended. */
  get size(): number {
    return this.#held.size
  }

  get(peerId: PeerId): Ban | undefined {
    if (this.#held.size === 0) return undefined
    const held = this.#held.get(peerId)
    if (held === undefined || held.endsAtMs > this.#options.clock.elapsedMs()) return held
    this.lift(peerId)
    return undefined
  }

  list(): Ban[] {
    return [...this.#held.keys()].flatMap(peerId => this.get(peerId) ?? [])
  }

  /** Refuses a peer; what stands against it already is never made milder. */
  add(ban: Ban): void {
    const standing = this.get(ban.peerId)
    if (standing !== undefined && standing.untilMs >= ban.untilMs && (standing.proof !== undefined || ban.proof === undefined)) return
    this.#hold(ban)
    this.#write(() => this.#options.store.put(keyOf(ban.peerId), encodeBan(ban), { sync: true }))
  }

  lift(peerId: PeerId): void {
    if (this.#held.delete(peerId)) this.#write(() => this.#options.store.delete(keyOf(peerId)))
  }

  /** Reads what was kept. What cannot be read is left out and told of. */
  async load(isProven: (ban: Ban) => boolean): Promise<void> {
    const { store, bansMax, clock, onFailure } = this.#options
    const over: PeerId[] = []
    for await (const [key, bytes] of store.entries(PREFIX, { limit: 2 * bansMax })) {
      const peerId = key.slice(PREFIX.length)
      try {
        const ban = decodeBan(peerId, bytes)
        const isForEver = ban.untilMs === Infinity
        // The disk may have been written by somebody else: what has no end needs its proof every time.
        if (isForEver && !isProven(ban)) throw new RangeError('its proof proves nothing')
        if (ban.untilMs > clock.now()) this.#hold(ban)
        else over.push(peerId)
      } catch (error) {
        over.push(peerId)
        onFailure(error)
      }
    }
    for (const peerId of over) this.#write(() => store.delete(keyOf(peerId)))
  }

  /** Resolves when all that was said has been written. */
  async flush(): Promise<void> {
    await this.#writing
  }

  #hold(ban: Ban): void {
    const { clock, bansMax, discourageMs } = this.#options
    this.#held.delete(ban.peerId)
    if (this.#held.size >= bansMax) this.#makeRoom()
    // However the wall clock is set meanwhile, it lasts as long as was meant.
    const restMs = Math.min(ban.untilMs - clock.now(), ban.standing === 'discouraged' ? discourageMs : Infinity)
    this.#held.set(ban.peerId, { ...ban, endsAtMs: clock.elapsedMs() + restMs })
  }

  #makeRoom(): void {
    let soonest: Held | undefined
    for (const held of this.#held.values()) if (soonest === undefined || held.endsAtMs < soonest.endsAtMs) soonest = held
    if (soonest) this.lift(soonest.peerId)
  }

  /** One after the other, so that the last word about a peer is the one that stays. */
  #write(run: () => Promise<void>): void {
    this.#writing = this.#writing.then(run).catch((error: unknown) => this.#options.onFailure(error))
  }
}

const PREFIX = 'ban/'
const VERSION = 1

function keyOf(peerId: PeerId): string {
  return PREFIX + peerId
}

function encodeBan({ standing, untilMs, code, proof }: Ban): Uint8Array {
  return encodeCbor([VERSION, standing, untilMs === Infinity ? null : untilMs, code, proof ?? null])
}

function decodeBan(peerId: PeerId, bytes: Uint8Array): Ban {
  const fields = decodeCbor(bytes)
  if (!Array.isArray(fields) || fields.length !== 5 || fields[0] !== VERSION) throw new RangeError(`the ban of ${peerId} on disk is not one: delete it`)
  const [, standing, untilMs, code, proof] = fields as unknown[]
  if (standing !== 'discouraged' && standing !== 'banned') throw new RangeError(`the ban of ${peerId} on disk has no standing: delete it`)
  if (untilMs !== null && typeof untilMs !== 'number') throw new RangeError(`the ban of ${peerId} on disk has no end: delete it`)
  return {
    peerId, standing,
    untilMs: untilMs ?? Infinity,
    code: String(code) as ErrorCode,
    ...(proof instanceof Uint8Array ? { proof } : {}),
  }
}
