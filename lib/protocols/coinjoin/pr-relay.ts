import type { IChainSource } from '../../bitcoin/chain-source.ts'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import { draw } from '../../protocol-kit/draw.ts'
import { CLOSE_BEFORE_MS, FRAMES_MAX, PR_FRAME_BYTES_MAX } from './limits.ts'
import { framesOf } from './member-effects.ts'
import { epochAt, epochEndMs, type MixParams } from './params.ts'
import { coinObjection, formObjection } from './pr-check.ts'
import { prOf, type Pr } from './pr.ts'
import { PrPool } from './pr-pool.ts'

export interface PrRelayOptions {
  context(): ProtocolContext
  readonly crypto: ICryptoBackend
  readonly chain: IChainSource | undefined
  isBanned(pr: Pr): Promise<boolean>
}

/** Rounds that a node keeps PRs of at once: those it has joined. */
const ROUNDS_MAX = 16
/** Frames remembered as seen, so that none is checked or handed on twice. */
const SEEN_MAX = 4_096
/** PRs of rounds that we do not know, handed on unchecked: so many a minute from one peer. */
const UNKNOWN_PER_MINUTE = 120
/** PRs kept of rounds that are not joined yet; the oldest makes room. */
const UNOPENED_MAX = 256
/** Nodes that a round's identity tells of its PR: one may be deaf, or gone. */
const CONTACTS = 3
const CONTACT_TIMEOUT_MS = 8_000

/** The nodes' part: PRs travel from node to node, each signed by its round's own key, so that none shows whose node it began at. */
export class PrRelay {
  readonly #options: PrRelayOptions
  readonly #rounds = new Map<string, { params: MixParams; hash: Uint8Array; pools: Map<number, PrPool> }>()
  readonly #seen = new Set<string>()
  /** Of rounds that we do not know yet, and may join. */
  readonly #unopened = new Map<Uint8Array, { pr: Pr; from: PeerId }>()
  readonly #unknown = new Map<PeerId, { sinceMs: number; count: number }>()
  /** What was refused, by reason. */
  readonly refused = new Map<string, number>()

  constructor(options: PrRelayOptions) {
    this.#options = options
  }

