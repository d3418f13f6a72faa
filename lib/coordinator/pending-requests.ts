import type { IClock } from '../contracts/clock.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import type { P2PMessage, PeerId } from '../contracts/message.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { TIMER_MS_MAX } from '../foundation/deadline.ts'

interface Pending {
  /** Whom was asked: nobody else may answer. */
  readonly id: PeerId
  readonly protocol: string | undefined
  settle(outcome: { reply: P2PMessage } | { error: unknown }): void
}

/** Requests that wait for an answer: bounded for each peer, and none waits for ever. */
export class PendingRequests {
  readonly #clock: IClock
  readonly #limits: Limits
  readonly #pending = new Map<string, Pending>()
  readonly #perPeer = new Map<PeerId, number>()

  constructor(clock: IClock, limits: Limits) {
    this.#clock = clock
    this.#limits = limits
  }

  get size(): number {
    return this.#pending.size
  }

  /**
   * Waits for the answer to `messageId` from `id`. Throws ERR_PROTOCOL_TOO_MANY_REQUESTS or RangeError at once; rejects with
   * `signal.reason`, or with a TimeoutError after `timeoutMs`.
   */
  wait(messageId: string, id: PeerId, protocol: string | undefined, type: string, options: WaitOptions): Promise<P2PMessage> {
    const { signal, timeoutMs = this.#limits.requestTimeoutMs } = options
    if (!(timeoutMs >= 0)) throw new RangeError(`timeoutMs must be a number of at least 0, got ${String(timeoutMs)}`)
    signal?.throwIfAborted()
    this.#mustHaveRoom(messageId, id)
    return new Promise<P2PMessage>((resolve, reject) => {
      const timer = timeoutMs > TIMER_MS_MAX ? undefined : this.#clock.schedule(timeoutMs, () => settle({ error: timedOut(type, id, timeoutMs) }))
      const onAbort = (): void => settle({ error: signal!.reason })
      const settle: Pending['settle'] = outcome => {
        if (!this.#pending.delete(messageId)) return
        this.#count(id, -1)
        timer?.[Symbol.dispose]()
        signal?.removeEventListener('abort', onAbort)
        if ('reply' in outcome) resolve(outcome.reply)
        else reject(outcome.error as Error)
      }
      this.#pending.set(messageId, { id, protocol, settle })
      this.#count(id, 1)
      signal?.addEventListener('abort', onAbort)
    })
  }

  /** True when the message was an answer somebody waits for: from whom was asked, in the protocol it was asked in. */
  answer(message: P2PMessage, authorId: PeerId): boolean {
    const pending = this.#pending.get(message.inReplyTo!)
    if (pending === undefined || pending.id !== authorId || pending.protocol !== message.protocol) return false
    pending.settle({ reply: message })
    return true
  }

  /** Ends one that could not be sent. */
  fail(messageId: string, error: unknown): void {
    this.#pending.get(messageId)?.settle({ error })
  }

  /** Ends all that `matches`: the peer has gone, the protocol is unregistered, the house closes. */
  failWhere(matches: (id: PeerId, protocol: string | undefined) => boolean, error: () => unknown): void {
    for (const pending of [...this.#pending.values()]) if (matches(pending.id, pending.protocol)) pending.settle({ error: error() })
  }

  #mustHaveRoom(messageId: string, id: PeerId): void {
    if (this.#pending.has(messageId)) throw new RangeError(`a request with messageId ${JSON.stringify(messageId)} is waiting already`)
    if ((this.#perPeer.get(id) ?? 0) < this.#limits.requestsPerPeerMax) return
    throw new P2PError(ErrorCode.PROTOCOL_TOO_MANY_REQUESTS, `${this.#limits.requestsPerPeerMax} requests to ${id} wait already; await some of them first`, { peerId: id })
  }

  #count(id: PeerId, change: 1 | -1): void {
    const count = (this.#perPeer.get(id) ?? 0) + change
    if (count === 0) this.#perPeer.delete(id)
    else this.#perPeer.set(id, count)
  }
}

function timedOut(type: string, id: PeerId, timeoutMs: number): DOMException {
  return new DOMException(`no answer to '${type}' from ${id} within ${timeoutMs} ms`, 'TimeoutError')
}
