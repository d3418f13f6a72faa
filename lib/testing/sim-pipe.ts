import type { DisconnectReason } from '../contracts/peer.ts'
import { fateOf, transitMs } from './link-quality.ts'
import type { Life } from './life.ts'
import { Happening, SimEvent, type Timeline } from './sim-event.ts'
import type { SimHost, SimSocket } from './sim-host.ts'
import type { SimPath } from './sim-path.ts'

/** What the system holds for a socket before `send` waits; the reader's side holds as much again. */
const IN_FLIGHT_BYTES_HIGH = 256 * 1024
/** Headers of the packets a frame travels in. */
const FRAME_OVERHEAD_BYTES = 64
/** A line that works again is found out by the next retransmission. */
const RESUME_MS_MAX = 1_000
/** How late a frame is that was overtaken. */
const REORDER_MS_MAX = 500

/** A socket, as the pipes that lead to and from it know it. */
export interface PipeEnd extends SimSocket {
  readonly life: Life
  /** A frame has come. */
  arrive(frame: Uint8Array): void
  /** The other side has closed the channel. */
  endBy(reason: DisconnectReason): void
  /** There is room again for what `send` waited with. */
  roomAgain(): void
}

/** What pipes are laid in. */
export interface PipeGround {
  readonly clock: Timeline
  path(from: SimHost, to: SimHost): SimPath
  /** Both ends break. */
  reset(socket: SimSocket): void
  /** Something waits in this pipe until the line works again. */
  park(pipe: SimPipe): void
  unpark(pipe: SimPipe): void
  /** Told of each frame as its reader gets it. */
  onFrame: ((from: SimHost, to: SimHost, frame: Uint8Array) => void) | undefined
}

/** What travels: a frame, or the end of the channel. */
interface Cargo {
  readonly size: number
  readonly frame?: Uint8Array
  readonly ending?: { reason: DisconnectReason; confirmed: () => void }
}

/**
 * One direction of a channel, as TCP would carry it: in order, late where packets are lost, waiting where the line is cut,
 * and full where the reader does not read.
 */
export class SimPipe {
  readonly path: SimPath
  readonly back: SimPath
  readonly #network: PipeGround
  readonly #sender: PipeEnd
  readonly #receiver: PipeEnd
  #lineFreeAtMs = 0
  #lastArrivalMs = 0
  /** Bytes the other side has not confirmed. */
  #inFlight = 0
  #full = false
  /** Read there, but the confirmation cannot get back. */
  #unconfirmed = 0
  /** Sent again and again by the system, in vain so far. */
  #parked: Cargo[] = []
  /** Arrived, and not taken by the reader. */
  #unread: Cargo[] = []
  #readerHolds = false
  #stopped = 0
  #hung = false

  constructor(network: PipeGround, sender: PipeEnd, receiver: PipeEnd) {
    this.#network = network
    this.#sender = sender
    this.#receiver = receiver
    this.path = network.path(sender.host, receiver.host)
    this.back = network.path(receiver.host, sender.host)
  }

