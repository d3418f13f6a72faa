import type { IChannel } from '../../contracts/transport.ts'
import { handshakeError } from './party.ts'

/** Where a handshake is; `first sealed frame` is the listener's hello, which ends it. */
export type Step = 'act one' | 'act two' | 'act three' | 'first sealed frame'

/**
 * A channel as a handshake sees it: frame by frame, each of bounded size. A handshake that fails is
 * abandoned: what was kept is wiped, and the channel closes without a word.
 */
export class HandshakeChannel {
  readonly frames: AsyncIterator<Uint8Array>
  /** What is under way, for messages. */
  step: Step = 'act one'
  readonly #channel: IChannel
  readonly #signal: AbortSignal
  readonly #kept: { wipe(): void }[] = []
  #abandoned = false

  /** The signal says that nobody waits any more. */
  constructor(channel: IChannel, signal: AbortSignal) {
    this.#channel = channel
    this.#signal = signal
    this.frames = channel.frames[Symbol.asyncIterator]()
  }

  /** Has it wiped when the handshake is abandoned, or at once if it has been. */
  keep<T extends { wipe(): void }>(secrets: T): T {
    if (this.#abandoned) secrets.wipe()
    else this.#kept.push(secrets)
    return secrets
  }

  async send(step: Step, frame: Uint8Array): Promise<void> {
    this.step = step
    await this.#channel.send(frame, { signal: this.#signal })
  }

  /** The next frame. `elseMeaning` says what it may mean that the other end hangs up instead. */
  async receive(step: Step, bytesMax: number, elseMeaning: string): Promise<Uint8Array> {
    this.step = step
    const next = await this.frames.next()
    if (next.done) throw handshakeError(`${step}: the other end closed the channel instead of sending it: ${elseMeaning}`)
    if (next.value.length > bytesMax) throw handshakeError(`${step}: expected at most ${bytesMax} bytes, got ${next.value.length}`)
    return next.value
  }

  abandon(): void {
    this.#abandoned = true
    for (const secrets of this.#kept) secrets.wipe()
    closeQuietly(this.#channel)
  }
}

/** Closing may take its time or fail, and nobody waits for it: the handshake has failed already. */
export function closeQuietly(channel: IChannel): void {
  channel.close().catch(() => {})
}
