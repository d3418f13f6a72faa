import type { TSchema } from 'typebox'
import type { IClock } from '../../contracts/clock.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { PubSubItem, SubscribeOptions, Verdict } from '../../contracts/pubsub.ts'
import { PayloadChecks } from '../../protocol-kit/payload-check.ts'
import { LISTENERS_MAX } from './limits.ts'

export type Listener = (payload: unknown, item: PubSubItem) => void
export type Options = SubscribeOptions<unknown> & { schema?: TSchema | undefined }

interface Subscription {
  readonly listener: Listener
  readonly fits: ((payload: unknown) => boolean) | undefined
  readonly validate: SubscribeOptions<unknown>['validate']
}

interface Audience {
  readonly subscriptions: Subscription[]
  /** Items whose validators are under way, and how many of them are whose. */
  validating: number
  readonly validatingOf: Map<PeerId, number>
}

export interface SubscriptionsOptions {
  clock: () => IClock
  validatorMs: number
  validatorsMax: number
  validatorsPerAuthorMax: number
  /** The first listener of a topic came, or the last one went. */
  onJoin(topic: string): void
  onLeave(topic: string): void
  /** A listener or a validator of the application threw. */
  onFailure(error: unknown): void
}

const WORST: readonly Verdict[] = ['reject', 'ignore', 'accept']

/** Who listens to what, and what they think of it. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #audiences = new Map<string, Audience>()

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  get topics(): string[] {
    return [...this.#audiences.keys()]
  }

  /** Disposing twice does nothing. Throws TypeError, and RangeError for a listener too many. */
  add(topic: string, listener: Listener, { schema, validate }: Options = {}): Disposable {
    if (typeof listener !== 'function') throw new TypeError(`a listener must be a function, got ${typeof listener}`)
    if (validate !== undefined && typeof validate !== 'function') throw new TypeError(`validate must be a function, got ${typeof validate}`)
    let audience = this.#audiences.get(topic)
    if (audience !== undefined && audience.subscriptions.length >= LISTENERS_MAX) throw new RangeError(`a topic has at most ${LISTENERS_MAX} listeners`)
    const isFirst = audience === undefined
    if (audience === undefined) this.#audiences.set(topic, audience = { subscriptions: [], validating: 0, validatingOf: new Map() })
    const subscription: Subscription = { listener, fits: schema && checkOf(schema), validate }
    audience.subscriptions.push(subscription)
    if (isFirst) this.#options.onJoin(topic)
    return { [Symbol.dispose]: () => this.#remove(topic, subscription) }
  }

  /** The worst verdict counts: what one listener of ours rejects is not passed on. At once where nobody has to be waited for. */
  judge(topic: string, item: PubSubItem): Verdict | 'busy' | Promise<Verdict> {
    const audience = this.#audiences.get(topic)
    if (audience === undefined) return 'accept'
    const { subscriptions } = audience
    let waiting: Promise<Verdict>[] | undefined
    let worst: Verdict = 'accept'
    for (const { fits, validate } of subscriptions) {
      if (fits?.(item.payload) === false) return 'reject'
      if (validate === undefined) continue
      if (this.#isBusy(audience, item.from)) return 'busy'
      const verdict = this.#ask(validate, item)
      if (verdict instanceof Promise) (waiting ??= []).push(verdict)
      else worst = worse(worst, verdict)
    }
    if (worst === 'reject' || waiting === undefined) return worst
    return this.#await(audience, item.from, waiting, worst)
  }

  deliver(item: PubSubItem): void {
    for (const { listener } of [...this.#audiences.get(item.topic)?.subscriptions ?? []]) {
      try {
        const result: unknown = listener(item.payload, item)
        if (result instanceof Promise) result.catch(this.#options.onFailure)
      } catch (error) {
        this.#options.onFailure(error)
      }
    }
  }

  clear(): void {
    this.#audiences.clear()
  }

  #remove(topic: string, subscription: Subscription): void {
    const audience = this.#audiences.get(topic)
    const at = audience?.subscriptions.indexOf(subscription) ?? -1
    if (audience === undefined || at < 0) return
    audience.subscriptions.splice(at, 1)
    if (audience.subscriptions.length > 0) return
    this.#audiences.delete(topic)
    this.#options.onLeave(topic)
  }

  /** A validator that throws has no opinion. */
  #ask(validate: NonNullable<Subscription['validate']>, item: PubSubItem): Verdict | Promise<Verdict> {
    try {
      const verdict = validate(item.payload, item)
      return verdict instanceof Promise ? verdict.then(known, this.#failed) : known(verdict)
    } catch (error) {
      return this.#failed(error)
    }
  }

  readonly #failed = (error: unknown): Verdict => {
    this.#options.onFailure(error)
    return 'ignore'
  }

  #isBusy({ validating, validatingOf }: Audience, author: PeerId): boolean {
    const { validatorsMax, validatorsPerAuthorMax } = this.#options
    return validating >= validatorsMax || (validatingOf.get(author) ?? 0) >= validatorsPerAuthorMax
  }

  async #await(audience: Audience, author: PeerId, waiting: readonly Promise<Verdict>[], worst: Verdict): Promise<Verdict> {
    const { validatingOf } = audience
    audience.validating++
    validatingOf.set(author, (validatingOf.get(author) ?? 0) + 1)
    let timer: Disposable | undefined
    const tooLate = new Promise<Verdict[]>(resolve => {
      timer = this.#options.clock().schedule(this.#options.validatorMs, () => resolve(['ignore']))
    })
    try {
      return (await Promise.race([Promise.all(waiting), tooLate])).reduce(worse, worst)
    } finally {
      timer?.[Symbol.dispose]()
      audience.validating--
      const left = validatingOf.get(author)! - 1
      if (left > 0) validatingOf.set(author, left)
      else validatingOf.delete(author)
    }
  }
}

function worse(a: Verdict, b: Verdict): Verdict {
  return WORST.indexOf(a) <= WORST.indexOf(b) ? a : b
}

/** Plain JavaScript may return anything. */
function known(verdict: Verdict): Verdict {
  return WORST.includes(verdict) ? verdict : 'ignore'
}

function checkOf(schema: TSchema): (payload: unknown) => boolean {
  const check = new PayloadChecks({ name: 'gossip', version: 1, messages: { body: schema }, requests: {} })
  return payload => check.message('body').fits(payload)
}
