import type { P2PMessage } from '../contracts/message.ts'
import type { IProtocolHandler } from '../contracts/protocol.ts'
import { loadPayloadChecker } from '../protocol-kit/payload-check.ts'
import { Audit, brokenBound } from './audit.ts'
import { EventLog } from './event-log.ts'
import { FAULT_KINDS, type FaultKind } from './fault-kinds.ts'
import { FaultSchedule, type Fault } from './fault-schedule.ts'
import { Deferred, NodeTimer } from './node-clock.ts'
import type { SimEvent } from './sim-event.ts'
import { SimNetwork } from './sim-network.ts'
import { SimNode, type NodeSurroundings, type SimNodeOptions } from './sim-node.ts'
import { SimRandom, type Seed } from './sim-random.ts'
import { SimulationError } from './simulation-error.ts'
import { backendFor, checkSimulationOptions, type SimulationOptions } from './simulation-options.ts'
import { fingerprint } from './stand-in-mixing.ts'
import { VirtualClock } from './virtual-clock.ts'

const DEFAULTS = { seed: 1, faultEveryMs: 10_000, checkEveryMs: 10_000, redialMs: 15_000 } as const
/** How long shutting down may take, in virtual time. */
const SHUTDOWN_MS_MAX = 60_000
/** How long a call made from outside the world may take, likewise. */
const CALL_MS_MAX = 120_000

/**
 * A world of whole coordinators on one thread: simulated machines, disks, clocks and lines, and nothing real in between. Everything
 * in it follows from the seed, so whatever happened can be made to happen again.
 */
export class Simulation implements AsyncDisposable {
  readonly seed: Seed
  readonly clock: VirtualClock
  readonly network: SimNetwork
  /** For what a scenario itself wants to draw. */
  readonly random: SimRandom
  readonly #options: SimulationOptions
  readonly #log: EventLog
  readonly #root: SimRandom
  readonly #nodes: SimNode[] = []
  readonly #faults: Fault[] = []
  readonly #partitions = new Set<Disposable>()
  readonly #invariants: { what: string; holds: () => boolean }[] = []
  #around: Promise<NodeSurroundings> | undefined
  #audit: Audit | undefined
  #schedule: FaultSchedule | undefined
  #failure: Error | undefined
  #closed = false

