import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { PeerId } from '../contracts/message.ts'
import type { ISybilCost, SybilClaim, SybilStats } from '../contracts/sybil-cost.ts'
import { EMPTY_BYTES } from '../foundation/bytes.ts'
import { fromHex } from '../foundation/hex.ts'
import type { LocalNode } from './local-node.ts'
import { ProofOfWork } from './proof-of-work.ts'

export interface SybilGateOptions {
  node: LocalNode
  /** Work by default; false for none. */
  cost: ISybilCost | false | undefined
  /** Nothing is asked on a test network of one's own. */
  isPrivate(): boolean
  /** Nothing is asked of whom the user asked for. */
  isAskedFor(id: PeerId): boolean
}

/** Keys that have paid and may come back at the calm price. */
const PAID_MAX = 4_096
const MINUTE_MS = 60_000
const STORE_KEY = 'work/'

/**
 * What a stranger's key has to have cost. The price rises with the number of new keys that paid it within a minute: whoever wants
 * it to rise has to pay, and those who show nothing change nothing.
 */
export class SybilGate {
  readonly #options: SybilGateOptions
  readonly #cost: ISybilCost | undefined
  readonly #paid = new Set<PeerId>()
  /** When new keys were let in, on the monotonic clock; the oldest first. */
  #joins: number[] = []
  #own: Uint8Array = EMPTY_BYTES
  #ownLevel = 0
  #paying: { level: number; done: Promise<void> } | undefined
  #refused = 0

  constructor(options: SybilGateOptions) {
    const { crypto, clock, random } = options.node
    this.#options = options
    this.#cost = options.cost === false ? undefined : (options.cost ?? new ProofOfWork({ crypto, clock, random }))
  }

  /** What this node shows of itself; empty until somebody asked for it. */
  get own(): Uint8Array {
    return this.#own
  }

  get stats(): SybilStats {
    return { cost: this.#isOn ? this.#cost!.name : 'none', level: this.#isOn ? this.level() : 0, paid: this.#ownLevel, joinsLastMinute: this.#joinsLastMinute(), refused: this.#refused }
  }

  /** What the next new key has to show. */
  level(): number {
    const { workBitsMin, workBitsMax, joinsPerMinuteCalm } = this.#options.node.limits
    const joins = this.#joinsLastMinute()
    if (joins < joinsPerMinuteCalm) return workBitsMin
    return Math.min(workBitsMax, workBitsMin + 1 + Math.floor(Math.log2(joins / joinsPerMinuteCalm)))
  }

  /** The level that this key lacks; undefined where it may come in, and then it is counted among those who joined. */
  async lacking(id: PeerId, proof: Uint8Array): Promise<number | undefined> {
    if (!this.#isOn || this.#options.isAskedFor(id)) return undefined
    const asked = this.#paid.has(id) ? this.#options.node.limits.workBitsMin : this.level()
    const shown = await this.#cost!.levelOf(this.#claimOf(id), proof)
    if (!(shown >= asked)) {
      this.#refused++
      return asked
    }
    if (!this.#paid.has(id)) this.#join(id)
    return undefined
  }

  /** Pays what a listener asks, unless that was paid before. Rejects with ERR_PEER_WORK_REQUIRED for more than this node ever pays. */
  async pay(level: number, signal: AbortSignal): Promise<void> {
    const { id, limits: { workBitsMax } } = this.#options.node
    if (this.#cost === undefined || !(level <= workBitsMax)) {
      throw new P2PError(ErrorCode.PEER_WORK_REQUIRED, `a listener asks for ${level} bits of work; this node pays ${this.#cost === undefined ? 'none (sybilCost: false)' : `at most ${workBitsMax} (limits.workBitsMax)`}`)
    }
    while (this.#ownLevel < level) {
      // One search at a time; who waits for less has it when more is there.
      this.#paying ??= { level, done: this.#pay(id, level, signal).finally(() => (this.#paying = undefined)) }
      const { done, level: underWay } = this.#paying
      await done.catch((error: unknown) => {
        signal.throwIfAborted()
        if (underWay >= level) throw error
      })
    }
  }

  /** What was paid before this start. */
  async load(): Promise<void> {
    const { node } = this.#options
    if (this.#cost === undefined || this.#own.length > 0) return
    const proof = await node.store.get(this.#storeKey)
    const level = proof === undefined ? 0 : await this.#cost.levelOf(this.#claimOf(node.id), proof)
    if (level > this.#ownLevel) this.#keep(proof!, level)
  }

  get #isOn(): boolean {
    return this.#cost !== undefined && !this.#options.isPrivate()
  }

  get #storeKey(): string {
    return `${STORE_KEY}${this.#cost!.name}/${this.#options.node.networkId}/${this.#options.node.id}`
  }

  async #pay(id: PeerId, level: number, signal: AbortSignal): Promise<void> {
    const claim = this.#claimOf(id)
    const proof = await this.#cost!.pay(claim, level, { signal })
    const shown = await this.#cost!.levelOf(claim, proof)
    if (!(shown >= level)) throw new P2PError(ErrorCode.PEER_WORK_REQUIRED, `'${this.#cost!.name}' was to pay ${level} and shows ${shown}: repair that ISybilCost`)
    this.#keep(proof, shown)
    // A store that does not take it costs the same work after the next start, and nothing else.
    await this.#options.node.store.put(this.#storeKey, proof).catch(() => {})
  }

  #keep(proof: Uint8Array, level: number): void {
    this.#own = proof
    this.#ownLevel = level
  }

  #claimOf(id: PeerId): SybilClaim {
    return { publicKey: fromHex(id), network: this.#options.node.networkId }
  }

  #join(id: PeerId): void {
    if (this.#paid.size >= PAID_MAX) this.#paid.delete(this.#paid.values().next().value!)
    this.#paid.add(id)
    if (this.#joins.length < PAID_MAX) this.#joins.push(this.#options.node.clock.elapsedMs())
  }

  #joinsLastMinute(): number {
    const sinceMs = this.#options.node.clock.elapsedMs() - MINUTE_MS
    const old = this.#joins.findIndex(atMs => atMs > sinceMs)
    if (old !== 0) this.#joins = old < 0 ? [] : this.#joins.slice(old)
    return this.#joins.length
  }
}