  /** PRs of this round are checked and kept from now on. */
  open(id: string, params: MixParams): void {
    if (this.#rounds.has(id)) return
    this.expire()
    if (this.#rounds.size >= ROUNDS_MAX) throw new P2PError('ERR_COINJOIN_BUSY', `a node takes part in at most ${ROUNDS_MAX} rounds at once`, { protocol: 'coinjoin' })
    this.#rounds.set(id, { params, hash: fromHex(id), pools: new Map() })
    // What came while we did not know the round.
    for (const [frame, { pr, from }] of [...this.#unopened]) {
      if (toHex(pr.paramsHash) !== id) continue
      this.#unopened.delete(frame)
      void this.#consider(pr, frame, from, false)
    }
    for (const { peerId } of this.#options.context().peers()) void this.greet(peerId)
  }

  pool(id: string, epoch: number): PrPool {
    const round = this.#rounds.get(id)
    if (round === undefined) throw new RangeError(`round ${id} is not open`)
    let pool = round.pools.get(epoch)
    if (pool === undefined) round.pools.set(epoch, pool = new PrPool())
    return pool
  }

  known(id: string, epoch: number): Uint8Array[] {
    return (this.#rounds.get(id)?.pools.get(epoch)?.all ?? []).map(({ frame }) => frame).slice(0, FRAMES_MAX)
  }

  /** A node that we meet may have heard what we have not. */
  async greet(peer: PeerId): Promise<void> {
    const context = this.#options.context()
    for (const [, { params, hash }] of this.#rounds) {
      const epoch = epochAt(params, context.clock.now())
      for (const wanted of [epoch, epoch + 1]) {
        const answer = await context.request(peer, { type: 'known-prs', payload: { params: hash, epoch: wanted } }, { timeoutMs: CONTACT_TIMEOUT_MS, signal: context.signal }).catch(() => null)
        if (answer !== null && !context.signal.aborted) await this.take(framesOf(answer.payload), peer)
      }
    }
  }

  async take(frames: readonly Uint8Array[], from: PeerId): Promise<void> {
    for (const frame of frames) await this.#takeOne(frame, from)
  }

  /**
   * Our own PR, to nodes other than ours, over links of the round's own key. Only where there is no such node does ours hand it on itself:
   * then its neighbours may guess.
   */
  async spread(room: ProtocolContext, frame: Uint8Array): Promise<void> {
    const context = this.#options.context()
    await this.take([frame], context.localPeer.peerId)
    let told = 0
    for (const peer of shuffled(context.peers(), length => draw(context, length))) {
      if (told >= CONTACTS) break
      if (Object.keys(peer.addresses).length === 0) continue
      try {
        const { peerId } = await room.connect({ ...peer }, { timeoutMs: CONTACT_TIMEOUT_MS, shortLived: true })
        await room.send(peerId, { type: 'prs', payload: { frames: [frame] } })
        told++
      } catch {
        // The next one may be there.
      }
    }
    if (told === 0) this.#handOn(frame, [])
  }

  /** Forgets epochs and rounds that are over. */
  expire(): void {
    const nowMs = this.#options.context().clock.now()
    for (const [id, { params, pools }] of this.#rounds) {
      for (const epoch of pools.keys()) if (epochEndMs(params, epoch + 2) < nowMs) pools.delete(epoch)
      if (params.expiry * 1_000 + 3_600_000 < nowMs) this.#rounds.delete(id)
    }
  }

  clear(): void {
    this.#rounds.clear()
    this.#seen.clear()
    this.#unopened.clear()
    this.#unknown.clear()
  }

  async #takeOne(frame: Uint8Array, from: PeerId): Promise<void> {
    const { context, crypto } = this.#options
    const room = context()
    const isOurs = from === room.localPeer.peerId
    const seenAs = toHex(crypto.sha256(frame))
    if (this.#seen.has(seenAs) || frame.length > PR_FRAME_BYTES_MAX) return
    if (this.#seen.size >= SEEN_MAX) for (const oldest of this.#seen) { this.#seen.delete(oldest); break }
    this.#seen.add(seenAs)
    const message = await room.verify(frame).catch((error: unknown) => {
      room.report(new P2PError('ERR_COINJOIN_BAD_FRAME', `expected a PR signed by its author from ${from}`, { peerId: from, protocol: 'coinjoin', cause: error }))
      return null
    })
    if (message === null || room.signal.aborted) return
    const pr = prOf(crypto, message)
    if (pr === null) return this.#refuse('form')
    if (this.#rounds.has(toHex(pr.paramsHash))) return await this.#consider(pr, frame, from, !isOurs)
    if (!this.#mayHandOn(from)) {
      // Not looked at, so not seen: should we join that round, we ask for it.
      this.#seen.delete(seenAs)
      return this.#refuse('rate')
    }
    if (this.#unopened.size >= UNOPENED_MAX) for (const [oldest] of this.#unopened) { this.#unopened.delete(oldest); break }
    this.#unopened.set(frame, { pr, from })
    this.#handOn(frame, [from])
  }

  /** A PR of a round that we know: kept and handed on if nothing is wrong with it. */
  async #consider(pr: Pr, frame: Uint8Array, from: PeerId, handsOn: boolean): Promise<void> {
    const room = this.#options.context()
    const round = this.#rounds.get(toHex(pr.paramsHash))
    if (round === undefined) return
    const why = await this.#objection(pr, round)
    if (why !== null) return this.#refuse(why)
    if (room.signal.aborted) return
    const isLate = room.clock.now() > epochEndMs(round.params, pr.epoch) - CLOSE_BEFORE_MS
    const taken = this.pool(toHex(pr.paramsHash), pr.epoch).add(pr, isLate)
    if (taken !== 'new' && taken !== 'struck') return this.#refuse(taken)
    if (handsOn) this.#handOn(frame, [from])
  }

  async #objection(pr: Pr, { params, hash }: { params: MixParams; hash: Uint8Array }): Promise<string | null> {
    const { context, crypto, chain, isBanned } = this.#options
    const epoch = epochAt(params, context().clock.now())
    if (pr.epoch !== epoch && pr.epoch !== epoch + 1) return 'epoch'
    const form = formObjection(crypto, params, hash, pr)
    if (form !== null) return form
    if (await isBanned(pr)) return 'banned'
    if (chain === undefined) return null
    try {
      return await coinObjection(chain, params, pr, context().signal)
    } catch (error) {
      context().report(new P2PError('ERR_CHAIN_UNREACHABLE', 'coins of another peer could not be looked up: it is taken on trust, which can cost a run and nothing else', { protocol: 'coinjoin', cause: error }))
      return null
    }
  }

  #refuse(why: string): void {
    if (this.refused.size < 64 || this.refused.has(why)) this.refused.set(why, (this.refused.get(why) ?? 0) + 1)
  }

  #mayHandOn(from: PeerId): boolean {
    const nowMs = this.#options.context().clock.elapsedMs()
    const known = this.#unknown.get(from)
    const spent = known !== undefined && nowMs - known.sinceMs < 60_000 ? known : { sinceMs: nowMs, count: 0 }
    this.#unknown.set(from, { ...spent, count: spent.count + 1 })
    if (this.#unknown.size > 1_000) for (const [peer, { sinceMs }] of this.#unknown) if (nowMs - sinceMs > 60_000) this.#unknown.delete(peer)
    return spent.count < UNKNOWN_PER_MINUTE
  }

  #handOn(frame: Uint8Array, except: readonly PeerId[]): void {
    this.#options.context().broadcast({ type: 'prs', payload: { frames: [frame] } }, { except }).catch(() => {})
  }
}

function shuffled<T>(list: readonly T[], random: (length: number) => Uint8Array): T[] {
  const result = [...list]
  for (let at = result.length - 1; at > 0; at--) {
    const [a, b] = random(2)
    const other = (a! * 256 + b!) % (at + 1)
    ;[result[at], result[other]] = [result[other]!, result[at]!]
  }
  return result
}
