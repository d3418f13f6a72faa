import type { PeerId } from '../../contracts/message.ts'
import { shareBetween, sharedBits, randomNear, type Position } from './position.ts'
import { onAbort } from './aborting.ts'
import { BAD_ANSWER, type Asker } from './asker.ts'
import { draw } from '../../protocol-kit/draw.ts'
import type { Core } from './core.ts'
import type { FindReply } from './definition.ts'
import { Lookup, routeOf, type Step } from './lookup.ts'
import { decodeRows } from './referral.ts'

export interface SearchOptions {
  records?: boolean
  token?: boolean
  /** Paths of this lookup; the ordinary number by default. */
  paths?: number
  signal?: AbortSignal | undefined
  /** Looks at each answer; true ends the search early. */
  enough?: (reply: FindReply, step: Step) => boolean
}

/** A node that answered, and how to reach it again. */
export interface Answered {
  readonly id: PeerId
  readonly group: number
  readonly position: Position
  readonly route: readonly PeerId[]
  readonly path: number
  readonly depth: number
  readonly reply: FindReply
}

export interface SearchResult {
  /** The nearest first. */
  readonly answered: readonly Answered[]
  readonly asked: number
  /** Steps one after the other, on the longest path. */
  readonly rounds: number
  /** Referrals to the nearest that was found, our own contacts counting 1. */
  readonly depth: number
}

/** Nodes near a key beyond so many times what there should be are an attack, or worth treating as one. */
const CROWDED = 3
/** Points of a region from which it is looked at anew. */
const VIEWPOINTS = 8

/** Lookups: the pure one of `lookup.ts`, with its questions asked. */
export class Searches {
  readonly #core: Core
  readonly #asker: Asker
  readonly #open = new Set<() => void>()

  constructor(core: Core, asker: Asker) {
    this.#core = core
    this.#asker = asker
  }

  /** Ends all that are under way, with what they have found. */
  close(): void {
    for (const end of [...this.#open]) end()
  }

  /** The nearest nodes to a place that answer, and what they say. Never rejects but for the signal: who knows nobody finds nobody. */
  async find(target: Position, options: SearchOptions = {}): Promise<SearchResult> {
    options.signal?.throwIfAborted()
    await this.#core.greeted()
    return await this.#run(target, options)
  }

  #run(target: Position, options: SearchOptions): Promise<SearchResult> {
    const { table, parameters, ownId, positions, context } = this.#core
    const { records = false, token = false, paths = parameters.paths, signal, enough } = options
    signal?.throwIfAborted()
    const lookup = new Lookup({ target, own: ownId, positions, seeds: table.nearest(target, parameters.k), k: parameters.k, alpha: parameters.alpha, paths })
    const replies = new Map<Step, FindReply>()
    return new Promise((resolve, reject) => {
      let isOver = false
      const stop = (settle: () => void): void => {
        if (isOver) return
        isOver = true
        timer[Symbol.dispose]()
        aborting[Symbol.dispose]()
        this.#open.delete(end)
        settle()
      }
      const end = (): void => stop(() => resolve(resultOf(lookup, replies)))
      const aborting = onAbort(signal, () => stop(() => reject(signal!.reason as Error)))
      const timer = context.clock.schedule(parameters.lookupMs, end)
      this.#open.add(end)
      const pump = (): void => {
        if (isOver) return
        for (const step of lookup.next()) void this.#askStep(lookup, step, replies, { target, records, token }, enough).then(isEnough => (isEnough ? end() : pump()))
        if (lookup.isDone) end()
      }
      pump()
    })
  }

  async #askStep(lookup: Lookup, step: Step, replies: Map<Step, FindReply>, { target, records, token }: { target: Position; records: boolean; token: boolean }, enough: SearchOptions['enough']): Promise<boolean> {
    try {
      const reply = await this.#asker.ask(routeOf(step), 'find', { target: target.bytes, records, token })
      const named = decodeRows(reply.closer)
      if (named === null) {
        this.#core.blame(step.node.id, BAD_ANSWER, `${step.node.id} named ${reply.closer.length} bytes of nodes, which is no whole number of them`)
        lookup.failed(step)
        return false
      }
      lookup.answered(step, named)
      replies.set(step, reply)
      return enough?.(reply, step) ?? false
    } catch {
      this.#core.count('asks-failed')
      lookup.failed(step)
      return false
    }
  }

  /** True where more nodes answered near a key than there should be, by what this node sees around itself. */
  isCrowded(target: Position, { answered }: SearchResult): boolean {
    const { table, parameters: { k } } = this.#core
    if (answered.length < k || table.size < k) return false
    return shareBetween(target, answered[k - 1]!.position) * CROWDED < k / table.estimate()
  }

  /** The region in which `k` nodes should live, seen from several points of it: those that answered there, whoever crowds around the key itself. */
  async region(target: Position, options: SearchOptions = {}): Promise<Answered[]> {
    const { table, parameters: { k }, context } = this.#core
    const bits = Math.max(0, Math.floor(Math.log2(table.estimate() / k)))
    const points = Array.from({ length: VIEWPOINTS }, (_, index) => randomNear(target, bits + index % 3, draw(context, 32)))
    const results = await Promise.all(points.map(point => this.find(point, { ...options, records: false })))
    const found = new Map<PeerId, Answered>()
    for (const { answered } of results) for (const one of answered) if (sharedBits(target, one.position) >= bits) found.set(one.id, one)
    return [...found.values()]
  }
}

function resultOf(lookup: Lookup, replies: ReadonlyMap<Step, FindReply>): SearchResult {
  const steps = lookup.answerers().filter(step => replies.has(step))
  return {
    answered: steps.map(step => ({
      id: step.node.id, group: step.node.group, position: step.node.position, route: routeOf(step), path: step.path, depth: step.depth, reply: replies.get(step)!,
    })),
    asked: lookup.asked,
    rounds: steps.reduce((most, { round }) => Math.max(most, round), 0),
    depth: steps[0]?.depth ?? 0,
  }
}
