import type { PeerId } from '../../contracts/message.ts'
import { equalBytes } from '../../foundation/bytes.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import type { Core } from './core.ts'
import type { Stated, Statement } from './events.ts'
import { SEEK_AGE_MS_MAX, SEEK_LEAD_MS_MAX, SEEN_MAX, SEEN_MS, WAYS_MAX } from './limits.ts'
import type { Neighbour } from './neighbour.ts'
import { claimedAuthor } from './statement.ts'

type SeekWord = Extract<Stated, { word: 'seek' }>
type FoundWord = Extract<Stated, { word: 'found' }>

/** A search that came by here, or began here. */
interface Seen {
  readonly id: Uint8Array
  readonly seeker: PeerId
  readonly target: PeerId
  /** Who handed it to us, the first first: the way back. Empty for our own. */
  readonly from: PeerId[]
  readonly atMs: number
  /** The target's signed answer. */
  answer: Uint8Array | undefined
}

/** Searches, ours and others': each is handed on once, and answers go back the way it came. */
export class Seeks {
  readonly #core: Core
  readonly #onFound: (target: PeerId) => void
  /** By id and seeker: nobody can use up an id for somebody else. */
  readonly #seen = new Map<string, Seen>()

  constructor(core: Core, onFound: (target: PeerId) => void) {
    this.#core = core
    this.#onFound = onFound
  }

  get size(): number {
    return this.#seen.size
  }

