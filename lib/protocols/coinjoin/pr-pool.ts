import { PRS_MAX } from './limits.ts'
import { toHex } from '../../foundation/hex.ts'
import { outpointOf, type Pr, type PrInput } from './pr.ts'

/** The PRs of one round and epoch, as one node has heard them. */
export class PrPool {
  readonly #prs = new Map<string, Pr>()
  readonly #authors = new Map<string, string>()
  readonly #owners = new Map<string, string>()
  readonly #closed = new Set<string>()
  readonly #struck = new Set<string>()

  get size(): number {
    return this.#prs.size
  }

  /** `known` for one that is here, `full`, `struck` for two that contradict each other, else `new`. */
  add(pr: Pr, isLate = false): 'new' | 'known' | 'full' | 'struck' {
    if (this.#prs.has(pr.id)) return 'known'
    if (this.#prs.size >= PRS_MAX) return 'full'
    this.#prs.set(pr.id, pr)
    if (isLate) this.#closed.add(pr.id)
    const rivals = [this.#authors.get(pr.author), ...pr.inputs.map(input => this.#owners.get(coinOf(input)))].filter(id => id !== undefined)
    this.#authors.set(pr.author, pr.id)
    for (const input of pr.inputs) this.#owners.set(coinOf(input), pr.id)
    if (rivals.length === 0) return 'new'
    // One coin, or one key, in two PRs of one epoch: its owner says two things, and neither counts.
    for (const id of [pr.id, ...rivals]) this.#struck.add(id)
    return 'struck'
  }

  get(id: string): Pr | undefined {
    return this.#prs.get(id)
  }

  byAuthor(author: string): Pr | undefined {
    return this.#prs.get(this.#authors.get(author) ?? '')
  }

  /** Those that came in time and contradict nobody. */
  get usable(): Pr[] {
    return [...this.#prs.values()].filter(({ id }) => !this.#struck.has(id) && !this.#closed.has(id))
  }

  get all(): Pr[] {
    return [...this.#prs.values()]
  }

  isStruck(id: string): boolean {
    return this.#struck.has(id)
  }
}

/** With its script: without a chain source anybody could say that a coin lies under a script of his own, and prove that. */
function coinOf(input: PrInput): string {
  return `${outpointOf(input)} ${toHex(input.script)}`
}
