import type { IChainSource } from '../../bitcoin/chain-source.ts'
import type { Coin, ICoinJoinWallet } from '../../bitcoin/coinjoin-wallet.ts'
import type { ICryptoBackend } from '../../contracts/crypto.ts'
import { P2PError } from '../../contracts/errors.ts'
import type { PeerInfo } from '../../contracts/peer.ts'
import type { ProtocolContext, Receivers, Responders } from '../../contracts/protocol.ts'
import type { AnnounceOptions, AnnouncementHandle, Filters } from '../../contracts/resources.ts'
import type { WaitOptions } from '../../contracts/wait.ts'
import { baseBackend } from '../../crypto/select.ts'
import { SafeEmitter } from '../../foundation/safe-emitter.ts'
import { toHex } from '../../foundation/hex.ts'
import { ProtocolHandler } from '../../protocol-kit/protocol-handler.ts'
import { announcementOf, roundDataOf, ROUND_RESOURCE, type RoundAnnouncement, type RoundData } from './announcement.ts'
import { Bans, coinName } from './bans.ts'
import { coinjoinProtocol, type CoinJoinProtocol } from './definition.ts'
import { encodeEvidence, evidenceOf, checkEvidence, decodeEvidence, type Shown } from './evidence.ts'
import { TIMING, type Timing } from './limits.ts'
import { hashOfParams, mixParams, type MixParams, type RoundParams } from './params.ts'
import { outpointOf, type Pr } from './pr.ts'
import { PrRelay } from './pr-relay.ts'
import { Round } from './round.ts'
import type { Cause } from './session-types.ts'
import { runSliced } from './slices.ts'

export interface CoinJoinOptions {
  /** Where coins are looked up and the transaction goes. Without one invented coins cannot be told from real ones, and the transaction is yours to send. */
  chain?: IChainSource | undefined
  /** Used where `joinRound` is given none. */
  wallet?: ICoinJoinWallet | undefined
  /** The fastest that there is by default. */
  crypto?: ICryptoBackend | undefined
  timing?: Partial<Timing> | undefined
}

export interface JoinOptions {
  /** Coins to bring; more can be brought by `registerInput` until they reach. */
  inputs?: readonly Coin[]
  wallet?: ICoinJoinWallet | undefined
  /** The most sats that taking part may cost: the share of the fee, dust, and what goes there without change. */
  maxFee: bigint | number
}

export interface CoinJoinEvents {
  /** A fault that anybody can check, as bytes for `checkEvidence`. */
  evidence: (evidence: Uint8Array, shown: { fault: string; coins: readonly string[] }) => void
}

/** Rounds of CoinJoin without a coordinator. PROTOCOL.md tells how; docs/guides/wallet-coinjoin.md what a wallet has to do. */
export class CoinJoin extends ProtocolHandler<CoinJoinProtocol> {
  readonly events = new SafeEmitter<CoinJoinEvents>()
  readonly #options: CoinJoinOptions
  readonly #crypto: ICryptoBackend
  readonly #rounds = new Set<Round>()
  readonly #relay: PrRelay
  #bans: Bans | undefined

  protected readonly receive: Receivers<CoinJoinProtocol> = {
    prs: ({ frames }, from) => this.#relay.take(frames, from.peerId),
    // Members speak to each other under their rounds' keys, not to nodes.
    words: () => {},
    roots: () => {},
  }
  protected override readonly answer: Responders<CoinJoinProtocol> = {
    'known-prs': ({ params, epoch }) => ({ frames: this.#relay.known(toHex(params), epoch) }),
    missing: () => ({ frames: [] }),
    about: () => ({ prs: new Uint8Array(0), causes: [] }),
    'these-prs': () => ({ frames: [] }),
    cause: () => ({ cause: new Uint8Array(0) }),
  }

  constructor(options: CoinJoinOptions = {}) {
    super(coinjoinProtocol)
    this.#options = options
    this.#crypto = options.crypto ?? baseBackend()
    this.#relay = new PrRelay({
      context: () => this.context, crypto: this.#crypto, chain: options.chain,
      isBanned: pr => this.#isBanned(pr),
    })
  }

