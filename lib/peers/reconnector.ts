import type { IClock } from '../contracts/clock.ts'
import type { Limits } from '../contracts/limits.ts'
import type { PeerId } from '../contracts/message.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { randomFraction } from '../foundation/random.ts'

export interface ReconnectorOptions {
  clock: IClock
  random: RandomBytes
  limits: Pick<Limits, 'reconnectMsMin' | 'reconnectMsMax'>
  /** One attempt; resolves to true when the link stands. */
  dial(id: PeerId): Promise<boolean>
}

/**
 * Dials lost peers again: first after about `reconnectMsMin`, then twice as long each time up to
 * `reconnectMsMax`, each wait drawn from the upper half so that a crowd does not come back at once.
 */
export class Reconnector implements Disposable {
  readonly #options: ReconnectorOptions
  readonly #waiting = new Map<PeerId, { attempts: number; timer: Disposable | undefined }>()

  constructor(options: ReconnectorOptions) {
    this.#options = options
  }

  /** Peers being waited for. */
  get size(): number {
    return this.#waiting.size
  }

  start(id: PeerId): void {
    if (this.#waiting.has(id)) return
    this.#waiting.set(id, { attempts: 0, timer: undefined })
    this.#plan(id)
  }

  stop(id: PeerId): void {
    this.#waiting.get(id)?.timer?.[Symbol.dispose]()
    this.#waiting.delete(id)
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#waiting.keys()]) this.stop(id)
  }

  #plan(id: PeerId): void {
    const entry = this.#waiting.get(id)
    if (entry === undefined) return
    const { clock, random, limits } = this.#options
    const fullMs = Math.min(limits.reconnectMsMax, limits.reconnectMsMin * 2 ** entry.attempts)
    entry.attempts++
    entry.timer = clock.schedule(fullMs * (0.5 + randomFraction(random) / 2), () => void this.#try(id))
  }

  async #try(id: PeerId): Promise<void> {
    const stands = await this.#options.dial(id)
    if (stands) this.stop(id)
    else this.#plan(id)
  }
}
