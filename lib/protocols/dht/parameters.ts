const SECOND = 1_000
const MINUTE = 60 * SECOND
const MIB = 1024 * 1024

/** Everything an operator may tune. Times in milliseconds, sizes in bytes. */
export interface DhtParameters {
  /** Copies of a record, contacts in a bucket, nodes named in an answer (at most 20). */
  k: number
  /** Questions under way on one path. */
  alpha: number
  /** Paths of a lookup that share no node. */
  paths: number
  /** Paths where a first try has failed, or where much depends on it. */
  carefulPaths: number
  /** Records drawn from the region besides the k nearest, where more live there than should. */
  regionSample: number

  /** One question to a node with a link, and the least; each relay on the way adds as much. */
  askMsMin: number
  /** One question, whatever is on the way. */
  askMsMax: number
  /** A whole lookup. */
  lookupMs: number

  /** Links at which no more are dialled for the table. */
  linksWanted: number
  /** Of those, links to the nearest nodes. */
  nearWanted: number
  /** Links wanted in each bucket that has so many nodes. */
  bucketWanted: number
  /** Between looks at whether the table could be better, once it is good. */
  refreshMs: number
  /** A public node serves when it has been up for so long, or knows fewer than k others. */
  servesAfterMs: number

  /** Contacts of one /24 or /48 in one bucket, and in the table; of one address. */
  perGroupInBucket: number
  perGroup: number
  perAddress: number

  /** How long an announcement lives unless the caller says. */
  ttlMs: number
  /** Republished at this share of its lifetime, at most `republishMs` and at least `republishMsMin` apart. */
  republishMs: number
  republishMsMin: number
  /** Between two looks of `watch` where holders do not tell by themselves. */
  watchEveryMs: number

  /** Records held for others, and their bytes. */
  recordsMax: number
  bytesMax: number
  /** What one publisher, and one /24 or /48, may always have; while there is room, a sixteenth of it. */
  perPublisher: number
  perHandGroup: number
  /** Puts from one peer: sustained, and at once. */
  putsPerSecond: number
  putsBurst: number
  /** Questions from one peer. */
  asksPerSecond: number
  asksBurst: number
  /** Questions carried for one peer. */
  carriesPerSecond: number
  carriesBurst: number
}

export const DEFAULT_PARAMETERS: Readonly<DhtParameters> = Object.freeze({
  k: 20, alpha: 3, paths: 4, carefulPaths: 8, regionSample: 40,
  askMsMin: 500, askMsMax: 3 * SECOND, lookupMs: 15 * SECOND,
  linksWanted: 36, nearWanted: 20, bucketWanted: 6, refreshMs: 10 * MINUTE, servesAfterMs: 20 * MINUTE,
  perGroupInBucket: 2, perGroup: 10, perAddress: 3,
  ttlMs: 120 * MINUTE, republishMs: 60 * MINUTE, republishMsMin: 10 * MINUTE, watchEveryMs: 10 * SECOND,
  recordsMax: 50_000, bytesMax: 64 * MIB, perPublisher: 64, perHandGroup: 128,
  putsPerSecond: 10, putsBurst: 100, asksPerSecond: 1_000, asksBurst: 4_000, carriesPerSecond: 200, carriesBurst: 1_000,
})

/** Defaults with the caller's own figures over them. Throws RangeError for a figure that cannot work. */
export function dhtParameters(changes: Partial<DhtParameters> = {}): DhtParameters {
  for (const [key, value] of Object.entries(changes)) {
    if (!Object.hasOwn(DEFAULT_PARAMETERS, key)) throw new RangeError(`${key} is not a parameter of the DHT; lib/protocols/dht/parameters.ts lists them`)
    if (typeof value !== 'number' || !(value >= 0)) throw new RangeError(`${key} must be a number of at least 0, got ${String(value)}`)
  }
  const chosen = { ...DEFAULT_PARAMETERS, ...changes }
  check(Number.isInteger(chosen.k) && chosen.k >= 1 && chosen.k <= 20, `k from 1 to 20, got ${chosen.k}`)
  for (const key of ['alpha', 'paths', 'carefulPaths'] as const) check(Number.isInteger(chosen[key]) && chosen[key] >= 1 && chosen[key] <= 16, `${key} from 1 to 16, got ${chosen[key]}`)
  check(chosen.askMsMin > 0 && chosen.askMsMin <= chosen.askMsMax, `0 < askMsMin <= askMsMax, got ${chosen.askMsMin}, ${chosen.askMsMax}`)
  for (const key of ['refreshMs', 'watchEveryMs', 'republishMs', 'republishMsMin', 'lookupMs'] as const) check(chosen[key] > 0, `${key} above 0, got ${chosen[key]}`)
  return chosen
}

function check(holds: boolean, expected: string): void {
  if (!holds) throw new RangeError(`expected ${expected}`)
}
