const KIB = 1024
const SECOND = 1_000
const MINUTE = 60 * SECOND

/** Everything an operator may tune. Times in milliseconds, sizes in bytes. */
export interface GossipParameters {
  /** Peers pushed to in each topic: 6 to 12 keep delivery whole with a third of the links hostile, 8 cost 6 duplicates. */
  meshTarget: number
  /** Below it, peers are grafted. */
  meshMin: number
  /** Above it, peers are pruned. */
  meshMax: number
  /** Of those kept at a pruning, so many are the best by score; the rest are drawn. */
  meshBest: number
  /** Mesh slots for links we dialled: nobody can fill those by dialling us. */
  meshOutbound: number
  /** Peers we dialled that are pushed to, in our mesh or, where their mesh is full, without being in theirs. */
  feedPeers: number
  /** Prefer peers whose key is near ours by XOR, and drop the farthest (seed 000). */
  nearest: boolean
  /** With `nearest`, one that is nearer takes the place of the farthest when there is no room. */
  evictFarthest: boolean

  heartbeatMs: number
  /** Subscribers outside the mesh who hear announcements, at least. */
  lazyMin: number
  /** And the share of them. */
  gossipFactor: number
  /** That share while the median score of the mesh is low. */
  gossipFactorLow: number
  /** An item is announced at so many heartbeats. */
  gossipHeartbeats: number
  /** Heartbeats between looks at whether the mesh could be better. */
  opportunisticHeartbeats: number
  opportunisticPeers: number
  /** The median score of the mesh under which it counts as low. */
  opportunisticScore: number

  backoffMs: number
  unsubscribeBackoffMs: number

  /** Transmissions after which an item is no longer pushed. */
  maxHops: number
  /** After which it is not announced or served either. */
  strictHops: boolean

  /** Own publications go to all peers of the topic. */
  floodPublish: boolean
  /** Peers told at once of a large publication of ours. */
  announceMax: number
  /** So many of the mesh are pushed an item at once, the others after at most `pushDelayMs` if they have not shown by then that they have it: sooner where such news is quick. */
  eagerPushPeers: number
  pushDelayMs: number
  /** From this frame size on, receivers say `dont-want`. */
  dontWantBytes: number
  /** Above this frame size, items are pushed to few and announced to the rest. */
  largeBytes: number
  /** So few. */
  largePushPeers: number

  /** How long a valid id is remembered; at least age plus lead, and longer where a topic keeps more. */
  seenMs: number
  seenMax: number
  /** How old a pushed item may be by its author's clock. */
  ageMsMax: number
  /** How far ahead of ours that clock may be. */
  leadMsMax: number
  /** How long items are kept for others to ask for, unless the topic says otherwise. */
  retentionMs: number
  /** All items kept. The oldest go first; whether they were seen is remembered elsewhere. */
  retentionBytesMax: number

  /** First to ask another announcer: drawn between these. */
  retryMsMin: number
  retryMsMax: number
  /** An announced item that was asked for and has not come by then is a broken promise. */
  promiseMs: number
  /** So often one peer is served one item. */
  servesMax: number

  /** Words and ids heeded from one peer in one heartbeat. */
  havesMax: number
  haveIdsMax: number
  wantIdsMax: number
  wantBytesMax: number
  dontWantIdsMax: number
  graftsMax: number
  syncsMax: number

  /** Items being checked or validated: from one peer, and in all. */
  checkingPerPeerMax: number
  checkingMax: number
  validatorMs: number
  /** Validators under way for one topic. */
  validatorsMax: number
  /** And for one author in it, so that nobody's costly payloads keep others out. */
  validatorsPerAuthorMax: number

  /** Between syncs with a peer drawn at random; 0 turns them off, and only new links are synced. */
  syncEveryMs: number
  /** Syncs of one topic under way. */
  syncPeersMax: number
  syncTimeoutMs: number
}

