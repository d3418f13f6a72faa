import type { IClock } from '../contracts/clock.ts'
import { EventHeap } from './event-heap.ts'
import { NodeClock } from './node-clock.ts'
import { eachTurn } from './real-time-turns.ts'
import { Happening, type Pace, type SimEvent, type Timeline } from './sim-event.ts'

export interface VirtualClockOptions {
  /** Unix time in milliseconds at which the world begins. */
  startMs?: number
  /** Told of each event just before it happens. */
  onEvent?: ((event: SimEvent) => void) | undefined
}

/** 2024-01-01T00:00:00Z: far from zero, so that code which mistakes durations for dates shows itself. */
const START_MS = 1_704_067_200_000
/** This many events in one moment are a loop without a pause, not a busy world. */
const EVENTS_AT_ONCE_MAX = 2_000_000
/** Cancelled events are swept out when they are this many and most of the heap. */
const CANCELLED_MIN = 4_096

/** What is being waited for, while events are made to happen. */
interface Pump {
  untilMs: number
  isDone: () => boolean
  resolve: () => void
  reject: (error: unknown) => void
}

/**
 * All time there is in a simulation. It stands still until `run`, `runUntil` or `drive` moves it from event to event,
 * in the order (time, sequence); all promises that an event settles run to their end before the next. It never waits for real.
 */
export class VirtualClock implements IClock, Timeline {
  readonly startMs: number
  /** Told of each event just before it happens. */
  onEvent: ((event: SimEvent) => void) | undefined
  /** Told when an event has come that is only a number: see `postNumber`. */
  onNumber: ((number: number) => void) | undefined
  disturbed = false
  readonly #heap = new EventHeap<SimEvent | number>()
  #deferred: SimEvent[] = []
  #deferredHead = 0
  #nowMs = 0
  /** When the event is due that was taken last. */
  #takenMs = 0
  #sequence = 0
  #happened = 0
  #cancelled = 0
  #sinceNowMoved = 0
  #pump: Pump | undefined
  /** Promises that `drive` was asked for and that have not settled. */
  #driven = 0

  constructor({ startMs = START_MS, onEvent }: VirtualClockOptions = {}) {
    this.startMs = startMs
    this.onEvent = onEvent
  }

