import { equalBytes } from '../foundation/bytes.ts'
import type { LinkRates } from './link-rates.ts'
import type { LocalNode } from './local-node.ts'

/** Pings and pongs of one link, both ways. Bodies are 8 bytes. */
export class LinkPings {
  readonly #node: LocalNode
  readonly #rates: LinkRates
  #waiter: { sentAtMs: number; body: Uint8Array; answered: () => void } | undefined
  roundTripMs: number | undefined

  constructor(node: LocalNode, rates: LinkRates) {
    this.#node = node
    this.#rates = rates
  }

  /** What to send as a ping; `answered` runs when its pong comes. A later one replaces an earlier one. */
  next(answered: () => void): Uint8Array {
    const body = this.#node.random(8)
    this.#waiter = { sentAtMs: this.#node.clock.elapsedMs(), body, answered }
    return body
  }

  takePong(body: Uint8Array): void {
    const waiter = this.#waiter
    if (waiter === undefined || !equalBytes(body, waiter.body)) return
    this.#waiter = undefined
    this.roundTripMs = this.#node.clock.elapsedMs() - waiter.sentAtMs
    waiter.answered()
  }

  /** What to send as a pong, or how many pings went unanswered since that was last told: ten thousand fit into one frame. */
  takePing(body: Uint8Array): Uint8Array | number {
    return this.#rates.ping() ? this.#rates.unansweredPing() : body.slice()
  }
}
