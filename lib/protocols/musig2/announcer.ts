import type { PeerId } from '../../contracts/message.ts'
import type { PeerInfo } from '../../contracts/peer.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import type { AnnouncementHandle } from '../../contracts/resources.ts'
import { toHex } from '../../foundation/hex.ts'
import { TokenBucketLimiter } from '../../foundation/token-bucket.ts'
import { draw } from '../../protocol-kit/draw.ts'
import { BUDGETS_MAX, DIAL_MS, OPENINGS_BURST, OPENINGS_PER_SECOND, SIGNERS_MAX } from './limits.ts'
import type { Rendezvous } from './rendezvous.ts'
import type { Session } from './session.ts'

/** The topic and the type of resource under which sessions are announced to whoever has no link to their initiator. */
export const ANNOUNCEMENTS = 'musig2/session'

interface Open {
  readonly session: Session
  readonly rendezvous: Rendezvous
  readonly creatorIndex: number
  readonly join: Uint8Array
  readonly deadlineMs: number
  handle?: AnnouncementHandle<unknown>
}

/** Sessions of ours that still gather: tells the public that there is one, and members what it is about. */
export class Announcer implements Disposable {
  readonly #context: ProtocolContext
  readonly #say: (payload: { rendezvous: Uint8Array; deadlineMs: number }, to?: PeerId) => Promise<void>
  readonly #openings: TokenBucketLimiter
  readonly #open = new Map<string, Open>()

  constructor(context: ProtocolContext, say: (payload: { rendezvous: Uint8Array; deadlineMs: number }, to?: PeerId) => Promise<void>) {
    this.#context = context
    this.#say = say
    this.#openings = new TokenBucketLimiter({ clock: context.clock, perSecond: OPENINGS_PER_SECOND, burst: OPENINGS_BURST, keysMax: BUDGETS_MAX })
  }

  /** To linked peers at once; by gossip and as a resource where something plays those roles; and to `peers`, who are dialled. */
  announce(session: Session, rendezvous: Rendezvous, creatorIndex: number, join: Uint8Array, peers: readonly (PeerId | PeerInfo)[]): void {
    const { clock, pubsub, resources } = this.#context
    const deadlineMs = Math.ceil(clock.now() + session.remainingMs)
    const open: Open = { session, rendezvous, creatorIndex, join, deadlineMs }
    const id = toHex(rendezvous.id)
    this.#open.set(id, open)
    this.#tell(open)
    // Nobody plays the role, or it has nobody to tell: members with a link have been told.
    void pubsub.publish(ANNOUNCEMENTS, { rendezvous: rendezvous.id, deadlineMs }).catch(() => {})
    resources.announce(ANNOUNCEMENTS, id, { deadlineMs }, { ttlMs: session.remainingMs }).then(handle => {
      open.handle = handle
      if (!this.#open.has(id)) void handle.withdraw().catch(() => {})
    }, () => {})
    // Who is linked by this is greeted then.
    for (const peer of peers) this.#context.connect(peer, { timeoutMs: DIAL_MS }).catch(() => {})
  }

  /** A peer that came after the announcement. */
  greet(peer: PeerId): void {
    for (const open of this.#open.values()) this.#tell(open, peer)
  }

  withdraw({ rendezvous }: Session): void {
    const id = toHex(rendezvous)
    const open = this.#open.get(id)
    if (open === undefined) return
    // Members may still ask what it is about, whose answer was lost; it is over when the session is.
    if (open.session.isOver) {
      this.#open.delete(id)
      open.rendezvous[Symbol.dispose]()
      void open.handle?.withdraw().catch(() => {})
    }
  }

  /** What is in the boxes is for members alone; anybody else learns nothing, not even that there is a session. */
  open(rendezvous: Uint8Array, tags: readonly Uint8Array[], asker: PeerId): (Uint8Array | null)[] {
    const open = this.#open.get(toHex(rendezvous))
    if (open === undefined || this.#openings.take(asker, tags.length) > 0) return tags.map(() => null)
    const { session: { terms }, session, creatorIndex, join } = open
    const { localPeer } = this.#context
    const boxes = open.rendezvous.boxes(tags, asker, localPeer.peerId, terms.keys, () => ({ terms, creatorIndex, remainingMs: session.remainingMs, join }), length => draw(this.#context, length))
    if (boxes.some(box => box !== null) && session.guests.size < SIGNERS_MAX) session.guests.add(asker)
    return boxes
  }

  [Symbol.dispose](): void {
    for (const { rendezvous } of this.#open.values()) rendezvous[Symbol.dispose]()
    this.#open.clear()
  }

  #tell({ rendezvous, deadlineMs }: Open, to?: PeerId): void {
    void this.#say({ rendezvous: rendezvous.id, deadlineMs }, to).catch(() => {})
  }
}
