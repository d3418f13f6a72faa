import { EventEmitter } from 'eventemitter3'

type Listener = (this: unknown, ...args: unknown[]) => unknown

/** What an emitter that extends `SafeEmitter` may define: told of each listener that failed, and on which event. */
export interface HearsListenerFailures {
  listenerFailed(error: unknown, event: string | symbol): void
}

class IsolatingEmitter extends EventEmitter {
  /** The same listener on the same event has the same wrapper, so that it can be taken off. */
  readonly #wrappers = new WeakMap<Listener, Map<string | symbol, Listener>>()

  override on(event: string | symbol, listener: Listener, context?: unknown): this {
    return super.on(event, this.#wrapperOf(event, listener), context)
  }

  override addListener(event: string | symbol, listener: Listener, context?: unknown): this {
    return this.on(event, listener, context)
  }

  override once(event: string | symbol, listener: Listener, context?: unknown): this {
    return super.once(event, this.#wrapperOf(event, listener), context)
  }

  override off(event: string | symbol, listener?: Listener, context?: unknown, once?: boolean): this {
    return super.off(event, listener && (this.#wrappers.get(listener)?.get(event) ?? listener), context, once)
  }

  override removeListener(event: string | symbol, listener?: Listener, context?: unknown, once?: boolean): this {
    return this.off(event, listener, context, once)
  }

  #wrapperOf(event: string | symbol, listener: Listener): Listener {
    if (typeof listener !== 'function') throw new TypeError(`a listener must be a function, got ${typeof listener}`)
    let wrappers = this.#wrappers.get(listener)
    if (wrappers === undefined) this.#wrappers.set(listener, (wrappers = new Map()))
    let wrapper = wrappers.get(event)
    if (wrapper === undefined) wrappers.set(event, (wrapper = this.#wrap(event, listener)))
    return wrapper
  }

  #wrap(event: string | symbol, listener: Listener): Listener {
    const failed = (error: unknown): void => (this as Partial<HearsListenerFailures>).listenerFailed?.(error, event)
    return function (...args) {
      try {
        const result = listener.apply(this, args)
        if (result instanceof Promise) result.catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }
}

/**
 * An eventemitter3 whose listeners cannot hurt each other or the emitter: one that throws, or
 * returns a promise that rejects, is handed to `listenerFailed`, and the others still run.
 */
export const SafeEmitter = IsolatingEmitter as unknown as typeof EventEmitter
