/** What simulated code may ask of the world outside. At each of these calls it may die. */
export type InjectedCall = 'clock' | 'store' | 'signer' | 'dial' | 'listen' | 'send'

/**
 * One run of a node's program, from start to crash. When it ends, nothing it still tries has any effect: its timers are
 * off, its calls never return. So product code needs no points to fail at, and what a crash leaves behind is garbage.
 */
export class Life {
  readonly #onDeath: (() => void) | undefined
  #alive = true
  #calls = 0
  #diesAtCall = Infinity

  constructor(onDeath?: () => void) {
    this.#onDeath = onDeath
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Injected calls so far. */
  get calls(): number {
    return this.#calls
  }

  /** Crashes at the so manieth injected call from now: in the middle of whatever is being done then. */
  dieAtCall(callsFromNow: number): void {
    this.#diesAtCall = this.#calls + callsFromNow
  }

  /** Ends it, without a word to anybody. */
  end(): void {
    this.#alive = false
  }

  /** Called at the start of each injected call; false means that the caller is dead. */
  enter(_call: InjectedCall): boolean {
    if (!this.#alive) return false
    if (++this.#calls < this.#diesAtCall) return true
    this.#diesAtCall = Infinity
    this.#onDeath?.()
    return this.#alive
  }

  /** The result of a call, which the dead do not learn. */
  async learn<T>(call: InjectedCall, ask: () => Promise<T>): Promise<T> {
    if (!this.enter(call)) return await never()
    try {
      return await ask()
    } finally {
      if (!this.#alive) await never()
    }
  }
}

/** What a call returns whose caller is dead. */
export function never(): Promise<never> {
  return new Promise<never>(() => {})
}