  /** Rounds that this node takes part in, or has lately. */
  get rounds(): readonly Round[] {
    return [...this.#rounds]
  }

  /** The announcement of a round that needs no directory: hand it to `joinRound` of others by any way. Throws RangeError for params out of range. */
  describeRound(params: RoundParams): RoundAnnouncement {
    return announcementOf(this.#crypto, mixParams(params))
  }

  /**
   * Announces a round as a resource of type `coinjoin-round`. Announcing is not joining. Rejects with ERR_RESOURCE_NO_DIRECTORY where no
   * plugin keeps resources: `describeRound` needs none.
   */
  async announceRound(params: RoundParams, options: AnnounceOptions = {}): Promise<RoundAnnouncement & { readonly handle: AnnouncementHandle<RoundData> }> {
    const announcement = this.describeRound(params)
    const ttlMs = Math.max(1_000, announcement.params.expiry * 1_000 - this.context.clock.now())
    const handle = await this.context.resources.announce<RoundData>(ROUND_RESOURCE, announcement.id, roundDataOf(announcement.params), { ttlMs, ...options })
    return { ...announcement, handle }
  }

  /** Rounds whose announcements fit the filters, such as `{ denomination: 100_000_000, status: 'waiting' }`. What is no round, or has expired, is left out. */
  async discoverRounds(filters?: Filters, options?: WaitOptions): Promise<RoundAnnouncement[]> {
    const found = await this.context.resources.discover<RoundData>(ROUND_RESOURCE, filters, options)
    return found.flatMap(({ resourceId, data }) => {
      const announcement = this.#readRound(resourceId, data)
      return announcement === null || announcement.params.expiry * 1_000 <= this.context.clock.now() ? [] : [announcement]
    })
  }

  /**
   * Takes part in a round, under a key made for it alone. Resolves once the coins given are registered; `round.done` tells the end.
   * Rejects with ERR_COINJOIN_UNKNOWN_ROUND, ERR_COINJOIN_CLOSED, ERR_COINJOIN_FEE, and what the wallet says.
   */
  async joinRound(idOrAnnouncement: string | RoundAnnouncement, options: JoinOptions): Promise<Round> {
    const { params, id } = typeof idOrAnnouncement === 'string' ? await this.#lookUp(idOrAnnouncement) : this.describeRound(idOrAnnouncement.params)
    const wallet = options.wallet ?? this.#options.wallet
    if (wallet === undefined) throw new TypeError('joinRound needs a wallet: in its options, or in those of the handler')
    const maxFee = BigInt(options.maxFee)
    const paramsHash = hashOfParams(this.#crypto, params)
    this.#relay.open(id, params)
    const crypto = this.#options.crypto ?? await this.fastest()
    const round = new Round({
      id, params, paramsHash, wallet, maxFee, context: this.context, crypto, chain: this.#options.chain, timing: { ...TIMING, ...this.#options.timing },
      poolFor: epoch => this.#relay.pool(id, epoch),
      spread: (member, frame) => this.#relay.spread(member.room, frame),
      onExcluded: (cause, roster) => void this.#noteFault(cause, roster, params),
      onOver: over => this.#rounds.delete(over),
    })
    this.#rounds.add(round)
    for (const coin of options.inputs ?? []) await round.registerInput(coin)
    return round
  }

  /** Brings a coin to the round that was joined last and still takes some. Throws ERR_COINJOIN_CLOSED where there is none. */
  async registerInput(coin: Coin, round: Round | undefined = [...this.#rounds].filter(({ isOpen }) => isOpen).at(-1)): Promise<void> {
    if (round === undefined) throw new P2PError('ERR_COINJOIN_CLOSED', 'no round is open for coins; call joinRound first', { protocol: 'coinjoin' })
    await round.registerInput(coin)
  }

  /** Checks what somebody else shows, from the signatures up: who is at fault, and which coins that peer brought; null where it shows nothing. */
  async checkEvidence(evidence: Uint8Array, params: MixParams): Promise<Shown | null> {
    const { context } = this
    const decoded = decodeEvidence(evidence)
    return decoded && await checkEvidence(decoded, {
      crypto: this.#crypto, params, verify: frame => context.verify(frame), run: work => runSliced(work, context.clock, context.signal),
    })
  }

  /** What a round computes with unless it is told. */
  protected fastest(): Promise<ICryptoBackend> {
    return Promise.resolve(this.#crypto)
  }

  override onRegister(context: ProtocolContext): void {
    super.onRegister(context)
    this.#bans = new Bans(context.store)
  }

  override async onUnregister(): Promise<void> {
    await Promise.all([...this.#rounds].map(round => round.close()))
    this.#rounds.clear()
    this.#relay.clear()
    await super.onUnregister()
  }

  cleanup(): void {
    this.#relay.expire()
  }

  async onPeerConnected(peer: PeerInfo): Promise<void> {
    await this.#relay.greet(peer.peerId)
  }

  async #lookUp(id: string): Promise<RoundAnnouncement> {
    const found = await this.context.resources.get<RoundData>(ROUND_RESOURCE, id)
    const announcement = found && this.#readRound(id, found.data)
    if (announcement === null) throw new P2PError('ERR_COINJOIN_UNKNOWN_ROUND', `no round is announced under ${id}`, { protocol: 'coinjoin' })
    return announcement
  }

  /** An announcement is a stranger's: its id must be the hash of what it says. */
  #readRound(id: string, data: unknown): RoundAnnouncement | null {
    try {
      const announcement = this.describeRound(data as RoundParams)
      return announcement.id === id ? announcement : null
    } catch {
      return null
    }
  }

  async #isBanned(pr: Pr): Promise<boolean> {
    const nowMs = this.context.clock.now()
    const { chain } = this.#options
    for (const input of pr.inputs) {
      if (await this.#bans?.isBanned(coinName(outpointOf(input), toHex(input.script)), nowMs)) return true
      // One hop: what was made from a banned coin, whatever script it lies under now.
      const parents = await chain?.spentBy?.(input.txid).catch(() => null) ?? []
      for (const parent of parents) if (await this.#bans?.isBanned(parent, nowMs)) return true
    }
    return false
  }

  /** Only what can be shown to anyone bans coins; votes do not. */
  async #noteFault(cause: Cause, roster: readonly Pr[], params: MixParams): Promise<void> {
    if (cause.kind !== 'fault') return
    const { context } = this
    const coins: string[] = []
    try {
      for (const key of cause.blamed) for (const input of roster.find(({ author }) => author === key)?.inputs ?? []) {
        coins.push(outpointOf(input))
        await this.#bans?.ban(coinName(outpointOf(input), toHex(input.script)), context.clock.now())
        // Only a coin that the chain knows as this peer's taints what was made from it.
        if (this.#options.chain !== undefined) await this.#bans?.ban(outpointOf(input), context.clock.now())
      }
    } catch (error) {
      context.report(new P2PError('ERR_COINJOIN_FAILED', 'a ban could not be written down', { protocol: 'coinjoin', cause: error }))
    }
    const evidence = encodeEvidence(evidenceOf(cause, roster, roster[0]!.epoch))
    this.events.emit('evidence', evidence, { fault: cause.fault, coins })
    context.report(new P2PError('ERR_COINJOIN_FAULT', `a peer of round ${hexStart(params, this.#crypto)} is at fault: ${cause.fault}`, { protocol: 'coinjoin', evidence: [evidence] }))
  }
}

function hexStart(params: MixParams, crypto: ICryptoBackend): string {
  return toHex(hashOfParams(crypto, params)).slice(0, 8)
}