  constructor(options: SimulationOptions = {}) {
    checkSimulationOptions(options)
    this.#options = options
    this.seed = options.seed ?? DEFAULTS.seed
    this.#root = new SimRandom(this.seed)
    this.random = this.#root.fork('scenario')
    this.#log = new EventLog({ keep: options.keepEvents ?? 200 })
    this.clock = new VirtualClock({ ...(options.startMs === undefined ? {} : { startMs: options.startMs }), onEvent: event => this.#noteEvent(event) })
    this.network = new SimNetwork({
      clock: this.clock, random: this.#root.fork('network'),
      ...(options.latencyMs === undefined ? {} : { latencyMs: options.latencyMs }),
      ...(options.quality === undefined ? {} : { quality: options.quality }),
    })
    this.network.onFrame = (from, to, frame) => {
      this.#log.note('frame', this.nowMs, from.index * 65_536 + to.index, frame.length * 2 ** 32 + fingerprint(frame))
    }
  }

  /** Virtual milliseconds since the world began. */
  get nowMs(): number {
    return this.clock.elapsedMs()
  }

  /** In the order in which they were added, up or down. */
  get nodes(): readonly SimNode[] {
    return this.#nodes
  }

  /** What has gone wrong so far, of what was drawn from the seed. */
  get faults(): readonly Fault[] {
    return this.#faults
  }

  /** Throws RangeError for a name that no node has. */
  node(name: string): SimNode {
    const found = this.#nodes.find(node => node.name === name)
    if (found === undefined) throw new RangeError(`no node is called ${JSON.stringify(name)}`)
    return found
  }

  // Nodes.

  /** A machine with a coordinator on it, which listens when this resolves. */
  async addNode(name: string, options: SimNodeOptions = {}): Promise<SimNode> {
    if (this.#nodes.some(node => node.name === name)) throw new RangeError(`a node called ${JSON.stringify(name)} is there already`)
    const around = await (this.#around ??= this.#prepare())
    const node = new SimNode(name, options, around)
    this.#nodes.push(node)
    await this.#call(node.start())
    return node
  }

  /** So many of a kind, called `node-0` and so on unless `nameOf` says otherwise. */
  async addNodes(count: number, options: SimNodeOptions | ((index: number) => SimNodeOptions) = {}, nameOf = (index: number): string => `node-${index}`): Promise<SimNode[]> {
    const added: SimNode[] = []
    for (let index = 0; index < count; index++) added.push(await this.addNode(nameOf(index), typeof options === 'function' ? options(index) : options))
    return added
  }

  /**
   * Has one node dial another: now, whenever it starts again, and every `redialMs` while the link is missing, as an application
   * would that needs it. Resolves when the link stands.
   */
  async connect(from: SimNode | string, to: SimNode | string): Promise<void> {
    const [a, b] = [this.#asNode(from), this.#asNode(to)]
    a.wishes.add(b)
    await this.#call(a.dial(b))
  }

  /** Links every node with about `degree` others drawn at random; all can be reached from all. */
  async connectAll({ degree = 6 }: { degree?: number } = {}): Promise<void> {
    const random = this.#root.fork('links')
    const order = random.shuffled(this.#nodes)
    const dials: [SimNode, SimNode][] = order.slice(1).map((node, index) => [node, order[index]!])
    const linked = new Set(dials.map(([a, b]) => linkName(a, b)))
    const wanted = Math.min(Math.floor(order.length * degree / 2), order.length * (order.length - 1) / 2)
    while (linked.size < wanted) {
      const [a, b] = [random.pick(order), random.pick(order)]
      if (a === b || linked.has(linkName(a, b))) continue
      linked.add(linkName(a, b))
      dials.push([a, b])
    }
    for (const [a, b] of dials) a.wishes.add(b)
    await this.#call(Promise.all(dials.map(([a, b]) => a.dial(b).catch(() => {}))))
  }

  /** Its program stops in the middle of whatever it does; with `power`, its machine as well. */
  crash(node: SimNode | string, how: { power?: boolean; torn?: boolean } = {}): void {
    const crashed = this.#asNode(node)
    if (!crashed.isUp) return
    this.#note('crash', crashed, how.power ? 'power' : 'process')
    crashed.crash(how)
  }

  /** Starts a node that is down, on what its disk holds. */
  async restart(node: SimNode | string): Promise<void> {
    await this.#call(this.#asNode(node).start())
  }

  /** Shuts a node down in good order. */
  async stop(node: SimNode | string): Promise<void> {
    await this.#call(this.#asNode(node).stop())
  }

  // Trouble.

  /** From now on the groups cannot reach each other; nodes in none of them are a group as well. */
  partition(groups: readonly (readonly (SimNode | string)[])[]): Disposable {
    const imposed = this.network.partition(groups.map(group => group.map(node => this.#asNode(node).host)))
    this.#log.note('partition', this.nowMs, groups.length)
    this.#partitions.add(imposed)
    return imposed
  }

  /** Ends partitions and every fault under way; nodes that a fault took down start again. */
  heal(): void {
    this.#log.note('heal', this.nowMs, 0)
    for (const imposed of this.#partitions) imposed[Symbol.dispose]()
    this.#partitions.clear()
    this.#schedule?.endAll()
  }

  /** Has something done at a moment of virtual time, counted from the beginning. */
  at(timeMs: number, run: () => void | Promise<void>): void {
    this.clock.schedule(timeMs - this.nowMs, () => {
      this.#beside(async () => await run())
    })
  }

  // Time.

  /** Lets so much virtual time pass. Throws SimulationError when an invariant breaks or something throws. */
  async run({ forMs }: { forMs: number }): Promise<void> {
    this.#begin()
    await this.#watched(async () => void await this.clock.runUntil(() => this.#failure !== undefined, { withinMs: forMs }))
  }

  /** Lets time pass until `predicate` holds. Throws SimulationError when it does not within `withinMs`. */
  async runUntil(predicate: () => boolean, { withinMs, what = String(predicate) }: { withinMs: number; what?: string }): Promise<void> {
    this.#begin()
    let reached = false
    await this.#watched(async () => { reached = await this.clock.runUntil(() => this.#failure !== undefined || predicate(), { withinMs }) })
    if (!reached) throw this.error(`not within ${withinMs} ms: ${what}`)
  }

  /** Something that must hold at every check (`checkEveryMs`) and when the world is shut down; false fails the run. */
  always(what: string, holds: () => boolean): void {
    this.#invariants.push({ what, holds })
  }

  // What happened.

  /** A line of the scenario's own in the log, which counts for the hash. */
  log(text: string): void {
    this.#log.note('log', this.nowMs, 0, 0, text)
  }

  /** SHA-256 of everything that has happened, as hex: the same for the same seed. */
  hash(): string {
    return this.#log.hash()
  }

  /** The latest events, oldest first. */
  tail(count?: number): string[] {
    return this.#log.tail(count)
  }

  /** Events so far: frames, timers, links, faults. */
  get events(): number {
    return this.#log.entries
  }

  /** A failure with all that is needed to see it again. */
  error(what: string, cause?: unknown): SimulationError {
    return new SimulationError(what, {
      seed: this.seed, atMs: this.nowMs, faults: this.#faults, onlyFaults: this.#options.onlyFaults, tail: this.#log.tail(), cause,
    })
  }

  /** Shuts every node down in good order. Throws SimulationError when one leaves a timer, a socket or a listener behind. */
  async shutdown(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#schedule?.stop()
    this.#endWatching?.[Symbol.dispose]()
    this.#check()
    await this.#watched(async () => {
      await this.clock.drive(Promise.all(this.#nodes.map(node => node.stop())), { withinMs: SHUTDOWN_MS_MAX })
      // What is still on the lines arrives nowhere; after that nothing is left to happen.
      this.network.heal()
      if (!await this.clock.runUntil(() => this.clock.pending === 0, { withinMs: SHUTDOWN_MS_MAX })) this.#fail(`${this.clock.pending} events are left after all nodes have shut down`)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown()
  }

  // Inside.

  #endWatching: Disposable | undefined

  async #prepare(): Promise<NodeSurroundings> {
    // Loaded in the middle of a run it would be waited for in real time, which differs from run to run.
    const [backend] = await Promise.all([backendFor({ ...this.#options, seed: this.seed }), loadPayloadChecker()])
    this.#audit = new Audit(backend, 'simulation')
    return {
      clock: this.clock, network: this.network, random: this.#root.fork('nodes'), backend,
      redialMs: this.#options.redialMs ?? DEFAULTS.redialMs,
      onMessage: (node, handler, message) => this.#see(node, handler, message),
      onLeftBehind: what => this.#fail(what),
      onDeathAtCall: node => this.crash(node),
      onStarted: node => this.#hear(node),
    }
  }

  /** Faults and checks begin with the first run, when the nodes are there. */
  #begin(): void {
    if (this.#endWatching !== undefined) return
    this.#planCheck()
    const { faults = 'none', faultEveryMs = DEFAULTS.faultEveryMs, faultsFromMs = 0, faultsUntilMs = Infinity, onlyFaults } = this.#options
    const kinds = faults === 'all' ? Object.keys(FAULT_KINDS) as FaultKind[] : faults === 'none' ? [] : faults
    if (kinds.length === 0) return
    this.#schedule = new FaultSchedule({
      kinds, everyMs: faultEveryMs, fromMs: faultsFromMs, untilMs: faultsUntilMs, only: onlyFaults && new Set(onlyFaults), random: this.#root.fork('faults'),
      world: {
        clock: this.clock, network: this.network, nodes: this.#nodes,
        crash: (node, how) => this.crash(node, how),
        restart: node => this.#beside(async () => { if (!this.#closed) await node.start() }),
        beside: work => this.#beside(work),
      },
      onBegin: fault => {
        this.#faults.push(fault)
        this.#log.note('fault', this.nowMs, fault.number, 0, `${fault.kind}: ${fault.what}`)
      },
      onEnd: fault => this.#log.note('fault ends', this.nowMs, fault.number),
    })
  }

  #planCheck(): void {
    this.#endWatching = this.clock.schedule(this.#options.checkEveryMs ?? DEFAULTS.checkEveryMs, () => {
      this.#check()
      if (!this.#closed) this.#planCheck()
    })
  }

  #check(): void {
    for (const node of this.#nodes) {
      const broken = node.isUp ? brokenBound(node) : undefined
      if (broken !== undefined) this.#fail(broken)
    }
    const broken = this.#invariants.find(({ holds }) => !holds())
    if (broken !== undefined) this.#fail(`does not hold: ${broken.what}`)
  }

  #see(node: SimNode, handler: IProtocolHandler | undefined, message: P2PMessage): void {
    const problem = this.#audit?.problemWith(message, node, handler)
    if (problem !== undefined) this.#fail(`${node.name} was handed a message it should not have: ${problem}`)
  }

  /** What a coordinator tells its application goes into the log. */
  #hear(node: SimNode): void {
    const { coordinator, life } = node
    this.#note('start', node, String(node.starts))
    const note = (kind: string, text: string): void => {
      if (life.alive) this.#note(kind, node, text)
    }
    coordinator.on('connected', peer => note('connected', peer.peerId))
    coordinator.on('disconnected', (peer, reason) => note('disconnected', `${peer.peerId} ${reason}`))
    coordinator.on('error', (error, peer) => note('error', `${error.code} ${peer.peerId} ${error.message}`))
    coordinator.on('message', message => {
      if (life.alive) this.#see(node, undefined, message)
      note('message', `${message.type} ${message.messageId}`)
    })
  }

  #noteEvent(event: SimEvent): void {
    if (event instanceof NodeTimer || event instanceof Deferred) this.#log.note('timer', this.nowMs, event.sequence)
  }

  #note(kind: string, node: SimNode, text: string): void {
    this.#log.note(kind, this.nowMs, node.host.index, 0, text)
  }

  /** Something asynchronous inside the world; when it fails, that is part of what happened. */
  #beside(work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      this.#log.note('failed', this.nowMs, 0, 0, String(error))
      if (error instanceof SimulationError) this.#fail(error.what)
    })
  }

  /** The first failure counts: what follows may be its consequence. */
  #fail(what: string): void {
    this.#failure ??= this.error(what)
  }

  async #call<T>(promise: Promise<T>): Promise<T> {
    let result: T
    await this.#watched(async () => { result = await this.clock.drive(promise, { withinMs: CALL_MS_MAX }) })
    return result!
  }

  async #watched(run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      throw error instanceof SimulationError ? error : this.error(error instanceof Error ? error.message : String(error), error)
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  #asNode(node: SimNode | string): SimNode {
    return typeof node === 'string' ? this.node(node) : node
  }
}

function linkName(a: SimNode, b: SimNode): string {
  return a.host.index < b.host.index ? `${a.host.index} ${b.host.index}` : `${b.host.index} ${a.host.index}`
}
