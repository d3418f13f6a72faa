import type { IClock } from '../contracts/clock.ts'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { Limits } from '../contracts/limits.ts'
import type { P2PMessage, PeerId } from '../contracts/message.ts'
import type { LeastAuth } from '../contracts/protocol.ts'
import type { RandomBytes } from '../contracts/random.ts'
import { EMPTY_BYTES, equalBytes } from '../foundation/bytes.ts'
import { toHex } from '../foundation/hex.ts'
import { aloneSize, burstTree, parseBurst, type Burst } from './burst.ts'
import { decodeCborAt } from './cbor.ts'
import { equivocationProof, placeOf, statementOf } from './equivocation.ts'
import { BurstEvidence, FrameEvidence, type Evidence } from './evidence.ts'
import { Auth, Frame, parseFrame } from './frame.ts'
import { messageHashOf } from './hashing.ts'
import type { Header } from './header-fields.ts'
import { HeaderReader } from './header-reader.ts'
import { mustBeFor, mustBeOfNetwork, mustBeOfNow, mustBeSince } from './header-rules.ts'
import type { MerkleTree } from './merkle.ts'
import { MessageMemory } from './message-memory.ts'
import { ProofChecker } from './proof.ts'
import { isFaultOfHop, refuse } from './refusals.ts'
import { SlotMemory } from './slot-memory.ts'
import { verifiedMessage } from './verified-message.ts'

/** The link that something came by. */
export interface Source {
  /** `key` as 64 hex digits. */
  readonly peerId: PeerId
  /** x-only, 32 bytes. */
  readonly key: Uint8Array
  /** True for what came inside another message, so that the link vouches for nothing. */
  readonly relayed?: boolean | undefined
  /** Whose share of the memory for messages this uses: many keys may be one hand's. Without it, the key's own. */
  readonly hand?: string | undefined
}

export interface IntakeOptions {
  crypto: () => ICryptoBackend
  clock: Pick<IClock, 'now' | 'elapsedMs'>
  limits: Limits
  network: string
  /** Our own, x-only. */
  publicKey: Uint8Array
  /** Unix time on our clock. */
  startedAtMs: number
  /** False for a key that was made just now: nothing old can be addressed to it. */
  mayHaveRunBefore: boolean
  leastAuth: (protocol: string | null, type: string) => LeastAuth
  messageBytesMax: (protocol: string | null) => number
  /** Keeps strangers from knowing where in memory what they send will lie. */
  random?: RandomBytes | undefined
}

/** Whose words are not heard, whoever brings them. */
export interface RefusedAuthors {
  /** False as long as there is nobody to ask about. */
  readonly refusesAny: boolean
  refuses(id: PeerId): boolean
}

/** What a signed message is known by. */
interface Hashes {
  readonly payload: Uint8Array
  readonly message: Uint8Array
}

/** What the messages of a burst whose signature was checked have in common. */
interface ProvenBurst {
  readonly author: Uint8Array
  readonly signature: Uint8Array
  readonly tree: MerkleTree<Uint8Array>
}

/**
 * Lets in what docs/wire.md, section 9 lets in, steps 4 to 10, cheap refusals first. Everything it throws is a
 * P2PError ERR_WIRE_*, whose `peerId` is the peer at fault and undefined where nobody is.
 */
export class Intake {
  /** Refusals since the start, by code. */
  readonly counters: Record<string, number> = {}
  readonly #options: IntakeOptions
  readonly #ownId: PeerId
  readonly #headers = new HeaderReader()
  readonly #proofs: ProofChecker
  readonly #memory: MessageMemory
  readonly #slots: SlotMemory
  #refusedAuthors: RefusedAuthors | undefined
  /** Told of two different statements in one slot: what `equivocationProof` made of them, both checked. */
  onEquivocation: ((proof: Uint8Array) => void) | undefined

  constructor(options: IntakeOptions) {
    const { crypto, network, limits, clock, random } = options
    this.#options = options
    this.#ownId = toHex(options.publicKey)
    this.#proofs = new ProofChecker({ crypto, network, burstRootsMax: limits.burstRootsMax })
    this.#memory = new MessageMemory({ crypto, clock, limits, random })
    this.#slots = new SlotMemory(limits.statementsMax)
  }

  /** Whom not to hear. */
  refusesAuthorsBy(refused: RefusedAuthors): void {
    this.#refusedAuthors = refused
  }

