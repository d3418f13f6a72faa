import type { Coin, ICoinJoinWallet } from '../../bitcoin/coinjoin-wallet.ts'
import { settleParty } from '../../bitcoin/coinjoin-transaction.ts'
import { P2PError } from '../../contracts/errors.ts'
import type { ProtocolContext } from '../../contracts/protocol.ts'
import { textOf } from '../../foundation/error-text.ts'
import { SafeEmitter } from '../../foundation/safe-emitter.ts'
import { CLOSE_BEFORE_MS } from './limits.ts'
import { Member, type MemberOptions } from './member.ts'
import { orderedRoster } from './evidence.ts'
import { epochAt, epochEndMs } from './params.ts'
import { termsOf } from './parties.ts'
import { encodePr, outpointOf, PR_TYPE, proofBytes, prSlot, type PrInput } from './pr.ts'
import type { PrPool } from './pr-pool.ts'
import { PRS_MAX } from './limits.ts'
import type { Cause, Outcome } from './session-types.ts'
import type { Phase } from './words.ts'

/** Where a round is: gathering coins, waiting for the epoch's boundary, in a phase of a run, or over. */
export type RoundPhase = 'input-registration' | 'roster' | Phase | 'done'

export interface RoundProgress {
  readonly phase: RoundPhase
  /** Counted from 0; each failed run excludes somebody. */
  readonly run: number
  /** Those still in. While inputs are gathered: those heard of. */
  readonly peers: number
}

export interface RoundResult {
  /** As shown. */
  readonly txid: string
  /** Ready to be broadcast; null where somebody else completed what we signed. */
  readonly transaction: Uint8Array | null
  /** Equal outputs: as many as ours is hidden among, if nobody else of them belongs to one owner. */
  readonly peers: number
  /** What it cost us, in sats. */
  readonly fee: bigint
  /** The x-only key of our output. */
  readonly outputKey: Uint8Array
}

export interface RoundEvents {
  phase: (progress: RoundProgress) => void
  /** Somebody is out, and why; with what proves it where it can be proven. */
  excluded: (cause: Cause) => void
}

export interface RoundOptions extends Omit<MemberOptions, 'coins' | 'changeScript' | 'onPhase' | 'onExcluded' | 'onEnd' | 'epoch' | 'pool'> {
  readonly id: string
  readonly context: ProtocolContext
  readonly wallet: ICoinJoinWallet
  poolFor(epoch: number): PrPool
  /** Gives a PR to the network, by ways that do not lead back to this node where there are any. */
  spread(member: Member, frame: Uint8Array): Promise<void>
  onExcluded(cause: Cause, roster: Parameters<MemberOptions['onExcluded']>[1]): void
  onOver(round: Round): void
}

/** A PR that leaves later than this before the close might not reach everybody in time. */
const SPREAD_MS = 2_000
/** Links are made once PRs are closed. */
const LINGER_MS = 60_000

/** One attempt of this wallet to take part: from its coins to a transaction, or the reason why there is none. */
export class Round extends SafeEmitter<RoundEvents> {
  readonly id: string
  readonly #options: RoundOptions
  readonly #coins: Coin[] = []
  readonly #timers = new Set<Disposable>()
  readonly done: Promise<RoundResult>
  #settle!: { resolve: (result: RoundResult) => void; reject: (error: Error) => void }
  #progress: RoundProgress = { phase: 'input-registration', run: 0, peers: 0 }
  #identity: AsyncDisposable | undefined
  #member: Member | undefined
  #registering: Promise<void> | undefined
  #isOver = false
  #isClosed = false

