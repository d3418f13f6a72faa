import type { DisconnectReason } from '../contracts/peer.ts'
import type { WaitOptions } from '../contracts/wait.ts'
import { ChannelBase, type ChannelSetup } from '../transports/channel-base.ts'
import { mirrored } from '../transports/close-codes.ts'
import { channelBroken } from '../transports/transport-error.ts'
import { never, type Life } from './life.ts'
import type { SimHost } from './sim-host.ts'
import type { PipeEnd, SimPipe } from './sim-pipe.ts'

/** One end of a simulated channel: an open socket of one machine, held by one run of its program. */
export class SimChannel extends ChannelBase implements PipeEnd {
  readonly host: SimHost
  readonly life: Life
  /** Told once, when the socket is gone. */
  onEnd: (() => void) | undefined
  #remote: SimChannel | undefined
  #outgoing: SimPipe | undefined
  #incoming: SimPipe | undefined
  #remoteEnded = false
  #gone = false

  constructor(setup: ChannelSetup, host: SimHost, life: Life) {
    super(setup)
    this.host = host
    this.life = life
  }

  /** From now on it counts among the machine's open sockets, unless it broke before its owner had it. */
  open(): void {
    if (!this.#gone) this.host.channels.add(this)
  }

  /** Called once, before anything is sent. */
  join(remote: SimChannel, outgoing: SimPipe, incoming: SimPipe): void {
    this.#remote = remote
    this.#outgoing = outgoing
    this.#incoming = incoming
  }

  get remote(): SimChannel {
    return this.#remote!
  }

  /** Bytes sent that the other side has not confirmed. */
  get bytesInFlight(): number {
    return this.#outgoing!.inFlight
  }

  override send(frame: Uint8Array, options?: WaitOptions): Promise<void> {
    return this.life.enter('send') ? super.send(frame, options) : never()
  }

  override close(reason?: DisconnectReason): Promise<void> {
    return this.life.alive ? super.close(reason) : never()
  }

  break(why: string): void {
    if (this.#gone) return
    this.#leave()
    this.fail(channelBroken(this.remoteAddress, why))
  }

  hang(): void {
    this.#outgoing!.hang()
    this.#incoming!.hang()
  }

  stopReading(): Disposable {
    return this.#incoming!.stopReading()
  }

  drop(): void {
    this.#leave()
  }

  arrive(frame: Uint8Array): void {
    this.receive(frame)
  }

  endBy(reason: DisconnectReason): void {
    this.#remoteEnded = true
    this.finish(mirrored(reason))
  }

  roomAgain(): void {
    this.tellRoom()
  }

  protected write(frame: Uint8Array): boolean {
    return this.#outgoing!.send(frame.slice())
  }

  protected holdReading(hold: boolean): void {
    this.#incoming!.hold(hold)
  }

  /** The socket stays until the other side has heard of its end, or `closeTimeoutMs` have gone by. */
  protected shut(reason: DisconnectReason): Promise<void> {
    if (this.#gone) return Promise.resolve()
    if (this.#remoteEnded) {
      this.#leave()
      return Promise.resolve()
    }
    return new Promise(resolve => {
      const done = (): void => {
        timer[Symbol.dispose]()
        this.#leave()
        resolve()
      }
      const timer = this.clock.schedule(this.limits.closeTimeoutMs, done)
      this.#outgoing!.end(reason, done)
    })
  }

  #leave(): void {
    if (this.#gone) return
    this.#gone = true
    this.host.channels.delete(this)
    this.onEnd?.()
  }
}
