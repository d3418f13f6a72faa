import type { IClock } from '../contracts/clock.ts'
import type { IChannel, IListener } from '../contracts/transport.ts'
import { AsyncQueue } from '../foundation/async-queue.ts'
import type { TransportLimits } from '../transports/transport-limits.ts'
import { channelBroken } from '../transports/transport-error.ts'
import type { Life } from './life.ts'
import type { SimChannel } from './sim-channel.ts'
import type { SimDoor, SimHost } from './sim-host.ts'

/** A port that is being listened on. */
export class SimListener implements IListener, SimDoor {
  readonly address: string
  readonly host: SimHost
  readonly life: Life
  readonly clock: IClock
  readonly limits: TransportLimits
  readonly #port: number
  readonly #queue: AsyncQueue<IChannel>
  readonly #open = new Set<SimChannel>()

  constructor(host: SimHost, life: Life, port: number, { clock, limits }: { clock: IClock; limits: TransportLimits }) {
    this.host = host
    this.life = life
    this.clock = clock
    this.limits = limits
    this.#port = port
    this.address = `sim://${host.address}:${port}`
    this.#queue = new AsyncQueue({ countHigh: limits.channelsPendingMax })
    host.listeners.set(port, this)
  }

  get channels(): AsyncIterable<IChannel> {
    return this.#queue
  }

  get hasRoom(): boolean {
    return !this.#queue.full && this.#open.size < this.limits.channelsMax && !this.host.outOfSockets
  }

  /** @internal A dialler has come through. */
  admit(channel: SimChannel): void {
    this.#open.add(channel)
    channel.onEnd = () => void this.#open.delete(channel)
    this.#queue.push(channel)
  }

  async close(): Promise<void> {
    if (!this.life.alive) return
    this.stop()
    await Promise.all([...this.#open].map(channel => channel.close('shutdown')))
  }

  break(): void {
    this.#free()
    this.#queue.fail(channelBroken(this.address, 'the listener broke'))
  }

  stop(): void {
    this.#free()
    this.#queue.clear()
    this.#queue.end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #free(): void {
    if (this.host.listeners.get(this.#port) === this) this.host.listeners.delete(this.#port)
  }
}
