import type { IChannel, IListener } from '../../../lib/contracts/transport.ts'
import { WebSocketTransport, type WebSocketOptions } from '../../../lib/transports/websocket.node.ts'
import { within } from './raw-client.ts'

/** A listener under attack, and an honest pair of channels on it that must never notice. */
export class Scene implements AsyncDisposable {
  readonly transport: WebSocketTransport
  readonly listener: IListener
  readonly #honest: { alice: IChannel; bob: IChannel }

  private constructor(transport: WebSocketTransport, listener: IListener, honest: { alice: IChannel; bob: IChannel }) {
    this.transport = transport
    this.listener = listener
    this.#honest = honest
  }

  static async open(options: WebSocketOptions = {}, address = 'ws://127.0.0.1:0'): Promise<Scene> {
    const transport = new WebSocketTransport(options)
    const listener = await transport.listen(address)
    const [alice, bob] = await Promise.all([transport.dial(listener.address), accepted(listener)])
    return new Scene(transport, listener, { alice, bob })
  }

  get address(): string {
    return this.listener.address
  }

  /** The next channel the listener hands out. */
  accepted(): Promise<IChannel> {
    return accepted(this.listener)
  }

  /** Fails unless the honest pair still exchanges frames and a newcomer still gets in. */
  async othersAreUnharmed(): Promise<void> {
    await exchange(this.#honest.alice, this.#honest.bob)
    const [carol, dave] = await within(Promise.all([this.transport.dial(this.address), this.accepted()]), 'a newcomer')
    await exchange(carol, dave)
    await carol.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener.close()
    await this.#honest.alice.close()
  }
}

export async function accepted(listener: IListener): Promise<IChannel> {
  const { value } = await within(listener.channels[Symbol.asyncIterator]().next(), 'a channel')
  if (!value) throw new Error('the listener ended')
  return value
}

export async function nextFrame(channel: IChannel): Promise<Uint8Array | undefined> {
  const { value } = await within(channel.frames[Symbol.asyncIterator]().next(), 'a frame')
  return value as Uint8Array | undefined
}

/** What reading ends with: 'end', or the code of the error it throws. */
export async function ending(channel: IChannel): Promise<string> {
  try {
    await within((async () => { for await (const _ of channel.frames) continue })(), 'the end of reading')
    return 'end'
  } catch (error) {
    return String((error as { code?: string }).code ?? error)
  }
}

async function exchange(one: IChannel, other: IChannel): Promise<void> {
  for (const [from, to] of [[one, other], [other, one]] as const) {
    const frame = Uint8Array.of(1, 2, 3)
    await from.send(frame)
    const got = await nextFrame(to)
    if (String(got) !== String(frame)) throw new Error(`expected ${String(frame)}, got ${String(got)}`)
  }
}
