import type { IChainSource } from '../../bitcoin/chain-source.ts'
import { objection, type MixPlan } from '../../bitcoin/coinjoin-transaction.ts'
import type { Coin, ICoinJoinWallet } from '../../bitcoin/coinjoin-wallet.ts'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { P2PError } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import { drawScalar } from '../../crypto/draw-scalar.ts'
import { wipe } from '../../foundation/bytes.ts'
import { textOf } from '../../foundation/error-text.ts'
import { fromHex, toHex } from '../../foundation/hex.ts'
import type { EffectTimers } from '../../protocol-kit/run-effects.ts'
import { draw } from '../../protocol-kit/draw.ts'
import { judgeReveals } from './checks.ts'
import { mod, toNumber, writeElements } from './field.ts'
import { sessionId } from './hashes.ts'
import type { Timing } from './limits.ts'
import type { Neighbours } from './neighbours.ts'
import { paddedVector, PRG_BYTES } from './pads.ts'
import type { MixParams } from './params.ts'
import { partyOf, termsOf } from './parties.ts'
import type { Pr } from './pr.ts'
import { findRoots, type Sliced } from './roots.ts'
import type { Cause, Outcome, SessionEffect, SessionInput } from './session-types.ts'
import { Session } from './session.ts'
import { runSliced } from './slices.ts'
import { encodeLeave, encodeMiss, LEAVE_TYPE, MISS_TYPE } from './votes.ts'
import { hexBytes, PHASES, slotOf } from './words.ts'

/** What one round is for its wallet. */
export interface MemberWork {
  readonly crypto: ICryptoBackend
  readonly params: MixParams
  readonly paramsHash: Uint8Array
  readonly epoch: number
  readonly timing: Timing
  readonly wallet: ICoinJoinWallet
  readonly coins: readonly Coin[]
  readonly changeScript: Uint8Array | null
  /** Sats. */
  readonly maxFee: bigint
  readonly chain: IChainSource | undefined
  onPhase(phase: Extract<SessionEffect, { kind: 'phase' }>): void
  onExcluded(cause: Cause, roster: readonly Pr[]): void
  onEnd(outcome: Outcome): void
}

interface Surroundings {
  context(): ProtocolContext
  readonly work: MemberWork
  readonly neighbours: Neighbours
  readonly timers: EffectTimers
  members(): readonly PeerId[]
  session(): Session | undefined
  step(input: SessionInput): void
  take(frames: readonly Uint8Array[], from: PeerId): Promise<void>
  learn(from: PeerId, run: string): Promise<void>
}

/** How often the chain is asked for the transaction of a run that was signed and did not end well for us. */
const WATCH_MS = 10_000
const ASK_TIMEOUT_MS = 8_000

/** Carries out what a session wants, one effect after the other: what follows a `store` waits until it is durable. */
export class MemberEffects {
  readonly #around: Surroundings
  #queue: Promise<void> = Promise.resolve()
  /** Signed transactions by run, until one of them is on the chain. */
  readonly #signed = new Map<string, MixPlan>()
  #roster: readonly Pr[] = []

  constructor(around: Surroundings) {
    this.#around = around
  }

  open(roster: readonly Pr[], me: PeerId): Session {
    this.#roster = roster
    const { crypto, params, paramsHash, epoch, timing } = this.#around.work
    return new Session({
      crypto, timing, me, minPeers: params.minPeers, terms: termsOf(params),
      session: sessionId(crypto, paramsHash, epoch, roster.map(({ id }) => hexBytes(id))),
      members: roster.map(pr => ({ key: pr.author, party: partyOf(pr) })),
    })
  }

  /** Resolves once nothing more is under way. */
  settled(): Promise<void> {
    return this.#queue
  }

