import type { MessagePayload } from '../../contracts/protocol.ts'
import type { PeerId } from '../../contracts/message.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import type { Core } from './core.ts'
import type { RelayProtocol } from './definition.ts'
import { ARRIVAL_MS, ARRIVALS_MAX, DELIVERIES_PER_NEIGHBOUR_MAX } from './limits.ts'
import type { Neighbour } from './neighbour.ts'

type Carry = MessagePayload<RelayProtocol, 'carry'>

/** An envelope that came for us. */
interface Arrival {
  readonly id: Uint8Array
  readonly digest: string
  readonly attempt: number
  /** Who brought it: its deliveries are counted. */
  readonly broughtBy: PeerId
  /** Who gets the receipt: the last that brought it. */
  from: PeerId
  readonly atMs: number
  receipt: Uint8Array | undefined
}

/** What is for us: handed in once, and receipted as often as it comes again. */
export class Arrivals {
  readonly #core: Core
  /** By id and content: nobody can use up an id for somebody else. */
  readonly #arrivals = new Map<string, Arrival>()

  constructor(core: Core) {
    this.#core = core
  }

  get size(): number {
    return this.#arrivals.size
  }

  expire(): void {
    for (const [key, { atMs }] of this.#arrivals) if (this.#core.nowMs - atMs >= ARRIVAL_MS) this.#arrivals.delete(key)
  }

  take({ id, attempt, sealed }: Carry, digest: string, from: Neighbour): void {
    const key = `${toHex(id)}/${digest}`
    const known = this.#arrivals.get(key)
    if (known !== undefined) return this.#again(known, from.id)
    if (from.deliveries >= DELIVERIES_PER_NEIGHBOUR_MAX || this.#arrivals.size >= ARRIVALS_MAX) {
      this.#core.count('arrivals-over')
      this.#core.out.push({ kind: 'send', to: from.id, type: 'lost', payload: { id, attempt, why: 'busy' } })
      return
    }
    from.deliveries++
    this.#arrivals.set(key, { id: id.slice(), digest, attempt, broughtBy: from.id, from: from.id, atMs: this.#core.nowMs, receipt: undefined })
    this.#core.out.push({ kind: 'deliver', key, from: from.id, sealed })
  }

  delivered(key: string, isTaken: boolean): void {
    const arrival = this.#arrivals.get(key)
    const { neighbours, out } = this.#core
    const neighbour = arrival && neighbours.get(arrival.broughtBy)
    if (neighbour) neighbour.deliveries--
    if (arrival === undefined) return
    if (isTaken) out.push({ kind: 'sign', purpose: { type: 'received', key }, payload: { id: arrival.id, digest: fromHex(arrival.digest) } })
    else {
      this.#arrivals.delete(key)
      this.#core.count('refused')
      if (neighbours.has(arrival.from)) out.push({ kind: 'send', to: arrival.from, type: 'lost', payload: { id: arrival.id, attempt: arrival.attempt, why: 'refused' } })
    }
  }

  signed(key: string, receipt: Uint8Array): void {
    const arrival = this.#arrivals.get(key)
    if (arrival === undefined) return
    arrival.receipt = receipt
    this.#give(arrival)
  }

  /** Its receipt was lost, or is not ready yet. */
  #again(arrival: Arrival, from: PeerId): void {
    this.#core.count('arrived-again')
    arrival.from = from
    if (arrival.receipt !== undefined) this.#give(arrival)
  }

  #give({ id, from, receipt }: Arrival): void {
    if (this.#core.neighbours.has(from)) this.#core.out.push({ kind: 'send', to: from, type: 'receipt', payload: { id, statement: receipt! } })
  }
}
