import type { IClock } from '../contracts/clock.ts'
import type { PeerId } from '../contracts/message.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { randomFraction } from '../foundation/random.ts'
import { TokenBucketLimiter } from '../foundation/token-bucket.ts'
import { ENTRY_ADDRESSES_MAX, isResting, isStale, type AddressEntry } from './address-entry.ts'
import { AddressPlaces, UNKNOWN_SOURCE, type AddressPlacesOptions } from './address-places.ts'
import { AddressShelves, PLACES_MAX } from './address-shelves.ts'

export interface AddressBookOptions extends AddressPlacesOptions {
  clock: Pick<IClock, 'now' | 'elapsedMs'>
  random: RandomBytes
  /** What must be rented to be in many places: see `netgroupOf`. */
  groupOf(address: string): string
  /** False on a private network, where all may come from one source. */
  isRationed(): boolean
  /** Told of each entry that has changed or gone. */
  onChange?: ((entry: AddressEntry) => void) | undefined
}

/** What somebody says of where a peer is. */
export interface Hearsay {
  id: PeerId
  /** URLs; at least one. */
  addresses: readonly string[]
  /** When its owner said so, on the owner's clock. */
  saidAtMs: number
}

/** `old` says nothing new; `rationed` and `full` that there was no room for what this source tells. */
export type Heard = 'added' | 'renewed' | 'known' | 'old' | 'rationed' | 'full'
export type AddressChoice = 'heard' | 'tried'

/** peers.md: from one source 0.1 a second, 100 at once. */
const INTAKE_PER_SECOND = 0.1
const INTAKE_BURST = 100
const INTAKE_SOURCES_MAX = 4_096
/** Those that wait for a place among the tried until its holder has been tested. */
export const DUELS_MAX = 16
/** An untested holder keeps its place after this long (Bitcoin Core: ADDRMAN_TEST_WINDOW, where it is the challenger's). */
const DUEL_MS_MAX = 40 * 60_000
/** A holder that answered within this time is not tested for a challenger (Bitcoin Core: ADDRMAN_REPLACEMENT). */
const ANSWER_HOLDS_MS = 4 * 3_600_000

/**
 * Where peers are, kept so that whoever tells much cannot crowd out the rest. What was *heard of* has its bucket by the netgroups of
 * source and address; what was *tried* (it answered a handshake of ours) by its own. Buckets are chosen by a keyed hash, a tried
 * entry gives way only after it failed a test, and draws are by source or netgroup first. Pure but for its clock and its chance.
 */
export class AddressBook {
  /** What came of all that was heard, and of all tests. */
  readonly counts: Record<Heard | 'replaced' | 'defended', number> = { added: 0, renewed: 0, known: 0, old: 0, rationed: 0, full: 0, replaced: 0, defended: 0 }
  readonly #options: AddressBookOptions
  readonly #places: AddressPlaces
  readonly #shelves: AddressShelves
  readonly #entries = new Map<PeerId, AddressEntry>()
  readonly #intake: TokenBucketLimiter
  /** Who waits for somebody's place among the tried, and since when on the monotonic clock. */
  readonly #duels = new Map<AddressEntry, number>()

