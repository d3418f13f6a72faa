import type { PeerId } from '../../contracts/message.ts'
import { fromHex } from '../../foundation/hex.ts'
import type { Core } from './core.ts'
import { SEARCHES } from './limits.ts'
import type { Seeks } from './seeks.ts'

/** For one key, whoever waits for it. */
interface Search {
  /** The next of SEARCHES. */
  step: number
  /** Its statement is being signed. */
  id: Uint8Array | undefined
  readonly waiting: Set<string>
}

/** Our own searches: near, then far, then far again; one at a time for each key. */
export class Searches {
  readonly #core: Core
  readonly #seeks: Seeks
  readonly #onEnd: (refs: readonly string[], isFound: boolean) => void
  readonly #searches = new Map<PeerId, Search>()

  constructor(core: Core, seeks: Seeks, onEnd: (refs: readonly string[], isFound: boolean) => void) {
    this.#core = core
    this.#seeks = seeks
    this.#onEnd = onEnd
  }

  get size(): number {
    return this.#searches.size
  }

  join(target: PeerId, ref: string): void {
    const known = this.#searches.get(target)
    if (known) return void known.waiting.add(ref)
    this.#searches.set(target, { step: 0, id: undefined, waiting: new Set([ref]) })
    this.#next(target)
  }

  leave(target: PeerId, ref: string): void {
    const search = this.#searches.get(target)
    if (search?.waiting.delete(ref) && search.waiting.size === 0) this.#end(target)
  }

  found(target: PeerId): void {
    const refs = this.#end(target)
    if (refs.length > 0) this.#onEnd(refs, true)
  }

  signed(target: PeerId, statement: Uint8Array): void {
    const search = this.#searches.get(target)
    if (search?.id === undefined) return
    const { id } = search
    search.id = undefined
    this.#seeks.begin(id, target, SEARCHES[search.step - 1]!.hops, statement)
  }

  /** The time of a search is over, or our budget allows the next. */
  next(target: PeerId): void {
    if (this.#searches.has(target)) this.#next(target)
  }

  #next(target: PeerId): void {
    const { ownSeeks, options, neighbours, out } = this.#core
    const search = this.#searches.get(target)!
    const plan = SEARCHES[search.step]
    if (plan === undefined || neighbours.size === 0) return this.#onEnd(this.#end(target), false)
    const waitMs = ownSeeks.take()
    out.push({ kind: 'schedule', timer: timerOf(target), delayMs: waitMs > 0 ? waitMs : plan.waitMs })
    if (waitMs > 0) return this.#core.count('own-seeks-wait')
    search.step++
    search.id = options.newId()
    out.push({ kind: 'sign', purpose: { type: 'seeking', target }, payload: { id: search.id, target: fromHex(target) } })
  }

  #end(target: PeerId): string[] {
    const search = this.#searches.get(target)
    if (search === undefined) return []
    this.#searches.delete(target)
    this.#core.out.push({ kind: 'cancel', timer: timerOf(target) })
    return [...search.waiting]
  }
}

const TIMER = 'seek:'

function timerOf(target: PeerId): string {
  return `${TIMER}${target}`
}

/** The key that a timer's name is about; undefined for other timers. */
export function targetOfTimer(timer: string): PeerId | undefined {
  return timer.startsWith(TIMER) ? timer.slice(TIMER.length) : undefined
}
