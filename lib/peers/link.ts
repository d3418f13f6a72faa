import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { P2PMessage } from '../contracts/message.ts'
import type { DisconnectReason } from '../contracts/peer.ts'
import { deferOn } from '../foundation/clock.ts'
import { sleep } from '../foundation/deadline.ts'
import { toHex } from '../foundation/hex.ts'
import type { SignedMessage } from '../wire/author.ts'
import { splitFrame } from '../wire/fragments.ts'
import type { Source } from '../wire/intake.ts'
import { encodeClose, parseClose, PartKind, PartWalk } from '../wire/parts.ts'
import { CloseCode, codeOfReason, reasonOfCode } from './close-reason.ts'
import { decodeHello, encodeHello, type Hello } from './hello.ts'
import { LinkRates } from './link-rates.ts'
import { asP2PError, blaming, brokenBy, endedLink, isFault, rateLimited } from './link-errors.ts'
import { LinkFragments } from './link-fragments.ts'
import { LinkPings } from './link-pings.ts'
import { LinkWork } from './link-work.ts'
import type { LocalNode } from './local-node.ts'
import type { SecureLink } from './noise/secure-link.ts'
import { Outbox } from './outbox.ts'

/** What a link tells the room it belongs to. */
export interface LinkOwner {
  /** A verified message. A promise counts as work under way until it settles; it must not reject. */
  message(link: Link, message: P2PMessage): Promise<void> | undefined
  /** Something was refused; the error says whom to blame, if anyone. */
  refused(link: Link, error: P2PError): void
  helloChanged(link: Link): void
  /** Once, when the link is over; before it returns, `handOver` can still save what had not left. */
  closed(link: Link, ending: LinkEnding): void
}

export interface LinkEnding {
  reason: DisconnectReason
  /** True when one of two links to the same peer was given up. */
  duplicate: boolean
  error?: P2PError | undefined
}

export interface LinkOptions {
  node: LocalNode
  secure: SecureLink
  owner: LinkOwner
  /** A peer the user asked for, or a private network: limited by bytes alone. */
  trusted: () => boolean
  /** Whose share of common memory it uses, where many keys may be one hand's; without it, its key's own. */
  hand?: string | undefined
}

/** Handled in one go before other links, sockets and timers get their turn; a frame counts for at least `FRAME_WORTH`. */
const MESSAGES_A_TURN_MAX = 512
const FRAME_WORTH = 8
/** The same for signatures checked: some 5 to 10 ms of one core, or 40 in pure JavaScript. One frame may hold hundreds. */
const CHECKS_A_TURN_MAX = 32
/** One piece of a message too large for a sealed frame: small enough that a heartbeat never waits long. */
const FRAGMENT_BYTES = 60_000
/** A frame up to this size goes as one part: a sealed frame less its tag and the part's own head. */
const WHOLE_PART_BYTES_MAX = 98_304

/**
 * One sealed link to one key: reads, checks and hands in what comes, in order; packs and seals what
 * leaves. Knows nothing of names, routes or other links.
 */
export class Link {
  readonly id: string
  readonly secure: SecureLink
  readonly rates: LinkRates
  readonly openedAtMs: number
  hello: Hello
  /** Unix time in milliseconds, on our clock, of the last frame. */
  lastSeen: number
  /** Sealed frames that opened. */
  framesRead = 0
  readonly #node: LocalNode
  readonly #owner: LinkOwner
  readonly #outbox: Outbox
  readonly #source: Source
  readonly #fragments: LinkFragments
  readonly #pings: LinkPings
  #thisTurn = 0
  #fragmentId = 0
  /** The peer's channel stays unread until one of its handlers is done: the backpressure reaches its socket. */
  readonly #work: LinkWork
  #ending: LinkEnding | undefined
  #over = false
  readonly #ended: Promise<void>
  #resolveEnded!: () => void
  /** Ends a pause in reading; there only while one lasts. */
  #pause: AbortController | undefined

