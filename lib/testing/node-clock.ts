import type { IClock } from '../contracts/clock.ts'
import { Pace, SimEvent, type Timeline } from './sim-event.ts'

/** Time as one node sees it. Its wall clock may be wrong; what timers go by never is. */
export class NodeClock implements IClock {
  readonly name: string
  readonly pace = new Pace()
  readonly #world: Timeline
  #skewMs: number
  #timers = 0

  constructor(world: Timeline, name: string, skewMs = 0) {
    this.#world = world
    this.name = name
    this.#skewMs = skewMs
    if (skewMs !== 0) world.disturbed = true
  }

  /** How far the wall clock is ahead of the world's, in milliseconds. */
  get skewMs(): number {
    return this.#skewMs
  }

  /** Timers that have neither run nor been disposed. */
  get timers(): number {
    return this.#timers
  }

  now(): number {
    return this.#world.startMs + Math.floor(this.#world.elapsedMs() + this.#skewMs)
  }

  elapsedMs(): number {
    return this.#world.elapsedMs()
  }

  schedule(delayMs: number, run: () => void): Disposable {
    const timer = new NodeTimer(this.#world, this, run)
    if (this.pace.ended) return timer
    this.#timers++
    return this.#world.post(timer, delayMs, this.pace)
  }

  defer(run: () => void): void {
    if (!this.pace.ended) this.#world.postDeferred(new Deferred(this, run), this.pace)
  }

  /** Sets the wall clock forward, or back; `elapsedMs` and timers do not notice. */
  jump(ms: number): void {
    this.#skewMs += ms
    this.#world.disturbed = true
  }

  /** Nothing of this node happens for so long: its event loop is stuck. */
  stall(forMs: number): void {
    this.#world.disturbed = true
    this.pace.stalledUntilMs = Math.max(this.pace.stalledUntilMs, this.#world.elapsedMs() + forMs)
  }

  /** No timer of this view runs any more. */
  end(): void {
    this.pace.ended = true
    this.#timers = 0
  }

  /** @internal One timer less. */
  countDown(): void {
    this.#timers--
  }
}

/** A timer of one node: itself what cancels it, since there are very many. */
export class NodeTimer extends SimEvent implements Disposable {
  readonly clock: NodeClock
  readonly #world: Timeline
  readonly #run: () => void

  constructor(world: Timeline, clock: NodeClock, run: () => void) {
    super()
    this.#world = world
    this.clock = clock
    this.#run = run
  }

  happen(): void {
    this.clock.countDown()
    this.#run()
  }

  [Symbol.dispose](): void {
    if (!this.waiting) return
    if (!this.clock.pace.ended) this.clock.countDown()
    this.#world.cancel(this)
  }
}

/** What a node does at the end of its tick. */
export class Deferred extends SimEvent {
  readonly clock: NodeClock
  readonly happen: () => void

  constructor(clock: NodeClock, happen: () => void) {
    super()
    this.clock = clock
    this.happen = happen
  }
}
