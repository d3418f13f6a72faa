import Type from 'typebox'
import type { ClientOptions } from 'ws'
import type { IClock } from '../../lib/contracts/clock.ts'
import type { Limits } from '../../lib/contracts/limits.ts'
import {
  createIdentity, defineProtocol, P2PCoordinator, ProtocolHandler, systemClock, WebSocketTransport,
  type DisconnectReason, type IIdentity, type P2PConfig, type P2PError, type P2PMessage, type PeerInfo, type Receivers, type Responders,
} from '../../lib/index.ts'
import type { WebSocketOptions } from '../../lib/transports/websocket.node.ts'
import { Client, type DialOptions } from './client.ts'
import { until } from './second/bytes.ts'

/** bob, whom mallory attacks; alice, who is linked to him all the while and must not notice. */

export const probe = defineProtocol({
  name: 'probe',
  version: 1,
  auth: { hop: 'channel' },
  messages: {
    note: Type.Object({ n: Type.Integer() }),
    hop: Type.Object({ n: Type.Integer() }),
  },
  requests: {
    echo: { request: Type.Object({ n: Type.Integer() }), reply: Type.Object({ n: Type.Integer() }) },
  },
})

export class Probe extends ProtocolHandler<typeof probe> {
  /** Every call of a handler: the word, its payload and its author. */
  readonly calls: { type: string; payload: unknown; from: string; message: P2PMessage }[] = []

  constructor() {
    super(probe)
  }

  protected readonly receive: Receivers<typeof probe> = {
    note: (payload, from, message) => void this.calls.push({ type: 'note', payload, from: from.peerId, message }),
    hop: (payload, from, message) => void this.calls.push({ type: 'hop', payload, from: from.peerId, message }),
  }

  protected override readonly answer: Responders<typeof probe> = {
    echo: (payload, from, message) => {
      this.calls.push({ type: 'echo', payload, from: from.peerId, message })
      return payload
    },
  }

  ask(peerId: string, n: number, timeoutMs = 5_000): Promise<{ n: number }> {
    return this.request(peerId, 'echo', { n }, { timeoutMs })
  }

  tell(peerId: string, n: number): Promise<void> {
    return this.send(peerId, 'note', { n })
  }

  hop(peerId: string, n: number): Promise<void> {
    return this.send(peerId, 'hop', { n })
  }
}

/** The machine's clock, and a hand to move it with. What falls due when it is moved runs at once. */
export class MovableClock implements IClock {
  #wallMs = 0
  #monotonicMs = 0
  readonly #timers = new Set<{ dueMs: number; run: () => void; real: Disposable }>()
  readonly defer = systemClock.defer!.bind(systemClock)

  now(): number {
    return systemClock.now() + this.#wallMs
  }

  elapsedMs(): number {
    return systemClock.elapsedMs() + this.#monotonicMs
  }

