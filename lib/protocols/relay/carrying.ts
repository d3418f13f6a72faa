import type { MessagePayload } from '../../contracts/protocol.ts'
import type { PeerId } from '../../contracts/message.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import type { Core } from './core.ts'
import type { RelayProtocol } from './definition.ts'
import type { Stated, Statement } from './events.ts'
import { ATTEMPTS_MAX, PENDING_MAX, PENDING_MS, PENDING_PER_NEIGHBOUR_MAX } from './limits.ts'
import type { Neighbour } from './neighbour.ts'
import { claimedAuthor } from './statement.ts'

type Carry = MessagePayload<RelayProtocol, 'carry'>
type Lost = MessagePayload<RelayProtocol, 'lost'>
type ReceiptWord = Extract<Stated, { word: 'receipt' }>

/** An envelope that went through us, until its receipt has. */
interface Pending {
  readonly id: string
  readonly prev: PeerId
  readonly next: PeerId
  readonly to: PeerId
  readonly digest: string
  readonly attempt: number
  readonly atMs: number
}

/** Envelopes of others: handed on along learned ways, never flooded; their receipts go back the way they came. */
export class Carrying {
  readonly #core: Core
  /** By id and attempt. */
  readonly #pending = new Map<string, Pending>()

  constructor(core: Core) {
    this.#core = core
  }

  get size(): number {
    return this.#pending.size
  }

  expire(): void {
    for (const pending of this.#pending.values()) {
      if (this.#core.nowMs - pending.atMs < PENDING_MS) continue
      this.#core.count('pending-expired')
      // Whoever had it last swallowed it, or somebody behind: another way is tried next time.
      this.#core.routes.fail(pending.to, pending.next)
      this.#delete(pending)
    }
  }

  /** For somebody else than us. */
  take(payload: Carry, digest: string, from: Neighbour): void {
    const core = this.#core
    const id = toHex(payload.id)
    const to = toHex(payload.to)
    if (!core.options.carries) return this.#refuse(from, payload, 'refused', 'not-carrying')
    if (payload.hops <= 1) return this.#refuse(from, payload, 'no-way', 'hops-over')
    if (this.#pending.has(keyOf(id, payload.attempt))) return this.#refuse(from, payload, 'no-way', 'loop')
    if (this.#pending.size >= PENDING_MAX || from.pending >= PENDING_PER_NEIGHBOUR_MAX) return this.#refuse(from, payload, 'busy', 'pending-full')
    const next = this.#nextFor(id, to, from.id)
    if (next === undefined) return this.#refuse(from, payload, 'no-way', 'no-way')
    if (core.totalBytes.take(payload.sealed.length) > 0) return this.#refuse(from, payload, 'busy', 'bytes-over')
    from.pending++
    this.#pending.set(keyOf(id, payload.attempt), { id, prev: from.id, next, to, digest, attempt: payload.attempt, atMs: core.nowMs })
    core.count('carried')
    core.out.push({ kind: 'hand-on', to: next, payload: { ...payload, hops: payload.hops - 1 } })
  }

  /** A neighbour has lost it, or has gone. False where it went not through us. */
  lost(from: PeerId, id: string, attempt: number, why: Lost['why']): boolean {
    const pending = this.#pending.get(keyOf(id, attempt))
    if (pending === undefined || pending.next !== from) return false
    if (why !== 'busy') this.#core.routes.fail(pending.to, from)
    this.#delete(pending)
    this.#tellLost(pending, why)
    return true
  }

  left(neighbour: PeerId): void {
    for (const pending of [...this.#pending.values()]) {
      if (pending.prev === neighbour) this.#delete(pending)
      else if (pending.next === neighbour) this.lost(neighbour, pending.id, pending.attempt, 'no-way')
    }
  }

  takeReceipt(stated: ReceiptWord, from: Neighbour): void {
    const pending = this.#goneTo(toHex(stated.payload.id), from.id)
    if (pending === undefined || claimedAuthor(stated.payload.statement) !== pending.to) return this.#core.unasked(from, 'receipt-unasked')
    this.#core.out.push({ kind: 'check', stated })
  }

  takeReceived({ from, payload }: ReceiptWord, said: Statement): void {
    const core = this.#core
    const pending = this.#goneTo(toHex(payload.id), from)
    if (pending === undefined) return core.count('receipt-late')
    if (said.type !== 'received' || said.by !== pending.to || said.id !== pending.id || said.digest !== pending.digest) return core.forged(from)
    core.routes.confirm(pending.to, from, core.nowMs)
    const receivers = new Set<PeerId>()
    for (const each of this.#attemptsOf(pending.id)) {
      receivers.add(each.prev)
      this.#delete(each)
    }
    for (const to of receivers) if (core.neighbours.has(to)) core.out.push({ kind: 'send', to, type: 'receipt', payload })
  }

  /** Not back where it came from, and not where an earlier attempt went. */
  #nextFor(id: string, to: PeerId, from: PeerId): PeerId | undefined {
    const { neighbours, routes, nowMs } = this.#core
    const used = new Set(this.#attemptsOf(id).map(({ next }) => next))
    if (neighbours.has(to) && !used.has(to)) return to
    return routes.next(to, via => via === from || used.has(via) || !neighbours.has(via), nowMs)
  }

  #attemptsOf(id: string): Pending[] {
    const attempts: Pending[] = []
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const pending = this.#pending.get(keyOf(id, attempt))
      if (pending) attempts.push(pending)
    }
    return attempts
  }

  #goneTo(id: string, next: PeerId): Pending | undefined {
    return this.#attemptsOf(id).find(pending => pending.next === next)
  }

  #refuse(from: Neighbour, { id, attempt }: Carry, why: Lost['why'], reason: string): void {
    this.#core.count(reason)
    this.#core.out.push({ kind: 'send', to: from.id, type: 'lost', payload: { id, attempt, why } })
  }

  #tellLost({ id, attempt, prev }: Pending, why: Lost['why']): void {
    if (!this.#core.neighbours.has(prev)) return
    this.#core.out.push({ kind: 'send', to: prev, type: 'lost', payload: { id: fromHex(id), attempt, why } })
  }

  #delete({ id, attempt, prev }: Pending): void {
    if (!this.#pending.delete(keyOf(id, attempt))) return
    const neighbour = this.#core.neighbours.get(prev)
    if (neighbour) neighbour.pending--
  }
}

function keyOf(id: string, attempt: number): string {
  return `${id}/${attempt}`
}
