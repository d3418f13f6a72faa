import type { PeerId } from '../../contracts/message.ts'
import type { IStateMachine } from '../../contracts/state-machine.ts'
import { toHex } from '../../foundation/hex.ts'
import { Arrivals } from './arrivals.ts'
import { Carrying } from './carrying.ts'
import { Core, type RelayStateOptions } from './core.ts'
import type { RelayEffect, RelayInput, SignPurpose, Stated } from './events.ts'
import { ENVELOPE_KIND, NEIGHBOURS_MAX, SWEEP_MS } from './limits.ts'
import { Neighbour } from './neighbour.ts'
import { Searches, targetOfTimer } from './searches.ts'
import { Seeks } from './seeks.ts'
import { refOfTimer, Sends } from './sends.ts'

export type { RelayStateOptions } from './core.ts'

/** What can be counted from outside. Every one of them is bounded. */
export interface RelayStats {
  readonly neighbours: number
  /** Keys to which a way is known. */
  readonly routes: number
  /** Searches remembered, ours and others'. */
  readonly seen: number
  readonly searches: number
  /** Our own envelopes under way. */
  readonly sends: number
  /** Others' envelopes under way through us. */
  readonly pending: number
  readonly arrivals: number
  /** Done, refused or dropped since the start, by reason. */
  readonly counters: Readonly<Record<string, number>>
}

const SWEEP_TIMER = 'sweep'

/** PROTOCOL.md as a pure machine: input and time in, effects out; no socket, no clock, no chance of its own. */
export class RelayState implements IStateMachine<RelayInput, RelayEffect> {
  readonly #core: Core
  readonly #seeks: Seeks
  readonly #searches: Searches
  readonly #sends: Sends
  readonly #carrying: Carrying
  readonly #arrivals: Arrivals

  constructor(options: RelayStateOptions) {
    const core = this.#core = new Core(options)
    this.#seeks = new Seeks(core, target => this.#searches.found(target))
    this.#searches = new Searches(core, this.#seeks, (refs, isFound) => this.#sends.resume(refs, isFound))
    this.#sends = new Sends(core, { join: (target, ref) => this.#searches.join(target, ref), leave: (target, ref) => this.#searches.leave(target, ref) })
    this.#carrying = new Carrying(core)
    this.#arrivals = new Arrivals(core)
  }

  handle(input: RelayInput, nowMs: number): readonly RelayEffect[] {
    const core = this.#core
    core.nowMs = nowMs
    this.#take(input)
    const { out } = core
    core.out = []
    return out
  }

  get stats(): RelayStats {
    const { neighbours, routes, counters } = this.#core
    return {
      neighbours: neighbours.size, routes: routes.size, seen: this.#seeks.size, searches: this.#searches.size, sends: this.#sends.size,
      pending: this.#carrying.size, arrivals: this.#arrivals.size, counters: { ...counters },
    }
  }

