import { PERFECT_LINK, transitMs, type LinkQuality } from './link-quality.ts'
import { Happening } from './sim-event.ts'
import { addressOf, SimHost, type SimSocket } from './sim-host.ts'
import { Conditions, SimPath, type Condition } from './sim-path.ts'
import type { PipeGround, SimPipe } from './sim-pipe.ts'
import { SimRandom } from './sim-random.ts'
import type { VirtualClock } from './virtual-clock.ts'

export interface SimNetworkOptions {
  clock: VirtualClock
  random?: SimRandom
  /** One-way latency of a pair of machines is drawn once from this range. 10 to 80 ms: most of the Internet. */
  latencyMs?: number | readonly [min: number, max: number]
  /** How links are by nature, besides their latency. 2 ms of jitter by default. */
  quality?: Partial<Omit<LinkQuality, 'latencyMs'>>
}

/** Machines, the paths between them, and what is wrong with those. */
export class SimNetwork implements PipeGround {
  readonly clock: VirtualClock
  onFrame: ((from: SimHost, to: SimHost, frame: Uint8Array) => void) | undefined
  readonly #random: SimRandom
  readonly #latencyMs: readonly [number, number]
  readonly #nature: LinkQuality
  readonly #hosts: SimHost[] = []
  readonly #byAddress = new Map<string, SimHost>()
  readonly #paths: (SimPath | undefined)[][] = []
  readonly #conditions = new Conditions()
  /** Pipes in which something waits for the line to work again. */
  readonly #parked = new Set<SimPipe>()
  #addresses = 0

  constructor({ clock, random = new SimRandom(0), latencyMs = [10, 80], quality = {} }: SimNetworkOptions) {
    this.clock = clock
    this.#random = random
    this.#latencyMs = typeof latencyMs === 'number' ? [latencyMs, latencyMs] : latencyMs
    this.#nature = { ...PERFECT_LINK, jitterMs: 2, ...quality }
  }

  get hosts(): readonly SimHost[] {
    return this.#hosts
  }

  /** A new machine with an address of its own, switched on. */
  addHost(name: string): SimHost {
    const host = new SimHost(name, this.#hosts.length, addressOf(this.#addresses++))
    this.#hosts.push(host)
    this.#byAddress.set(host.address, host)
    this.#paths.push([])
    return host
  }

  hostAt(address: string): SimHost | undefined {
    return this.#byAddress.get(address)
  }

  /** One direction between two machines. Latency is the same both ways. */
  path(from: SimHost, to: SimHost): SimPath {
    return (this.#paths[from.index]![to.index] ??= this.#makePath(from, to))
  }

  /** Makes something wrong until the handle is disposed. */
  impose(condition: Condition): Disposable {
    this.#conditions.add(condition)
    return {
      [Symbol.dispose]: () => {
        this.#conditions.delete(condition)
        this.#resumeParked()
      },
    }
  }

  /** Groups that cannot reach each other; machines in none of them are a group as well. */
  partition(groups: readonly (readonly SimHost[])[]): Disposable {
    const group = new Map(groups.flatMap((hosts, index) => hosts.map(host => [host, index] as const)))
    return this.impose({ cut: true, applies: (from, to) => group.get(from) !== group.get(to) })
  }

  /** Nothing is wrong any more. */
  heal(): void {
    this.#conditions.clear()
    this.#resumeParked()
  }

  /** Both ends of a channel break, each when it hears of it. */
  reset(socket: SimSocket): void {
    this.#breakIn(0, socket, 'the connection was reset')
    this.tellBroken(socket, 'the connection was reset')
  }

  /** The system at the other end says that there is no such socket here any more, if the line carries it. */
  tellBroken(socket: SimSocket, why: string): void {
    const path = this.path(socket.host, socket.remote.host)
    if (!path.cut) this.#breakIn(transitMs(path.quality, path.random), socket.remote, why)
  }

  /** The machine is switched off or on. What is off does not answer; what its peers still send waits or is lost. */
  switch(host: SimHost, up: boolean): void {
    host.up = up
    this.#conditions.changed()
    if (up) this.#resumeParked()
  }

  /** The machine gets another address. Its channels are left hanging at both ends, and its listeners are gone. */
  move(host: SimHost): void {
    this.#byAddress.delete(host.address)
    host.address = addressOf(this.#addresses++)
    this.#byAddress.set(host.address, host)
    for (const socket of host.channels) socket.hang()
    for (const listener of [...host.listeners.values()]) listener.break()
  }

  park(pipe: SimPipe): void {
    this.#parked.add(pipe)
  }

  unpark(pipe: SimPipe): void {
    this.#parked.delete(pipe)
  }

  #breakIn(ms: number, socket: SimSocket, why: string): void {
    this.clock.post(new Happening(() => socket.break(why)), ms, socket.host.pace)
  }

  #resumeParked(): void {
    for (const pipe of this.#parked) {
      if (!pipe.path.cut || !pipe.back.cut) this.clock.post(new Happening(() => pipe.resume()), pipe.resumeMs)
    }
  }

  #makePath(from: SimHost, to: SimHost): SimPath {
    const [low, high] = from.index < to.index ? [from, to] : [to, from]
    const latencyMs = this.#random.fork(`latency ${low.index} ${high.index}`).between(...(this.#latencyMs as [number, number]))
    return new SimPath(from, to, { ...this.#nature, latencyMs }, this.#conditions, this.#random.fork(`path ${from.index} ${to.index}`))
  }
}