  constructor(options: AddressBookOptions) {
    this.#options = options
    this.#places = new AddressPlaces(options)
    this.#shelves = new AddressShelves({
      places: this.#places,
      isStale: entry => isStale(entry, options.clock.now()),
      onEvicted: entry => this.#drop(entry),
      onChange: entry => this.#changed(entry),
    })
    this.#intake = new TokenBucketLimiter({ clock: options.clock, perSecond: INTAKE_PER_SECOND, burst: INTAKE_BURST, keysMax: INTAKE_SOURCES_MAX })
  }

  get size(): number {
    return this.#entries.size
  }

  get tried(): number {
    return this.#shelves.tried
  }

  get duels(): number {
    return this.#duels.size
  }

  get(id: PeerId): AddressEntry | undefined {
    return this.#entries.get(id)
  }

  [Symbol.iterator](): IterableIterator<AddressEntry> {
    return this.#entries.values()
  }

  // What others say.

  /** `source` is the netgroup that told; undefined where that is not known: all such share one. */
  hear(said: Hearsay, source: string | undefined): Heard {
    const outcome = this.#take(said, source)
    this.counts[outcome]++
    return outcome
  }

  #take({ id, addresses, saidAtMs }: Hearsay, from: string | undefined): Heard {
    const known = this.#entries.get(id)
    if (addresses.length === 0 || (known !== undefined && saidAtMs < known.saidAtMs)) return 'old'
    const source = from ?? UNKNOWN_SOURCE
    // What is known already costs its source nothing.
    const isSame = known !== undefined && sameAddresses(known.addresses, addresses)
    if (isSame && (known.isTried || known.sources.includes(source))) return this.#renew(known, saidAtMs)
    if (from !== undefined && this.#options.isRationed() && this.#intake.take(source) > 0) return 'rationed'
    if (known === undefined) return this.#shelves.hasRoom(this.#options.groupOf(addresses[0]!), source, true) ? this.#enter(this.#newEntry(id, addresses, saidAtMs), source) : 'full'
    return isSame ? this.#tellAgain(known, saidAtMs, source) : this.#move(known, addresses, saidAtMs, source)
  }

  #renew(entry: AddressEntry, saidAtMs: number): Heard {
    if (saidAtMs === entry.saidAtMs) return 'known'
    entry.saidAtMs = saidAtMs
    entry.heardAtMs = this.#options.clock.now()
    this.#changed(entry)
    return 'renewed'
  }

  /** Another source tells the same: a second place, a third with half the chance, and so on (Bitcoin Core). */
  #tellAgain(entry: AddressEntry, saidAtMs: number, source: string): Heard {
    const outcome = this.#renew(entry, saidAtMs)
    if (entry.places.length >= PLACES_MAX || this.#fraction() >= 2 ** -entry.places.length) return outcome
    return this.#shelves.hear(entry, source) ? 'renewed' : outcome
  }

  /** Its owner names other addresses. One that answered stays in front until it does not; in another netgroup all begins anew. */
  #move(entry: AddressEntry, said: readonly string[], saidAtMs: number, source: string): Heard {
    const keeps = entry.isTried && entry.failures === 0
    const addresses = (keeps ? [entry.addresses[0]!, ...said.filter(address => address !== entry.addresses[0])] : [...said]).slice(0, ENTRY_ADDRESSES_MAX)
    const group = this.#options.groupOf(addresses[0]!)
    if (group !== entry.group) {
      if (!this.#shelves.hasRoom(group, source, true)) return 'full'
      this.#drop(entry)
      return this.#enter(this.#newEntry(entry.id, addresses, saidAtMs), source) === 'added' ? 'renewed' : 'full'
    }
    if (sameAddresses(addresses, entry.addresses)) return this.#renew(entry, saidAtMs)
    entry.addresses = addresses
    entry.failures = 0
    entry.saidAtMs = saidAtMs
    entry.heardAtMs = this.#options.clock.now()
    this.#changed(entry)
    return 'renewed'
  }

  #newEntry(id: PeerId, addresses: readonly string[], saidAtMs: number): AddressEntry {
    return {
      id, addresses: addresses.slice(0, ENTRY_ADDRESSES_MAX), group: this.#options.groupOf(addresses[0]!), sources: [], saidAtMs, heardAtMs: this.#options.clock.now(),
      dialledAtMs: 0, answeredAtMs: 0, failures: 0, isTried: false, places: [], slice: this.#places.sliceOf(id),
    }
  }

  #enter(entry: AddressEntry, source: string): Heard {
    this.#entries.set(entry.id, entry)
    if (this.#shelves.hear(entry, source)) return 'added'
    this.#entries.delete(entry.id)
    return 'full'
  }

  // What became of dials.

  /** A dial begins. */
  dialled(id: PeerId): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.dialledAtMs = this.#options.clock.now()
    this.#changed(entry)
  }

  /** It did not answer; `counts` is false where the fault may be our own, as when nobody else answers either. */
  failed(id: PeerId, counts = true): void {
    const entry = this.#entries.get(id)
    if (entry === undefined || !counts) return
    entry.failures++
    this.#changed(entry)
    if (entry.isTried) for (const challenger of this.#challengersOf(entry)) this.#replace(entry, challenger)
  }

  /** It proved its key at this address, where we dialled it. False where it has to wait for a place among the tried. */
  answered(id: PeerId, address: string): boolean {
    const entry = this.#entries.get(id) ?? this.#newEntry(id, [address], 0)
    this.#entries.set(id, entry)
    this.#nowAt(entry, address)
    entry.answeredAtMs = this.#options.clock.now()
    entry.heardAtMs = Math.max(entry.heardAtMs, entry.answeredAtMs)
    entry.failures = 0
    this.#changed(entry)
    if (!entry.isTried) return this.#promote(entry)
    for (const challenger of this.#challengersOf(entry)) this.#endDuel(challenger, 'defended')
    return true
  }

  /** What answered comes first, and says in which netgroup it is. */
  #nowAt(entry: AddressEntry, address: string): void {
    if (entry.addresses[0] === address) return
    entry.addresses = [address, ...entry.addresses.filter(other => other !== address)].slice(0, ENTRY_ADDRESSES_MAX)
    const group = this.#options.groupOf(address)
    if (group === entry.group) return
    this.#shelves.takeOut(entry)
    entry.group = group
  }

  #promote(entry: AddressEntry): boolean {
    const { clock } = this.#options
    const holder = this.#shelves.holderFor(entry)
    if (holder !== undefined && isStale(holder, clock.now())) this.#demote(holder)
    if (this.#shelves.tryOut(entry)) {
      this.#duels.delete(entry)
      return true
    }
    if (isWithin(holder!.answeredAtMs, clock.now(), ANSWER_HOLDS_MS)) this.counts.defended++
    else if (this.#duels.size < DUELS_MAX && !this.#duels.has(entry)) this.#duels.set(entry, clock.elapsedMs())
    // One that was dialled by its user's word alone has no place yet.
    if (entry.places.length === 0 && !this.#shelves.hear(entry, entry.group)) this.#drop(entry)
    return false
  }

  /** Back among those heard of, where it may prove itself again. */
  #demote(entry: AddressEntry): void {
    this.#shelves.takeOut(entry)
    if (!this.#shelves.hear(entry, entry.group)) this.#drop(entry)
  }

  // Test before evict.

  /** The holder of a place that somebody else waits for: to be dialled, before it gives way. */
  toTest(): AddressEntry | undefined {
    const { clock } = this.#options
    for (const [challenger, sinceMs] of [...this.#duels]) {
      const holder = this.#shelves.holderFor(challenger)
      if (clock.elapsedMs() - sinceMs > DUEL_MS_MAX) this.#endDuel(challenger, 'defended')
      else if (holder === undefined) this.#promote(challenger)
      else if (!isResting(holder, clock.now())) return holder
    }
    return undefined
  }

  #challengersOf(holder: AddressEntry): AddressEntry[] {
    return this.#duels.size === 0 ? [] : [...this.#duels.keys()].filter(challenger => this.#shelves.holderFor(challenger) === holder)
  }

  #replace(holder: AddressEntry, challenger: AddressEntry): void {
    if (this.#shelves.holderFor(challenger) !== holder) return
    this.#endDuel(challenger, 'replaced')
    this.#demote(holder)
    this.#shelves.tryOut(challenger)
  }

  #endDuel(challenger: AddressEntry, how: 'replaced' | 'defended'): void {
    this.#duels.delete(challenger)
    this.counts[how]++
  }

  // Choosing.

  /** Drawn by netgroup (tried) or by source (heard of) first; of those that `fits` and that were not dialled just now. */
  choose(from: AddressChoice, fits: (entry: AddressEntry) => boolean = () => true): AddressEntry | undefined {
    const nowMs = this.#options.clock.now()
    const index = from === 'tried' ? this.#shelves.byGroup : this.#shelves.bySource
    return index.draw(this.#fraction, entry => !isResting(entry, nowMs) && fits(entry))
  }

  /** Up to `count` different entries at random, half of them tried where there are as many. */
  sample(count: number, fits: (entry: AddressEntry) => boolean = () => true): AddressEntry[] {
    const entries = [...this.#entries.values()].filter(fits)
    const drawn = new Set<AddressEntry>()
    this.#drawInto(drawn, entries.filter(entry => entry.isTried), Math.ceil(count / 2))
    this.#drawInto(drawn, entries.filter(entry => !drawn.has(entry)), count)
    return [...drawn]
  }

  #drawInto(drawn: Set<AddressEntry>, from: AddressEntry[], count: number): void {
    while (drawn.size < count && from.length > 0) {
      const at = Math.floor(this.#fraction() * from.length)
      drawn.add(from[at]!)
      from[at] = from.at(-1)!
      from.pop()
    }
  }

  // Keeping.

  /** Takes an entry of an earlier run in, by the same rules; false where there is no room, or it is here already. */
  restore(entry: Omit<AddressEntry, 'group' | 'slice' | 'places'>): boolean {
    if (this.#entries.has(entry.id) || entry.addresses.length === 0) return false
    const fresh: AddressEntry = { ...this.#newEntry(entry.id, entry.addresses, entry.saidAtMs), heardAtMs: entry.heardAtMs, dialledAtMs: entry.dialledAtMs, answeredAtMs: entry.answeredAtMs, failures: entry.failures }
    this.#entries.set(fresh.id, fresh)
    if (entry.isTried && this.#shelves.tryOut(fresh)) return true
    for (const source of entry.sources.length > 0 ? entry.sources.slice(0, PLACES_MAX) : [fresh.group]) this.#shelves.hear(fresh, source)
    if (fresh.places.length === 0) this.#entries.delete(fresh.id)
    return fresh.places.length > 0
  }

  #drop(entry: AddressEntry): void {
    this.#shelves.takeOut(entry)
    this.#duels.delete(entry)
    this.#entries.delete(entry.id)
  }

  #changed(entry: AddressEntry): void {
    this.#options.onChange?.(entry)
  }

  readonly #fraction = (): number => randomFraction(this.#options.random)
}

function isWithin(atMs: number, nowMs: number, ms: number): boolean {
  return atMs !== 0 && nowMs - atMs >= 0 && nowMs - atMs < ms
}

function sameAddresses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every(address => b.includes(address))
}