  #take(input: RelayInput): void {
    switch (input.kind) {
      case 'start': return this.#planSweep()
      case 'joined': return this.#join(input.from)
      case 'left': return this.#leave(input.from)
      case 'word': return this.#takeWord(input.stated)
      case 'stated': return this.#takeStated(input)
      case 'misstated': return this.#core.forged(input.stated.from)
      case 'carry': return this.#takeCarry(input)
      case 'lost': return this.#takeLost(input)
      case 'unsent': return this.#takeUnsent(input)
      case 'send': return this.#sends.begin(input)
      case 'cancel': return this.#sends.cancel(input.ref)
      case 'signed': return this.#takeSigned(input.purpose, input.statement)
      case 'delivered': return this.#arrivals.delivered(input.key, input.isTaken)
      case 'timer': return this.#takeTimer(input.timer)
    }
  }

  #join(id: PeerId): void {
    const { neighbours, clock } = this.#core
    if (neighbours.has(id)) return
    if (neighbours.size >= NEIGHBOURS_MAX) return this.#core.count('too-many-neighbours')
    neighbours.set(id, new Neighbour(id, clock))
  }

  #leave(id: PeerId): void {
    const { neighbours, routes } = this.#core
    if (!neighbours.delete(id)) return
    routes.forget(id)
    this.#carrying.left(id)
    this.#sends.left(id)
  }

  // Words.

  #takeWord(stated: Stated): void {
    const from = this.#core.neighbours.get(stated.from)
    if (from === undefined) return this.#core.count('unknown-neighbour')
    switch (stated.word) {
      case 'seek': return this.#seeks.takeSeek(stated, from)
      case 'found': return this.#seeks.takeFound(stated, from)
      case 'receipt':
        if (!this.#sends.takeReceipt(stated, from)) this.#carrying.takeReceipt(stated, from)
    }
  }

  #takeStated({ stated, statement, wallMs }: Extract<RelayInput, { kind: 'stated' }>): void {
    switch (stated.word) {
      case 'seek': return this.#seeks.takeSeeking(stated, statement, wallMs)
      case 'found': return this.#seeks.takeHere(stated, statement)
      case 'receipt':
        if (!this.#sends.takeReceived(stated, statement)) this.#carrying.takeReceived(stated, statement)
    }
  }

  #takeCarry({ from, payload, digest }: Extract<RelayInput, { kind: 'carry' }>): void {
    const core = this.#core
    const neighbour = core.neighbours.get(from)
    if (neighbour === undefined) return core.count('unknown-neighbour')
    // What could be read on the way is not carried.
    if (payload.sealed[0] !== ENVELOPE_KIND) return core.breach(from, 'hands over what is not sealed')
    if (neighbour.carries.take() > 0 || neighbour.carryBytes.take(payload.sealed.length) > 0) {
      core.count('carries-over')
      core.out.push({ kind: 'send', to: from, type: 'lost', payload: { id: payload.id, attempt: payload.attempt, why: 'busy' } })
    } else if (toHex(payload.to) === core.options.ownId) this.#arrivals.take(payload, digest, neighbour)
    else this.#carrying.take(payload, digest, neighbour)
  }

  #takeLost({ from, payload: { id, attempt, why } }: Extract<RelayInput, { kind: 'lost' }>): void {
    const neighbour = this.#core.neighbours.get(from)
    if (neighbour === undefined) return this.#core.count('unknown-neighbour')
    const hex = toHex(id)
    if (this.#sends.lost(from, hex, attempt) || this.#carrying.lost(from, hex, attempt, why)) this.#core.count('lost')
    else this.#core.unasked(neighbour, 'lost-unasked')
  }

  #takeUnsent({ to, id, attempt }: Extract<RelayInput, { kind: 'unsent' }>): void {
    if (this.#sends.lost(to, id, attempt) || this.#carrying.lost(to, id, attempt, 'busy')) this.#core.count('unsent')
  }

  #takeSigned(purpose: SignPurpose, statement: Uint8Array): void {
    switch (purpose.type) {
      case 'seeking': return this.#searches.signed(purpose.target, statement)
      case 'here': return this.#seeks.signedHere(purpose.key, statement)
      case 'received': return this.#arrivals.signed(purpose.key, statement)
    }
  }

  // Time.

  #takeTimer(timer: string): void {
    const target = targetOfTimer(timer)
    const ref = refOfTimer(timer)
    if (timer === SWEEP_TIMER) this.#sweep()
    else if (target !== undefined) this.#searches.next(target)
    else if (ref !== undefined) this.#sends.timedOut(ref)
  }

  #sweep(): void {
    this.#planSweep()
    this.#seeks.expire()
    this.#carrying.expire()
    this.#arrivals.expire()
    this.#core.routes.expire(this.#core.nowMs)
  }

  #planSweep(): void {
    this.#core.out.push({ kind: 'schedule', timer: SWEEP_TIMER, delayMs: SWEEP_MS })
  }
}
