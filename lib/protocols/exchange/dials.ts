import type { PeerId } from '../../contracts/message.ts'
import type { ExchangeEffect, ExchangeInput } from './events.ts'
import { Backoffs, Hearsay } from './hearsay.ts'
import { BOOTSTRAP_MS_MAX, BOOTSTRAP_MS_MIN, DIALS_MAX, STANDING } from './limits.ts'
import type { Peer } from './peer.ts'

export interface DialsOptions {
  readonly ownId: PeerId
  readonly hasBootstrap: boolean
  random(): number
  sample(): readonly PeerId[]
  /** Who is linked now. */
  readonly links: ReadonlyMap<PeerId, Peer>
  mayHeed(id: PeerId): boolean
  /** What a source told us proved right or wrong. */
  judge(source: PeerId, by: number): void
}

export const BOOTSTRAP_TIMER = 'bootstrap'
type Outcome = Extract<ExchangeInput, { kind: 'dialled' }>['outcome']

/** Keeps as many links of our own making as wanted, and none to whoever told most. */
export class Dials {
  readonly hearsay = new Hearsay()
  readonly backoffs = new Backoffs()
  nowMs = 0
  outboundTarget: number
  readonly #options: DialsOptions
  readonly #underWay = new Set<PeerId>()
  #bootstrapPlanned = false
  #bootstrapTries = 0
  /** Drawn from the address book once a round, when nobody was heard of. */
  #sample: readonly PeerId[] | undefined
  /** This node has no room for more links; looked at again in the next round. */
  #full = false

  constructor(options: DialsOptions, outboundTarget: number) {
    this.#options = options
    this.outboundTarget = outboundTarget
  }

  get underWay(): number {
    return this.#underWay.size
  }

  /** Dials that bring the links of our own making up to the target. */
  fill(): ExchangeEffect[] {
    const effects: ExchangeEffect[] = []
    while (this.#wantsMore()) {
      const to = this.#candidate()
      if (to === undefined) break
      this.#underWay.add(to)
      effects.push({ kind: 'dial', to, record: this.hearsay.get(to)?.record, from: this.hearsay.get(to)?.source })
    }
    return effects
  }

  ended(to: PeerId, outcome: Outcome): void {
    if (!this.#underWay.delete(to)) return
    const source = this.hearsay.get(to)?.source
    // A peer without room is there all the same; one without an answer says little about who named it.
    if (outcome === 'full-here') this.#full = true
    else if (outcome === 'linked') this.backoffs.clear(to)
    else this.backoffs.failed(to, this.nowMs)
    if (outcome !== 'full-here') this.hearsay.delete(to)
    if (source !== undefined && outcome === 'linked') this.#options.judge(source, STANDING.reached)
    if (source !== undefined && outcome === 'failed') this.#options.judge(source, STANDING.unreachable)
  }

  /** Somebody is linked, whoever dialled. */
  linked(id: PeerId): void {
    if (this.#ownLinks > 0) this.#bootstrapTries = 0
    this.backoffs.clear(id)
    if (!this.#underWay.has(id)) this.hearsay.delete(id)
  }

  /** Once a round. */
  expire(): void {
    this.#full = false
    this.#sample = undefined
    this.hearsay.expire(this.nowMs)
    this.backoffs.expire(this.nowMs)
  }

  /**
   * Dials bootstrap addresses while there is no link of our own making, less and less often: links that others make must not keep a
   * node from those it trusts to begin with.
   */
  planBootstrap(): ExchangeEffect[] {
    if (!this.#options.hasBootstrap || this.#bootstrapPlanned || this.#ownLinks > 0) return []
    this.#bootstrapPlanned = true
    return [{ kind: 'schedule', timer: BOOTSTRAP_TIMER, delayMs: Math.min(BOOTSTRAP_MS_MAX, BOOTSTRAP_MS_MIN * 2 ** this.#bootstrapTries) }]
  }

  bootstrap(): ExchangeEffect[] {
    this.#bootstrapPlanned = false
    if (this.#ownLinks > 0) return []
    this.#bootstrapTries++
    return [{ kind: 'bootstrap' }, ...this.planBootstrap()]
  }

  #wantsMore(): boolean {
    if (this.#full || this.#underWay.size >= DIALS_MAX) return false
    return this.#underWay.size + this.#ownLinks < this.outboundTarget
  }

  /** Links of our own making. */
  get #ownLinks(): number {
    let count = 0
    for (const { outbound } of this.#options.links.values()) if (outbound) count++
    return count
  }

  /** One netgroup each while there is a choice: an attacker would have to rent many (peers.md). */
  #candidate(): PeerId | undefined {
    const { random } = this.#options
    const taken = this.#groups()
    const isElsewhere = (id: PeerId): boolean => {
      const group = this.hearsay.get(id)?.group
      return group === undefined || !taken.has(group)
    }
    const mayDial = (id: PeerId): boolean => this.#mayDial(id)
    return this.hearsay.draw(random, id => mayDial(id) && isElsewhere(id)) ?? this.hearsay.draw(random, mayDial) ?? (this.#sample ??= this.#options.sample()).find(mayDial)
  }

  #groups(): Set<string> {
    const groups = new Set<string>()
    for (const { outbound, group } of this.#options.links.values()) if (outbound && group !== undefined) groups.add(group)
    for (const id of this.#underWay) {
      const group = this.hearsay.get(id)?.group
      if (group !== undefined) groups.add(group)
    }
    return groups
  }

  #mayDial(id: PeerId): boolean {
    const { ownId, links, mayHeed } = this.#options
    return id !== ownId && !links.has(id) && !this.#underWay.has(id) && !this.backoffs.waits(id, this.nowMs) && mayHeed(id)
  }
}
