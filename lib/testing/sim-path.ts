import { PERFECT_LINK, worsened, type LinkQuality } from './link-quality.ts'
import type { SimHost } from './sim-host.ts'
import type { SimRandom } from './sim-random.ts'

/** Something that is wrong with part of the network for a while. */
export interface Condition {
  applies(from: SimHost, to: SimHost): boolean
  /** Nothing gets through in that direction. */
  cut?: boolean
  quality?: Partial<LinkQuality>
}

/** What is wrong now; `version` goes up with every change, so that paths know when to look again. */
export class Conditions implements Iterable<Condition> {
  readonly #list = new Set<Condition>()
  #version = 1

  get version(): number {
    return this.#version
  }

  add(condition: Condition): void {
    this.#list.add(condition)
    this.changed()
  }

  delete(condition: Condition): void {
    this.#list.delete(condition)
    this.changed()
  }

  clear(): void {
    this.#list.clear()
    this.changed()
  }

  /** Something else changed that paths depend on. */
  changed(): void {
    this.#version++
  }

  [Symbol.iterator](): Iterator<Condition> {
    return this.#list[Symbol.iterator]()
  }
}

/** One direction between two machines: how it is by nature, and what has been done to it. */
export class SimPath {
  readonly from: SimHost
  readonly to: SimHost
  /** What happens on this path is drawn from here and nowhere else, so that traffic elsewhere changes nothing. */
  readonly random: SimRandom
  readonly #nature: LinkQuality
  readonly #conditions: Conditions
  #version = 0
  #quality: LinkQuality = PERFECT_LINK
  #cut = false

  constructor(from: SimHost, to: SimHost, nature: LinkQuality, conditions: Conditions, random: SimRandom) {
    this.from = from
    this.to = to
    this.random = random
    this.#nature = nature
    this.#conditions = conditions
  }

  get quality(): LinkQuality {
    this.#look()
    return this.#quality
  }

  /** True while nothing gets through. */
  get cut(): boolean {
    this.#look()
    return this.#cut
  }

  #look(): void {
    if (this.#version === this.#conditions.version) return
    this.#version = this.#conditions.version
    this.#quality = this.#nature
    this.#cut = false
    for (const condition of this.#conditions) {
      if (!condition.applies(this.from, this.to)) continue
      if (condition.cut) this.#cut = true
      if (condition.quality) this.#quality = worsened(this.#quality, condition.quality)
    }
  }
}
