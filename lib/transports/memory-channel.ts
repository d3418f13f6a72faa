import type { DisconnectReason } from '../contracts/peer.ts'
import { ChannelBase, type ChannelSetup } from './channel-base.ts'
import { mirrored } from './close-codes.ts'
import { channelBroken } from './transport-error.ts'

/** One end of a pipe inside this program. */
export class MemoryChannel extends ChannelBase {
  /** Told once, when this end is closed or broken. */
  onEnd: (() => void) | undefined
  #other!: MemoryChannel
  #held = false

  /** Called once, on one of the two ends. */
  join(other: MemoryChannel): void {
    this.#other = other
    other.#other = this
  }

  /** Both ends break, as when a socket dies. */
  break(): void {
    for (const end of [this, this.#other]) {
      end.fail(channelBroken(end.remoteAddress, 'the other side is gone'))
      end.onEnd?.()
    }
  }

  /** The copy is the border: neither side can change what the other holds. */
  protected write(frame: Uint8Array): boolean {
    this.#other.receive(new Uint8Array(frame))
    return !this.#other.#held
  }

  protected holdReading(hold: boolean): void {
    this.#held = hold
    if (!hold) this.#other.tellRoom()
  }

  protected shut(reason: DisconnectReason): Promise<void> {
    this.#other.finish(mirrored(reason))
    this.#other.onEnd?.()
    this.onEnd?.()
    return Promise.resolve()
  }
}

export function connectedPair(outbound: ChannelSetup, inbound: ChannelSetup): { outbound: MemoryChannel; inbound: MemoryChannel } {
  const pair = { outbound: new MemoryChannel(outbound), inbound: new MemoryChannel(inbound) }
  pair.outbound.join(pair.inbound)
  return pair
}