  run(effects: readonly SessionEffect[]): void {
    if (effects.length === 0) return
    this.#queue = this.#queue.then(async () => {
      for (const effect of effects) await this.#guarded(effect)
    })
  }

  async compute<T>(work: Sliced<T>): Promise<T> {
    const { clock, signal } = this.#around.context()
    return await runSliced(work, clock, signal)
  }

  async #guarded(effect: SessionEffect): Promise<void> {
    const { context, work } = this.#around
    try {
      if (!context().signal.aborted) await this.#carryOut(effect)
    } catch (error) {
      if (context().signal.aborted) return
      context().report(new P2PError('ERR_COINJOIN_FAILED', `a round could not go on (${effect.kind}): ${textOf(error)}`, { protocol: 'coinjoin', cause: error }))
      // Whatever was to be written down, or said, is not: nothing may follow it.
      if (effect.kind !== 'end') work.onEnd({ kind: 'failed', code: 'abandoned', why: textOf(error) })
    }
  }

  async #carryOut(effect: SessionEffect): Promise<void> {
    const { work, neighbours, step, members } = this.#around
    const context = this.#around.context()
    switch (effect.kind) {
      case 'store': return await context.store.put(effect.key, effect.value, { sync: effect.sync })
      case 'say': return await this.#say({ type: effect.type, payload: effect.body, slot: slotOf(effect.run, effect.type) })
      case 'vote': return await this.#say({ type: MISS_TYPE, payload: encodeMiss(effect.run, effect.phase, effect.missing) })
      case 'leave': return await this.#say({ type: LEAVE_TYPE, payload: encodeLeave(this.#sessionBytes(), effect.reason) })
      case 'forward': for (const to of effect.to) neighbours.send(to, effect.frames); return
      case 'ask': for (const to of effect.to) this.#ask(to, effect.run, PHASES.indexOf(effect.phase), effect.indices); return
      case 'ask-causes': return void this.#around.learn(effect.to, effect.run)
      case 'draw-keys': return this.#beside(this.#drawKeys(effect.run))
      case 'pad': return this.#beside(this.#pad(effect))
      case 'solve': return this.#beside(this.compute(findRoots(effect.polynomial, () => mod(toNumber(draw(context, PRG_BYTES))))).then(roots => step({ kind: 'solved', run: effect.run, roots })))
      case 'hint': return this.#hint(effect.run, effect.roots, members())
      case 'judge': return this.#beside(this.compute(judgeReveals(work.crypto, effect.transcript)).then(faults => step({ kind: 'judged', run: effect.run, faults })))
      case 'sign': return this.#beside(this.#sign(effect))
      case 'broadcast': return await this.#broadcast(effect.plan, effect.transaction)
      case 'schedule': return this.#around.timers.schedule(context, effect.timer, effect.delayMs, () => step({ kind: 'timer', timer: effect.timer }))
      case 'cancel': return this.#around.timers.cancel(effect.timer)
      case 'excluded': return work.onExcluded(effect.cause, this.#roster)
      case 'phase': return work.onPhase(effect)
      case 'end': return work.onEnd(effect.outcome)
    }
  }

  /** Signed once; what members get is the same frame that we keep ourselves. */
  async #say(message: { type: string; payload: Uint8Array; slot?: string }): Promise<void> {
    const { neighbours, members, take } = this.#around
    const context = this.#around.context()
    const frame = await context.author(message)
    for (const to of members()) neighbours.send(to, [frame])
    await take([frame], context.localPeer.peerId)
  }

  #sessionBytes(): Uint8Array {
    const { crypto, paramsHash, epoch } = this.#around.work
    return sessionId(crypto, paramsHash, epoch, this.#roster.map(({ id }) => hexBytes(id)))
  }

  #ask(to: PeerId, run: string, phase: number, indices: readonly number[]): void {
    const context = this.#around.context()
    if (!this.#around.neighbours.isLinked(to)) return
    context.request(to, { type: 'missing', payload: { run: fromHex(run), phase, indices: Uint8Array.from(indices) } }, { timeoutMs: ASK_TIMEOUT_MS, signal: context.signal })
      .then(({ payload }) => this.#around.take(framesOf(payload), to), () => { /* The hard timeout speaks for those who do not answer. */ })
  }

  #hint(run: string, roots: readonly bigint[], members: readonly PeerId[]): void {
    const { neighbours } = this.#around
    const context = this.#around.context()
    for (const to of members) {
      if (to !== context.localPeer.peerId && neighbours.isLinked(to)) context.send(to, { type: 'roots', payload: { run: fromHex(run), roots: writeElements(roots) } }).catch(() => {})
    }
  }

  async #drawKeys(run: string): Promise<void> {
    const { work, step } = this.#around
    const context = this.#around.context()
    const outputKey = await work.wallet.freshKey()
    const used = `used/${toHex(outputKey)}`
    if (await context.store.get(used) !== undefined) throw new RangeError('the wallet gave out an output key a second time; it would tie two rounds together')
    await context.store.put(used, fromHex(run), { sync: true })
    step({ kind: 'keys', run, secret: drawScalar(length => draw(context, length)), salt: draw(context, 32), aux: draw(context, 32), outputKey })
  }

  async #pad({ run, index, secret, publicKeys, message }: Extract<SessionEffect, { kind: 'pad' }>): Promise<void> {
    const copy = secret.slice()
    try {
      const vector = await this.compute(paddedVector(this.#around.work.crypto, fromHex(run), index, copy, publicKeys, message))
      this.#around.step({ kind: 'vector', run, vector })
    } finally {
      wipe(copy)
    }
  }

  /** The wallet is asked only for what we have derived again ourselves, from nothing but our own view. */
  async #sign({ run, plan, party, outputKey }: Extract<SessionEffect, { kind: 'sign' }>): Promise<void> {
    const { work, step, session } = this.#around
    const peers = session()?.runOf(run)?.options.keys.length ?? 0
    const own = { party: { inputs: work.coins, changeScript: work.changeScript }, outputKey, peers, terms: termsOf(work.params), maxFee: work.maxFee }
    const wrong = objection(plan, own)
    if (wrong !== null) return step({ kind: 'not-signed', run, why: wrong })
    this.#signed.set(run, plan)
    this.#watch()
    try {
      const places = plan.inputs.flatMap((input, at) => (input.party === party ? [{ at, input: input.input }] : [])).sort((a, b) => a.input - b.input)
      const witnesses = await work.wallet.sign({ plan, own: places.map(({ at }) => at), outputKey })
      step({ kind: 'signed', run, witnesses })
    } catch (error) {
      step({ kind: 'not-signed', run, why: textOf(error) })
    }
  }

  async #broadcast(plan: MixPlan, transaction: Uint8Array): Promise<void> {
    const { work } = this.#around
    const context = this.#around.context()
    // The transaction itself is never lost: the result has it, and so has the disk.
    await context.store.put(`mixed/${plan.txid}`, transaction, { sync: true })
    try {
      await work.chain?.broadcast(transaction, { signal: context.signal })
    } catch (error) {
      context.report(new P2PError('ERR_CHAIN_REJECTED', `the round's transaction ${plan.txid} was not taken: ${textOf(error)}; it is in the result, try again`, { protocol: 'coinjoin', cause: error }))
    }
  }

  /** Until the session ends, the chain is asked whether somebody has completed what we signed. */
  #watch(): void {
    const { work, timers, step, session } = this.#around
    const { chain } = work
    if (chain === undefined) return
    const context = this.#around.context()
    timers.schedule(context, 'watch', WATCH_MS, () => this.#beside((async () => {
      for (const [run, plan] of this.#signed) {
        const confirmations = await chain.confirmationsOf(plan.txid, { signal: context.signal }).catch(() => null)
        if (confirmations !== null) return step({ kind: 'seen', run })
      }
      if (session()?.outcome === undefined) this.#watch()
    })()))
  }

  /** Something that takes its time and comes back as an input. */
  #beside(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      const context = this.#around.context()
      if (context.signal.aborted) return
      context.report(new P2PError('ERR_COINJOIN_FAILED', `a round could not go on: ${textOf(error)}`, { protocol: 'coinjoin', cause: error }))
      this.#around.step({ kind: 'abandon', why: textOf(error) })
    })
  }
}

/** What an answer brings: nothing where it is none. */
export function framesOf(payload: unknown): Uint8Array[] {
  const frames = (payload as { frames?: unknown } | null)?.frames
  return Array.isArray(frames) ? (frames as unknown[]).filter((frame): frame is Uint8Array => frame instanceof Uint8Array).slice(0, 64) : []
}
