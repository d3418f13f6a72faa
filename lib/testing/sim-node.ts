import type { Furniture, P2PConfig } from '../coordinator/config.ts'
import { Coordinator } from '../coordinator/coordinator.ts'
import type { IClock } from '../contracts/clock.ts'
import type { ICryptoBackend } from '../contracts/crypto.ts'
import type { IIdentity } from '../contracts/identity.ts'
import { PeerState } from '../contracts/peer.ts'
import type { P2PMessage } from '../contracts/message.ts'
import type { IProtocolHandler } from '../contracts/protocol.ts'
import type { IStore } from '../contracts/store.ts'
import { createIdentity, type LocalIdentity } from '../crypto/identity.ts'
import { drawScalar } from '../crypto/draw-scalar.ts'
import { sleep } from '../foundation/deadline.ts'
import { toHex } from '../foundation/hex.ts'
import { Life } from './life.ts'
import type { NodeClock } from './node-clock.ts'
import type { SimHost } from './sim-host.ts'
import type { SimNetwork } from './sim-network.ts'
import type { SimRandom } from './sim-random.ts'
import { SimStore } from './sim-store.ts'
import { SimTransport } from './sim-transport.ts'
import type { VirtualClock } from './virtual-clock.ts'
import { watchedHandler } from './watched-handler.ts'

/** A little longer than `limits.closeTimeoutMs`, by which every socket is gone. */
const CLOSING_MS = 2_500

export interface SimNodeOptions {
  /** Made anew at each start of the node: a restarted program remembers only what it stored. */
  protocols?: () => readonly IProtocolHandler[]
  /** As for any coordinator; clock, random, store, transports and identity are the simulator's unless given here. */
  config?: P2PConfig
  /** False for a node that only dials. True by default. */
  listens?: boolean
  /** What the application does whenever it starts: listen to events, connect to somebody. */
  onStart?: (node: SimNode) => void | Promise<void>
}

/** What a node gets from its world. */
export interface NodeSurroundings {
  clock: VirtualClock
  network: SimNetwork
  random: SimRandom
  backend: ICryptoBackend
  /** How often a node looks whether whom it wishes for is there. */
  redialMs: number
  /** Told of every message just before its handler is. */
  onMessage(node: SimNode, handler: IProtocolHandler, message: P2PMessage): void
  /** The node died in the middle of a call, as was planned. */
  onDeathAtCall(node: SimNode): void
  /** A program has shut down and something of it is still there. */
  onLeftBehind(what: string): void
  /** The node's program has begun: to hear what it says. */
  onStarted(node: SimNode): void
}

/** One machine with a disk, a key and, while it is up, a coordinator. */
export class SimNode {
  readonly name: string
  readonly host: SimHost
  /** What survives a crash. */
  readonly store: SimStore
  /** The id others know it by. */
  readonly id: string
  readonly options: SimNodeOptions
  /** Whom it dials whenever it starts. */
  readonly wishes = new Set<SimNode>()
  /** What is wrong with its signer, if anything. */
  signer: 'good' | 'forges' | 'fails' = 'good'
  /** How far its wall clock is ahead of the world's, in milliseconds. */
  skewMs = 0
  readonly #around: NodeSurroundings
  readonly #identity: LocalIdentity
  #starts = 0
  #run: Run | undefined
  /** Resolves when the shutdown under way has ended, by itself or by a crash. */
  #stopping: { ended: Promise<void>; end: () => void } | undefined