  /** First statements in slots remembered now. */
  get statements(): number {
    return this.#slots.size
  }

  /** Signed messages remembered now. */
  get seenMessages(): number {
    return this.#memory.size
  }

  /** Signatures checked since the start. */
  get signatureChecks(): number {
    return this.#proofs.checks
  }

  /** A frame that came as a part of its own, or in fragments. */
  receiveFrame(bytes: Uint8Array, source: Source): P2PMessage {
    try {
      return this.#receive(bytes, source)
    } catch (error) {
      throw this.#refused(error, source)
    }
  }

  /**
   * A frame that a plugin got by its own route, from the peer with the key `via` if that is known. What only a link
   * could vouch for is refused. `hand` as in `Source`.
   */
  deliver(bytes: Uint8Array, via: Uint8Array = EMPTY_BYTES, hand?: string): P2PMessage {
    return this.receiveFrame(bytes, { peerId: toHex(via), key: via, relayed: true, hand })
  }

  /**
   * A whole burst. Throws where nothing of it can be trusted; what is wrong with one message (repeated, stale, not
   * for us) goes to `onRefused`, and the others are returned.
   */
  receiveBurst(body: Uint8Array, source: Source, onRefused: (error: P2PError) => void): P2PMessage[] {
    try {
      return this.#receiveBurst(body, source, error => onRefused(this.#refused(error, source)))
    } catch (error) {
      throw this.#refused(error, source)
    }
  }