  constructor(options: RoundOptions) {
    super()
    this.#options = options
    this.id = options.id
    this.done = new Promise((resolve, reject) => { this.#settle = { resolve, reject } })
    // Whoever does not look at it must not crash for it: `error` on the coordinator tells too.
    this.done.catch(() => {})
  }

  get progress(): RoundProgress {
    return this.#progress
  }

  /** True while coins can be added. */
  get isOpen(): boolean {
    return !this.#isOver && this.#registering === undefined
  }

  get member(): Member | undefined {
    return this.#member
  }

  /**
   * Brings a coin. Once the coins reach for denomination and fee, the request to take part leaves, with a proof for each of them: what
   * you brought by then is all that is brought. Rejects with ERR_COINJOIN_CLOSED afterwards, and with what the wallet says.
   */
  async registerInput(coin: Coin): Promise<void> {
    if (!this.isOpen) throw new P2PError('ERR_COINJOIN_CLOSED', 'coins can be brought until they reach for the denomination; join another round with more of them', { protocol: 'coinjoin' })
    const { params } = this.#options
    if (this.#coins.length >= params.maxInputsPerPeer) throw new RangeError(`this round takes at most ${params.maxInputsPerPeer} coins of one peer`)
    if (this.#coins.some(known => outpointOf(known) === outpointOf(coin))) throw new RangeError(`${outpointOf(coin)} is registered already`)
    this.#coins.push(coin)
    const settlement = settleParty({ inputs: this.#coins, changeScript: CHANGE_LIKE }, params.minPeers, termsOf(params))
    if (settlement === null) return
    if (settlement.share > this.#options.maxFee) throw this.#fail(new P2PError('ERR_COINJOIN_FEE', `the share of the fee is ${settlement.share} sats, more than the ${this.#options.maxFee} of maxFee`, { protocol: 'coinjoin' }))
    this.#registering = this.#register().catch((error: unknown) => { throw this.#fail(error instanceof Error ? error : new Error(textOf(error))) })
    await this.#registering
  }

  /** Takes no further part. Whatever was signed already may still confirm. */
  async leave(): Promise<void> {
    if (this.#isOver) return
    if (this.#member?.session === undefined) this.#fail(new P2PError('ERR_COINJOIN_FAILED', 'the round was left before it began', { protocol: 'coinjoin' }))
    else this.#member.abandon('the user left')
  }

  /** Ends at once, as when the node shuts down. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const timer of this.#timers) timer[Symbol.dispose]()
    this.#timers.clear()
    const identity = this.#identity
    this.#identity = undefined
    await identity?.[Symbol.asyncDispose]()
    if (!this.#isOver) this.#fail(new P2PError('ERR_COINJOIN_FAILED', 'the node shut down', { protocol: 'coinjoin' }))
  }

  async #register(): Promise<void> {
    const { context, params, poolFor } = this.#options
    const nowMs = context.clock.now()
    let epoch = epochAt(params, nowMs)
    if (nowMs > epochEndMs(params, epoch) - CLOSE_BEFORE_MS - SPREAD_MS) epoch++
    if (epochEndMs(params, epoch) / 1_000 > params.expiry) throw new P2PError('ERR_COINJOIN_CLOSED', 'the round has expired', { protocol: 'coinjoin' })
    await this.#markUsed(epoch)
    const changeScript = this.#coins.some(({ amount }) => amount !== BigInt(params.denomination)) ? await this.#options.wallet.changeScript() : null
    const member = new Member({
      ...this.#options, epoch, coins: this.#coins, changeScript, pool: poolFor(epoch),
      onPhase: ({ phase, runNumber, peers }) => this.#tell({ phase, run: runNumber, peers }),
      onExcluded: (cause, roster) => {
        this.#options.onExcluded(cause, roster)
        this.emit('excluded', cause)
      },
      onEnd: outcome => this.#end(outcome),
    })
    this.#member = member
    this.#identity = await context.ephemeral(member)
    const frame = await this.#makePr(member, epoch, changeScript)
    this.#at(epochEndMs(params, epoch) - CLOSE_BEFORE_MS, () => member.meet(poolFor(epoch).usable))
    this.#at(epochEndMs(params, epoch), () => this.#begin(member, poolFor(epoch)))
    this.#tell({ phase: 'roster', run: 0, peers: poolFor(epoch).usable.length })
    await this.#options.spread(member, frame)
  }

  /** Before anything leaves: after a crash the same coin in the same epoch would be two requests, which strike each other out. */
  async #markUsed(epoch: number): Promise<void> {
    const { store } = this.#options.context
    for (const coin of this.#coins) {
      const key = `epoch/${this.id}/${epoch}/${outpointOf(coin)}`
      if (await store.get(key) !== undefined) throw new P2PError('ERR_COINJOIN_CLOSED', `${outpointOf(coin)} has been brought in this epoch already; wait for the next`, { protocol: 'coinjoin' })
      await store.put(key, new Uint8Array(0), { sync: true })
    }
  }

  async #makePr(member: Member, epoch: number, changeScript: Uint8Array | null): Promise<Uint8Array> {
    const { params, paramsHash, wallet } = this.#options
    const inputs: PrInput[] = []
    for (const coin of this.#coins) {
      const { txid, vout, amount, script } = coin
      inputs.push({ txid, vout, amount, script, proof: await wallet.prove(coin, proofBytes(params, this.id, epoch, member.id, coin)) })
    }
    const record = await member.room.addresses.own()
    return await member.room.author({ type: PR_TYPE, payload: encodePr({ paramsHash, epoch, inputs, changeScript, record }), slot: prSlot(epoch) })
  }

  #begin(member: Member, pool: PrPool): void {
    const { params, crypto } = this.#options
    const roster = orderedRoster(crypto, params, pool.usable.slice(0, PRS_MAX))
    if (roster.length < params.minPeers) return void this.#fail(new P2PError('ERR_COINJOIN_TOO_FEW', `${roster.length} peers have come, the round needs ${params.minPeers}; join it again`, { protocol: 'coinjoin' }))
    if (!roster.some(({ author }) => author === member.id)) return void this.#fail(new P2PError('ERR_COINJOIN_CLOSED', 'more peers have come than fit, or our request was refused; join again', { protocol: 'coinjoin' }))
    member.begin(roster)
  }

  #at(unixMs: number, run: () => void): void {
    const { clock } = this.#options.context
    const timer = clock.schedule(Math.max(0, unixMs - clock.now()), () => {
      this.#timers.delete(timer)
      if (!this.#isOver) run()
    })
    this.#timers.add(timer)
  }

  #tell(progress: RoundProgress): void {
    this.#progress = progress
    this.emit('phase', progress)
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return
    if (outcome.kind === 'failed') return void this.#fail(new P2PError(outcome.code === 'too-few' ? 'ERR_COINJOIN_TOO_FEW' : 'ERR_COINJOIN_FAILED', `the round ended without a transaction (${outcome.code}): ${outcome.why}`, { protocol: 'coinjoin' }))
    this.#isOver = true
    this.#tell({ phase: 'done', run: this.#progress.run, peers: outcome.peers })
    const { txid, transaction, peers, fee, outputKey } = outcome
    this.#settle.resolve({ txid, transaction, peers, fee, outputKey })
    // The others may still ask for what they have not heard.
    this.#linger()
  }

  #fail(error: Error): Error {
    if (this.#isOver) return error
    this.#isOver = true
    this.#tell({ phase: 'done', run: this.#progress.run, peers: this.#progress.peers })
    this.#settle.reject(error)
    this.#linger()
    return error
  }

  #linger(): void {
    if (this.#isClosed) return
    const { context, onOver } = this.#options
    const timer = context.clock.schedule(LINGER_MS, () => {
      this.#timers.delete(timer)
      this.close().catch(() => {}).finally(() => onOver(this))
    })
    this.#timers.add(timer)
  }
}

/** To reckon with a change output before there is one: it is the wallet's, and P2TR or P2WPKH. */
const CHANGE_LIKE = Uint8Array.of(0x51, 0x20, ...new Uint8Array(32))
