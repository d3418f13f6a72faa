import type { IClock } from '../contracts/clock.ts'
import type { IChannel, IListener, ITransport } from '../contracts/transport.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { withDeadline } from '../foundation/deadline.ts'
import { dialFailed, listenFailed } from '../transports/transport-error.ts'
import { transportLimitsFrom, type TransportLimits } from '../transports/transport-limits.ts'
import { Life } from './life.ts'
import { transitMs } from './link-quality.ts'
import { SimChannel } from './sim-channel.ts'
import { Happening } from './sim-event.ts'
import { parseAddress, type SimHost } from './sim-host.ts'
import { SimListener } from './sim-listener.ts'
import type { SimNetwork } from './sim-network.ts'
import { SimPipe } from './sim-pipe.ts'

export interface SimTransportOptions {
  network: SimNetwork
  host: SimHost
  /** The clock of the program that dials and listens; by default the world's. */
  clock?: IClock | undefined
  /** The run of the program; by default one that never ends. */
  life?: Life | undefined
  limits?: Partial<TransportLimits> | undefined
}

/** A call that got no answer is made again after 1 s, 2 s, 4 s and so on, so many times (Linux: 6). */
const CALL_AGAIN_MS = 1_000
const CALLS_MAX = 7

/**
 * Channels over the simulated network, at addresses such as `sim://10.0.0.1:4000`. It goes by the name `memory`, since that is where
 * `PeerAddresses` has room for what never leaves a process.
 */
export class SimTransport implements ITransport<'memory'> {
  readonly name = 'memory'
  readonly schemes: readonly string[] = ['sim:']
  readonly #network: SimNetwork
  readonly #host: SimHost
  readonly #clock: IClock
  readonly #life: Life
  readonly #limits: TransportLimits

  constructor({ network, host, clock = network.clock, life = new Life(), limits }: SimTransportOptions) {
    this.#network = network
    this.#host = host
    this.#clock = clock
    this.#life = life
    this.#limits = transportLimitsFrom(limits)
  }

  /** Throws ERR_TRANSPORT_DIAL_FAILED where nobody listens, or nobody answers. */
  async dial(address: string, options?: WaitOptions): Promise<IChannel> {
    options?.signal?.throwIfAborted()
    return await this.#life.learn('dial', () => withDeadline(this.#clock, options, signal => this.#call(address, signal), { what: `dialling ${address}` }))
  }

  /** On this machine alone: `sim:` picks a free port. Throws ERR_TRANSPORT_LISTEN_FAILED where the port is taken. */
  async listen(address: string, options?: WaitOptions): Promise<IListener> {
    options?.signal?.throwIfAborted()
    return await this.#life.learn('listen', () => Promise.resolve(this.#open(address)))
  }

  #open(address: string): IListener {
    const wanted = parseAddress(address)
    if (wanted === undefined) throw listenFailed(address, 'expected an address such as sim://10.0.0.1:4000')
    const host = this.#host
    if (wanted.host !== '' && wanted.host !== '0.0.0.0' && wanted.host !== host.address) throw listenFailed(address, `this machine has the address ${host.address}`)
    if (host.outOfSockets) throw listenFailed(address, 'EMFILE: too many open files')
    const port = wanted.port === 0 ? host.freePort() : wanted.port
    if (host.listeners.has(port)) throw listenFailed(address, 'the port is taken')
    return new SimListener(host, this.#life, port, { clock: this.#clock, limits: this.#limits })
  }

  async #call(address: string, signal: AbortSignal): Promise<IChannel> {
    const wanted = parseAddress(address)
    if (wanted === undefined || wanted.host === '') throw dialFailed(address, 'expected an address such as sim://10.0.0.1:4000')
    if (this.#host.outOfSockets) throw dialFailed(address, 'EMFILE: too many open files')
    const called = this.#network.hostAt(wanted.host)
    if (called === undefined) throw dialFailed(address, 'no route to it')
    for (let call = 0; call < CALLS_MAX && !signal.aborted; call++) {
      const answer = await this.#callOnce(called, wanted.port, CALL_AGAIN_MS * 2 ** call, signal)
      if (answer === 'refused') throw dialFailed(address, 'nobody listens there, or the listener is full')
      if (answer !== 'silence') return answer
    }
    throw dialFailed(address, 'no answer')
  }

  /** The call reaches the other machine, or not; its answer comes back, or not, or too late. */
  #callOnce(called: SimHost, port: number, waitMs: number, signal: AbortSignal): Promise<SimChannel | 'refused' | 'silence'> {
    const { clock } = this.#network
    const there = this.#network.path(this.#host, called)
    const back = this.#network.path(called, this.#host)
    return new Promise(resolve => {
      const call = new Call(resolve, this.#clock, waitMs, signal)
      if (there.cut) return
      clock.post(new Happening(() => {
        // Who died in the meantime has no socket there any more.
        if (!called.up || back.cut || !this.#life.alive) return
        const channel = this.#connect(called, port)
        clock.post(new Happening(() => this.#answer(call, channel)), transitMs(back.quality, back.random), this.#host.pace)
      }), transitMs(there.quality, there.random), called.pace)
    })
  }

  /** The system hands the socket to whoever still waits for it, or says that nobody does. */
  #answer(call: Call, channel: SimChannel | undefined): void {
    if (channel === undefined) call.end('refused')
    else if (this.#life.alive && call.end(channel)) channel.open()
    else this.#network.tellBroken(channel, 'the dialler has gone')
  }

  /** The two ends of a new channel, the other one already with its listener. */
  #connect(called: SimHost, port: number): SimChannel | undefined {
    const listener = called.listeners.get(port)
    if (!(listener instanceof SimListener) || !listener.hasRoom || this.#host.outOfSockets) return undefined
    const own = { clock: this.#clock, limits: this.#limits }
    const outbound = new SimChannel({ ...own, direction: 'outbound', remoteAddress: listener.address }, this.#host, this.#life)
    const inbound = new SimChannel({ clock: listener.clock, limits: listener.limits, direction: 'inbound', remoteAddress: this.#host.diallerAddress() }, called, listener.life)
    const there = new SimPipe(this.#network, outbound, inbound)
    const back = new SimPipe(this.#network, inbound, outbound)
    outbound.join(inbound, there, back)
    inbound.join(outbound, back, there)
    inbound.open()
    listener.admit(inbound)
    return outbound
  }
}


/** One try at opening a channel: ends with an answer, with time, or with the caller giving up. */
class Call {
  #resolve: ((outcome: SimChannel | 'refused' | 'silence') => void) | undefined
  readonly #timer: Disposable
  readonly #signal: AbortSignal

  constructor(resolve: (outcome: SimChannel | 'refused' | 'silence') => void, clock: IClock, waitMs: number, signal: AbortSignal) {
    this.#resolve = resolve
    this.#timer = clock.schedule(waitMs, this.#giveUp)
    this.#signal = signal
    signal.addEventListener('abort', this.#giveUp)
  }

  /** False when it has ended before. */
  end(outcome: SimChannel | 'refused' | 'silence'): boolean {
    if (this.#resolve === undefined) return false
    this.#timer[Symbol.dispose]()
    this.#signal.removeEventListener('abort', this.#giveUp)
    this.#resolve(outcome)
    this.#resolve = undefined
    return true
  }

  readonly #giveUp = (): void => void this.end('silence')
}
