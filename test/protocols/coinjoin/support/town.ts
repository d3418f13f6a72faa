import { MemoryChain } from '../../../../lib/bitcoin/memory-chain.ts'
import { SmallWallet } from '../../../../lib/bitcoin/small-wallet.ts'
import type { Coin } from '../../../../lib/bitcoin/coinjoin-wallet.ts'
import { taprootScript } from '../../../../lib/bitcoin/coinjoin-transaction.ts'
import type { ICryptoBackend } from '../../../../lib/contracts/crypto.ts'
import { MemoryStore } from '../../../../lib/foundation/memory-store.ts'
import { cheating, type CheatName } from '../../../../examples/07-coinjoin-round/cheats.ts'
import type { ICoinJoinWallet } from '../../../../lib/bitcoin/coinjoin-wallet.ts'
import { CoinJoin, type CoinJoinOptions } from '../../../../lib/protocols/coinjoin/handler.ts'
import type { RoundAnnouncement } from '../../../../lib/protocols/coinjoin/announcement.ts'
import type { Round, RoundResult } from '../../../../lib/protocols/coinjoin/round.ts'
import { Simulation } from '../../../../lib/testing/simulation.ts'
import type { SimNode } from '../../../../lib/testing/sim-node.ts'

export interface Citizen {
  node: SimNode
  wallet: SmallWallet
  /** What it hands to the round: its wallet, or one that cheats. */
  hand: ICoinJoinWallet
  coin: Coin
  round?: Round
  result?: RoundResult
  error?: Error
}

export interface MixTownOptions {
  peers: number
  seed?: number | string
  crypto: ICryptoBackend
  denomination?: number
  /** Who cheats, and how. */
  cheats?: Readonly<Record<number, CheatName>>
  /** Another handler for some. */
  handler?: (number: number, options: CoinJoinOptions) => CoinJoin
  config?: Record<string, unknown>
  kind?: (number: number) => 'p2tr' | 'p2wpkh'
}

/** Whole coordinators with wallets, in the simulator, around one chain. */
export class MixTown implements AsyncDisposable {
  readonly sim: Simulation
  readonly chain: MemoryChain
  readonly citizens: Citizen[] = []
  announcement!: RoundAnnouncement
  readonly #options: MixTownOptions

  constructor(options: MixTownOptions) {
    this.#options = options
    this.sim = new Simulation({ seed: options.seed ?? 1, crypto: options.crypto, latencyMs: [5, 30], startMs: 1_700_000_000_000 })
    this.chain = new MemoryChain(options.crypto)
  }

  static async open(options: MixTownOptions): Promise<MixTown> {
    const town = new MixTown(options)
    await town.#settle()
    return town
  }

  async #settle(): Promise<void> {
    const { peers, crypto, handler, cheats, denomination = 1_000_000, kind, config } = this.#options
    for (let number = 0; number < peers; number++) {
      const options = { chain: this.chain, crypto }
      const wallet = new SmallWallet({ seed: new Uint8Array(32).fill(number + 1), crypto, store: new MemoryStore() })
      const cheat = cheats?.[number]
      const bad = cheat && cheating(cheat, options, wallet)
      const node = await this.sim.addNode(`node-${number}`, { protocols: () => [bad?.handler ?? handler?.(number, options) ?? new CoinJoin(options)], config: { network: 'private', ...config } })
      const coin = this.chain.fund(await wallet.receive(kind?.(number) ?? 'p2tr'), BigInt(denomination + 10_000 + number))
      wallet.addCoin(coin)
      this.citizens.push({ node, wallet, coin, hand: bad?.wallet ?? wallet })
    }
    await this.sim.connectAll({ degree: Math.min(peers - 1, 4) })
    this.announcement = this.handlerOf(0).describeRound({ denomination, network: 'regtest', minPeers: 3, epochSeconds: 30, expiry: 2_000_000_000 })
  }

  handlerOf(number: number): CoinJoin {
    return this.citizens[number]!.node.handler(CoinJoin)
  }

  /** All of them join; their rounds' ends are noted. */
  async join(numbers = this.citizens.map((_, number) => number), maxFee = 5_000): Promise<void> {
    for (const number of numbers) {
      const citizen = this.citizens[number]!
      await this.sim.clock.drive(this.handlerOf(number).joinRound(this.announcement, { inputs: [citizen.coin], wallet: citizen.hand, maxFee }).then(round => {
        citizen.round = round
        round.done.then(result => { citizen.result = result }, (error: Error) => { citizen.error = error })
      }))
    }
  }

  /** Until each of these has a result or an error. */
  async end(numbers = this.citizens.map((_, number) => number), withinMs = 400_000): Promise<void> {
    await this.sim.runUntil(() => numbers.every(number => this.citizens[number]!.result !== undefined || this.citizens[number]!.error !== undefined), { withinMs, what: 'every round to end' })
  }

  scriptOf(result: RoundResult): Uint8Array {
    return taprootScript(result.outputKey)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sim.shutdown()
  }
}