export const DEFAULT_PARAMETERS: Readonly<GossipParameters> = Object.freeze({
  meshTarget: 8, meshMin: 6, meshMax: 12, meshBest: 6, meshOutbound: 4, feedPeers: 6, nearest: false, evictFarthest: true,

  heartbeatMs: SECOND, lazyMin: 8, gossipFactor: 0.25, gossipFactorLow: 0.4, gossipHeartbeats: 3,
  opportunisticHeartbeats: 15, opportunisticPeers: 2, opportunisticScore: 1,

  backoffMs: MINUTE, unsubscribeBackoffMs: 10 * SECOND,

  // No device for correctness: push alone takes 13 hops with half of the links hostile.
  maxHops: 24, strictHops: false,

  floodPublish: true, announceMax: 64, eagerPushPeers: 3, pushDelayMs: 60, dontWantBytes: KIB, largeBytes: 16 * KIB, largePushPeers: 2,

  seenMs: 300 * SECOND, seenMax: 1_048_576, ageMsMax: 120 * SECOND, leadMsMax: 30 * SECOND,
  retentionMs: 120 * SECOND, retentionBytesMax: 16 * KIB * KIB,

  retryMsMin: 400, retryMsMax: 800, promiseMs: 3 * SECOND, servesMax: 3,

  havesMax: 10, haveIdsMax: 1_000, wantIdsMax: 1_000, wantBytesMax: 4 * KIB * KIB, dontWantIdsMax: 512, graftsMax: 16, syncsMax: 4,

  checkingPerPeerMax: 64, checkingMax: 1_024, validatorMs: 2 * SECOND, validatorsMax: 64, validatorsPerAuthorMax: 16,

  syncEveryMs: 15 * SECOND, syncPeersMax: 3, syncTimeoutMs: 2 * SECOND,
})

/** The seeds' own numbers. */
export const GOSSIP_PRESETS = Object.freeze({
  /** Seed 000: a browser mesh of 3 peers, 2 at least, 10 hops, nearest by XOR. Its own advice for larger ones is 8 and 3. */
  seedMesh: preset({ meshTarget: 3, meshMin: 2, meshMax: 3, meshBest: 2, meshOutbound: 1, feedPeers: 0, nearest: true, maxHops: 10, strictHops: true }),
  /** Seed 001: 8 peers, 10 hops, duplicates known for 5 minutes. Its 1,000 ids would be full after a second at the promised rates. */
  seedNode: preset({ meshTarget: 8, meshMin: 5, meshMax: 8, meshBest: 5, meshOutbound: 2, feedPeers: 0, maxHops: 10, strictHops: true }),
  /** Seed 002: a topic is a swarm of 6 peers. */
  topicSwarm: preset({ meshTarget: 6, meshMin: 4, meshMax: 6, meshBest: 4, meshOutbound: 2, feedPeers: 0 }),
})
export type GossipPreset = keyof typeof GOSSIP_PRESETS

function preset(changes: Partial<GossipParameters>): Readonly<Partial<GossipParameters>> {
  return Object.freeze(changes)
}

/** Defaults, then a preset, then the caller's own figures. Throws RangeError for a figure that cannot work. */
export function gossipParameters(changes: Partial<GossipParameters> = {}, name?: GossipPreset): GossipParameters {
  if (name !== undefined && !Object.hasOwn(GOSSIP_PRESETS, name)) throw new RangeError(`preset must be one of ${Object.keys(GOSSIP_PRESETS).join(', ')}, got ${JSON.stringify(name)}`)
  const chosen: GossipParameters = { ...DEFAULT_PARAMETERS, ...(name === undefined ? {} : GOSSIP_PRESETS[name]), ...changes }
  for (const [key, value] of Object.entries(chosen)) checkOne(key, value)
  const { meshMin, meshTarget, meshMax, meshOutbound, seenMs, ageMsMax, leadMsMax, retryMsMin, retryMsMax } = chosen
  check(meshMin <= meshTarget && meshTarget <= meshMax, `meshMin <= meshTarget <= meshMax, got ${meshMin}, ${meshTarget}, ${meshMax}`)
  check(meshOutbound <= meshTarget, `meshOutbound of at most meshTarget, got ${meshOutbound}`)
  check(seenMs > ageMsMax + leadMsMax, `seenMs above ageMsMax + leadMsMax, so that nothing forgotten can come again; got ${seenMs}`)
  check(retryMsMin <= retryMsMax, `retryMsMin <= retryMsMax, got ${retryMsMin}, ${retryMsMax}`)
  check(chosen.maxHops >= 1 && chosen.maxHops <= 255, `maxHops from 1 to 255, got ${chosen.maxHops}`)
  check(chosen.heartbeatMs > 0, `heartbeatMs above 0, got ${chosen.heartbeatMs}`)
  return chosen
}

function checkOne(key: string, value: number | boolean): void {
  if (!Object.hasOwn(DEFAULT_PARAMETERS, key)) throw new RangeError(`${key} is not a parameter of gossip; lib/protocols/gossip/parameters.ts lists them`)
  if (typeof value !== typeof DEFAULT_PARAMETERS[key as keyof GossipParameters]) throw new TypeError(`${key} must be a ${typeof DEFAULT_PARAMETERS[key as keyof GossipParameters]}, got ${typeof value}`)
  if (typeof value === 'number' && !(value >= 0 || key === 'opportunisticScore')) throw new RangeError(`${key} must be a number of at least 0, got ${value}`)
}

function check(holds: boolean, expected: string): void {
  if (!holds) throw new RangeError(`expected ${expected}`)
}
