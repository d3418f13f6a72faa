import type { IClock } from '../../contracts/clock.ts'
import { NAMESPACE_CHARS_MAX, TOPIC_CHARS_MAX } from './limits.ts'

/** Stands between a namespace and a topic on the wire. No topic of an application may have it, so that none can look like another namespace's. */
const MARK = '\u001f'
const FALLBACK_AFTER_MS = 5_000

/** Topics of its own for a group that shares links with others (seed 000: network namespaces). */
export interface NamespaceOptions {
  /** 1 to 32 characters. Known to all who are told: a namespace keeps apart, it does not hide. */
  name: string
  /** Whoever is connected to nobody of its namespace joins the global topics as well, until somebody is there. True by default. */
  fallback?: boolean
  /** Alone for so long before that. 5 s by default. */
  fallbackAfterMs?: number
}

export interface NamespaceHooks {
  clock(): IClock
  /** Whether no connected peer subscribes to such a topic. */
  isAlone(belongs: (name: string) => boolean): boolean
  /** It has fallen back to the global topics, or has returned from them. */
  onChange(isFallenBack: boolean): void
}

/** What topics are called on the wire; without a namespace, what applications call them. */
export class Namespace {
  readonly name: string | undefined
  readonly #prefix: string
  readonly #fallback: boolean
  readonly #fallbackAfterMs: number
  readonly #hooks: NamespaceHooks
  #isFallenBack = false
  #timer: Disposable | undefined

  /** Throws TypeError or RangeError for a name or a time that cannot be. */
  constructor(options: NamespaceOptions | undefined, hooks: NamespaceHooks) {
    this.#hooks = hooks
    this.name = options?.name
    if (options !== undefined) checkName(options.name)
    const { fallback = true, fallbackAfterMs = FALLBACK_AFTER_MS } = options ?? {}
    if (!(fallbackAfterMs >= 0)) throw new RangeError(`namespace.fallbackAfterMs must be a number of at least 0, got ${fallbackAfterMs}`)
    this.#prefix = options === undefined ? '' : `${options.name}${MARK}`
    this.#fallback = options !== undefined && fallback
    this.#fallbackAfterMs = fallbackAfterMs
  }

  /** Throws TypeError or RangeError for what is no topic here. */
  check(topic: string): void {
    if (typeof topic !== 'string') throw new TypeError(`a topic must be a text, got ${typeof topic}`)
    const max = TOPIC_CHARS_MAX - this.#prefix.length
    if (topic.length === 0 || topic.length > max) throw new RangeError(`a topic has 1 to ${max} characters here, got ${topic.length}`)
    if (topic.includes(MARK)) throw new RangeError('a topic cannot have U+001F in it: that is how namespaces are kept apart')
  }

  /** Where a publication goes now. */
  said(topic: string): string {
    return this.#isFallenBack ? topic : this.#prefix + topic
  }

  /** Under which names it is listened to now. */
  heard(topic: string): string[] {
    return this.#isFallenBack ? [this.#prefix + topic, topic] : [this.#prefix + topic]
  }

  /** Under which it ever may be. */
  all(topic: string): string[] {
    return this.#fallback ? [this.#prefix + topic, topic] : [this.#prefix + topic]
  }

  /** What the application calls it. */
  own(name: string): string {
    return this.#prefix !== '' && name.startsWith(this.#prefix) ? name.slice(this.#prefix.length) : name
  }

  get isFallenBack(): boolean {
    return this.#isFallenBack
  }

  /** Whoever is there may have changed. */
  look(): void {
    if (!this.#fallback) return
    if (!this.#hooks.isAlone(name => name.startsWith(this.#prefix))) {
      this.#endTimer()
      this.#change(false)
    } else if (!this.#isFallenBack) {
      this.#timer ??= this.#hooks.clock().schedule(this.#fallbackAfterMs, () => this.#change(true))
    }
  }

  /** It is over, or has not begun. */
  stop(): void {
    this.#endTimer()
    this.#isFallenBack = false
  }

  #change(isFallenBack: boolean): void {
    if (isFallenBack) this.#timer = undefined
    if (this.#isFallenBack === isFallenBack) return
    this.#isFallenBack = isFallenBack
    this.#hooks.onChange(isFallenBack)
  }

  #endTimer(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }
}

function checkName(name: unknown): void {
  if (typeof name !== 'string') throw new TypeError(`namespace.name must be a text, got ${typeof name}`)
  if (name.length === 0 || name.length > NAMESPACE_CHARS_MAX || name.includes(MARK)) {
    throw new RangeError(`namespace.name has 1 to ${NAMESPACE_CHARS_MAX} characters and no U+001F, got ${JSON.stringify(name)}`)
  }
}
