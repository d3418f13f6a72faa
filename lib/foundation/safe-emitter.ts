import { EventEmitter } from 'eventemitter3'

type Listener = (this: unknown, ...args: unknown[]) => unknown

/** What an emitter that extends `SafeEmitter` may define: told of each listener that failed. */
export interface HearsListenerFailures {
  listenerFailed(error: unknown): void
}

class IsolatingEmitter extends EventEmitter {
  readonly #wrappers = new WeakMap<Listener, Listener>()

  override on(event: string | symbol, listener: Listener, context?: unknown): this {
    return super.on(event, this.#wrapperOf(listener), context)
  }

  override addListener(event: string | symbol, listener: Listener, context?: unknown): this {
    return this.on(event, listener, context)
  }

  override once(event: string | symbol, listener: Listener, context?: unknown): this {
    return super.once(event, this.#wrapperOf(listener), context)
  }

  override off(event: string | symbol, listener?: Listener, context?: unknown, once?: boolean): this {
    return super.off(event, listener && (this.#wrappers.get(listener) ?? listener), context, once)
  }

  override removeListener(event: string | symbol, listener?: Listener, context?: unknown, once?: boolean): this {
    return this.off(event, listener, context, once)
  }

  #wrapperOf(listener: Listener): Listener {
    if (typeof listener !== 'function') throw new TypeError(`a listener must be a function, got ${typeof listener}`)
    const known = this.#wrappers.get(listener)
    if (known) return known
    const failed = (error: unknown): void => (this as Partial<HearsListenerFailures>).listenerFailed?.(error)
    const wrapper: Listener = function (...args) {
      try {
        const result = listener.apply(this, args)
        if (result instanceof Promise) result.catch(failed)
      } catch (error) {
        failed(error)
      }
    }
    this.#wrappers.set(listener, wrapper)
    return wrapper
  }
}

/**
 * An eventemitter3 whose listeners cannot hurt each other or the emitter: one that throws, or
 * returns a promise that rejects, is handed to `listenerFailed`, and the others still run.
 */
export const SafeEmitter = IsolatingEmitter as unknown as typeof EventEmitter
