import type { IClock } from '../contracts/clock.ts'

/** The machine's own time. Whoever schedules owns the timer: an undisposed one keeps a Node process alive. */
export const systemClock: IClock = {
  now: () => Date.now(),
  elapsedMs: () => performance.now(),
  schedule(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
  defer: makeDefer(),
}

/** `setImmediate` in Node; a message channel in a browser, where nested timers wait at least 4 ms. */
function makeDefer(): (run: () => void) => void {
  if (typeof setImmediate === 'function') return run => void setImmediate(run)
  const waiting: (() => void)[] = []
  let channel: MessageChannel | undefined
  return run => {
    if (channel === undefined) {
      channel = new MessageChannel()
      channel.port1.onmessage = () => waiting.shift()?.()
    }
    waiting.push(run)
    channel.port2.postMessage(null)
  }
}

/** Runs after this tick's input, by whichever way the clock has. */
export function deferOn(clock: IClock, run: () => void): void {
  if (clock.defer) clock.defer(run)
  else clock.schedule(0, run)
}
