import { NETGROUPS_MAX } from './limits.ts'

/** What one peer has used of its share since the last heartbeat. */
export class Brakes {
  haves = 0
  haveIds = 0
  wantIds = 0
  wantBytes = 0
  dontWantIds = 0
  grafts = 0
  syncs = 0
  /** Ids we asked it for: it has the same brake. */
  askedIds = 0
  /** Announcements we made to it: likewise. */
  saidHaves = 0
  saidHaveIds = 0
  saidDontWants = 0
  /** Already charged for too much of something. */
  breached = false

  reset(): void {
    this.haves = this.haveIds = this.wantIds = this.wantBytes = this.dontWantIds = this.grafts = this.syncs = this.askedIds = this.saidHaves = this.saidHaveIds = this.saidDontWants = 0
    this.breached = false
  }
}

/** How the items of one netgroup turned out. */
export interface ItemRecord {
  good: number
  duplicate: number
  ignored: number
  rejected: number
  agedAtMs: number
}

/** Counts fall to a hundredth in an hour. */
const AGE_PER_MS = Math.log(0.01) / 3_600_000
/** How heavily each weighs against a sender when there is more to check than can be checked. */
const WEIGHT = { duplicate: 0.125, ignored: 1, rejected: 16 } as const

/** Decides at random, by their past, whose items are checked when not all can be. */
export class EarlyDrop {
  readonly #records = new Map<string, ItemRecord>()

  get size(): number {
    return this.#records.size
  }

  recordOf(group: string, nowMs: number): ItemRecord {
    let record = this.#records.get(group)
    if (record === undefined) {
      if (this.#records.size >= NETGROUPS_MAX) this.#records.delete(this.#records.keys().next().value!)
      this.#records.set(group, record = { good: 0, duplicate: 0, ignored: 0, rejected: 0, agedAtMs: nowMs })
    }
    return record
  }

  /** In (0, 1]: the chance that the next item of theirs is checked. */
  chanceOf(record: ItemRecord, nowMs: number): number {
    age(record, nowMs)
    const { good, duplicate, ignored, rejected } = record
    return (1 + good) / (1 + good + WEIGHT.duplicate * duplicate + WEIGHT.ignored * ignored + WEIGHT.rejected * rejected)
  }
}

function age(record: ItemRecord, nowMs: number): void {
  const factor = Math.exp(AGE_PER_MS * (nowMs - record.agedAtMs))
  record.agedAtMs = nowMs
  record.good *= factor
  record.duplicate *= factor
  record.ignored *= factor
  record.rejected *= factor
}
