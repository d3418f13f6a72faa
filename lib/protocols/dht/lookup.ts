import type { PeerId } from '../../contracts/message.ts'
import { ASKS_MAX, CANDIDATES_MAX, HOPS_MAX, NAMED_IN_VAIN_MAX } from './limits.ts'
import { compareDistance, type Position, type Positions } from './position.ts'
import type { Named } from './referral.ts'

/** A node met in a lookup, whoever named it. */
export interface Node extends Named {
  readonly position: Position
  state: 'named' | 'asked' | 'answered' | 'failed'
  /** The path that asked it; no other will. */
  path: number
  /** Of those it named, so many did not answer. */
  vain: number
}

/** One node on one path: who named it there, and so who can carry a question to it. */
export interface Step {
  readonly node: Node
  readonly path: number
  readonly namer: Step | undefined
  /** 1 for our own contact, one more for each referral. */
  readonly depth: number
  /** One more than the latest answer of its path when it was asked. */
  round: number
}

export interface LookupOptions {
  target: Position
  own: PeerId
  positions: Positions
  /** Our own contacts nearest to the target, the nearest first. */
  seeds: readonly Named[]
  k: number
  alpha: number
  paths: number
}

interface Path {
  readonly index: number
  /** By distance, the nearest first. */
  readonly steps: Step[]
  readonly known: Set<Node>
  underWay: number
  round: number
}

/**
 * S/Kademlia's lookup over paths that share no node, without I/O: `next` says whom to ask, `answered` and `failed` say how that went. A path is
 * done when its nearest ceil(k / d) nodes, or 4, have answered; the lookup when all paths are.
 */
export class Lookup {
  readonly #options: LookupOptions
  readonly #nodes = new Map<PeerId, Node>()
  readonly #paths: Path[]
  readonly #perPath: number
  #asked = 0

  constructor(options: LookupOptions) {
    this.#options = options
    const { seeds, k, paths } = options
    const count = Math.max(1, Math.min(paths, seeds.length))
    this.#perPath = Math.max(4, Math.ceil(k / count))
    this.#paths = Array.from({ length: count }, (_, index) => ({ index, steps: [], known: new Set(), underWay: 0, round: 0 }))
    seeds.forEach((seed, index) => this.#meet(this.#paths[index % count]!, seed, undefined))
  }

  /** Questions asked so far. */
  get asked(): number {
    return this.#asked
  }

  get pathCount(): number {
    return this.#paths.length
  }

  /** Whom to ask now. */
  next(): Step[] {
    const steps: Step[] = []
    for (const path of this.#paths) {
      while (path.underWay < this.#options.alpha && this.#asked < ASKS_MAX) {
        const step = this.#nextOf(path)
        if (step === undefined) break
        step.node.state = 'asked'
        step.node.path = path.index
        step.round = path.round + 1
        path.underWay++
        this.#asked++
        steps.push(step)
      }
    }
    return steps
  }

  /** True when nobody is left to ask and nobody's answer is waited for. */
  get isDone(): boolean {
    return this.#paths.every(path => path.underWay === 0 && (this.#asked >= ASKS_MAX || this.#nextOf(path) === undefined))
  }

  answered(step: Step, named: readonly Named[]): void {
    const path = this.#paths[step.path]!
    path.underWay--
    path.round = Math.max(path.round, step.round)
    step.node.state = 'answered'
    if (step.depth > HOPS_MAX) return
    for (const one of named) this.#meet(path, one, step)
  }

  failed(step: Step): void {
    this.#paths[step.path]!.underWay--
    step.node.state = 'failed'
    if (step.namer !== undefined) step.namer.node.vain++
  }

  /** Those that answered, the nearest first, with the step by which each was asked. */
  answerers(): Step[] {
    const steps: Step[] = []
    for (const path of this.#paths) for (const step of path.steps) if (step.node.state === 'answered' && step.node.path === path.index) steps.push(step)
    return steps.sort((a, b) => compareDistance(this.#options.target, a.node.position, b.node.position))
  }

  /** The nearest that has not been asked, while the path is not satisfied with the nearer ones. */
  #nextOf(path: Path): Step | undefined {
    let near = 0
    for (const step of path.steps) {
      const { state, path: owner } = step.node
      if (state === 'failed' || (state !== 'named' && owner !== path.index)) continue
      if (state === 'named') {
        if (step.namer !== undefined && step.namer.node.vain >= NAMED_IN_VAIN_MAX) continue
        return step
      }
      if (++near >= this.#perPath) return undefined
    }
    return undefined
  }

  #meet(path: Path, { id, group }: Named, namer: Step | undefined): void {
    if (id === this.#options.own) return
    let node = this.#nodes.get(id)
    if (node === undefined) {
      if (this.#nodes.size >= CANDIDATES_MAX) return
      node = { id, group, position: this.#options.positions.of(id), state: 'named', path: -1, vain: 0 }
      this.#nodes.set(id, node)
    }
    if (path.known.has(node)) return
    path.known.add(node)
    const step: Step = { node, path: path.index, namer, depth: (namer?.depth ?? 0) + 1, round: 0 }
    const { steps } = path
    let low = 0
    for (let high = steps.length; low < high;) {
      const middle = (low + high) >> 1
      if (compareDistance(this.#options.target, steps[middle]!.node.position, node.position) < 0) low = middle + 1
      else high = middle
    }
    steps.splice(low, 0, step)
  }
}

/** Who carries a question there, the first being our own contact; the last is the node itself. */
export function routeOf(step: Step): PeerId[] {
  const route: PeerId[] = []
  for (let at: Step | undefined = step; at !== undefined; at = at.namer) route.unshift(at.node.id)
  return route
}
