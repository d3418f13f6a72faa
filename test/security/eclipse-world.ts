import { createHmac } from 'node:crypto'
import { AddressBook, type AddressBookOptions, type AddressChoice } from '../../lib/peers/address-book.ts'
import { isResting, type AddressEntry } from '../../lib/peers/address-entry.ts'
import type { Anchor } from '../../lib/peers/address-store.ts'
import { randomFraction } from '../../lib/foundation/random.ts'
import { netgroupOf } from '../../lib/peers/network-address.ts'
import { OutboundSlots } from '../../lib/peers/slots.ts'
import { VirtualClock } from '../../lib/testing/virtual-clock.ts'
import { seededRandom } from '../support/seeded-random.ts'

/**
 * A victim with the real address book and the real choice of links, among honest nodes that come and go and an attacker who owns
 * addresses in many places. Only sockets are left out: a dial is a promise that resolves as the world says.
 */
export interface EclipseOptions {
  seed: number
  /** Netgroups the attacker has a /24 in, each its own /16; every host of it can be a hundred identities. */
  attackGroups: number
  hostsPerGroup: number
  honest: number
  /** Before the attack the victim has lived among honest nodes for so long. */
  calmHours: number
  attackHours: number
  restarts: number
  outboundTarget: number
  /** Defences switched off, to see that the check can fail. */
  without?: readonly Defence[] | undefined
}

/**
 * `draws`: whom to dial is drawn by source or netgroup first, and half of the time among the tried; without it, evenly from all that is
 * known. `netgroups`: one link in each, and buckets by them. `tried`: who answered is kept apart. `anchors`: they are kept. `intake`: a source may tell only so much.
 */
export type Defence = 'draws' | 'netgroups' | 'tried' | 'anchors' | 'intake'

export interface EclipseResult {
  restarts: number
  /** Restarts after which no link led to an honest node. */
  eclipsed: number
  /** Those with at least three honest links. */
  atLeastThree: number
  /** Links to honest nodes, one figure for each restart, in order of size. */
  honestLinks: number[]
  links: number
  /** Of the book at the end. */
  triedHonest: number
  triedAttack: number
  heardHonest: number
  heardAttack: number
  dials: number
  told: number
}

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const ANSWER_MS = 200
const NO_ANSWER_MS = 10_000
/** After a restart the victim is looked at so much later. */
const SETTLED_MS = 5 * MINUTE_MS
/** Of a day and four hours an honest node is there for a day. */
const PERIOD_MS = 28 * HOUR_MS
const ONLINE_MS = 24 * HOUR_MS
/** What honest peers tell is the attacker's in so many cases of a hundred: it is linked to them, too. */
const POISON_PERCENT = 20
/** The netgroups honest nodes are in; many share the larger ones. */
const HONEST_GROUPS = 600

interface Honest { id: string; address: string; phaseMs: number }

export class EclipseWorld {
  readonly #options: EclipseOptions
  readonly #clock = new VirtualClock()
  readonly #random: (length: number) => Uint8Array
  #state: number
  readonly #book: AddressBook
  readonly #honest = new Map<string, Honest>()
  readonly #honestList: Honest[] = []
  readonly #attackAddresses: string[] = []
  readonly #attackIds = new Set<string>()
  readonly #links = new Map<string, string>()
  #slots: OutboundSlots
  #anchors: Anchor[] = []
  #isAttacked = false
  #ids = 0
  #told = 0
  #floods = 0
  #dials = 0

