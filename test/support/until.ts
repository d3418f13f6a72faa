const DEADLINE_MS = 8_000
/** More turns of the event loop than anything takes that waits for neither time nor a socket. */
const TURNS = 40

/** Waits for something to become true: looks once in each turn of the event loop, and gives up after a while. */
export async function until(condition: () => unknown, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms in vain: ${what}`)
    await turn()
  }
}

/** Lets everything run that waits for neither time nor a socket: what has not happened after it will not. */
export async function settle(turns = TURNS): Promise<void> {
  for (let index = 0; index < turns; index++) await turn()
}

export function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Waits for a promise no longer than a test should. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${DEADLINE_MS} ms in vain: ${what}`)), DEADLINE_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
