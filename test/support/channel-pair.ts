import type { IChannel } from '../../lib/contracts/transport.ts'
import { AsyncQueue } from '../../lib/foundation/async-queue.ts'

/** What somebody on the path makes of the index-th frame of one end: nothing, the frame, others. */
export type Meddle = (frame: Uint8Array, from: 'dialler' | 'listener', index: number) => readonly Uint8Array[]

/** One end of a pipe inside the test. */
export class PairedChannel implements IChannel {
  readonly direction: 'inbound' | 'outbound'
  readonly remoteAddress: string
  readonly frames = new AsyncQueue<Uint8Array>()
  /** Copies of what was sent from here, before anybody meddled. */
  readonly sent: Uint8Array[] = []
  /** Copies of what arrived here. */
  readonly arrived: Uint8Array[] = []
  /** Set by the owner, and how many frames it had sent by then. */
  raised: { bytesMax: number; afterFrames: number } | undefined
  readonly #meddle: Meddle
  #other: PairedChannel | undefined

  constructor(direction: 'inbound' | 'outbound', meddle: Meddle) {
    this.direction = direction
    this.remoteAddress = `pair:${direction === 'inbound' ? 'dialler' : 'listener'}`
    this.#meddle = meddle
  }

  join(other: PairedChannel): void {
    this.#other = other
  }

  get closed(): boolean {
    return this.frames.ended
  }

  async send(frame: Uint8Array): Promise<void> {
    if (this.closed) throw new Error('this channel is closed')
    const index = this.sent.push(frame.slice()) - 1
    const arriving = this.#meddle(frame.slice(), this.direction === 'outbound' ? 'dialler' : 'listener', index)
    for (const each of arriving) this.#other?.take(each)
  }

  setFrameBytesMax(bytesMax: number): void {
    this.raised = { bytesMax, afterFrames: this.sent.length }
  }

  /** What the pipe delivers at this end. */
  take(frame: Uint8Array): void {
    this.arrived.push(frame.slice())
    this.frames.push(frame)
  }

  async close(): Promise<void> {
    this.frames.end()
    this.#other?.frames.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Two ends of one pipe. */
export function channelPair(meddle: Meddle = frame => [frame]): { dialler: PairedChannel; listener: PairedChannel } {
  const dialler = new PairedChannel('outbound', meddle)
  const listener = new PairedChannel('inbound', meddle)
  dialler.join(listener)
  listener.join(dialler)
  return { dialler, listener }
}
