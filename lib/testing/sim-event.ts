/** Whose events these are: they wait while it is stalled, and never come once it has ended. */
export class Pace {
  /** Virtual milliseconds until which nothing of this owner happens: an event loop that is stuck. */
  stalledUntilMs = 0
  ended = false
}

/** Something that will happen at a moment of virtual time. */
export abstract class SimEvent {
  /** Of all events the so manieth that was asked for. */
  sequence = 0
  owner: Pace | undefined
  /** False once it has been called off, or has happened. */
  waiting = false

  /** Called once, in its moment. */
  abstract happen(): void
}

/** What keeps events until their moment. */
export interface Timeline {
  /** Unix time in milliseconds at which the world began. */
  readonly startMs: number
  elapsedMs(): number
  /** Has an event happen after `delayMs`, or never if its owner has ended by then. */
  post<E extends SimEvent>(event: E, delayMs: number, owner?: Pace): E
  /** Has an event happen in this very moment, before any timer. */
  postDeferred(event: SimEvent, owner?: Pace): void
  cancel(event: SimEvent): void
  /** Set as soon as any clock is wrong or any owner stalled: until then nobody needs to look. */
  disturbed: boolean
}

/** The plain sort: a function and nothing more. */
export class Happening extends SimEvent {
  readonly happen: () => void

  constructor(happen: () => void) {
    super()
    this.happen = happen
  }
}
