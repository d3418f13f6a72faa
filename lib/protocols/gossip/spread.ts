import { EMPTY_BYTES } from '../../foundation/bytes.ts'
import type { P2PMessage } from '../../contracts/message.ts'
import type { Core } from './core.ts'
import type { Item } from './definition.ts'
import { Entry } from './entry.ts'
import { joinIds, keyOf, partsOf } from './item-id.ts'
import { ID_BYTES, LATER_MAX, PATH_KEYS_MAX } from './limits.ts'
import { shuffled } from './mesh.ts'
import type { Peer } from './peer.ts'
import { THRESHOLDS } from './score.ts'
import type { Topic } from './topic.ts'

/** A second push waits for as many times what news of an item takes, and at least so long. */
const NEWS_TIMES = 2
const PUSH_DELAY_MS_MIN = 5
/** A second push waits no longer than this for a node to catch up. */
const LATE_MS_MAX = 500
/** Announcements wait this long for others to share their word. */
const ANNOUNCE_MS = 25
export const ANNOUNCE_TIMER = 'announce'
export const LATER_TIMER = 'later'

/** Our own: to every peer of the topic. Returns how many it was pushed or announced to. */
export function publish(core: Core, name: string, frame: Uint8Array, message: P2PMessage): number {
  const topic = core.ensureTopic(name)
  const parts = partsOf(frame)
  if (topic === undefined || parts === null) return 0
  const id = core.ids.idOf(frame, parts)
  const entry = new Entry(id, keyOf(id), name, { from: undefined, frame, hops: 0, path: EMPTY_BYTES }, parts, core.nowMs, false)
  entry.timestampMs = message.timestamp
  core.seen.add(id, core.nowMs)
  core.statements.add(core.statements.nameOf(name, message.from, message), entry.key)
  core.cache.hold(entry, topic)
  const { floodPublish, largeBytes, announceMax } = core.parameters
  const everybody = [...topic.members].filter(peer => peer.value >= THRESHOLDS.publish)
  const isLarge = entry.size > largeBytes
  const first = floodPublish && !isLarge ? everybody : everybody.filter(peer => peer.direct || topic.mesh.has(peer))
  const pushed = first.length > 0 ? first : shuffled(everybody, core.random).slice(0, core.parameters.meshTarget)
  pushTo(core, entry, pushed)
  if (!isLarge) return pushed.length
  const told = shuffled(everybody.filter(peer => !pushed.includes(peer)), core.random).slice(0, announceMax)
  for (const peer of told) announceSoon(core, peer, entry)
  return pushed.length + told.length
}

/** An item that turned out well goes on, unless it has gone far enough. */
export function spread(core: Core, topic: Topic, entry: Entry, author: string): void {
  const { maxHops, strictHops, largeBytes, largePushPeers } = core.parameters
  entry.heldBack = entry.hops >= maxHops
  entry.quiet = entry.heldBack && strictHops
  if (entry.quiet) return
  const open: Peer[] = []
  for (const peer of topic.mesh.keys()) if (mayNeed(peer, entry, author)) open.push(peer)
  for (const peer of topic.fed) if (mayNeed(peer, entry, author)) open.push(peer)
  if (entry.synced || entry.heldBack) open.forEach(peer => announceSoon(core, peer, entry))
  else if (entry.size > largeBytes) pushToFew(core, entry, open, largePushPeers)
  else pushInTwo(core, entry, open)
  if (core.options.direct !== undefined) pushTo(core, entry, directPeers(topic).filter(peer => mayNeed(peer, entry, author)))
}

function mayNeed(peer: Peer, entry: Entry, author: string): boolean {
  return peer.id !== author && !entry.isHeldBy(peer) && !peer.refuses(entry.key)
}

/**
 * To some at once, to the rest a little later: by then several of those have sent it themselves. It takes a quarter of the
 * copies away and hardly any speed, as the first few reach everybody.
 */
function pushInTwo(core: Core, entry: Entry, open: readonly Peer[]): void {
  const { eagerPushPeers, pushDelayMs: longestMs } = core.parameters
  // Where others are heard to have an item within a millisecond, there is nothing to wait for longer.
  const pushDelayMs = Math.min(longestMs, Math.max(PUSH_DELAY_MS_MIN, Math.ceil(NEWS_TIMES * (core.newsMs ?? longestMs))))
  if (open.length <= eagerPushPeers || longestMs === 0 || core.later.length >= LATER_MAX) return pushTo(core, entry, open)
  const drawn = dialledFirst(shuffled(open, core.random))
  pushTo(core, entry, drawn.slice(0, eagerPushPeers))
  // A node that is behind hears late that somebody has it already.
  const delayMs = pushDelayMs + Math.min(Math.ceil(core.lateMs), LATE_MS_MAX)
  if (core.later.length === 0) core.out.push({ kind: 'schedule', timer: LATER_TIMER, delayMs })
  core.later.push({ entry, peers: drawn.slice(eagerPushPeers), dueMs: core.nowMs + delayMs })
}

