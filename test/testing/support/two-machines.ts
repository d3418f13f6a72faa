import type { IChannel, IListener } from '../../../lib/contracts/transport.ts'
import { DEFAULT_LIMITS } from '../../../lib/foundation/limits.ts'
import { Life } from '../../../lib/testing/life.ts'
import type { LinkQuality } from '../../../lib/testing/link-quality.ts'
import type { SimChannel } from '../../../lib/testing/sim-channel.ts'
import type { SimHost } from '../../../lib/testing/sim-host.ts'
import { SimNetwork } from '../../../lib/testing/sim-network.ts'
import { SimRandom } from '../../../lib/testing/sim-random.ts'
import { SimTransport } from '../../../lib/testing/sim-transport.ts'
import { VirtualClock } from '../../../lib/testing/virtual-clock.ts'

/** Somebody with a machine. */
export interface Person {
  host: SimHost
  life: Life
  transport: SimTransport
}

/** A frame as it arrived. */
export interface Arrived { frame: Uint8Array; atMs: number }

/** A small network without coordinators, 50 ms across. */
export class Machines {
  readonly clock = new VirtualClock()
  readonly network: SimNetwork
  readonly alice: Person
  readonly bob: Person

  constructor(quality: Partial<Omit<LinkQuality, 'latencyMs'>> = {}, seed = 1) {
    this.network = new SimNetwork({ clock: this.clock, random: new SimRandom(seed), latencyMs: 50, quality: { jitterMs: 0, ...quality } })
    this.alice = this.person('alice')
    this.bob = this.person('bob')
  }

  person(name: string): Person {
    const host = this.network.addHost(name)
    const life = new Life()
    return { host, life, transport: new SimTransport({ network: this.network, host, life }) }
  }

  async listen(who: Person): Promise<IListener> {
    return await this.clock.drive(who.transport.listen('sim:'))
  }

  /** Two ends of a channel that takes frames of any size. */
  async ends(from = this.alice, to = this.bob, listener?: IListener): Promise<{ a: SimChannel; b: SimChannel; listener: IListener }> {
    const door = listener ?? await this.listen(to)
    const [a, next] = await this.clock.drive(Promise.all([from.transport.dial(door.address), door.channels[Symbol.asyncIterator]().next()]))
    const b = next.value as IChannel
    for (const end of [a, b]) end.setFrameBytesMax?.(DEFAULT_LIMITS.channelFrameBytesMax)
    return { a: a as SimChannel, b: b as SimChannel, listener: door }
  }

  /** Reads a channel from now on; what it returns grows. */
  read(channel: IChannel): Arrived[] & { end?: string } {
    const arrived: Arrived[] & { end?: string } = []
    void (async () => {
      try {
        for await (const frame of channel.frames) arrived.push({ frame: frame.slice(), atMs: this.clock.elapsedMs() })
        arrived.end = 'ended'
      } catch (error) {
        arrived.end = (error as { code?: string }).code ?? String(error)
      }
    })()
    return arrived
  }

  /** Sends frames whose first four bytes are their number. */
  async sendNumbered(channel: IChannel, count: number, bytes = 100): Promise<void> {
    for (let number = 0; number < count; number++) await channel.send(numbered(number, bytes))
  }
}

export function numbered(number: number, bytes: number): Uint8Array {
  const frame = new Uint8Array(bytes)
  new DataView(frame.buffer).setUint32(0, number)
  return frame
}

export function numberOf({ frame }: Arrived): number {
  return new DataView(frame.buffer).getUint32(0)
}
