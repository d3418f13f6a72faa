import type { IChannel, IListener, ITransport } from '../../lib/contracts/transport.ts'
import type { WaitOptions } from '../../lib/contracts/wait.ts'

/** Counts dials, and can hold them up until a test lets them through. */
export class CountingTransport implements ITransport<'memory'> {
  readonly name = 'memory'
  readonly schemes: readonly string[]
  dials = 0
  #inner: ITransport<'memory'>
  #gate: Promise<void> | undefined
  #open: (() => void) | undefined

  constructor(inner: ITransport<'memory'>) {
    this.#inner = inner
    this.schemes = inner.schemes
  }

  /** From here on dials wait for `release`. */
  hold(): void {
    this.#gate = new Promise(resolve => (this.#open = resolve))
  }

  release(): void {
    this.#open?.()
    this.#gate = undefined
  }

  async dial(address: string, options?: WaitOptions): Promise<IChannel> {
    this.dials++
    await this.#gate
    options?.signal?.throwIfAborted()
    return await this.#inner.dial(address, options)
  }

  listen(address: string, options?: WaitOptions): Promise<IListener> {
    return this.#inner.listen!(address, options)
  }
}
