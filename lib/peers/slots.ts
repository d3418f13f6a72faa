import type { IClock } from '../contracts/clock.ts'
import type { PeerId } from '../contracts/message.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { randomFraction } from '../foundation/random.ts'
import type { AddressBook, AddressChoice } from './address-book.ts'
import type { AddressEntry } from './address-entry.ts'
import type { Anchor } from './address-store.ts'

export interface OutboundSlotsOptions {
  clock: IClock
  random: RandomBytes
  /** Links of our own making that nobody asked for, besides those to anchors. */
  target: number
  book(): AddressBook
  groupOf(address: string): string
  /** Links of our own making that nobody asked for, the oldest first. */
  outbound(): readonly Anchor[]
  isLinked(id: PeerId): boolean
  /** Dials, and keeps the book; resolves to whether a link stands. Must not reject. */
  dial(id: PeerId): Promise<boolean>
  /** The same, but the link is ended at once. */
  probe(id: PeerId): Promise<boolean>
  drop(id: PeerId): void
}

export interface OutboundStats {
  /** 0 where this node dials nobody by itself. */
  target: number
  linked: number
  dialling: number
  /** Dials begun to fill a slot, and those that led nowhere. */
  dials: number
  failures: number
  feelers: number
  /** Links given up because another of ours is in the same netgroup. */
  sameGroup: number
}

/** peers.md, for 96 connections: 12 outbound, 2 anchors, 1 feeler every two minutes. */
export const ANCHORS = 2
const FEELER_MS = 120_000
/** Dials of slots under way at once. */
const DIALS_MAX = 4
/** Between the beginnings of two dials: a book full of rubbish costs the network no more (Bitcoin Core: 500 ms). */
const DIAL_GAP_MS = 500
/** Where nobody is left to dial, the book is looked at again after this long. */
const NOBODY_LEFT_MS = 30_000

/** As many of a node's connections as the design gives to its own choice: 12 of 96. */
export function outboundTargetFor(connectionsMax: number): number {
  return Math.max(4, Math.round(connectionsMax / 8))
}

/**
 * Keeps as many links of our own making as wanted, one in each netgroup, half of them drawn from the tried; dials the anchors of
 * the last run first; and feels, every two minutes, whether somebody heard of, or a tried peer whose place is wanted, answers.
 */
export class OutboundSlots implements Disposable {
  readonly #options: OutboundSlotsOptions
  readonly #dialling = new Map<PeerId, string>()
  readonly #anchors: Anchor[] = []
  readonly #counts = { dials: 0, failures: 0, feelers: 0, sameGroup: 0 }
  #isOn = false
  #nextDialMs = 0
  #again: Disposable | undefined
  #feeler: Disposable | undefined
  #feeling: PeerId | undefined

  constructor(options: OutboundSlotsOptions) {
    this.#options = options
  }