  constructor(options: EclipseOptions) {
    this.#options = options
    this.#random = seededRandom(`eclipse ${options.seed}`)
    this.#state = options.seed * 7_919
    const key = this.#random(32)
    this.#book = new (this.#lacks('draws') ? EvenBook : AddressBook)({
      key,
      hmac: (secret, data) => createHmac('sha256', secret).update(data).digest(),
      clock: this.#clock,
      random: this.#random,
      groupOf: address => this.#groupOf(address),
      isRationed: () => !this.#lacks('intake'),
    })
    for (let n = 0; n < options.honest; n++) this.#bear()
    for (let group = 0; group < options.attackGroups; group++) for (let host = 1; host <= options.hostsPerGroup; host++) this.#attackAddresses.push(`ws://${attackPrefix(group)}.${host}:9000`)
    this.#slots = this.#newSlots()
  }

  async run(): Promise<EclipseResult> {
    const { calmHours, attackHours, restarts } = this.#options
    // A newcomer knows a few by its bootstrap; the rest it learns.
    for (let n = 0; n < 20; n++) this.#hear(this.#honestList[n]!, '198.51.0.0/16')
    this.#slots.start()
    await this.#live(calmHours * HOUR_MS)
    this.#isAttacked = true
    const honestLinks: number[] = []
    for (let n = 0; n < restarts; n++) {
      await this.#live(attackHours * HOUR_MS / restarts - SETTLED_MS)
      this.#restart()
      await this.#live(SETTLED_MS)
      honestLinks.push([...this.#links.keys()].filter(id => this.#honest.has(id)).length)
    }
    return this.#result(honestLinks.sort((a, b) => a - b))
  }

  #result(honestLinks: number[]): EclipseResult {
    const count = (isTried: boolean, isHonest: boolean): number => [...this.#book].filter(entry => entry.isTried === isTried && this.#honest.has(entry.id) === isHonest).length
    return {
      restarts: honestLinks.length,
      eclipsed: honestLinks.filter(links => links === 0).length,
      atLeastThree: honestLinks.filter(links => links >= 3).length,
      honestLinks,
      links: this.#links.size,
      triedHonest: count(true, true), triedAttack: count(true, false), heardHonest: count(false, true), heardAttack: count(false, false),
      dials: this.#dials, told: this.#told,
    }
  }

  // Time.

  async #live(forMs: number): Promise<void> {
    for (let leftMs = forMs; leftMs > 0; leftMs -= MINUTE_MS) {
      await this.#clock.run({ forMs: Math.min(leftMs, MINUTE_MS) })
      this.#comeAndGo()
      this.#talk()
    }
  }

  /** Links to those who have gone are lost. */
  #comeAndGo(): void {
    let lost = false
    for (const id of [...this.#links.keys()]) {
      const honest = this.#honest.get(id)
      if (honest !== undefined && !this.#isOnline(honest)) lost = this.#links.delete(id)
    }
    if (lost) this.#slots.fill()
  }

  /** The power goes and comes back: links are lost, anchors and book stay. */
  #restart(): void {
    this.#slots[Symbol.dispose]()
    this.#anchors = this.#lacks('anchors') ? [] : this.#slots.anchorsAfter(this.#anchors)
    this.#links.clear()
    this.#slots = this.#newSlots()
    this.#slots.start(this.#anchors)
  }

  #newSlots(): OutboundSlots {
    return new OutboundSlots({
      clock: this.#clock,
      random: this.#random,
      target: this.#options.outboundTarget,
      book: () => this.#book,
      groupOf: address => this.#groupOf(address),
      outbound: () => [...this.#links].map(([id, address]) => ({ id, address })),
      isLinked: id => this.#links.has(id),
      dial: id => this.#dial(id, true),
      probe: id => this.#dial(id, false),
      drop: id => void this.#links.delete(id),
    })
  }

  #groupOf(address: string): string {
    return this.#lacks('netgroups') ? address : netgroupOf(address)
  }

  #lacks(defence: Defence): boolean {
    return this.#options.without?.includes(defence) ?? false
  }

  // Others.

  async #dial(id: string, keeps: boolean): Promise<boolean> {
    this.#dials++
    const address = this.#book.get(id)?.addresses[0]
    const slots = this.#slots
    this.#book.dialled(id)
    const honest = this.#honest.get(id)
    const answers = address !== undefined && (honest === undefined ? this.#attackIds.has(id) : this.#isOnline(honest))
    await new Promise<void>(resolve => void this.#clock.schedule(answers ? ANSWER_MS : NO_ANSWER_MS, resolve))
    // The victim has restarted meanwhile.
    if (slots !== this.#slots) return false
    if (!answers) this.#book.failed(id, this.#links.size > 0)
    else if (!this.#lacks('tried')) this.#book.answered(id, address)
    if (answers && keeps) this.#links.set(id, address)
    return answers
  }

  #isOnline({ phaseMs }: Honest): boolean {
    return (this.#clock.elapsedMs() + phaseMs) % PERIOD_MS < ONLINE_MS
  }

  #bear(): void {
    // The square of a fraction: a few netgroups have many nodes, most have one or two.
    const fraction = this.#below(1_000) / 1_000
    const group = Math.floor(fraction * fraction * HONEST_GROUPS)
    const honest = { id: this.#newId(), address: `ws://${60 + (group >> 8)}.${group & 255}.${this.#below(256)}.${this.#below(256)}:9000`, phaseMs: this.#below(PERIOD_MS) }
    this.#honest.set(honest.id, honest)
    this.#honestList.push(honest)
  }

  /** A whole number below `count`. The world draws millions: from a small generator of its own (mulberry32). */
  #below(count: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count
  }

  #newId(): string {
    return (++this.#ids).toString(16).padStart(64, '0')
  }

  // Talk. One turn is a minute.

  #talk(): void {
    for (const [id, address] of this.#links) {
      const isHonest = this.#honest.has(id)
      // An honest peer tells of six a minute at most: the book would take no more (0.1 a second).
      for (let n = 0; n < 6; n++) {
        if (isHonest && !(this.#isAttacked && this.#below(100) < POISON_PERCENT)) this.#hear(this.#honestList[this.#below(this.#honestList.length)]!, this.#groupOf(address))
        else if (this.#isAttacked) this.#hearAttack(this.#groupOf(address))
      }
    }
    // It pours in for an hour; what there is then is kept up.
    if (this.#isAttacked && (++this.#floods < 60 || this.#floods % 8 === 0)) this.#flood()
  }

  /** Eighty inbound links, all the attacker's, from other places each minute; each tells a hundred at once, of which the book may take what it likes. */
  #flood(): void {
    const { attackGroups } = this.#options
    const perMinute = this.#lacks('intake') ? 200 : 8
    for (let n = 0; n < Math.min(80, attackGroups); n++) {
      const source = this.#groupOf(`ws://${attackPrefix(this.#below(attackGroups))}.${1 + this.#below(254)}:5000`)
      for (let told = 0; told < perMinute; told++) this.#hearAttack(source)
    }
  }

  /** Half of it leads to the attacker, under a key nobody has seen; half leads nowhere, and crowds. */
  #hearAttack(source: string): void {
    const id = this.#newId()
    if (this.#below(2) === 0) return this.#hear({ id, address: `ws://${20 + this.#below(30)}.${this.#below(256)}.7.7:9000` }, source)
    this.#attackIds.add(id)
    this.#hear({ id, address: this.#attackAddresses[this.#below(this.#attackAddresses.length)]! }, source)
    // What the book did not take is of no more use to the attacker: it makes another.
    if (this.#book.get(id) === undefined) this.#attackIds.delete(id)
  }

  #hear({ id, address }: { id: string; address: string }, source: string): void {
    this.#told++
    this.#book.hear({ id, addresses: [address], saidAtMs: 1 }, source)
  }
}

/** Draws evenly from all it knows, as a plain table would. */
class EvenBook extends AddressBook {
  readonly #even: Pick<AddressBookOptions, 'clock' | 'random'>

  constructor(options: AddressBookOptions) {
    super(options)
    this.#even = options
  }

  override choose(_from: AddressChoice, fits: (entry: AddressEntry) => boolean = () => true): AddressEntry | undefined {
    const nowMs = this.#even.clock.now()
    const entries = [...this].filter(entry => fits(entry) && !isResting(entry, nowMs))
    return entries[Math.floor(randomFraction(this.#even.random) * entries.length)]
  }
}

/** The first three octets of the n-th /24, each in a /16 of its own while there are any. */
function attackPrefix(n: number): string {
  return `${100 + (n >> 8) % 50}.${n & 255}.${Math.floor(n / 12_800) + 1}`
}
