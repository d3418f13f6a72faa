import type { Core } from './core.ts'
import { joinIds, keyOf } from './item-id.ts'
import { ID_BYTES } from './limits.ts'
import type { Peer } from './peer.ts'
import { THRESHOLDS } from './score.ts'
import { itemOf } from './spread.ts'
import { splitIds } from './wants.ts'

export const PULL_TIMER = 'pull'
/** How often outstanding wants are looked at. */
const PULL_EVERY_MS = 100
/** A timer later than this says that the node itself was busy. */
const LATE_MS = 50
const NEWS_COUNT = 16

/** A brake with two marks: at `max` things are dropped, at the double the peer is charged, once a heartbeat. */
export function isOver(core: Core, peer: Peer, used: number, max: number, what: string): boolean {
  if (used <= max) return false
  core.count(`${what}-dropped`)
  if (used > max * 2 && !peer.brakes.breached) {
    peer.brakes.breached = true
    core.chargeBreach(peer, `${what}-breach`)
  }
  return true
}

/** Somebody announces: ask for what is missing here. */
export function takeHave(core: Core, peer: Peer, list: readonly { readonly topic: string; readonly ids: Uint8Array }[]): void {
  const { havesMax, haveIdsMax } = core.parameters
  if (isOver(core, peer, ++peer.brakes.haves, havesMax, 'have') || peer.value < THRESHOLDS.gossip) return
  for (const { topic, ids } of list) {
    if (core.topics.get(topic)?.subscribed !== true) {
      core.count('unknown-topic')
      continue
    }
    const split = splitIds(ids)
    if (split === null) return core.chargeBreach(peer, 'have-malformed')
    peer.brakes.haveIds += split.length
    const over = peer.brakes.haveIds - haveIdsMax
    isOver(core, peer, peer.brakes.haveIds, haveIdsMax, 'have-id')
    if (over > 0) split.splice(Math.max(0, split.length - over))
    ask(core, peer, split, false)
  }
}

/** Wants from `peer` what of these is neither here nor under way. Returns how many are missing. */
export function ask(core: Core, peer: Peer, ids: readonly Uint8Array[], synced: boolean): number {
  const missing: Uint8Array[] = []
  for (const id of ids) {
    const entry = core.cache.get(keyOf(id))
    if (entry !== undefined) entry.addHolder(peer)
    else if (!core.seen.has(id)) missing.push(id.slice())
  }
  if (missing.length === 0) return 0
  // Behind with its input, a node has most of what it hears of in the part that it has not read: asking for it would make that longer.
  const mayWait = core.lateMs > LATE_MS && !synced
  say(core, peer, core.wants.announced(peer, missing, core.nowMs, { synced, waitMs: mayWait ? core.lateMs : 0 }))
  planPull(core)
  return missing.length
}

function say(core: Core, peer: Peer, ids: readonly Uint8Array[]): void {
  if (ids.length > 0) core.say(peer, 'want', { ids: joinIds(ids) })
}

function planPull(core: Core): void {
  if (core.pullDueMs !== undefined || core.wants.size + core.wants.promises === 0) return
  core.pullDueMs = core.nowMs + PULL_EVERY_MS
  core.out.push({ kind: 'schedule', timer: PULL_TIMER, delayMs: PULL_EVERY_MS })
}

/** The timer of outstanding wants: others are asked, broken promises charged. */
export function pullAgain(core: Core): void {
  const lateMs = core.nowMs - (core.pullDueMs ?? core.nowMs)
  core.pullDueMs = undefined
  core.lateMs = Math.max(core.lateMs, lateMs)
  if (lateMs > LATE_MS) core.wants.postpone(lateMs)
  const isHere = (key: string): boolean => core.cache.get(key) !== undefined
  for (const peer of core.wants.broken(core.nowMs, isHere)) core.chargeBreach(peer, 'promise-broken')
  for (const { peer, ids } of core.wants.due(core.nowMs, isHere)) say(core, peer, ids)
  planPull(core)
}

/** Serves what is held, as often and as much as is fair. */
export function takeWant(core: Core, peer: Peer, ids: Uint8Array): void {
  const { wantIdsMax, wantBytesMax, servesMax } = core.parameters
  const { brakes } = peer
  if (peer.value < THRESHOLDS.gossip) return
  if (ids.length % ID_BYTES !== 0) return core.chargeBreach(peer, 'want-malformed')
  brakes.wantIds += ids.length / ID_BYTES
  isOver(core, peer, brakes.wantIds, wantIdsMax, 'want')
  const end = ids.length - Math.max(0, brakes.wantIds - wantIdsMax) * ID_BYTES
  for (let at = 0; at < end; at += ID_BYTES) {
    const entry = core.cache.get(keyOf(ids, at))
    if (entry?.state !== 'held' || entry.quiet) continue
    if (brakes.wantBytes + entry.size > wantBytesMax) core.count('want-bytes-dropped')
    else if (!entry.serve(peer, servesMax)) core.count('want-again')
    else {
      brakes.wantBytes += entry.size
      core.out.push({ kind: 'push', to: [peer], item: itemOf(core, entry) })
    }
  }
}

/** It has these, or is getting them. */
export function takeDontWant(core: Core, peer: Peer, ids: Uint8Array): void {
  if (ids.length % ID_BYTES !== 0) return core.chargeBreach(peer, 'dont-want-malformed')
  const { dontWantIdsMax } = core.parameters
  peer.brakes.dontWantIds += ids.length / ID_BYTES
  isOver(core, peer, peer.brakes.dontWantIds, dontWantIdsMax, 'dont-want')
  const end = ids.length - Math.max(0, peer.brakes.dontWantIds - dontWantIdsMax) * ID_BYTES
  for (let at = 0; at < end; at += ID_BYTES) {
    const key = keyOf(ids, at)
    const entry = core.cache.get(key)
    if (entry === undefined) peer.refuse(key)
    else if (entry.addHolder(peer) && entry.state === 'held') noteNews(core, core.nowMs - entry.arrivedAtMs)
  }
}

/** What second pushes wait for. */
function noteNews(core: Core, ms: number): void {
  core.newsMs = core.newsMs === undefined ? ms : core.newsMs + (ms - core.newsMs) / NEWS_COUNT
}