  /**
   * Checks form, proof and network of a frame, whoever brought it, whenever, to whomever it is addressed; marks nothing.
   * For what is fetched, stored or shown as evidence. Its errors blame nobody: that is the caller's to say.
   */
  verify(bytes: Uint8Array): P2PMessage {
    const frame = this.#parse(bytes)
    if (frame.auth === Auth.CHANNEL) refuse(ErrorCode.WIRE_WEAK_AUTH, 'expected a signed frame, got one that only its link vouched for')
    const hashes = this.#hashesOf(frame.author, frame.header, frame.payload)
    const from = toHex(frame.author)
    // No peer is delivering, so roots are remembered by author: many authors do not push out each other's.
    this.#mustBeProven(frame, hashes, from)
    const own = ownCopy(frame)
    const header = this.#headers.read(own.bytes, own.headerStart, own.payloadStart)
    mustBeOfNetwork(header, this.#options.network)
    const payload = decodeCborAt(own.bytes, own.payloadStart, own.bytes.length, this.#options.limits)
    return verifiedMessage(header, undefined, payload, { from, evidence: new FrameEvidence(own, header.boot, hashes.payload) })
  }

  /** Drops what is remembered only as long as a peer is linked. */
  forget(peerId: PeerId): void {
    this.#proofs.forget(peerId)
    this.#memory.forget(peerId)
  }

  /** Releases memory that traffic would release by itself. */
  sweep(): void {
    this.#memory.sweep()
  }

  /** docs/wire.md, section 9. */
  #receive(bytes: Uint8Array, source: Source): P2PMessage {
    const frame = this.#parse(bytes) // step 4
    if (frame.auth === Auth.CHANNEL) return this.#receiveVouchedByLink(frame, source)
    if (this.#refusedAuthors?.refusesAny) this.#mustBeHeard(frame.author, source)
    const hashes = this.#hashesOf(frame.author, frame.header, frame.payload)
    this.#memory.mustBeUnseen(hashes.message) // step 5
    this.#mustBeProven(frame, hashes, source.peerId) // step 6
    const own = ownCopy(frame)
    const evidenceWith = (header: Header): Evidence => new FrameEvidence(own, header.boot, hashes.payload)
    return this.#receiveProven(own.bytes, own.headerStart, own.payloadStart, frame.author, hashes, source, evidenceWith)
  }

  /** Steps 7 to 10 of a message that its author has signed. */
  #receiveProven(
    bytes: Uint8Array, headerStart: number, payloadStart: number,
    author: Uint8Array, hashes: Hashes, source: Source, evidenceWith: (header: Header) => Evidence,
  ): P2PMessage {
    const isByLink = equalBytes(author, source.key)
    const header = this.#headers.read(bytes, headerStart, payloadStart) // step 7
    mustBeOfNetwork(header, this.#options.network)
    mustBeFor(header, this.#options.publicKey)
    this.#mustBeTimely(header, isByLink)
    // Step 8: a signature satisfies every declaration.
    this.#memory.mark(hashes.message, source.hand ?? source.peerId) // step 9
    this.#memory.mustBeNew(author, header, hashes.payload) // step 10
    const payload = decodeCborAt(bytes, payloadStart, bytes.length, this.#options.limits)
    const evidence = evidenceWith(header)
    if (header.slot !== null) this.#watchSlot(author, header, evidence, source)
    const provenance = isByLink ? { from: source.peerId, evidence } : { from: toHex(author), via: source.peerId || undefined, evidence }
    return verifiedMessage(header, this.#toId(header), payload, provenance)
  }

  /** The same steps, in the same order, where there is no signature: 7, 8 and 10. The channel itself refuses replays. */
  #receiveVouchedByLink(frame: Frame, source: Source): P2PMessage {
    const { bytes, headerStart, payloadStart } = frame
    const header = this.#headers.read(bytes, headerStart, payloadStart) // step 7
    mustBeOfNetwork(header, this.#options.network)
    mustBeFor(header, this.#options.publicKey)
    this.#mustBeTimely(header, true)
    this.#mustBeVouchedFor(frame, header, source) // step 8
    this.#memory.mustBeNewOnLink(source.peerId, header, frame) // step 10
    const payload = decodeCborAt(bytes, payloadStart, bytes.length, this.#options.limits)
    return verifiedMessage(header, this.#toId(header), payload, { from: source.peerId })
  }

  #receiveBurst(body: Uint8Array, source: Source, refuseOne: (error: unknown) => void): P2PMessage[] {
    const burst = parseBurst(body, this.#options.limits.headerBytesMax) // step 4
    this.#mustFitAlone(burst)
    if (this.#refusedAuthors?.refusesAny) this.#mustBeHeard(burst.author, source)
    const hashes = burst.messages.map(({ header, payload }) => this.#hashesOf(burst.author, header, payload))
    const unseen = hashes.map(each => this.#isUnseen(each, refuseOne)) // step 5
    if (!unseen.includes(true)) return []
    const proven = this.#provenBurst(burst, hashes, source) // step 6
    const messages: P2PMessage[] = []
    burst.messages.forEach((_, index) => {
      if (!unseen[index]) return
      try {
        messages.push(this.#receiveOfBurst(burst, proven, index, hashes[index]!, source))
      } catch (error) {
        refuseOne(error)
      }
    })
    return messages
  }

  #receiveOfBurst(burst: Burst, { author, signature, tree }: ProvenBurst, index: number, hashes: Hashes, source: Source): P2PMessage {
    const { header, payload } = burst.messages[index]!
    const own = new Uint8Array(header.length + payload.length)
    own.set(header)
    own.set(payload, header.length)
    const message = { header: own.subarray(0, header.length), payload: own.subarray(header.length) }
    // The path alone, for whoever keeps this message: the whole tree would be ten times as much.
    const proof = { author, signature, count: tree.count, index, path: tree.path(index) }
    const evidenceWith = ({ boot }: Header): Evidence => new BurstEvidence(proof, message, boot, hashes.payload)
    return this.#receiveProven(own, 0, header.length, author, hashes, source, evidenceWith)
  }

  // Step 4: form and sizes.

  #parse(bytes: Uint8Array): Frame {
    const { limits } = this.#options
    const frame = parseFrame(bytes, limits.largeMessageBytesMax, limits.headerBytesMax)
    if (bytes.length > limits.messageBytesMax) this.#mustBeDeclared(frame)
    return frame
  }

  #mustBeDeclared(frame: Frame): void {
    const { protocol } = this.#headers.read(frame.bytes, frame.headerStart, frame.payloadStart)
    const bytesMax = Math.max(this.#options.limits.messageBytesMax, this.#options.messageBytesMax(protocol))
    if (frame.bytes.length <= bytesMax) return
    refuse(ErrorCode.WIRE_FRAME_TOO_LARGE, `expected a frame of at most ${bytesMax} bytes for ${protocol ?? 'a plain message'}, got ${frame.bytes.length}`)
  }

  /** A message that could not be relayed alone has no place in a burst. */
  #mustFitAlone({ messages }: Burst): void {
    const { messageBytesMax } = this.#options.limits
    messages.forEach((message, index) => {
      const size = aloneSize(message, index, messages.length)
      if (size > messageBytesMax) refuse(ErrorCode.WIRE_FRAME_TOO_LARGE, `expected messages of at most ${messageBytesMax} bytes in a burst, got ${size}`)
    })
  }

  /** Whoever is refused is not heard through others, either; its own link says goodbye and delivers no more. */
  #mustBeHeard(author: Uint8Array, { key }: Source): void {
    if (equalBytes(author, key)) return
    const id = toHex(author)
    if (this.#refusedAuthors!.refuses(id)) refuse(ErrorCode.PEER_BANNED, `a message of ${id}, whose words are refused`)
  }

  /** The message is handed in all the same: what two statements mean is for its protocol to say. */
  #watchSlot(author: Uint8Array, header: Header, evidence: Evidence, source: Source): void {
    const place = placeOf(author, header)
    if (place === undefined) return
    const statement = statementOf(evidence)
    const first = this.#slots.contradicted(place, evidence.payloadHash, statement, source.hand ?? source.peerId)
    if (first !== undefined) this.onEquivocation?.(equivocationProof(first, statement))
  }

  // Steps 5 and 6: seen, and proof.

  #hashesOf(author: Uint8Array, header: Uint8Array, payload: Uint8Array): Hashes {
    const crypto = this.#options.crypto()
    const payloadHash = crypto.sha256(payload)
    return { payload: payloadHash, message: messageHashOf(crypto, author, crypto.sha256(header), payloadHash) }
  }

  #isUnseen(hashes: Hashes, refuseOne: (error: unknown) => void): boolean {
    try {
      this.#memory.mustBeUnseen(hashes.message)
      return true
    } catch (error) {
      refuseOne(error)
      return false
    }
  }

  #mustBeProven(frame: Frame, { message }: Hashes, deliveredBy: string): void {
    if (!this.#proofs.proves(frame, message, deliveredBy)) {
      refuse(ErrorCode.WIRE_BAD_SIGNATURE, `a ${frame.auth === Auth.BURST ? 'burst proof' : 'signature'} that is not by ${toHex(frame.author)}`)
    }
  }

  #provenBurst({ author, signature, messages }: Burst, hashes: readonly Hashes[], source: Source): ProvenBurst {
    const tree = burstTree(this.#options.crypto(), hashes.map(({ message }) => message))
    const claim = { author, count: messages.length, root: tree.root, signature }
    if (!this.#proofs.provesBurst(claim, source.peerId)) {
      refuse(ErrorCode.WIRE_BAD_SIGNATURE, `a burst whose signature is not by ${toHex(author)}`)
    }
    return { author: author.slice(), signature: signature.slice(), tree }
  }

  // Step 7: header.

  #mustBeTimely(header: Header, isByLink: boolean): void {
    const { clock, limits, mayHaveRunBefore, startedAtMs } = this.#options
    mustBeOfNow(header, clock.now(), limits)
    if (mayHaveRunBefore && !isByLink) mustBeSince(header, startedAtMs + limits.restartGraceMs)
  }

  // Step 8: who answers for it.

  #mustBeVouchedFor(frame: Frame, { protocol, type }: Header, source: Source): void {
    if (source.relayed) refuse(ErrorCode.WIRE_WEAK_AUTH, 'a relayed message that is not signed')
    if (!frame.isBy(source.key)) refuse(ErrorCode.WIRE_WEAK_AUTH, `a message of ${toHex(frame.author)} that is not signed`)
    if (this.#options.leastAuth(protocol, type) !== 'channel') {
      refuse(ErrorCode.WIRE_WEAK_AUTH, `${JSON.stringify(type)} of ${protocol ?? 'no protocol'} must be signed`)
    }
  }

  #toId({ to }: Header): PeerId | undefined {
    return to === null ? undefined : this.#ownId
  }

  /** Counts a refusal, and says who is to blame for it. */
  #refused(error: unknown, source: Source): P2PError {
    // Anything else is our own bug, which must not pass for somebody's fault.
    if (!(error instanceof P2PError)) throw error
    this.counters[error.code] = (this.counters[error.code] ?? 0) + 1
    const peerId = isFaultOfHop(error.code) ? source.peerId || undefined : undefined
    return new P2PError(error.code, `${error.message} (handed over by ${source.peerId || 'a plugin'})`, { peerId, cause: error })
  }
}

/** The bytes a message keeps: whoever handed the frame in may use its buffer again. */
function ownCopy(frame: Frame): Frame {
  return new Frame(frame.bytes.slice(), frame.auth, frame.headerStart, frame.payloadStart)
}