  get stats(): OutboundStats {
    const { target, outbound } = this.#options
    return { target, linked: outbound().length, dialling: this.#dialling.size, ...this.#counts }
  }

  /** Begins, with the anchors of the last run. */
  start(anchors: readonly Anchor[] = []): void {
    if (this.#isOn || this.#options.target <= 0) return
    this.#isOn = true
    this.#anchors.push(...anchors.slice(0, ANCHORS))
    this.#planFeeler()
    this.fill()
  }

  [Symbol.dispose](): void {
    this.#isOn = false
    this.#again?.[Symbol.dispose]()
    this.#feeler?.[Symbol.dispose]()
    this.#again = this.#feeler = undefined
  }

  /** Dials while links are missing; called whenever one was made or lost, or the book has somebody new. */
  fill(): void {
    if (!this.#isOn || this.#again !== undefined) return
    const { clock } = this.#options
    while (this.#dialling.size < DIALS_MAX && this.#missing() > 0) {
      const waitMs = this.#nextDialMs - clock.elapsedMs()
      if (waitMs > 0) return this.#lookAgain(waitMs)
      if (!this.#dialNext()) return this.#lookAgain(NOBODY_LEFT_MS)
      this.#nextDialMs = clock.elapsedMs() + DIAL_GAP_MS
    }
  }

  /** The links that have stood longest; where there are too few, those of before. */
  anchorsAfter(before: readonly Anchor[]): Anchor[] {
    const kept: Anchor[] = []
    for (const anchor of [...this.#options.outbound(), ...before]) if (kept.length < ANCHORS && !kept.some(({ id }) => id === anchor.id)) kept.push(anchor)
    return kept
  }

  #missing(): number {
    return this.#options.target + ANCHORS - this.#options.outbound().length - this.#dialling.size
  }

  #lookAgain(afterMs: number): void {
    this.#again = this.#options.clock.schedule(afterMs, () => {
      this.#again = undefined
      this.fill()
    })
  }

  #dialNext(): boolean {
    const anchor = this.#nextAnchor()
    if (anchor !== undefined) {
      void this.#dial(anchor.id, this.#options.groupOf(anchor.address))
      return true
    }
    const entry = this.#choose()
    if (entry !== undefined) void this.#dial(entry.id, entry.group)
    return entry !== undefined
  }

  #nextAnchor(): Anchor | undefined {
    for (let anchor = this.#anchors.shift(); anchor !== undefined; anchor = this.#anchors.shift()) {
      if (!this.#options.isLinked(anchor.id) && !this.#dialling.has(anchor.id)) return anchor
    }
    return undefined
  }

  /** By the toss of a coin of the tried or of those heard of, else of the others; never a netgroup that we have a link to. */
  #choose(): AddressEntry | undefined {
    const { random, book } = this.#options
    const taken = this.#takenGroups()
    const fits = (entry: AddressEntry): boolean => !taken.has(entry.group) && this.#isFree(entry.id)
    const order: AddressChoice[] = randomFraction(random) < 0.5 ? ['tried', 'heard'] : ['heard', 'tried']
    return book().choose(order[0]!, fits) ?? book().choose(order[1]!, fits)
  }

  #takenGroups(except?: PeerId): Set<string> {
    const { outbound, groupOf } = this.#options
    return new Set([...outbound().filter(({ id }) => id !== except).map(({ address }) => groupOf(address)), ...this.#dialling.values()])
  }

  #isFree(id: PeerId): boolean {
    return id !== this.#feeling && !this.#options.isLinked(id) && !this.#dialling.has(id)
  }

  async #dial(id: PeerId, group: string): Promise<void> {
    this.#dialling.set(id, group)
    this.#counts.dials++
    const isLinked = await this.#options.dial(id)
    this.#dialling.delete(id)
    if (!isLinked) this.#counts.failures++
    else if (this.#isOn) this.#keepApart(id)
    this.fill()
  }

  /** It may have answered at another of its addresses than the one it was chosen by. */
  #keepApart(id: PeerId): void {
    const { outbound, groupOf, drop } = this.#options
    const mine = outbound().find(link => link.id === id)
    if (mine === undefined || !this.#takenGroups(id).has(groupOf(mine.address))) return
    this.#counts.sameGroup++
    drop(id)
  }

  // Feelers.

  #planFeeler(): void {
    const { clock, random } = this.#options
    this.#feeler = clock.schedule(Math.round(FEELER_MS * (0.5 + randomFraction(random))), () => {
      this.#planFeeler()
      void this.#feel()
    })
  }

  async #feel(): Promise<void> {
    const { book, probe } = this.#options
    const entry = this.#toTest() ?? book().choose('heard', ({ id }) => this.#isFree(id))
    if (entry === undefined || !this.#isFree(entry.id)) return
    this.#counts.feelers++
    this.#feeling = entry.id
    await probe(entry.id)
    this.#feeling = undefined
    this.fill()
  }

  /** One that is linked is there: no dial has to show it. */
  #toTest(): AddressEntry | undefined {
    const book = this.#options.book()
    for (let entry = book.toTest(); entry !== undefined; entry = book.toTest()) {
      if (!this.#options.isLinked(entry.id)) return entry
      book.answered(entry.id, entry.addresses[0]!)
    }
    return undefined
  }
}
