import type { IClock } from '../contracts/clock.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { P2PMessage, PeerId } from '../contracts/message.ts'
import type { WaitOptions } from '../contracts/wait.ts'

interface Pending {
  readonly asked: PeerId
  readonly protocol: string
  end(outcome: { reply: P2PMessage } | { error: Error }): void
}

/** docs/wire.md, section 10: a refusal, as anybody can see from its type. */
const REFUSAL_TYPE = 'error'

/** One node's questions that wait for an answer: from whom was asked, in the protocol it was asked in. */
export class MeshRequests {
  readonly #clock: IClock
  readonly #defaultTimeoutMs: number
  readonly #pending = new Map<string, Pending>()

  constructor(clock: IClock, defaultTimeoutMs: number) {
    this.#clock = clock
    this.#defaultTimeoutMs = defaultTimeoutMs
  }

  get size(): number {
    return this.#pending.size
  }

  /** Resolves with the answer. Rejects with a TimeoutError, the signal's reason, ERR_PROTOCOL_REQUEST_REFUSED, or why the peer has gone. */
  wait(messageId: string, asked: PeerId, protocol: string, type: string, { signal, timeoutMs = this.#defaultTimeoutMs }: WaitOptions): Promise<P2PMessage> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.schedule(timeoutMs, () => end({ error: new DOMException(`no answer to '${type}' from ${asked} within ${timeoutMs} ms`, 'TimeoutError') }))
      const onAbort = (): void => end({ error: signal!.reason as Error })
      const end: Pending['end'] = outcome => {
        if (!this.#pending.delete(messageId)) return
        timer[Symbol.dispose]()
        signal?.removeEventListener('abort', onAbort)
        if ('error' in outcome) reject(outcome.error)
        else if (outcome.reply.type === REFUSAL_TYPE) reject(refusalOf(outcome.reply, type))
        else resolve(outcome.reply)
      }
      this.#pending.set(messageId, { asked, protocol, end })
      signal?.addEventListener('abort', onAbort)
    })
  }

  /** True when somebody waited for this. */
  answer(message: P2PMessage): boolean {
    const pending = this.#pending.get(message.inReplyTo!)
    if (pending === undefined || pending.asked !== message.from || pending.protocol !== message.protocol) return false
    pending.end({ reply: message })
    return true
  }

  /** Ends those put to a peer, or those of a protocol, or all. */
  failWhere(matches: (asked: PeerId, protocol: string) => boolean, error: () => Error): void {
    if (this.#pending.size === 0) return
    for (const pending of [...this.#pending.values()]) if (matches(pending.asked, pending.protocol)) pending.end({ error: error() })
  }
}

function refusalOf({ from, protocol, payload }: P2PMessage, type: string): P2PError {
  const { code, message } = (payload ?? {}) as { code?: unknown; message?: unknown }
  return new P2PError(ErrorCode.PROTOCOL_REQUEST_REFUSED, `${from} refused '${type}' (${String(code)}: ${String(message)})`, { peerId: from, protocol })
}