  schedule(delayMs: number, run: () => void): Disposable {
    const timer = {
      dueMs: this.elapsedMs() + delayMs,
      run: () => {
        if (this.#timers.delete(timer)) run()
      },
      real: systemClock.schedule(delayMs, () => timer.run()),
    }
    this.#timers.add(timer)
    return {
      [Symbol.dispose]: () => {
        this.#timers.delete(timer)
        timer.real[Symbol.dispose]()
      },
    }
  }

  /** Both clocks go on. */
  advance(ms: number): void {
    this.#wallMs += ms
    this.#monotonicMs += ms
    for (const timer of [...this.#timers].sort((a, b) => a.dueMs - b.dueMs)) {
      if (timer.dueMs > this.elapsedMs()) continue
      timer.real[Symbol.dispose]()
      timer.run()
    }
  }

  /** Somebody sets the wall clock. */
  setWall(ms: number): void {
    this.#wallMs += ms
  }
}

export interface Fault {
  code: string
  /** Whom the error itself blames. */
  blamed: string | undefined
  /** Whom the event is about. */
  about: string
  text: string
}

export interface StageOptions {
  limits?: Partial<Limits>
  config?: P2PConfig
  /** For a listener of another make than the default. */
  transport?: WebSocketOptions
  /** Without alice, where a test has no use for her. */
  alone?: boolean
}

export class Stage implements AsyncDisposable {
  readonly bob: P2PCoordinator
  readonly alice: P2PCoordinator
  readonly his = new Probe()
  readonly hers = new Probe()
  url = ''
  /** What bob's application hears of plain messages. */
  readonly heard: { payload: unknown; from: string; message: P2PMessage }[] = []
  readonly faults: Fault[] = []
  readonly gone: { id: string; reason: DisconnectReason }[] = []
  readonly #clients: Client[] = []
  readonly #aliceGone: DisconnectReason[] = []
  #n = 0

  constructor({ limits = {}, config = {}, transport }: StageOptions) {
    const transports = transport && [new WebSocketTransport({ ...(config.clock ? { clock: config.clock } : {}), ...transport })]
    this.bob = new P2PCoordinator({ limits, ...config, ...(transports ? { transports } : {}) })
    const { clock, networkId } = config
    this.alice = new P2PCoordinator({ reconnect: false, ...(clock ? { clock } : {}), ...(networkId === undefined ? {} : { networkId }) })
    this.bob.registerProtocol(this.his)
    this.alice.registerProtocol(this.hers)
    this.bob.on('message', (message, from) => void this.heard.push({ payload: message.payload, from: from.peerId, message }))
    this.bob.on('error', (error, about) => void this.faults.push(faultOf(error, about)))
    this.bob.on('disconnected', (peer, reason) => void this.gone.push({ id: peer.peerId, reason }))
    this.alice.on('disconnected', (_, reason) => void this.#aliceGone.push(reason))
  }

  async open(alone: boolean): Promise<this> {
    this.url = (await this.bob.listen('ws://127.0.0.1:0')).address
    if (alone) return this
    await this.alice.connectToPeer(`${this.url}#${this.bob.id}`)
    // The first question loads the schema compiler; after it handlers are called at once.
    await this.hers.ask(this.bob.id, 0)
    return this
  }

  /** Mallory, with the handshake behind her. */
  async mallory(options: DialOptions = {}): Promise<Client> {
    const client = await Client.dial(this.url, { id: this.bob.id, ...options })
    this.#clients.push(client)
    await until(() => this.bob.isConnected(client.id), 'bob has taken mallory in')
    return client
  }

  /** How often bob's `error` event told of this code. */
  count(code: string): number {
    return this.faults.filter(fault => fault.code === code).length
  }

  faultsAbout(id: string): Fault[] {
    return this.faults.filter(fault => fault.about === id)
  }

  /** Waits for an error of this code about this peer, and checks that the counters agree with the event. */
  async refused(code: string, about: string, options: { blamed?: string | undefined; times?: number } = {}): Promise<Fault> {
    const { times = 1 } = options
    const found = (): Fault[] => this.faults.filter(fault => fault.code === code && fault.about === about)
    await until(() => found().length >= times, () => `bob reports ${times} x ${code} about ${about.slice(0, 8)}; he reports ${this.told()}`)
    const fault = found().at(-1)!
    const counted = this.bob.getStats().peers.errors[code] ?? 0
    if (counted < times) throw new Error(`getStats().peers.errors.${code} is ${counted}, expected at least ${times}`)
    if ('blamed' in options && fault.blamed !== options.blamed) throw new Error(`${code} blames ${fault.blamed ?? 'nobody'}, expected ${options.blamed ?? 'nobody'}: ${fault.text}`)
    return fault
  }

  /** All that bob has reported, in short. */
  told(): string {
    const counts = new Map<string, number>()
    for (const { code, about } of this.faults) counts.set(`${code} about ${about.slice(0, 8)}`, (counts.get(`${code} about ${about.slice(0, 8)}`) ?? 0) + 1)
    return [...counts].map(([what, times]) => `${times} x ${what}`).join(', ') || 'nothing'
  }

  /** Alice's messages arrive, her requests are answered, she was never dropped and never blamed. */
  async aliceIsFine(): Promise<void> {
    const n = ++this.#n
    if (this.#aliceGone.length > 0) throw new Error(`alice was disconnected (${this.#aliceGone.join(', ')})`)
    const answer = await this.hers.ask(this.bob.id, n)
    if (answer.n !== n) throw new Error(`alice asked for ${n} and got ${answer.n}`)
    await this.hers.tell(this.bob.id, n)
    await until(() => this.his.calls.findLast(call => call.type === 'note' && call.from === this.alice.id && (call.payload as { n: number }).n === n) !== undefined, 'bob\'s handler has alice\'s note')
    await this.alice.sendTo(this.bob.id, { type: 'still-here', payload: n })
    await until(() => this.heard.findLast(({ from, payload }) => from === this.alice.id && payload === n) !== undefined, 'bob hears alice')
    const blame = this.faults.find(({ blamed, about }) => blamed === this.alice.id || about === this.alice.id)
    if (blame) throw new Error(`bob blames alice: ${blame.code} ${blame.text}`)
  }

  /** Calls of bob's handlers, and messages his application heard, that are not alice's. */
  callsOf(id: string): { type: string; payload: unknown }[] {
    return [
      ...this.his.calls.filter(call => call.from === id).map(({ type, payload }) => ({ type, payload })),
      ...this.heard.filter(message => message.from === id).map(({ message, payload }) => ({ type: message.type, payload })),
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.pipe.destroy()
    await Promise.all([this.alice.shutdown(), this.bob.shutdown()])
  }
}

export function faultOf(error: P2PError, about: PeerInfo): Fault {
  return { code: error.code, blamed: error.peerId, about: about.peerId, text: error.message }
}

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  return await new Stage(options).open(options.alone ?? false)
}

/**
 * A stage on a public network, whose listener believes X-Forwarded-For: with it everybody can come from another address,
 * as on the real network, though all are on loopback.
 */
export async function openPublicStage(options: StageOptions = {}): Promise<Stage> {
  const transport: WebSocketOptions = { trustProxy: true, ...options.transport }
  return await openStage({ ...options, transport, config: { network: 'public', sybilCost: false, ...options.config } })
}

/** As if from this address, where the listener trusts its proxy. */
export function from(address: string): { socket: ClientOptions } {
  return { socket: { headers: { 'X-Forwarded-For': address } } }
}

/** A key that was made before: its node may have run before, so the restart rule applies. */
export function knownIdentity(): IIdentity {
  return createIdentity()
}
