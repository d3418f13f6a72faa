import type { IClock } from '../contracts/clock.ts'
import type { Limits } from '../contracts/limits.ts'
import type { PeerId } from '../contracts/message.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { randomFraction } from '../foundation/random.ts'

export interface ReconnectorOptions {
  clock: IClock
  random: RandomBytes
  limits: Pick<Limits, 'reconnectMsMin' | 'reconnectMsMax'>
  /** One attempt; resolves to true when the link stands. Must not reject. */
  dial(id: PeerId): Promise<boolean>
}

/** One peer being waited for. */
interface Wait {
  readonly id: PeerId
  attempts: number
  timer: Disposable | undefined
}

/**
 * Dials lost peers again: first after about `reconnectMsMin`, then twice as long each time up to
 * `reconnectMsMax`, each wait drawn from the upper half so that a crowd does not come back at once.
 */
export class Reconnector implements Disposable {
  readonly #options: ReconnectorOptions
  readonly #waiting = new Map<PeerId, Wait>()

  constructor(options: ReconnectorOptions) {
    this.#options = options
  }

  /** Peers being waited for. */
  get size(): number {
    return this.#waiting.size
  }

  start(id: PeerId): void {
    if (this.#waiting.has(id)) return
    const wait: Wait = { id, attempts: 0, timer: undefined }
    this.#waiting.set(id, wait)
    this.#plan(wait)
  }

  stop(id: PeerId): void {
    this.#waiting.get(id)?.timer?.[Symbol.dispose]()
    this.#waiting.delete(id)
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#waiting.keys()]) this.stop(id)
  }

  #plan(wait: Wait): void {
    const { clock, random, limits } = this.#options
    const fullMs = Math.min(limits.reconnectMsMax, limits.reconnectMsMin * 2 ** wait.attempts)
    wait.attempts++
    wait.timer = clock.schedule(fullMs * (0.5 + randomFraction(random) / 2), () => void this.#try(wait))
  }

  async #try(wait: Wait): Promise<void> {
    const stands = await this.#options.dial(wait.id)
    // Stopped meanwhile, and perhaps begun anew: then this is not the wait it was.
    if (this.#waiting.get(wait.id) !== wait) return
    if (stands) this.stop(wait.id)
    else this.#plan(wait)
  }
}