/** Whoever fills a mesh by dialling us shall not slow it down: those we dialled come first. */
function dialledFirst(peers: Peer[]): Peer[] {
  return peers.sort((a, b) => Number(b.outbound === true) - Number(a.outbound === true))
}

/** The second pushes that are due and still needed. */
export function pushLater(core: Core): void {
  const { later } = core
  let done = 0
  if (later.length > 0) core.lateMs = Math.max(core.lateMs, core.nowMs - later[0]!.dueMs)
  for (; done < later.length && later[done]!.dueMs <= core.nowMs; done++) {
    const { entry, peers } = later[done]!
    const topic = core.topics.get(entry.topic)
    const isOpen = (peer: Peer): boolean => topic?.mesh.has(peer) === true || topic?.fed.has(peer) === true
    if (entry.state === 'held') pushTo(core, entry, peers.filter(peer => isOpen(peer) && mayNeed(peer, entry, entry.author)))
  }
  core.later = later.slice(done)
  const [next] = core.later
  if (next !== undefined) core.out.push({ kind: 'schedule', timer: LATER_TIMER, delayMs: Math.max(1, Math.ceil(next.dueMs - core.nowMs)) })
}

function pushToFew(core: Core, entry: Entry, open: readonly Peer[], count: number): void {
  const drawn = shuffled(open, core.random)
  pushTo(core, entry, drawn.slice(0, count))
  for (const peer of drawn.slice(count)) announceSoon(core, peer, entry)
}

function pushTo(core: Core, entry: Entry, to: readonly Peer[]): void {
  if (to.length > 0) core.out.push({ kind: 'push', to, item: itemOf(core, entry) })
}

/** As the next hop gets it: one transmission more, and our key if we only pass it on. */
export function itemOf(core: Core, entry: Entry): Item {
  const path = entry.from === undefined ? EMPTY_BYTES : withKey(entry.path, core.options.ownKey)
  return { topic: entry.topic, hops: Math.min(entry.hops + 1, 255), path, frame: entry.frame }
}

/** A full path keeps its beginning. */
function withKey(path: Uint8Array, key: Uint8Array): Uint8Array {
  if (path.length >= PATH_KEYS_MAX * ID_BYTES) return path
  const longer = new Uint8Array(path.length + key.length)
  longer.set(path)
  longer.set(key, path.length)
  return longer
}

function directPeers(topic: Topic): Peer[] {
  return [...topic.members].filter(peer => peer.direct)
}

/** `have`, in one word with others. What a peer's brake would not let through is left to the next heartbeat. */
export function announceSoon(core: Core, peer: Peer, entry: Entry): void {
  if (peer.toAnnounce.size === 0) core.out.push({ kind: 'schedule', timer: ANNOUNCE_TIMER, delayMs: ANNOUNCE_MS })
  const ids = peer.toAnnounce.get(entry.topic)
  if (ids === undefined) peer.toAnnounce.set(entry.topic, [entry.id])
  else if (ids.length < core.parameters.haveIdsMax) ids.push(entry.id)
  else core.count('announcement-dropped')
}

/** What waits for each peer, as far as its brake allows at this point of the heartbeat. */
export function flushAnnouncements(core: Core, sinceHeartbeatMs: number): void {
  const { havesMax, heartbeatMs } = core.parameters
  const allowed = 2 + (havesMax - 2) * Math.min(1, sinceHeartbeatMs / heartbeatMs)
  let waiting = false
  for (const peer of core.peers.values()) {
    if (peer.toAnnounce.size === 0) continue
    if (peer.brakes.saidHaves >= allowed) waiting = true
    else announce(core, peer, peer.toAnnounce)
  }
  if (waiting) core.out.push({ kind: 'schedule', timer: ANNOUNCE_TIMER, delayMs: ANNOUNCE_MS })
}

/** One `have` with as many ids as the peer will heed; empties `waiting`. */
export function announce(core: Core, peer: Peer, waiting: Map<string, Uint8Array[]>): void {
  const { brakes } = peer
  const list: { topic: string; ids: Uint8Array }[] = []
  for (const [topic, ids] of waiting) {
    const some = ids.slice(0, Math.max(0, core.parameters.haveIdsMax - brakes.saidHaveIds))
    if (some.length === 0 || peer.value < THRESHOLDS.gossip) continue
    brakes.saidHaveIds += some.length
    list.push({ topic, ids: joinIds(some) })
  }
  waiting.clear()
  if (list.length === 0) return
  brakes.saidHaves++
  core.say(peer, 'have', { list })
}

/** Whoever is about to push it to us need not. */
export function spare(core: Core, topic: Topic, entry: Entry): void {
  const { dontWantBytes, largeBytes, dontWantIdsMax } = core.parameters
  if (entry.size < dontWantBytes || entry.size > largeBytes) return
  const to: Peer[] = []
  for (const peer of topic.mesh.keys()) {
    if (entry.isHeldBy(peer) || peer.brakes.saidDontWants >= dontWantIdsMax) continue
    peer.brakes.saidDontWants++
    to.push(peer)
  }
  if (to.length > 0) core.out.push({ kind: 'spare', to, id: entry.id })
}