  /** Bytes sent and not confirmed. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Takes a frame that nobody will change; false asks the sender to wait for `tellRoom`. */
  send(frame: Uint8Array): boolean {
    this.#put({ size: frame.length + FRAME_OVERHEAD_BYTES, frame })
    if (this.#inFlight >= IN_FLIGHT_BYTES_HIGH) this.#full = true
    return !this.#full
  }

  /** Ends the channel after all that was sent; `confirmed` runs when the other side has said that it heard. */
  end(reason: DisconnectReason, confirmed: () => void): void {
    this.#put({ size: FRAME_OVERHEAD_BYTES, ending: { reason, confirmed } })
  }

  /** The reader has enough for now, or has room again. */
  hold(hold: boolean): void {
    this.#readerHolds = hold
    if (!hold) this.#readOn()
  }

  /** The reader's program does not read, whatever it says. */
  stopReading(): Disposable {
    this.#stopped++
    return {
      [Symbol.dispose]: () => {
        if (--this.#stopped === 0) this.#readOn()
      },
    }
  }

  /** Neither side hears of the other any more, and neither is told: as when a router forgets a connection. */
  hang(): void {
    this.#hung = true
    this.#parked = []
    this.#network.unpark(this)
  }

  /** The line may work again: whatever waited is sent once more. */
  resume(): void {
    if (!this.back.cut && this.#unconfirmed > 0) {
      const late = this.#unconfirmed
      this.#unconfirmed = 0
      this.#free(late)
    }
    if (!this.path.cut) for (const cargo of this.#parked.splice(0)) this.#depart(cargo)
    if (this.#unconfirmed === 0 && this.#parked.length === 0) this.#network.unpark(this)
  }

  /** How long until the system tries again. */
  get resumeMs(): number {
    return this.path.random.fraction() * RESUME_MS_MAX
  }

  #put(cargo: Cargo): void {
    this.#inFlight += cargo.size
    if (this.#hung) return
    if (this.path.cut || this.#parked.length > 0) this.#park(cargo)
    else this.#depart(cargo)
  }

  #park(cargo: Cargo): void {
    if (this.#hung) return
    this.#parked.push(cargo)
    this.#network.park(this)
  }

  #depart(cargo: Cargo): void {
    const { clock } = this.#network
    const { quality, random } = this.path
    const fate = cargo.frame === undefined ? 'arrives' : fateOf(quality, random)
    if (fate === 'resets') return this.#reset()
    const nowMs = clock.elapsedMs()
    this.#lineFreeAtMs = Math.max(nowMs, this.#lineFreeAtMs) + 1000 * cargo.size / quality.bytesPerSecond
    const arrivalMs = Math.max(this.#lastArrivalMs, this.#lineFreeAtMs + transitMs(quality, random))
    if (fate !== 'reordered') this.#lastArrivalMs = arrivalMs
    if (fate === 'vanishes') return this.#confirm(cargo.size)
    const inMs = arrivalMs - nowMs
    switch (fate) {
      case 'duplicated':
        this.#arriveIn(inMs, cargo)
        return this.#arriveIn(inMs, { ...cargo, size: 0 })
      case 'reordered':
        return this.#arriveIn(inMs + random.fraction() * REORDER_MS_MAX, cargo)
      case 'corrupted':
      case 'truncated':
        return this.#arriveIn(inMs, { ...cargo, frame: damaged(fate, cargo.frame!, random.fraction()) })
      case 'arrives':
        return this.#arriveIn(inMs, cargo)
    }
  }

  /** What was sent after the frame that met the reset is lost with it: a stream has no gaps. */
  #reset(): void {
    this.hang()
    this.#network.reset(this.#sender)
  }

  #arriveIn(ms: number, cargo: Cargo): void {
    this.#network.clock.post(new Arrival(this, cargo), ms, this.path.to.pace)
  }

  /** @internal */
  arrive(cargo: Cargo): void {
    if (this.#hung) return
    if (!this.#receiver.life.alive) return this.#findNobody(cargo)
    if (this.#holds || this.#unread.length > 0) this.#unread.push(cargo)
    else this.#handOver(cargo)
  }

  get #holds(): boolean {
    return this.#readerHolds || this.#stopped > 0
  }

  #readOn(): void {
    if (this.#unread.length === 0) return
    this.#network.clock.postDeferred(new Happening(() => {
      while (this.#unread.length > 0 && !this.#holds && this.#receiver.life.alive) this.#handOver(this.#unread.shift()!)
    }), this.path.to.pace)
  }

  #handOver({ size, frame, ending }: Cargo): void {
    this.#confirm(size)
    if (frame !== undefined) {
      this.#network.onFrame?.(this.path.from, this.path.to, frame)
      this.#receiver.arrive(frame)
    } else if (ending !== undefined) {
      this.#receiver.endBy(ending.reason)
      if (!this.back.cut) this.#network.clock.post(new Happening(ending.confirmed), this.#backMs, this.back.to.pace)
    }
  }

  /** The machine that is there now knows of no such socket and says so; one that is off says nothing. */
  #findNobody(cargo: Cargo): void {
    if (!this.path.to.up) return this.#park(cargo)
    if (!this.back.cut) this.#network.clock.post(new Happening(() => this.#sender.break('the other side knows nothing of it')), this.#backMs, this.back.to.pace)
  }

  get #backMs(): number {
    return transitMs(this.back.quality, this.back.random)
  }

  #confirm(size: number): void {
    if (!this.back.cut) return this.#free(size)
    this.#unconfirmed += size
    this.#network.park(this)
  }

  #free(size: number): void {
    this.#inFlight -= size
    if (!this.#full || this.#inFlight > IN_FLIGHT_BYTES_HIGH / 2) return
    this.#full = false
    this.#sender.roomAgain()
  }
}

class Arrival extends SimEvent {
  readonly #pipe: SimPipe
  readonly #cargo: Cargo

  constructor(pipe: SimPipe, cargo: Cargo) {
    super()
    this.#pipe = pipe
    this.#cargo = cargo
  }

  happen(): void {
    this.#pipe.arrive(this.#cargo)
  }
}

/** One bit changed, or the end missing. */
function damaged(how: 'corrupted' | 'truncated', frame: Uint8Array, where: number): Uint8Array {
  if (how === 'truncated') return frame.slice(0, Math.floor(where * frame.length))
  const changed = frame.slice()
  const bit = Math.floor(where * frame.length * 8)
  if (changed.length > 0) changed[bit >> 3]! ^= 1 << (bit & 7)
  return changed
}
