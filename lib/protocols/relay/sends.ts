import type { PeerId } from '../../contracts/message.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import type { Core } from './core.ts'
import type { RelayInput, SendOutcome, Stated, Statement } from './events.ts'
import { ATTEMPTS_MAX, HOPS_MAX, RECEIPT_MS } from './limits.ts'
import type { Neighbour } from './neighbour.ts'
import { claimedAuthor } from './statement.ts'

type ReceiptWord = Extract<Stated, { word: 'receipt' }>
/** Searches that one envelope may set off: the way that was found may be a bad one. */
const SEARCHES_PER_SEND_MAX = 2

/** Where ways are sought; `resume` is told how it ended. */
export interface SearchDesk {
  join(target: PeerId, ref: string): void
  leave(target: PeerId, ref: string): void
}

/** An envelope of ours under way. */
interface Send {
  readonly ref: string
  readonly id: Uint8Array
  readonly to: PeerId
  readonly sealed: Uint8Array
  readonly digest: string
  attempt: number
  searches: number
  /** Who has it now; undefined while a way is sought. */
  via: PeerId | undefined
  /** All who were handed it: a receipt may still come from an earlier one. */
  readonly vias: Set<PeerId>
  /** Ways that have failed since the last search. */
  readonly failed: Set<PeerId>
}

/** Our own envelopes: handed to the best way, then to the next, then sought anew, until the receipt is there. */
export class Sends {
  readonly #core: Core
  readonly #byRef = new Map<string, Send>()
  readonly #byId = new Map<string, Send>()
  readonly #search: SearchDesk

  constructor(core: Core, search: SearchDesk) {
    this.#core = core
    this.#search = search
  }

  get size(): number {
    return this.#byRef.size
  }

  begin({ ref, to, sealed, digest, id }: Extract<RelayInput, { kind: 'send' }>): void {
    const send: Send = { ref, id, to, sealed, digest, attempt: 0, searches: 0, via: undefined, vias: new Set(), failed: new Set() }
    this.#byRef.set(ref, send)
    this.#byId.set(toHex(id), send)
    this.#proceed(send)
  }

  cancel(ref: string): void {
    const send = this.#byRef.get(ref)
    if (send) this.#forget(send)
  }

  /** A search has ended. */
  resume(refs: readonly string[], isFound: boolean): void {
    for (const ref of refs) {
      const send = this.#byRef.get(ref)
      if (send === undefined) continue
      if (isFound) this.#proceed(send)
      else this.#settle(send, send.attempt === 0 ? 'unreachable' : 'no-receipt')
    }
  }

  /** No receipt in time. */
  timedOut(ref: string): void {
    const send = this.#byRef.get(ref)
    if (send?.via === undefined) return
    this.#core.count('receipt-late')
    this.#failed(send, send.via)
  }

  /** Whoever has it, has lost it. False where it is none of ours. */
  lost(from: PeerId, id: string, attempt: number): boolean {
    const send = this.#byId.get(id)
    if (send === undefined || send.via !== from || send.attempt - 1 !== attempt) return false
    this.#failed(send, from)
    return true
  }

  left(neighbour: PeerId): void {
    for (const send of [...this.#byRef.values()]) if (send.via === neighbour) this.#failed(send, neighbour)
  }

  /** False where it is none of ours. */
  takeReceipt(stated: ReceiptWord, from: Neighbour): boolean {
    const send = this.#byId.get(toHex(stated.payload.id))
    if (send === undefined) return false
    if (!send.vias.has(from.id) || claimedAuthor(stated.payload.statement) !== send.to) this.#core.unasked(from, 'receipt-unasked')
    else this.#core.out.push({ kind: 'check', stated })
    return true
  }

  /** False where it is none of ours. */
  takeReceived({ from, payload: { id } }: ReceiptWord, said: Statement): boolean {
    const send = this.#byId.get(toHex(id))
    if (send === undefined) return false
    if (said.type !== 'received' || said.by !== send.to || said.id !== toHex(id) || said.digest !== send.digest) this.#core.forged(from)
    else {
      this.#core.routes.confirm(send.to, from, this.#core.nowMs)
      this.#settle(send, 'received')
    }
    return true
  }

  #proceed(send: Send): void {
    const core = this.#core
    if (send.attempt >= ATTEMPTS_MAX) return this.#settle(send, 'no-receipt')
    const via = this.#wayFor(send)
    if (via !== undefined) return this.#handOn(send, via)
    if (send.searches >= SEARCHES_PER_SEND_MAX) return this.#settle(send, send.attempt === 0 ? 'unreachable' : 'no-receipt')
    send.searches++
    send.failed.clear()
    core.count('searches')
    this.#search.join(send.to, send.ref)
  }

  #wayFor({ to, failed }: Send): PeerId | undefined {
    const { neighbours, routes, nowMs } = this.#core
    return neighbours.has(to) && !failed.has(to) ? to : routes.next(to, via => failed.has(via) || !neighbours.has(via), nowMs)
  }

  #handOn(send: Send, via: PeerId): void {
    send.via = via
    send.vias.add(via)
    this.#core.out.push(
      { kind: 'hand-on', to: via, payload: { id: send.id, to: fromHex(send.to), attempt: send.attempt++, hops: HOPS_MAX, sealed: send.sealed } },
      { kind: 'schedule', timer: timerOf(send.ref), delayMs: RECEIPT_MS },
    )
  }

  #failed(send: Send, via: PeerId): void {
    this.#core.routes.fail(send.to, via)
    send.failed.add(via)
    send.via = undefined
    this.#core.out.push({ kind: 'cancel', timer: timerOf(send.ref) })
    this.#proceed(send)
  }

  #settle(send: Send, outcome: SendOutcome): void {
    this.#forget(send)
    this.#core.out.push({ kind: 'emit', event: { kind: 'settled', ref: send.ref, outcome } })
  }

  #forget(send: Send): void {
    this.#byRef.delete(send.ref)
    this.#byId.delete(toHex(send.id))
    this.#search.leave(send.to, send.ref)
    this.#core.out.push({ kind: 'cancel', timer: timerOf(send.ref) })
  }
}

const TIMER = 'receipt:'

function timerOf(ref: string): string {
  return `${TIMER}${ref}`
}

/** The send that a timer's name is about; undefined for other timers. */
export function refOfTimer(timer: string): string | undefined {
  return timer.startsWith(TIMER) ? timer.slice(TIMER.length) : undefined
}
