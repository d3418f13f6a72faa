import { P2PError, ErrorCode } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import { EMPTY_BYTES } from '../../foundation/bytes.ts'
import { toHex } from '../../foundation/hex.ts'
import { TokenBucketLimiter } from '../../foundation/token-bucket.ts'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import type { SessionEffect } from './events.ts'
import {
  BUDGETS_MAX, DIAL_MEMBERS_MAX, DIAL_MS, QUESTION_MS, RETRY_PEERS, STATEMENTS_PER_WORD_MAX, STRANGER_STATEMENTS_BURST, STRANGER_STATEMENTS_PER_SECOND, WORD_BYTES_MAX,
} from './limits.ts'
import { receivedStatement, type Session } from './session.ts'
import { hasMember, membersOf } from './slots.ts'
import type { Join, Statement } from './statement.ts'

export interface Holdings { joins: Uint8Array; nonces: Uint8Array; partials: Uint8Array }

/** How the exchange speaks: typed verbs of the handler. */
export interface Voice {
  statements(to: PeerId, payload: { session: Uint8Array; frames: Uint8Array[]; pass: Uint8Array }): Promise<void>
  sync(to: PeerId, payload: Holdings & { session: Uint8Array }, timeoutMs: number): Promise<{ frames: Uint8Array[] }>
}

/** Frames of one session that have been read, so that the same one is not verified for each who brings it. */
const READ_PER_SIGNER_MAX = 16

/** Carries members' statements: to those linked to us, through a common member to the others, and again to whoever asks for what it missed. */
export class Exchange {
  readonly #context: ProtocolContext
  readonly #voice: Voice
  readonly #backend: () => ICryptoBackend
  readonly #strangers: TokenBucketLimiter
  readonly #read = new WeakMap<Session, Set<string>>()
  readonly counters: Record<string, number> = {}
  #turn = 0

  constructor(context: ProtocolContext, backend: () => ICryptoBackend, voice: Voice) {
    this.#context = context
    this.#backend = backend
    this.#voice = voice
    this.#strangers = new TokenBucketLimiter({ clock: context.clock, perSecond: STRANGER_STATEMENTS_PER_SECOND, burst: STRANGER_STATEMENTS_BURST, keysMax: BUDGETS_MAX })
  }

  /** With `pass`, members without a link to us are reached through one that may have a link to them: the initiator if it can be, else two others. */
  tell(session: Session, { to, statements, pass }: SessionEffect & { kind: 'tell' }): void {
    const linked = this.#linked()
    // Who was invited and has not joined waits for an answer of its user's: it need not, when somebody leaves.
    const guests = statements.some(({ type }) => type === 'abort') ? session.guests : []
    const near = [...new Set([...to, ...guests])].filter(peer => linked.has(peer))
    const far = pass ? to.filter(peer => !linked.has(peer)) : []
    const carriers = far.length === 0 ? [] : near.includes(session.initiator) ? [session.initiator] : near.slice(0, RETRY_PEERS)
    const { peers } = session.state
    const passOn = membersOf(peers.length, index => far.includes(peers[index] ?? ''))
    for (const peer of near) this.#send(session, peer, statements, carriers.includes(peer) ? passOn : EMPTY_BYTES)
  }

  /** What a peer brings. Strangers to the session may join it, at a bounded rate; only members are passed on for. */
  async take(session: Session, from: PeerId, frames: readonly Uint8Array[], pass: Uint8Array): Promise<void> {
    const isMember = session.state.isMember(from) || from === session.initiator
    if (!isMember && this.#strangers.take(from, frames.length) > 0) return this.#count('stranger-limited', frames.length)
    const own: Statement[] = []
    for (const frame of frames) {
      const statement = await this.#readOnce(session, from, frame)
      if (statement === null) continue
      if (statement.author === from) own.push(statement)
      session.handle({ kind: 'statement', statement })
    }
    if (pass.length > 0 && own.length > 0 && session.state.isMember(from)) this.#passOn(session, from, own, pass)
  }

  /** One hop, the author's own words alone, to members alone: what a member can have us send is what it could send itself. */
  #passOn(session: Session, from: PeerId, statements: readonly Statement[], pass: Uint8Array): void {
    const linked = this.#linked()
    const to = new Set(session.state.peers.filter((peer, index) => peer !== undefined && peer !== from && linked.has(peer) && hasMember(pass, index)))
    for (const peer of to) this.#send(session, peer!, statements, EMPTY_BYTES)
    this.#count('passed-on', to.size)
  }

