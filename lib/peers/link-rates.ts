import type { IClock } from '../contracts/clock.ts'
import type { Limits } from '../contracts/limits.ts'
import { TokenBucket } from '../foundation/token-bucket.ts'

/**
 * What one peer may cost us. A stranger has a small budget of messages and bytes; a peer in good
 * standing is held by bytes alone. Going over slows the reading of its channel; faults end it.
 */
export class LinkRates {
  readonly #limits: Limits
  readonly #clock: IClock
  readonly #openedAtMs: number
  readonly #alwaysTrusted: () => boolean
  #faultless = true
  #bytes: TokenBucket
  #messages: TokenBucket | undefined
  #faults: TokenBucket | undefined
  #failedSignatures: TokenBucket | undefined
  #pings: TokenBucket | undefined
  /** Ten, then one a second. */
  #tellings: TokenBucket | undefined
  #unanswered = 0
  /** Set while a peer of bad name is read as a stranger, or worse. */
  #throttled: { share: number; shareNow: () => number | undefined } | undefined

  constructor(clock: IClock, limits: Limits, alwaysTrusted: () => boolean) {
    this.#clock = clock
    this.#limits = limits
    this.#alwaysTrusted = alwaysTrusted
    this.#openedAtMs = clock.elapsedMs()
    const trusted = alwaysTrusted()
    this.#bytes = trusted ? this.#trustedBytes() : new TokenBucket(clock, limits.bytesPerSecond, limits.bytesBurst)
    if (!trusted) this.#messages = new TokenBucket(clock, limits.messagesPerSecond, limits.messagesBurst)
  }

  /** How long to leave the channel unread after these bytes. */
  bytes(count: number): number {
    if (this.#throttled !== undefined) this.#throttleAgain(this.#throttled.shareNow)
    if (this.#throttled === undefined && this.#messages !== undefined && this.#isTrusted()) this.#promote()
    return this.#bytes.spend(count)
  }

  /** Reads no more than the share of a stranger's rates that `shareNow` gives, until it gives none. */
  throttle(shareNow: () => number | undefined): void {
    this.#throttleAgain(shareNow)
  }

  /** How long to leave the channel unread after these messages. */
  messages(count: number): number {
    return this.#messages?.spend(count) ?? 0
  }

  /** True when the peer has made more faults than it may. */
  fault(): boolean {
    this.#faultless = false
    this.#faults ??= new TokenBucket(this.#clock, this.#limits.faultsPerSecond, this.#limits.faultsBurst)
    return this.#faults.take() > 0
  }

  /** True when the peer has handed over more bad signatures than it may: each costs us a curve check. */
  failedSignature(): boolean {
    this.#faultless = false
    this.#failedSignatures ??= new TokenBucket(this.#clock, this.#limits.failedSignaturesPerSecond, this.#limits.failedSignaturesBurst)
    return this.#failedSignatures.take() > 0
  }

  /** True when the peer pings more often than it may. */
  ping(): boolean {
    const { pingsPerTenSeconds } = this.#limits
    this.#pings ??= new TokenBucket(this.#clock, pingsPerTenSeconds / 10, pingsPerTenSeconds)
    return this.#pings.take() > 0
  }

  /** Counts a ping that was not answered. How many there were since they were last told of, when it is time to tell; else 0. */
  unansweredPing(): number {
    this.#unanswered++
    this.#tellings ??= new TokenBucket(this.#clock, 1, 10)
    if (this.#tellings.take() > 0) return 0
    const unanswered = this.#unanswered
    this.#unanswered = 0
    return unanswered
  }

  #throttleAgain(shareNow: () => number | undefined): void {
    const share = shareNow()
    if (share === this.#throttled?.share) return
    this.#throttled = share === undefined ? undefined : { share, shareNow }
    if (share === undefined) return
    const { bytesPerSecond, bytesBurst, messagesPerSecond, messagesBurst } = this.#limits
    this.#bytes = new TokenBucket(this.#clock, share * bytesPerSecond, bytesBurst)
    this.#messages = new TokenBucket(this.#clock, share * messagesPerSecond, share * messagesBurst)
  }

  #isTrusted(): boolean {
    return this.#alwaysTrusted() || (this.#faultless && this.#clock.elapsedMs() - this.#openedAtMs >= this.#limits.strangerMs)
  }

  #promote(): void {
    this.#messages = undefined
    this.#bytes = this.#trustedBytes()
  }

  #trustedBytes(): TokenBucket {
    return new TokenBucket(this.#clock, this.#limits.trustedBytesPerSecond, this.#limits.trustedBytesBurst)
  }
}
