import type { FaultEffect, FaultWorld } from './fault.ts'
import { FAULT_KINDS, type FaultKind } from './fault-kinds.ts'
import type { SimRandom } from './sim-random.ts'

export interface FaultScheduleOptions {
  world: FaultWorld
  random: SimRandom
  kinds: readonly FaultKind[]
  /** From one fault to the next, on average. */
  everyMs: number
  /** When the first may come, in milliseconds of virtual time. */
  fromMs: number
  /** When no more come and all that are under way end. */
  untilMs: number
  /** Numbers of the faults that come; all when left out. Those that come are what they would have been. */
  only: ReadonlySet<number> | undefined
  onBegin(fault: Fault): void
  onEnd(fault: Fault): void
}

/** One thing that went wrong. */
export interface Fault {
  /** The same fault has the same number in every run of a seed. */
  readonly number: number
  readonly kind: FaultKind
  readonly what: string
  readonly fromMs: number
  readonly untilMs: number
}

/**
 * Faults drawn from the seed, one after another. Each is drawn from a stream of its own, so that leaving some out leaves the
 * others what they were: this is what makes a failing run shrinkable.
 */
export class FaultSchedule {
  readonly #options: FaultScheduleOptions
  readonly #times: SimRandom
  readonly #underWay = new Map<Fault, { effect: FaultEffect; timer: Disposable }>()
  #next = 0
  #timer: Disposable | undefined

  constructor(options: FaultScheduleOptions) {
    this.#options = options
    this.#times = options.random.fork('times')
    const { clock } = options.world
    this.#timer = clock.schedule(options.fromMs - clock.elapsedMs(), () => this.#planNext())
  }

  /** Ends what is under way; no more faults come. */
  stop(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.endAll()
  }

  /** Ends what is under way. */
  endAll(): void {
    for (const fault of [...this.#underWay.keys()]) this.#end(fault)
  }

  #planNext(): void {
    const { world: { clock }, everyMs, untilMs } = this.#options
    // Exponential, as of many independent causes.
    const waitMs = -Math.log(1 - this.#times.fraction()) * everyMs
    const atMs = clock.elapsedMs() + waitMs
    if (atMs >= untilMs) this.#timer = clock.schedule(untilMs - clock.elapsedMs(), () => this.stop())
    else {
      this.#timer = clock.schedule(waitMs, () => {
        this.#begin(this.#next++)
        this.#planNext()
      })
    }
  }

  #begin(number: number): void {
    const { world, random, kinds, untilMs, only, onBegin } = this.#options
    if (only?.has(number) === false) return
    const own = random.fork(`fault ${number}`)
    const kind = own.pick(kinds)
    const { forMs, begin } = FAULT_KINDS[kind]
    const durationMs = own.between(...(forMs as readonly [number, number]))
    const nowMs = world.clock.elapsedMs()
    const effect = begin(world, own)
    if (effect === undefined) return
    const fault: Fault = { number, kind, what: effect.what, fromMs: nowMs, untilMs: Math.min(untilMs, nowMs + durationMs) }
    this.#underWay.set(fault, { effect, timer: world.clock.schedule(durationMs, () => this.#end(fault)) })
    onBegin(fault)
  }

  #end(fault: Fault): void {
    const running = this.#underWay.get(fault)
    if (running === undefined) return
    this.#underWay.delete(fault)
    running.timer[Symbol.dispose]()
    running.effect.end?.()
    this.#options.onEnd(fault)
  }
}