  expire(): void {
    for (const [key, { atMs }] of this.#seen) if (this.#core.nowMs - atMs >= SEEN_MS) this.#seen.delete(key)
  }

  /** Lets a search of ours loose. False when as many are remembered as may be. */
  begin(id: Uint8Array, target: PeerId, hops: number, statement: Uint8Array): boolean {
    const { ownId } = this.#core.options
    if (!this.#remember({ id, seeker: ownId, target, from: [], atMs: this.#core.nowMs, answer: undefined })) return false
    this.#spread({ id, target: fromHex(target), hops, statement }, target, [ownId])
    return true
  }

  // A search comes by.

  /** Cheap refusals first: nothing before `check` costs a signature. */
  takeSeek(stated: SeekWord, from: Neighbour): void {
    const core = this.#core
    const { id, statement } = stated.payload
    if (from.patience.take() > 0) return core.breach(from.id, 'seeks more often than any honest node hands on')
    const seeker = claimedAuthor(statement)
    if (seeker === undefined) return core.forged(from.id)
    if (seeker === core.options.ownId) return core.count('own-seek')
    const known = this.#seen.get(keyOf(id, seeker))
    if (known !== undefined) return this.#another(known, from.id)
    if (from.seeks.take() > 0) return core.count('seeks-over')
    if (!this.#isAffordable(stated)) return
    core.out.push({ kind: 'check', stated })
  }

  #isAffordable({ payload: { target, hops } }: SeekWord): boolean {
    const core = this.#core
    if (this.#seen.size >= SEEN_MAX) return this.#no('seen-full')
    if (toHex(target) === core.options.ownId) return core.answers.take() === 0 || this.#no('answers-over')
    if (!core.options.carries) return this.#no('not-carrying')
    if (hops <= 1) return this.#no('hops-over')
    return core.forwards.take() === 0 || this.#no('forwards-over')
  }

  #no(reason: string): false {
    this.#core.count(reason)
    return false
  }

  /** A copy by another way: the answer will go back that way too, so that one bad neighbour does not swallow it. */
  #another(known: Seen, from: PeerId): void {
    this.#core.count('seek-again')
    if (known.seeker === this.#core.options.ownId || known.from.includes(from) || known.from.length >= WAYS_MAX) return
    known.from.push(from)
    if (known.target === this.#core.options.ownId && known.answer !== undefined) this.#answer(known, from)
  }

  takeSeeking(stated: SeekWord, said: Statement, wallMs: number): void {
    const core = this.#core
    const { from, payload: { id, target, hops, statement } } = stated
    if (said.type !== 'seeking' || said.id !== toHex(id) || said.target !== toHex(target)) return core.forged(from)
    if (wallMs - said.timestampMs > SEEK_AGE_MS_MAX || said.timestampMs - wallMs > SEEK_LEAD_MS_MAX) return core.count('stale')
    const known = this.#seen.get(keyOf(id, said.by))
    if (known !== undefined) return this.#another(known, from)
    const seen: Seen = { id: id.slice(), seeker: said.by, target: said.target, from: [from], atMs: core.nowMs, answer: undefined }
    if (!this.#remember(seen)) return
    if (said.target === core.options.ownId) this.#sayHere(seen)
    else this.#spread({ id: seen.id, target: fromHex(said.target), hops: hops - 1, statement }, said.target, [from, said.by])
  }

  #remember(seen: Seen): boolean {
    if (this.#seen.size >= SEEN_MAX) return this.#no('seen-full')
    this.#seen.set(keyOf(seen.id, seen.seeker), seen)
    return true
  }

  /** To the target alone where it is a neighbour, else to all. */
  #spread(payload: SeekWord['payload'], target: PeerId, except: readonly PeerId[]): void {
    const { neighbours, out } = this.#core
    const to = neighbours.has(target) ? [target] : [...neighbours.keys()].filter(id => !except.includes(id))
    for (const id of to) out.push({ kind: 'send', to: id, type: 'seek', payload })
  }

  // It has reached us.

  #sayHere(seen: Seen): void {
    const { routes, out, nowMs } = this.#core
    routes.confirm(seen.seeker, seen.from[0]!, nowMs)
    out.push({ kind: 'sign', purpose: { type: 'here', key: keyOf(seen.id, seen.seeker) }, payload: { id: seen.id, seeker: fromHex(seen.seeker) } })
  }

  signedHere(key: string, statement: Uint8Array): void {
    const seen = this.#seen.get(key)
    if (seen === undefined) return
    seen.answer = statement
    for (const from of seen.from) this.#answer(seen, from)
  }

  #answer({ id, seeker, answer }: Seen, to: PeerId): void {
    this.#core.out.push({ kind: 'send', to, type: 'found', payload: { id, seeker: fromHex(seeker), statement: answer! } })
  }

  // The answer comes back.

  takeFound(stated: FoundWord, from: Neighbour): void {
    const core = this.#core
    const { id, seeker, statement } = stated.payload
    const seen = this.#seen.get(keyOf(id, toHex(seeker)))
    if (seen === undefined || claimedAuthor(statement) !== seen.target || seen.target === core.options.ownId) return core.unasked(from, 'found-unasked')
    // The same answer by another way: checked already.
    if (seen.answer !== undefined) {
      if (equalBytes(seen.answer, statement)) core.routes.confirm(seen.target, from.id, core.nowMs)
      else core.unasked(from, 'found-again')
      return
    }
    core.out.push({ kind: 'check', stated })
  }

  takeHere(stated: FoundWord, said: Statement): void {
    const core = this.#core
    const { from, payload: { id, seeker, statement } } = stated
    const seen = this.#seen.get(keyOf(id, toHex(seeker)))
    if (seen === undefined) return core.count('found-late')
    if (said.type !== 'here' || said.by !== seen.target || said.id !== toHex(id) || said.seeker !== seen.seeker) return core.forged(from)
    core.routes.confirm(seen.target, from, core.nowMs)
    if (seen.answer !== undefined) return
    seen.answer = statement.slice()
    if (seen.seeker === core.options.ownId) return this.#onFound(seen.target)
    for (const back of seen.from) {
      core.routes.confirm(seen.seeker, back, core.nowMs)
      if (back !== from) this.#answer(seen, back)
    }
  }
}

function keyOf(id: Uint8Array, seeker: PeerId): string {
  return `${toHex(id)}/${seeker}`
}
