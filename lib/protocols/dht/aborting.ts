/** One listener on a signal however many wait for it: platforms warn of many. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

/** Runs once when the signal aborts, unless disposed before. */
export function onAbort(signal: AbortSignal | undefined, run: () => void): Disposable {
  if (signal === undefined) return { [Symbol.dispose]: () => {} }
  let runs = waiting.get(signal)
  if (runs === undefined) {
    const made = new Set<() => void>()
    runs = made
    waiting.set(signal, made)
    signal.addEventListener('abort', () => {
      for (const each of [...made]) each()
    }, { once: true })
  }
  const set = runs
  set.add(run)
  return { [Symbol.dispose]: () => void set.delete(run) }
}
