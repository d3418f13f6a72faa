import { P2PError, type ErrorCode } from '../../contracts/errors.ts'
import type { PeerId } from '../../contracts/message.ts'
import type { ProtocolContext, ReplyPayload, RequestPayload, RequestType } from '../../contracts/protocol.ts'
import type { WaitOptions } from '../../contracts/wait.ts'
import { TokenBucketLimiter } from '../../foundation/token-bucket.ts'
import { draw } from '../../protocol-kit/draw.ts'
import type { DhtProtocol } from './definition.ts'
import { HeldRecords } from './held-records.ts'
import { RATED_PEERS_MAX } from './limits.ts'
import { isLocalAddress } from './netgroup.ts'
import type { DhtParameters } from './parameters.ts'
import { Targets, type Hasher, type Position, type Positions } from './position.ts'
import { Table } from './table.ts'
import { WriteTokens } from './tokens.ts'
import { VerifiedRecords } from './verified-records.ts'
import { Watchers } from './watchers.ts'

/** A peer that speaks this protocol greets at once; so long it may take. */
const GREETING_MS = 1_000

export type Ask = <T extends RequestType<DhtProtocol>>(to: PeerId, type: T, payload: RequestPayload<DhtProtocol, T>, options: WaitOptions) => Promise<ReplyPayload<DhtProtocol, T>>

export interface CoreOptions {
  context: ProtocolContext
  parameters: DhtParameters
  hasher: Hasher
  positions: Positions
  mode: 'auto' | 'server' | 'client'
  ask: Ask
}

/** What all parts of one running node share. */
export class Core {
  readonly context: ProtocolContext
  readonly parameters: DhtParameters
  readonly ownId: PeerId
  readonly own: Position
  readonly positions: Positions
  readonly targets: Targets
  readonly table: Table
  readonly held: HeldRecords
  readonly records: VerifiedRecords
  readonly tokens: WriteTokens
  readonly watchers = new Watchers()
  readonly puts: TokenBucketLimiter
  readonly asks: TokenBucketLimiter
  readonly carries: TokenBucketLimiter
  readonly ask: Ask
  /** Peers with a link that speak this protocol, whether they serve or not. */
  readonly links = new Set<PeerId>()
  /** The networks they come from. */
  readonly groups = new Map<PeerId, number>()
  /** Their signed addresses, to be handed to who wants to dial them. */
  readonly addresses = new Map<PeerId, Uint8Array>()
  /** What was refused, dropped or done, by reason. */
  readonly counters: Record<string, number> = {}
  readonly #mode: CoreOptions['mode']
  /** Links whose other end has not greeted yet. */
  readonly #unheard = new Set<PeerId>()
  readonly #waiting: (() => void)[] = []
  #serves: boolean | undefined
  readonly #startedAtMs: number

  constructor({ context, parameters, hasher, positions, mode, ask }: CoreOptions) {
    this.context = context
    this.parameters = parameters
    this.positions = positions
    this.ask = ask
    this.#mode = mode
    if (mode !== 'auto') this.#serves = mode === 'server'
    this.#startedAtMs = context.clock.elapsedMs()
    this.ownId = context.localPeer.peerId
    this.own = positions.of(this.ownId)
    this.targets = new Targets(hasher)
    this.table = new Table({ own: this.own, ...parameters })
    this.held = new HeldRecords({ own: this.own, ...parameters, isPrivate: () => this.isPrivate })
    this.records = new VerifiedRecords(frame => context.verify(frame), this.targets)
    this.tokens = new WriteTokens(this.targets, () => draw(context, 32))
    const limiter = (perSecond: number, burst: number): TokenBucketLimiter => new TokenBucketLimiter({ clock: context.clock, perSecond, burst, keysMax: RATED_PEERS_MAX })
    this.puts = limiter(parameters.putsPerSecond, parameters.putsBurst)
    this.asks = limiter(parameters.asksPerSecond, parameters.asksBurst)
    this.carries = limiter(parameters.carriesPerSecond, parameters.carriesBurst)
  }

  get nowMs(): number {
    return this.context.clock.now()
  }

  get upMs(): number {
    return this.context.clock.elapsedMs() - this.#startedAtMs
  }

  /** Listening nowhere but on this machine: nobody here is a stranger. */
  get isPrivate(): boolean {
    const addresses = Object.values(this.context.localPeer.addresses).filter(address => typeof address === 'string')
    return addresses.length > 0 && addresses.every(isLocalAddress)
  }

  /** Whether others may ask us, and store here: at once, until the first looks around have shown whether anybody needs it. */
  get serves(): boolean {
    return this.#serves ?? true
  }

  /** After a look around. True when others have to be told. A network that has just begun keeps those that served it first. */
  decide(): boolean {
    const before = this.serves
    if (this.#mode !== 'auto') this.#serves = this.#mode === 'server'
    else if (this.#serves !== true) {
      const isOld = this.upMs >= this.parameters.servesAfterMs && Object.keys(this.context.localPeer.addresses).length > 0
      this.#serves = isOld || this.isPrivate || this.table.size < this.parameters.k
    }
    return this.serves !== before
  }

  /** Somebody has said that he serves, or that he does not. */
  greetedBy(peer: PeerId): void {
    this.#unheard.delete(peer)
    if (this.table.size > 0 || this.#unheard.size === 0) for (const resolve of this.#waiting.splice(0)) resolve()
  }

  met(peer: PeerId, group: number): void {
    if (!this.links.has(peer)) this.#unheard.add(peer)
    this.links.add(peer)
    this.groups.set(peer, group)
  }

  left(peer: PeerId): void {
    this.links.delete(peer)
    this.groups.delete(peer)
    this.addresses.delete(peer)
    this.watchers.forget(peer)
    this.table.remove(peer)
    this.greetedBy(peer)
  }

  /** Whoever has just connected and asks at once waits a moment for the first greeting: without it there is nobody to ask. */
  greeted(): Promise<void> | undefined {
    if (this.table.size > 0 || this.#unheard.size === 0) return undefined
    return new Promise(resolve => {
      const timer = this.context.clock.schedule(GREETING_MS, () => {
        this.#unheard.clear()
        resolve()
      })
      this.#waiting.push(() => {
        timer[Symbol.dispose]()
        resolve()
      })
    })
  }

  close(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  count(reason: string, by = 1): void {
    this.counters[reason] = (this.counters[reason] ?? 0) + by
  }

  /** Tells of a peer that broke a rule. */
  blame(peerId: PeerId, code: ErrorCode, text: string, evidence?: readonly Uint8Array[]): void {
    this.count(code)
    this.context.report(new P2PError(code, text, { peerId, protocol: 'dht', evidence }))
  }
}