  /** Asks members that are linked for what is missing, in turn; dials the initiator where none is. */
  ask(session: Session): void {
    const { peerId: self } = this.#context.localPeer
    const linked = this.#linked()
    const members = [...new Set([session.initiator, ...session.state.peers])].filter(peer => peer !== undefined && peer !== self && linked.has(peer)) as PeerId[]
    if (members.length === 0 && session.initiator !== self) this.#dial(session.initiator)
    for (let count = 0; count < Math.min(RETRY_PEERS, members.length); count++) this.catchUp(session, members[this.#turn++ % members.length]!)
  }

  /** Says again what we have said, from memory, and asks what there is: what was lost on the way in either direction comes so. */
  catchUp(session: Session, peer: PeerId): void {
    const own = session.state.saidBy(this.#context.localPeer.peerId)
    if (own.length > 0) this.#send(session, peer, own, EMPTY_BYTES)
    this.#askFor(session, peer, session.state.holdings).catch(() => this.#count('ask-failed'))
  }

  /** Has a member show all joins, or all nonces, that it has. */
  show(session: Session, from: PeerId): void {
    const none = new Uint8Array(0)
    const shown = (): void => session.handle({ kind: 'shown', from })
    // One that is not there, or answers nothing, is judged when its time is over.
    this.#askFor(session, from, { ...session.state.holdings, joins: none, nonces: none }).then(shown, () => this.#count('ask-failed'))
  }

  /** What a member lacks, up to what one word carries: it asks again for the rest. */
  answer(session: Session, from: PeerId, held: Holdings): Uint8Array[] {
    if (!session.state.isMember(from) && from !== session.initiator) return []
    return bounded(session.state.lackedBy(held))[0]?.map(({ frame }) => frame) ?? []
  }

  /** Once all have joined: links to members we have none to, where the session is small enough for everybody to know everybody. */
  dialMembers(joins: readonly Join[]): void {
    if (joins.length > DIAL_MEMBERS_MAX) return
    const linked = this.#linked()
    for (const { author, record } of joins) {
      if (author === this.#context.localPeer.peerId || linked.has(author)) continue
      const known = record.length === 0 ? Promise.resolve(false) : this.#context.addresses.add(record).catch(() => false)
      void known.then(() => this.#dial(author))
    }
  }

  async #askFor(session: Session, peer: PeerId, held: Holdings): Promise<void> {
    const { frames } = await this.#voice.sync(peer, { session: session.id, ...held }, QUESTION_MS)
    await this.take(session, peer, frames, EMPTY_BYTES)
  }

  #dial(peer: PeerId): void {
    this.#context.connect(peer, { timeoutMs: DIAL_MS }).catch(() => this.#count('dial-failed'))
  }

  #linked(): Set<PeerId> {
    return new Set(this.#context.peers().map(({ peerId }) => peerId))
  }

  #send(session: Session, to: PeerId, statements: readonly Statement[], pass: Uint8Array): void {
    for (const part of bounded(statements)) {
      // A link that breaks takes words with it: the retry asks for them.
      this.#voice.statements(to, { session: session.id, frames: part.map(({ frame }) => frame), pass }).catch(() => this.#count('send-failed'))
    }
  }

  async #readOnce(session: Session, from: PeerId, frame: Uint8Array): Promise<Statement | null> {
    let read = this.#read.get(session)
    if (read === undefined) this.#read.set(session, read = new Set())
    const name = toHex(this.#backend().sha256(frame).subarray(0, 16))
    if (read.has(name)) return null
    // At once, as many copies may come while the first is being checked.
    if (read.size < READ_PER_SIGNER_MAX * session.aggregate.keys.length) read.add(name)
    let statement: Statement | null
    try {
      statement = await receivedStatement(this.#context, session.id, frame)
    } catch (error) {
      this.#refuse(from, error instanceof P2PError ? error.code : ErrorCode.PROTOCOL_BAD_PAYLOAD)
      return null
    }
    if (statement === null) this.#refuse(from, ErrorCode.PROTOCOL_BAD_PAYLOAD)
    return statement
  }

  /** Whoever hands a frame on has had to check it too. */
  #refuse(from: PeerId, code: ErrorCode): void {
    this.#count('bad-frame')
    this.#context.report(new P2PError(code, `musig2: ${from} brought a frame that is no statement of its session`, { peerId: from, protocol: 'musig2' }))
  }

  #count(what: string, by = 1): void {
    this.counters[what] = (this.counters[what] ?? 0) + by
  }
}

/** Statements in words that the wire carries. */
function bounded(statements: readonly Statement[]): Statement[][] {
  const words: Statement[][] = []
  let bytes = Infinity
  for (const statement of statements) {
    if (bytes + statement.frame.length > WORD_BYTES_MAX || words.at(-1)!.length >= STATEMENTS_PER_WORD_MAX) {
      words.push([])
      bytes = 0
    }
    words.at(-1)!.push(statement)
    bytes += statement.frame.length
  }
  return words
}
