import type { IChannel, IListener, ITransport } from '../../lib/contracts/transport.ts'
import type { WaitOptions } from '../../lib/contracts/wait.ts'

/** A transport whose listener believes that diallers come from wherever the test says. */
export class AddressedTransport implements ITransport<'memory'> {
  readonly name = 'memory'
  readonly schemes: readonly string[]
  readonly #inner: ITransport<'memory'>
  readonly #next: string[] = []

  constructor(inner: ITransport<'memory'>) {
    this.#inner = inner
    this.schemes = inner.schemes
  }

  /** Dials so that the other side sees this address, such as `ws://203.0.113.7:5000`. */
  dialFrom(from: string, address: string, options?: WaitOptions): Promise<IChannel> {
    this.#next.push(from)
    return this.#inner.dial(address, options)
  }

  dial(address: string, options?: WaitOptions): Promise<IChannel> {
    return this.dialFrom('ws://192.0.2.1:1', address, options)
  }

  async listen(address: string, options?: WaitOptions): Promise<IListener> {
    const listener = await this.#inner.listen!(address, options)
    const next = this.#next
    return {
      address: listener.address,
      channels: (async function* () {
        for await (const channel of listener.channels) yield seenFrom(channel, next.shift()!)
      })(),
      close: () => listener.close(),
      [Symbol.asyncDispose]: () => listener.close(),
    }
  }
}

function seenFrom(channel: IChannel, remoteAddress: string): IChannel {
  return {
    direction: channel.direction,
    remoteAddress,
    frames: channel.frames,
    send: (frame, options) => channel.send(frame, options),
    setFrameBytesMax: bytes => channel.setFrameBytesMax?.(bytes),
    close: reason => channel.close(reason),
    [Symbol.asyncDispose]: () => channel.close(),
  }
}
