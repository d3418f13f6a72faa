import type { IStore } from '../../contracts/store.ts'
import { BANS_MAX } from './limits.ts'

/** The first ban lasts so long; each further one twice as long as the one before. */
export const BAN_MS = 24 * 3_600_000
const DOUBLINGS_MAX = 10
/** Past this the store is swept of bans that are over. */
const SWEEP_EVERY = 100

/** Coins that a peer at fault brought: nobody is banned, only what cannot be had for nothing. */
export class Bans {
  readonly #store: IStore
  #writes = 0

  constructor(store: IStore) {
    this.#store = store
  }

  /** `coin` is an outpoint with the script it lies under: who names somebody else's outpoint bans a coin that does not exist. */
  async ban(coin: string, nowMs: number): Promise<void> {
    const before = await this.#read(coin)
    const times = Math.min(DOUBLINGS_MAX, (before?.times ?? 0) + 1)
    if (this.#writes++ % SWEEP_EVERY === 0) await this.#sweep(nowMs)
    await this.#store.put(keyOf(coin), encode(nowMs + BAN_MS * 2 ** (times - 1), times))
  }

  async isBanned(coin: string, nowMs: number): Promise<boolean> {
    return ((await this.#read(coin))?.untilMs ?? 0) > nowMs
  }

  async #read(coin: string): Promise<{ untilMs: number; times: number } | undefined> {
    const bytes = await this.#store.get(keyOf(coin))
    return bytes === undefined ? undefined : decode(bytes)
  }

  /** A ban that is over is remembered as long again, so that the next one is longer; then it goes. Beyond the bound those that end first go. */
  async #sweep(nowMs: number): Promise<void> {
    const all: { key: string; untilMs: number }[] = []
    for await (const [key, value] of this.#store.entries('ban/')) {
      const { untilMs, times } = decode(value)
      if (untilMs + BAN_MS * 2 ** times < nowMs) await this.#store.delete(key)
      else all.push({ key, untilMs })
    }
    for (const { key } of all.sort((a, b) => a.untilMs - b.untilMs).slice(0, Math.max(0, all.length - BANS_MAX))) await this.#store.delete(key)
  }
}

export function coinName(outpoint: string, scriptHex: string): string {
  return `${outpoint}/${scriptHex}`
}

function keyOf(coin: string): string {
  return `ban/${coin}`
}

function encode(untilMs: number, times: number): Uint8Array {
  return new TextEncoder().encode(`${untilMs} ${times}`)
}

function decode(bytes: Uint8Array): { untilMs: number; times: number } {
  const [untilMs = 0, times = 0] = new TextDecoder().decode(bytes).split(' ').map(Number)
  return { untilMs, times }
}
