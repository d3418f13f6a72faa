import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import { textOf } from '../../foundation/error-text.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import { TokenBucketLimiter } from '../../foundation/token-bucket.ts'
import type { KeyAggregator } from '../../bitcoin/bip327/index.ts'
import { ANNOUNCEMENTS } from './announcer.ts'
import { openInvitation, rendezvousTag, type Invitation } from './invitation.ts'
import type { Keyring } from './keyring.ts'
import {
  ANNOUNCEMENTS_BURST, ANNOUNCEMENTS_PER_SECOND, BUDGETS_MAX, DIAL_MS, DISCOVER_MS_MIN, INVITATIONS_PER_PEER_MAX, QUESTION_MS, RENDEZVOUS_MAX, SESSIONS_MAX, TIMEOUT_MS_MAX,
} from './limits.ts'
import type { Markers } from './markers.ts'
import type { MuSig2Options } from './options.ts'
import { rendezvousPoint } from './rendezvous.ts'
import { SigningRequest } from './request.ts'
import { receivedStatement, type Session, type SessionOptions } from './session.ts'
import type { Statement } from './statement.ts'
import { resolveTerms } from './subject.ts'
import { checkTerms, sessionIdOf } from './terms.ts'

export interface InvitationsOptions {
  readonly context: ProtocolContext
  readonly backend: () => ICryptoBackend
  readonly keyring: Keyring
  readonly aggregator: KeyAggregator
  readonly markers: Markers
  readonly options: MuSig2Options
  readonly sessions: ReadonlyMap<string, Session>
  open(to: PeerId, payload: { rendezvous: Uint8Array; tags: Uint8Array[] }, timeoutMs: number): Promise<{ boxes: (Uint8Array | null)[] }>
  begin(options: Omit<SessionOptions, 'boot' | 'markers'>): Session
  ask(request: SigningRequest): void
}

/** Hears of sessions, finds out whether one is for a key of ours, and puts it before whoever holds that. */
export class Invitations implements Disposable {
  readonly #given: InvitationsOptions
  readonly #announcements: TokenBucketLimiter
  readonly #heard = new Set<string>()
  #subscription: Disposable | undefined
  #askedAtMs = -Infinity
  readonly counters: Record<string, number> = {}

  constructor(given: InvitationsOptions) {
    this.#given = given
    this.#announcements = new TokenBucketLimiter({ clock: given.context.clock, perSecond: ANNOUNCEMENTS_PER_SECOND, burst: ANNOUNCEMENTS_BURST, keysMax: BUDGETS_MAX })
  }

  /** Rendezvous remembered. */
  get size(): number {
    return this.#heard.size
  }

  /** To announcements by gossip, and in the directory, as soon as something plays those roles. */
  listen(): void {
    if (this.#subscription !== undefined) return
    const { pubsub } = this.#given.context
    try {
      this.#subscription = pubsub.subscribe(ANNOUNCEMENTS, (payload, { from }) => {
        const rendezvous = (payload as { rendezvous?: unknown } | null)?.rendezvous
        if (rendezvous instanceof Uint8Array && rendezvous.length === 32) void this.#meet(rendezvous, from)
      })
    } catch {
      // Nobody plays it yet: asked again at the next link.
    }
    // Links come and go; a directory is not asked for each of them.
    const nowMs = this.#given.context.clock.elapsedMs()
    if (nowMs - this.#askedAtMs < DISCOVER_MS_MIN) return
    this.#askedAtMs = nowMs
    void this.discover()
  }

  async discover(): Promise<void> {
    const { context } = this.#given
    try {
      for (const { resourceId, creatorPeerId } of await context.resources.discover(ANNOUNCEMENTS, undefined, { timeoutMs: QUESTION_MS })) {
        if (/^[0-9a-f]{64}$/.test(resourceId)) await this.#meet(fromHex(resourceId), creatorPeerId)
      }
    } catch {
      // No directory here, or it answers nothing: links and gossip remain.
    }
  }