  constructor(options: LinkOptions) {
    const { node, secure, owner } = options
    this.id = toHex(secure.remoteKey)
    this.secure = secure
    this.hello = secure.remoteHello
    this.lastSeen = node.clock.now()
    this.openedAtMs = node.clock.elapsedMs()
    this.rates = new LinkRates(node.clock, node.limits, options.trusted)
    this.#pings = new LinkPings(node, this.rates)
    this.#node = node
    this.#owner = owner
    this.#fragments = new LinkFragments(node)
    this.#work = new LinkWork(node.limits.handlersPerPeerMax)
    this.#source = { peerId: this.id, key: secure.remoteKey, hand: options.hand }
    this.#ended = new Promise(resolve => (this.#resolveEnded = resolve))
    this.#outbox = new Outbox({
      peerId: this.id,
      clock: node.clock,
      limits: node.limits,
      transmit: plaintext => secure.channel.send(secure.seal(plaintext)),
      onBroken: error => this.#finish({ reason: error.code === ErrorCode.PEER_STALLED ? 'timeout' : 'error', duplicate: false, error }),
    })
  }

  get direction(): 'inbound' | 'outbound' {
    return this.secure.channel.direction
  }

  get roundTripMs(): number | undefined {
    return this.#pings.roundTripMs
  }

  get remoteAddress(): string {
    return this.secure.channel.remoteAddress
  }

  /** Whose share of common memory this link uses. */
  get hand(): string {
    return this.#source.hand ?? this.id
  }

  get isOpen(): boolean {
    return this.#ending === undefined && !this.#over
  }

  /** Begins to read. What came with the handshake's last frame is handled first. */
  start(): void {
    void this.#readAll()
  }

  /** Throws ERR_PEER_OUTBOX_FULL or why the link is gone, before something is signed for it. */
  mustTakeMore(): void {
    this.#outbox.mustBeOpen()
  }

  /** Queues a finished frame. The promise is there only when the caller should wait for room. Throws when the link is gone or full. */
  sendFrame(frame: Uint8Array): Promise<void> | undefined {
    if (frame.length <= WHOLE_PART_BYTES_MAX) return this.#outbox.pushPart({ kind: PartKind.MESSAGE, body: frame })
    this.#fragmentId = (this.#fragmentId + 1) >>> 0
    return this.#outbox.pushParts(splitFrame(frame, this.#fragmentId, FRAGMENT_BYTES).map(body => ({ kind: PartKind.FRAGMENT, body })))
  }

  /** The same for a signed message, which may leave with its whole burst. */
  sendSigned(signed: SignedMessage): Promise<void> | undefined {
    return signed.size <= WHOLE_PART_BYTES_MAX ? this.#outbox.pushSigned(signed) : this.sendFrame(signed.frame)
  }

  /** Tells the peer what we speak now. */
  sendHello(hello: Hello): void {
    this.#outbox.pushUrgent({ kind: PartKind.HELLO, body: encodeHello(hello) })
  }

  /** Sends a ping; `answered` runs when its pong comes. A later ping replaces an earlier one. */
  ping(answered: () => void): void {
    this.#outbox.pushUrgent({ kind: PartKind.PING, body: this.#pings.next(answered) })
  }

  /** Says why, lets what is queued leave, and ends. Resolves when the link is over. */
  async close(reason: DisconnectReason, options: { text?: string; duplicate?: boolean; error?: P2PError } = {}): Promise<void> {
    if (this.#ending === undefined && !this.#over) {
      this.#ending = { reason, duplicate: options.duplicate ?? false, error: options.error }
      const code = options.duplicate ? CloseCode.DUPLICATE : codeOfReason(reason)
      // After a goodbye nothing of theirs is handed in, except on the lesser of two links, where the
      // other end has only just learned of it.
      this.#sayGoodbye(code, options.text ?? '')
      const timer = this.#node.clock.schedule(this.#node.limits.closeTimeoutMs, () => this.#finish(this.#ending!))
      void this.#ended.then(() => timer[Symbol.dispose]())
    }
    await this.#ended
  }

  /** Ends at once, without a word: for a peer that broke a rule or fell silent. */
  cut(reason: DisconnectReason, error?: P2PError): void {
    this.#finish({ reason, duplicate: false, error })
  }

  /** What had not left, for the other of two links to the same peer. */
  handOver(other: Link): void {
    other.#outbox.adopt(this.#outbox.close(endedLink(this.id, this.#ending?.reason)))
  }

  #sayGoodbye(code: CloseCode, text: string): void {
    const body = encodeClose(code, text)
    // In line, not urgent: what was sent before the goodbye arrives before it.
    try {
      this.#outbox.pushPart({ kind: PartKind.CLOSE, body })?.catch(() => {})
    } catch {
      this.#finish(this.#ending!)
    }
  }

  async #readAll(): Promise<void> {
    try {
      if (this.secure.firstParts?.length) await this.#takePlaintext(this.secure.firstParts)
      for (;;) {
        if (this.#over) return
        const next = await this.secure.frames.next()
        if (next.done) return this.#finish(this.#ending ?? { reason: 'remote', duplicate: false })
        await this.#takeFrame(next.value)
      }
    } catch (error) {
      this.#finish(this.#ending ?? { reason: 'error', duplicate: false, error: brokenBy(error, this.id) })
    }
  }

  /** docs/wire.md section 9, steps 1 to 3. Waits only when the peer must be slowed down. */
  async #takeFrame(sealed: Uint8Array): Promise<void> {
    if (sealed.length > this.#node.limits.channelFrameBytesMax) {
      return this.#cutFor(ErrorCode.TRANSPORT_FRAME_TOO_LARGE, `a frame of ${sealed.length} bytes; at most ${this.#node.limits.channelFrameBytesMax} are allowed`)
    }
    const restMs = this.rates.bytes(sealed.length)
    if (restMs > 0) await this.#slowDown(restMs, 'bytes')
    const plaintext = this.secure.open(sealed)
    if (plaintext === null) return this.#cutFor(ErrorCode.PEER_UNSEALING_FAILED, 'a frame did not open: changed, repeated or out of order')
    this.lastSeen = this.#node.clock.now()
    this.framesRead++
    await this.#takePlaintext(plaintext)
  }

  #takePlaintext(plaintext: Uint8Array): Promise<void> | undefined {
    try {
      return this.#takeParts(new PartWalk(plaintext))
    } catch (error) {
      return this.#refuseParts(error)
    }
  }

  /** As many as one turn allows, and the rest in later ones. */
  #takeParts(parts: PartWalk): Promise<void> | undefined {
    const { intake } = this.#node
    const checksMax = intake.signatureChecks + CHECKS_A_TURN_MAX
    let messages = 0
    let isMore = false
    try {
      while (!isMore && !this.#over && parts.next()) {
        messages += this.#takePart(parts.kind, parts.body)
        isMore = intake.signatureChecks >= checksMax
      }
    } catch (error) {
      this.#refuseParts(error)
    }
    const pause = this.#pauseAfter(messages)
    return isMore ? (pause ?? this.#nextTurn()).then(() => this.#takeParts(parts)) : pause
  }

  /** Parts, hellos and fragments come from nobody but this peer. */
  #refuseParts(error: unknown): undefined {
    this.#refuse(blaming(asP2PError(error, this.id), this.id))
  }

  /** What to wait for before more of this peer is taken, if anything. */
  #pauseAfter(messages: number): Promise<void> | undefined {
    const restMs = this.rates.messages(messages)
    if (restMs > 0) return this.#slowDown(restMs, 'messages')
    if (this.#work.isFull) return this.#work.room()
    return this.#giveWay(messages)
  }

  /** So that nobody is held up by one who sends much: frames that have come already could be read without end. */
  #giveWay(messages: number): Promise<void> | undefined {
    this.#thisTurn += Math.max(messages, FRAME_WORTH)
    if (this.#thisTurn < MESSAGES_A_TURN_MAX) return undefined
    return this.#nextTurn()
  }

  #nextTurn(): Promise<void> {
    this.#thisTurn = 0
    return new Promise(resolve => deferOn(this.#node.clock, resolve))
  }

  /** Returns how many messages the part held. */
  #takePart(kind: number, body: Uint8Array): number {
    switch (kind) {
      case PartKind.MESSAGE:
        this.#takeMessage(body)
        return 1
      case PartKind.BURST:
        return this.#takeBurst(body)
      case PartKind.FRAGMENT:
        this.#takeFragment(body)
        return 1
      case PartKind.PING:
        this.#takePing(body)
        return 1
      case PartKind.PONG:
        this.#pings.takePong(body)
        return 0
      case PartKind.HELLO:
        this.hello = decodeHello(body)
        this.#owner.helloChanged(this)
        return 1
      case PartKind.CLOSE:
        this.#takeClose(body)
        return 0
      default:
        return 0 // 0x80 and above: for later versions
    }
  }

  #takeMessage(frame: Uint8Array): void {
    let message: P2PMessage
    try {
      message = this.#node.intake.receiveFrame(frame, this.#source)
    } catch (error) {
      return this.#refuse(asP2PError(error, this.id))
    }
    this.#handIn(message)
  }

  #takeBurst(body: Uint8Array): number {
    let messages: P2PMessage[]
    let refused = 0
    try {
      messages = this.#node.intake.receiveBurst(body, this.#source, error => {
        refused++
        this.#refuse(error)
      })
    } catch (error) {
      this.#refuse(asP2PError(error, this.id))
      return 1
    }
    for (const message of messages) this.#handIn(message)
    return messages.length + refused
  }

  #takeFragment(body: Uint8Array): void {
    const frame = this.#fragments.add(body)
    if (frame !== null) this.#takeMessage(frame)
  }

  #handIn(message: P2PMessage): void {
    if (this.#over || (this.#ending !== undefined && !this.#ending.duplicate)) return
    const work = this.#owner.message(this, message)
    if (work !== undefined) this.#work.add(work)
  }

  #takePing(body: Uint8Array): void {
    const answer = this.#pings.takePing(body)
    if (typeof answer !== 'number') this.#outbox.pushUrgent({ kind: PartKind.PONG, body: answer })
    else if (answer > 0) this.#refuse(rateLimited(this.id, 'pings', `${answer} went unanswered`))
  }

  #takeClose(body: Uint8Array): void {
    const { reason: code, text } = parseClose(body)
    if (text) this.#node.logger.debug(`${this.id} closes: ${text}`)
    this.#finish(this.#ending ?? { reason: reasonOfCode(code), duplicate: code === CloseCode.DUPLICATE })
  }

  /** Reports, and ends the link when the peer has made too many faults. */
  #refuse(error: P2PError): void {
    this.#owner.refused(this, error)
    if (error.peerId === this.id && isFault(error)) this.fault(error)
  }

  /** Counts a fault against this peer; too many, and it is cut. */
  fault(error: P2PError): void {
    const badSignature = error.code === ErrorCode.WIRE_BAD_SIGNATURE && this.rates.failedSignature()
    if (this.rates.fault() || badSignature) this.cut('misbehaviour', error)
  }

  async #slowDown(restMs: number, what: string): Promise<void> {
    this.#owner.refused(this, rateLimited(this.id, what, `reading pauses for ${restMs} ms`))
    this.#pause = new AbortController()
    await sleep(this.#node.clock, restMs, this.#pause.signal).catch(() => {})
    this.#pause = undefined
  }

  #cutFor(code: ErrorCode, text: string): void {
    const error = new P2PError(code, `${this.id} sent ${text}`, { peerId: this.id })
    this.#owner.refused(this, error)
    this.cut('misbehaviour', error)
  }

  #finish(ending: LinkEnding): void {
    if (this.#over) return
    this.#over = true
    this.#ending = ending
    this.#pause?.abort()
    this.#fragments.close()
    this.#work.close()
    const channelClosed = this.secure.channel.close(ending.reason)
    this.#owner.closed(this, ending)
    this.#outbox.close(endedLink(this.id, this.#ending?.reason))
    this.#node.intake.forget(this.id)
    this.secure.wipe()
    channelClosed.then(() => this.#resolveEnded(), () => this.#resolveEnded())
  }
}