  constructor(name: string, options: SimNodeOptions, around: NodeSurroundings) {
    this.name = name
    this.options = options
    this.#around = around
    this.host = around.network.addHost(name)
    this.store = new SimStore({ clock: around.clock })
    const random = around.random.fork(`${name}/key`)
    this.#identity = createIdentity({ secret: drawScalar(random.bytes), backend: around.backend, random: random.bytes })
    this.id = toHex(this.#identity.publicKey)
  }

  get isUp(): boolean {
    return this.#run !== undefined
  }

  /** Throws Error while it is down. */
  get coordinator(): Coordinator {
    return this.#running.coordinator
  }

  /** Where it listens. Throws Error while it is down. */
  get address(): string {
    const address = this.#running.listener?.address
    if (address === undefined) throw new Error(`${this.name} does not listen`)
    return address
  }

  /** Its own clock, wrong or right. Throws Error while it is down. */
  get clock(): NodeClock {
    return this.#running.clock
  }

  get life(): Life {
    return this.#running.life
  }

  /** How often it has been started. */
  get starts(): number {
    return this.#starts
  }

  /** The handler of this class that runs now. Throws Error when there is none. */
  handler<H extends IProtocolHandler>(kind: abstract new (...args: never[]) => H): H {
    const found = this.#running.handlers.find(handler => handler instanceof kind)
    if (found === undefined) throw new Error(`${this.name} runs no ${kind.name}`)
    return found as H
  }

  /** Timers and sockets it holds now. */
  get holdings(): { timers: number; channels: number; listeners: number } {
    return { timers: this.#run?.clock.timers ?? 0, channels: this.host.channels.size, listeners: this.host.listeners.size }
  }

  /** Starts its program on what its disk holds, once a shutdown under way has ended. Nothing happens where it runs. */
  async start(): Promise<void> {
    await this.#stopping?.ended
    if (this.#run !== undefined) return
    this.#around.network.switch(this.host, true)
    const run = this.#makeRun(this.#starts++)
    this.#run = run
    this.#around.onStarted(this)
    for (const handler of run.handlers) run.coordinator.registerProtocol(this.#watched(handler, run.life))
    this.#planRedial(run)
    if (this.options.listens !== false) await this.listen()
    if (this.#run !== run) return
    for (const wish of this.wishes) this.dial(wish).catch(() => {})
    await this.options.onStart?.(this)
  }

  /** Connects to another, by its id and wherever it is now. */
  async dial(other: SimNode): Promise<void> {
    if (!other.isUp) throw new Error(`${other.name} is down`)
    await this.coordinator.connectToPeer({ peerId: other.id, addresses: { memory: other.address }, state: PeerState.DISCONNECTED, lastSeen: 0 })
  }

  /** Opens the door, as at each start. */
  async listen(): Promise<void> {
    const run = this.#running
    const listener = await run.coordinator.listen('sim:')
    if (this.#run === run) run.listener = listener
  }

  /**
   * Its program stops in the middle of whatever it does. The system tells its peers, unless the power is off as well.
   * The disk keeps what was synced and some of what was not.
   */
  crash({ power = false, torn = false }: { power?: boolean; torn?: boolean } = {}): void {
    const run = this.#run
    if (run === undefined) return
    this.#end(run)
    const { network, random } = this.#around
    if (power) network.switch(this.host, false)
    for (const channel of [...this.host.channels]) {
      channel.drop()
      if (!power) network.tellBroken(channel, 'the program at the other end is gone')
    }
    for (const listener of [...this.host.listeners.values()]) listener.stop()
    this.store.crash(random.fork(`${this.name}/crash ${this.#starts}`), { torn })
  }

  /** Shuts its program down in good order. */
  async stop(): Promise<void> {
    const run = this.#run
    if (run === undefined || this.#stopping !== undefined) return await this.#stopping?.ended
    let end!: () => void
    this.#stopping = { ended: new Promise(resolve => { end = resolve }), end }
    run.redial?.[Symbol.dispose]()
    await run.coordinator.shutdown()
    // Links that were cut just before, and handshakes that were given up, may still be closing their sockets.
    if (this.#holdsAnything) await sleep(this.#around.clock, CLOSING_MS)
    if (this.#run !== run) return
    const { timers, channels, listeners } = this.holdings
    this.#end(run)
    if (timers + channels + listeners > 0) this.#around.onLeftBehind(`${this.name} has shut down and left ${timers} timers, ${channels} channels and ${listeners} listeners`)
  }

  get #holdsAnything(): boolean {
    const { timers, channels, listeners } = this.holdings
    return timers + channels + listeners > 0
  }

  #end(run: Run): void {
    this.#run = undefined
    this.skewMs = run.clock.skewMs
    run.life.end()
    run.clock.end()
    this.#stopping?.end()
    this.#stopping = undefined
  }

  /** An application that needs its peers looks after them: a link that was cut for a fault is not dialled again by the house. */
  #planRedial(run: Run): void {
    const { redialMs } = this.#around
    if (!Number.isFinite(redialMs)) return
    run.redial = run.clock.schedule(redialMs, () => {
      if (this.options.listens !== false && this.host.listeners.size === 0) this.listen().catch(() => {})
      for (const wish of this.wishes) if (wish.isUp && !run.coordinator.isConnected(wish.id)) this.dial(wish).catch(() => {})
      this.#planRedial(run)
    })
  }

  #watched(handler: IProtocolHandler, life: Life): IProtocolHandler {
    return watchedHandler(handler, message => {
      if (life.alive) this.#around.onMessage(this, handler, message)
    })
  }

  get #running(): Run {
    if (this.#run === undefined) throw new Error(`${this.name} is down`)
    return this.#run
  }

  #makeRun(number: number): Run {
    const { clock: world, network, random, backend } = this.#around
    const { config = {}, protocols } = this.options
    const life = new Life(() => this.#around.onDeathAtCall(this))
    const clock = world.clockFor(this.name, { skewMs: this.skewMs })
    const own = random.fork(`${this.name}/start ${number}`)
    const guarded = guardedClock(clock, life)
    const transport = new SimTransport({ network, host: this.host, clock: guarded, life, limits: config.limits })
    const furniture: Furniture = { transports: () => [transport], baseBackend: () => backend, bestBackend: () => Promise.resolve({ backend, notes: [] }) }
    const coordinator = new Coordinator({
      identity: this.#guardedIdentity(life),
      transports: [transport],
      clock: guarded,
      random: own.bytes,
      store: guardedStore(this.store, life),
      networkId: 'simulation',
      // A million hashes for each key would be most of what a simulation does. A test of the price sets one.
      sybilCost: false,
      ...config,
    }, furniture)
    return { life, clock, coordinator, handlers: protocols?.() ?? [], listener: undefined, redial: undefined }
  }

  /** The key outside the program: it can be slow to die, refuse, or be misused. */
  #guardedIdentity(life: Life): IIdentity {
    const identity = this.#identity
    return {
      publicKey: identity.publicKey,
      sign: digest => life.learn('signer', async () => {
        if (this.signer === 'fails') throw new Error('the signer does not answer')
        const signature = await identity.sign(digest)
        if (this.signer === 'forges') signature[40]! ^= 1
        return signature
      }),
      ecdh: publicKey => life.learn('signer', () => identity.ecdh(publicKey)),
    }
  }
}

/** One run of a node's program. */
interface Run {
  readonly life: Life
  readonly clock: NodeClock
  readonly coordinator: Coordinator
  readonly handlers: readonly IProtocolHandler[]
  listener: { readonly address: string } | undefined
  redial: Disposable | undefined
}

/** Time as one run of the program sees it: asking for a timer, it may die. */
function guardedClock(clock: NodeClock, life: Life): IClock {
  const nothing: Disposable = { [Symbol.dispose]() {} }
  return {
    now: () => clock.now(),
    elapsedMs: () => clock.elapsedMs(),
    schedule: (delayMs, run) => life.enter('clock') ? clock.schedule(delayMs, run) : nothing,
    defer(run) {
      if (life.enter('clock')) clock.defer(run)
    },
  }
}

/** The disk as one run of the program sees it. */
function guardedStore(store: IStore, life: Life): IStore {
  return {
    get: key => life.learn('store', () => store.get(key)),
    put: (key, value, options) => life.learn('store', () => store.put(key, value, options)),
    delete: key => life.learn('store', () => store.delete(key)),
    async *entries(prefix, options) {
      const found = await life.learn('store', async () => {
        const all: [string, Uint8Array][] = []
        for await (const entry of store.entries(prefix, options)) all.push(entry)
        return all
      })
      yield* found
    },
  }
}