  /** An announcement by the initiator itself. Never rejects: what is wrong with it is the initiator's affair. */
  async hear(rendezvous: Uint8Array, from: PeerId): Promise<void> {
    const { context, keyring } = this.#given
    const name = `${toHex(rendezvous)} ${from}`
    if (from === context.localPeer.peerId || keyring.signers.length === 0 || this.#heard.has(name)) return
    if (this.#announcements.take(from) > 0) return this.#count('announcement-limited')
    this.#remember(name)
    try {
      await this.#open(rendezvous, from)
    } catch (error) {
      // Lost on the way: the next announcement is heeded again.
      this.#heard.delete(name)
      this.#count('open-failed')
      if (error instanceof P2PError && error.code.startsWith('ERR_MUSIG2')) context.report(error)
    }
  }

  [Symbol.dispose](): void {
    this.#subscription?.[Symbol.dispose]()
    this.#subscription = undefined
  }

  /** One that came by gossip, or out of the directory: its initiator may be nobody we know. */
  async #meet(rendezvous: Uint8Array, initiator: PeerId): Promise<void> {
    const { context } = this.#given
    if (initiator === context.localPeer.peerId || this.#heard.has(`${toHex(rendezvous)} ${initiator}`)) return
    try {
      if (!context.peers().some(({ peerId }) => peerId === initiator)) await context.connect(initiator, { timeoutMs: DIAL_MS })
      await this.hear(rendezvous, initiator)
    } catch {
      this.#count('dial-failed')
    }
  }

  async #open(rendezvous: Uint8Array, from: PeerId): Promise<void> {
    const { context, backend, keyring, open } = this.#given
    const point = rendezvousPoint(rendezvous)
    if (!backend().isPoint(point)) return this.#count('bad-rendezvous')
    const shared = await Promise.all(keyring.signers.map(signer => signer.ecdh(point)))
    const tags = shared.map(each => rendezvousTag(backend(), each, rendezvous, context.localPeer.peerId, from))
    const { boxes } = await open(from, { rendezvous, tags }, QUESTION_MS)
    for (const [at, box] of boxes.slice(0, tags.length).entries()) {
      if (box === null) continue
      const invitation = openInvitation(backend(), shared[at]!, tags[at]!, box)
      if (invitation === null) this.#blame(from, 'its invitation does not open')
      else await this.#invited(rendezvous, from, invitation)
    }
  }

  async #invited(rendezvous: Uint8Array, from: PeerId, { terms, creatorIndex, remainingMs, join: frame }: Invitation): Promise<void> {
    const { context, backend, keyring, aggregator, markers, options, sessions, begin, ask } = this.#given
    const id = sessionIdOf(backend(), terms, rendezvous)
    if (sessions.has(toHex(id))) return
    const join = await this.#joinOf(id, from, creatorIndex, frame)
    if (join === null) return this.#blame(from, 'its own join is not in order')
    const invited = [...sessions.values()].filter(({ initiator }) => initiator === from).length
    if (sessions.size >= SESSIONS_MAX || invited >= INVITATIONS_PER_PEER_MAX) {
      // When it is announced again there may be room.
      this.#heard.delete(`${toHex(rendezvous)} ${from}`)
      return this.#count('sessions-full')
    }
    let resolved
    try {
      checkTerms(terms)
      resolved = resolveTerms(backend(), aggregator.aggregate(terms.keys), terms)
    } catch (error) {
      return this.#blame(from, `its terms cannot be met: ${textOf(error)}`)
    }
    // While we waited, another copy may have come.
    if (sessions.has(toHex(id))) return
    const { aggregate, message, opaque } = resolved
    const own = keyring.among(terms.keys)
    const session = begin({
      id, terms, aggregate, message, own, initiator: from, rendezvous, remainingMs: Math.min(remainingMs, TIMEOUT_MS_MAX), lingerMs: options.lingerMs, context, backend,
    })
    session.handle({ kind: 'start', remainingMs: session.remainingMs })
    session.handle({ kind: 'statement', statement: join })
    if (session.state.joinOf(creatorIndex) === undefined) return session.handle({ kind: 'leave', reason: 'declined', text: 'the initiator did not prove its key' })
    if (markers.abandoned.has(session.name)) return session.handle({ kind: 'leave', reason: 'restarted', text: 'it restarted after it had given a nonce' })
    if (terms.tweaks.some(({ kind }) => kind === 'raw') && options.allowRawTweaks !== true) {
      return session.handle({ kind: 'leave', reason: 'declined', text: 'it takes no tweak that is a bare number' })
    }
    ask(new SigningRequest(session, creatorIndex, opaque, { allowOpaque: options.allowOpaque ?? false, network: options.network ?? 'bitcoin' }))
  }

  /** Who invites has to be a member: strangers cannot make a wallet ask its user anything. */
  async #joinOf(id: Uint8Array, from: PeerId, index: number, frame: Uint8Array): Promise<Statement | null> {
    try {
      const join = await receivedStatement(this.#given.context, id, frame)
      return join?.type === 'join' && join.author === from && join.index === index ? join : null
    } catch {
      return null
    }
  }

  #blame(peerId: PeerId, text: string): void {
    this.#count('bad-invitation')
    this.#given.context.report(new P2PError('ERR_MUSIG2_BAD_INVITATION', `musig2: ${peerId} invites, and ${text}`, { peerId, protocol: 'musig2' }))
  }

  #remember(name: string): void {
    if (this.#heard.size >= RENDEZVOUS_MAX) this.#heard.delete(this.#heard.keys().next().value!)
    this.#heard.add(name)
  }

  #count(what: string): void {
    this.counters[what] = (this.counters[what] ?? 0) + 1
  }
}
