import type { IClock } from '../../contracts/clock.ts'
import type { PeerId } from '../../contracts/message.ts'
import { TokenBucket } from '../../foundation/token-bucket.ts'
import type { RelayEffect } from './events.ts'
import {
  ANSWERS_BURST, ANSWERS_PER_SECOND, FORWARDS_BURST, FORWARDS_PER_SECOND, OWN_SEEKS_BURST, OWN_SEEKS_PER_SECOND, TOTAL_BURST_SECONDS,
} from './limits.ts'
import type { Neighbour } from './neighbour.ts'
import { Routes } from './routes.ts'

export interface RelayStateOptions {
  ownId: PeerId
  /** Whether envelopes of others are carried. */
  carries: boolean
  /** Bytes a second for all others together. */
  bytesPerSecond: number
  /** 16 random bytes. */
  newId(): Uint8Array
}

/** What all parts of the state share. */
export class Core {
  readonly options: RelayStateOptions
  readonly clock: Pick<IClock, 'elapsedMs'> = { elapsedMs: () => this.nowMs }
  readonly neighbours = new Map<PeerId, Neighbour>()
  readonly routes = new Routes()
  readonly counters: Record<string, number> = {}
  readonly forwards: TokenBucket
  readonly ownSeeks: TokenBucket
  readonly answers: TokenBucket
  readonly totalBytes: TokenBucket
  nowMs = 0
  out: RelayEffect[] = []

  constructor(options: RelayStateOptions) {
    this.options = options
    this.forwards = new TokenBucket(this.clock, FORWARDS_PER_SECOND, FORWARDS_BURST)
    this.ownSeeks = new TokenBucket(this.clock, OWN_SEEKS_PER_SECOND, OWN_SEEKS_BURST)
    this.answers = new TokenBucket(this.clock, ANSWERS_PER_SECOND, ANSWERS_BURST)
    this.totalBytes = new TokenBucket(this.clock, options.bytesPerSecond, options.bytesPerSecond * TOTAL_BURST_SECONDS)
  }

  count(reason: string): void {
    this.counters[reason] = (this.counters[reason] ?? 0) + 1
  }

  /** A statement or refusal that answers nothing we asked: late ones are honest, a stream of them is not. */
  unasked(from: Neighbour, reason: string): void {
    this.count(reason)
    if (from.noise.take() > 0) this.breach(from.id, 'answers what nobody asked, again and again')
  }

  breach(from: PeerId, what: string): void {
    this.count('breach')
    this.out.push({ kind: 'breach', from, code: 'ERR_RELAY_BREACH', what })
  }

  /** Whoever hands a statement on had to check it. */
  forged(from: PeerId): void {
    this.count('forged')
    this.out.push({ kind: 'blame', peerId: from, code: 'ERR_RELAY_FORGED' })
  }
}
