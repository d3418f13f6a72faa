import { P2PError, type ErrorCode } from '../../contracts/errors.ts'
import type { WaitOptions } from '../../contracts/wait.ts'
import { SafeEmitter } from '../../foundation/safe-emitter.ts'
import { onAbort } from './aborting.ts'
import { newestOf } from './distributed-hash-table.ts'
import { equalValues } from './filters.ts'
import type { Dht } from './handler.ts'
import { ID_CHARS_MAX, LIFETIME_MS_MAX } from './limits.ts'
import { checkName, type Stored } from './record.ts'

const DISABLED: ErrorCode = 'ERR_DHT_DISABLED'
const WEB_TYPE = ':web'

export interface WebDhtOptions {
  /** True by default; false makes every call throw ERR_DHT_DISABLED. */
  enableWebDHT?: boolean
  /** How long a value lives after this node has left: a day by default and at most. */
  ttlMs?: number
}

export interface WebDhtEvents {
  dhtValueChanged: (data: { key: string; newValue: unknown }) => void
}

interface Subscription { readonly listening: Disposable; readonly ending: Disposable; timer: Disposable; value: Stored | undefined }

/**
 * Seed 000's table by its names: whoever writes last has the word. Values are signed by who wrote them, kept by the nodes nearest to the key, and
 * renewed by their writer as long as it is there.
 */
export class WebDht extends SafeEmitter<WebDhtEvents> implements Disposable {
  readonly #dht: Dht
  readonly #isEnabled: boolean
  readonly #ttlMs: number
  readonly #subscriptions = new Map<string, Subscription>()

  constructor(dht: Dht, { enableWebDHT = true, ttlMs = LIFETIME_MS_MAX }: WebDhtOptions = {}) {
    super()
    if (!(ttlMs > 0 && ttlMs <= LIFETIME_MS_MAX)) throw new RangeError(`ttlMs must be above 0 and at most ${LIFETIME_MS_MAX}, got ${String(ttlMs)}`)
    this.#dht = dht
    this.#isEnabled = enableWebDHT
    this.#ttlMs = ttlMs
  }

  addEventListener<E extends keyof WebDhtEvents>(event: E, listener: WebDhtEvents[E]): void {
    this.on(event, listener as never)
  }

  removeEventListener<E extends keyof WebDhtEvents>(event: E, listener: WebDhtEvents[E]): void {
    this.off(event, listener as never)
  }

  /** Rejects with ERR_DHT_REFUSED where nobody takes it. */
  async dhtPut(key: string, value: unknown, options: WaitOptions = {}): Promise<void> {
    this.#mustBeUsable(key)
    await this.#dht.running.own.publish({ type: WEB_TYPE, id: key, sets: [], data: value, lifetimeMs: this.#ttlMs, renew: true }, { signal: options.signal })
  }

  /** The value written last, or null. */
  async dhtGet<T = unknown>(key: string, options: WaitOptions = {}): Promise<T | null> {
    this.#mustBeUsable(key)
    return ((await this.#newest(key, options))?.data as T | undefined) ?? null
  }

  /** A value newer than any that is found, which subscribers are told. */
  async dhtUpdate(key: string, value: unknown, options: WaitOptions = {}): Promise<void> {
    this.#mustBeUsable(key)
    const found = await this.#newest(key, options)
    const { own } = this.#dht.running
    own.passed(found?.seq ?? 0)
    await this.dhtPut(key, value, options)
  }

  /** From now on `dhtValueChanged` tells of each new value of the key. Twice is once. */
  async dhtSubscribe(key: string, options: WaitOptions = {}): Promise<void> {
    this.#mustBeUsable(key)
    if (this.#subscriptions.has(key)) return
    const { changes, core } = this.#dht.running
    const target = core.targets.item(WEB_TYPE, key)
    const listening = changes.listen(target, record => this.#heard(key, record))
    const ending = onAbort(core.context.signal, () => this.dhtUnsubscribe(key))
    const subscription: Subscription = { listening, ending, timer: { [Symbol.dispose]: () => {} }, value: undefined }
    this.#subscriptions.set(key, subscription)
    await changes.enlist(target)
    const present = await this.#newest(key, options)
    if (this.#subscriptions.get(key) !== subscription) return
    if (subscription.value === undefined || (present !== undefined && present.seq > subscription.value.seq)) subscription.value = present
    this.#lookAgain(key, subscription)
  }

  dhtUnsubscribe(key: string): void {
    const subscription = this.#subscriptions.get(key)
    this.#subscriptions.delete(key)
    subscription?.listening[Symbol.dispose]()
    subscription?.ending[Symbol.dispose]()
    subscription?.timer[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    for (const key of [...this.#subscriptions.keys()]) this.dhtUnsubscribe(key)
  }

  /** Where no linked holder tells, looking does. */
  #lookAgain(key: string, subscription: Subscription): void {
    const { core, changes } = this.#dht.running
    const { signal } = core.context
    subscription.timer = core.context.clock.schedule(core.parameters.watchEveryMs, () => {
      const look = async (): Promise<void> => {
        await changes.enlist(core.targets.item(WEB_TYPE, key))
        const newest = await this.#newest(key)
        if (newest !== undefined) this.#heard(key, newest)
      }
      look().catch(() => core.count('watches-failed')).finally(() => {
        if (!signal.aborted && this.#subscriptions.get(key) === subscription) this.#lookAgain(key, subscription)
      })
    })
  }

  #heard(key: string, record: Stored): void {
    const subscription = this.#subscriptions.get(key)
    if (subscription === undefined || record.type !== WEB_TYPE || record.id !== key) return
    const before = subscription.value
    if (before !== undefined && record.seq <= before.seq) return
    if (newestOf([record], this.#dht.running.core.nowMs) === undefined) return
    subscription.value = record
    // Renewed it is another record with the same value.
    if (before === undefined || !equalValues(before.data, record.data)) this.emit('dhtValueChanged', { key, newValue: record.data })
  }

  async #newest(key: string, options: WaitOptions = {}): Promise<Stored | undefined> {
    const { directory, core } = this.#dht.running
    return newestOf(await directory.every(WEB_TYPE, key, options), core.nowMs)
  }

  #mustBeUsable(key: string): void {
    if (!this.#isEnabled) throw new P2PError(DISABLED, 'this table is switched off: make it with enableWebDHT: true', { protocol: 'dht' })
    checkName('a key', key, ID_CHARS_MAX)
  }
}