  now(): number {
    return this.startMs + Math.floor(this.#nowMs)
  }

  elapsedMs(): number {
    return this.#nowMs
  }

  schedule(delayMs: number, run: () => void): Disposable {
    const event = this.post(new Happening(run), delayMs)
    return { [Symbol.dispose]: () => this.cancel(event) }
  }

  defer(run: () => void): void {
    this.postDeferred(new Happening(run))
  }

  /** One node's view of the same time: its own wall clock, its own timers, its own stalls. */
  clockFor(name: string, options: { skewMs?: number } = {}): NodeClock {
    return new NodeClock(this, name, options.skewMs)
  }

  /** Events that have happened. */
  get happened(): number {
    return this.#happened
  }

  /** Events that are still to come, not counting those called off. */
  get pending(): number {
    let count = 0
    for (let at = this.#deferredHead; at < this.#deferred.length; at++) if (isStillToCome(this.#deferred[at]!)) count++
    for (const event of this.#heap) if (isStillToCome(event)) count++
    return count
  }

  /** Events in memory, those called off included. */
  get held(): number {
    return this.#heap.size + this.#deferred.length - this.#deferredHead
  }

  /** True while events are being made to happen. */
  get running(): boolean {
    return this.#pump !== undefined
  }

  post<E extends SimEvent>(event: E, delayMs: number, owner?: Pace): E {
    event.sequence = this.#sequence++
    event.owner = owner
    event.waiting = true
    this.#heap.push(event, this.#nowMs + (delayMs > 0 ? delayMs : 0), event.sequence)
    return event
  }

  postDeferred(event: SimEvent, owner?: Pace): void {
    event.sequence = this.#sequence++
    event.owner = owner
    event.waiting = true
    this.#deferred.push(event)
  }

  /** The same for an event that is nothing but a number, for worlds with hundreds of thousands on their way: an object for each would be what costs most. */
  postNumber(number: number, delayMs: number): void {
    this.#heap.push(number, this.#nowMs + delayMs, this.#sequence++)
  }

  cancel(event: SimEvent): void {
    if (!event.waiting) return
    event.waiting = false
    this.#cancelled++
    if (this.#cancelled < CANCELLED_MIN || this.#cancelled * 2 < this.#heap.size) return
    this.#heap.retain(isStillToCome)
    this.#cancelled = 0
  }

  /** Lets this much time pass. Rejects with whatever an event throws. */
  async run({ forMs }: { forMs: number }): Promise<void> {
    if (!(forMs >= 0)) throw new RangeError(`forMs must be a number of at least 0, got ${String(forMs)}`)
    await this.#go(this.#nowMs + forMs, () => false)
  }

  /** Runs until nothing is left to happen. For a world without heartbeats. */
  async runToEnd(): Promise<void> {
    await this.#go(Infinity, () => false)
  }

  /** Lets time pass until `predicate` holds, which is asked after each event. Resolves to false if `withinMs` went by first. */
  async runUntil(predicate: () => boolean, { withinMs }: { withinMs: number }): Promise<boolean> {
    await this.#go(this.#nowMs + withinMs, predicate)
    return predicate()
  }

  /**
   * Lets time pass until the promise settles, and returns it. Asked for while time is passing already (from inside the
   * simulated world, or several at once) it returns the promise alone.
   */
  async drive<T>(promise: PromiseLike<T>, { withinMs = Infinity }: { withinMs?: number } = {}): Promise<T> {
    let settled = false
    const settle = (): void => {
      settled = true
      this.#driven--
    }
    this.#driven++
    promise.then(settle, settle)
    if (this.#pump === undefined) {
      await this.#go(this.#nowMs + withinMs, () => this.#driven === 0)
      if (!settled) throw this.#neverSettled(withinMs)
    }
    return await promise
  }

  #neverSettled(withinMs: number): Error {
    this.#driven = 0
    return new Error(Number.isFinite(withinMs)
      ? `still waiting after ${withinMs} ms of virtual time`
      : 'nothing is left to happen, and what was waited for has not come')
  }

  #go(untilMs: number, isDone: () => boolean): Promise<void> {
    if (this.#pump !== undefined) return Promise.reject(new Error('time is passing already: await one run before the next, and call none from inside the simulated world'))
    return new Promise((resolve, reject) => {
      this.#pump = { untilMs, isDone, resolve, reject }
      eachTurn(() => this.#turn(this.#pump!))
    })
  }

  /** One event, or the end of the run. */
  #turn(pump: Pump): boolean {
    try {
      if (!pump.isDone()) {
        const event = this.#take(pump.untilMs)
        if (event !== undefined) {
          this.#letHappen(event, this.#takenMs)
          return true
        }
        // Whoever waits for a predicate in vain has waited all that time.
        if (Number.isFinite(pump.untilMs)) this.#nowMs = pump.untilMs
      }
      this.#pump = undefined
      pump.resolve()
    } catch (error) {
      this.#pump = undefined
      pump.reject(error)
    }
    return false
  }

  #letHappen(event: SimEvent | number, timeMs: number): void {
    if (timeMs > this.#nowMs) {
      this.#nowMs = timeMs
      this.#sinceNowMoved = 0
    } else if (++this.#sinceNowMoved > EVENTS_AT_ONCE_MAX) {
      throw new Error(`time stands still at ${this.#nowMs} ms: ${EVENTS_AT_ONCE_MAX} events asked for others without any delay`)
    }
    this.#happened++
    if (typeof event === 'number') return this.onNumber?.(event)
    event.waiting = false
    this.onEvent?.(event)
    event.happen()
  }

  /** The next event that is to happen by then, if any. */
  #take(untilMs: number): SimEvent | number | undefined {
    this.#takenMs = this.#nowMs
    for (let event = this.#takeDeferred(); event !== undefined; event = this.#takeDeferred()) {
      if (this.#mayHappen(event, this.#nowMs)) return event
    }
    while (this.#heap.nextMs <= untilMs) {
      this.#takenMs = this.#heap.nextMs
      const event = this.#heap.pop()
      if (event === undefined || typeof event === 'number') return event
      if (this.#mayHappen(event, this.#takenMs)) return event
    }
    return undefined
  }

  #takeDeferred(): SimEvent | undefined {
    const event = this.#deferred[this.#deferredHead]
    if (event === undefined) return undefined
    if (++this.#deferredHead === this.#deferred.length) {
      this.#deferred = []
      this.#deferredHead = 0
    }
    return event
  }

  /** False for what has been called off; what belongs to a stalled owner is put back, in its place. */
  #mayHappen(event: SimEvent, timeMs: number): boolean {
    if (!event.waiting) {
      this.#cancelled--
      return false
    }
    const { owner } = event
    if (owner === undefined) return true
    if (owner.ended) return false
    if (owner.stalledUntilMs <= timeMs) return true
    this.#heap.push(event, owner.stalledUntilMs, event.sequence)
    return false
  }
}

function isStillToCome(event: SimEvent | number): boolean {
  return typeof event === 'number' || (event.waiting && event.owner?.ended !== true)
}
