import type { Core } from './core.ts'
import { graft, prune, trimFed } from './membership.ts'
import { medianScore, planMesh, shuffled } from './mesh.ts'
import type { Peer } from './peer.ts'
import { SCORE_RETENTION_MS, THRESHOLDS } from './score.ts'
import { announce } from './spread.ts'
import { syncNowAndThen } from './syncing.ts'
import type { Topic } from './topic.ts'

export const HEARTBEAT_TIMER = 'heartbeat'

/** Each node at its own moment, so that a network does not beat as one. */
export function start(core: Core): void {
  const delayMs = Math.floor(core.random() * core.parameters.heartbeatMs)
  core.heartbeatDueMs = core.nowMs + delayMs
  core.out.push({ kind: 'schedule', timer: HEARTBEAT_TIMER, delayMs })
}

/** Once a second: everything that is not an answer to somebody. */
export function heartbeat(core: Core, wallMs: number): void {
  core.heartbeats++
  const dueMs = core.heartbeatDueMs
  core.heartbeatDueMs = core.nowMs + core.parameters.heartbeatMs
  core.out.push({ kind: 'schedule', timer: HEARTBEAT_TIMER, delayMs: core.parameters.heartbeatMs })
  core.seen.sweep(core.nowMs)
  core.invalid.sweep(core.nowMs)
  core.stale.sweep(core.nowMs)
  core.lateMs = Math.max(core.lateMs / 2, core.nowMs - dueMs)
  for (const topic of core.topics.values()) ageTopic(core, topic, wallMs)
  for (const peer of core.peers.values()) agePeer(core, peer)
  forgetOldScores(core)
  const announcements = new Map<Peer, Map<string, Uint8Array[]>>()
  for (const topic of core.topics.values()) {
    if (!topic.subscribed) continue
    mendMesh(core, topic)
    planAnnouncements(core, topic, announcements)
    syncNowAndThen(core, topic)
  }
  for (const [peer, ids] of announcements) announce(core, peer, ids)
}

function ageTopic(core: Core, topic: Topic, wallMs: number): void {
  const { heartbeatMs, gossipHeartbeats } = core.parameters
  topic.age(core.nowMs, heartbeatMs, gossipHeartbeats)
  const lackFrom = topic.lackFrom(core.parameters.meshMin)
  for (const peer of topic.mesh.keys()) peer.score.topic(topic.name).capNear(lackFrom)
  core.cache.expire(topic, wallMs)
}

function agePeer(core: Core, peer: Peer): void {
  const { heartbeatMs, gossipHeartbeats } = core.parameters
  peer.brakes.reset()
  if (core.heartbeats % gossipHeartbeats === 0) peer.forgetRefusals()
  peer.score.decay(heartbeatMs)
  peer.score.app = core.options.appScore?.(peer.id) ?? 0
  core.revalue(peer)
}

/** They are in the order in which they left. */
function forgetOldScores(core: Core): void {
  for (const [peerId, { leftAtMs }] of core.retained) {
    if (core.nowMs - leftAtMs < SCORE_RETENTION_MS) return
    core.retained.delete(peerId)
  }
}

function mendMesh(core: Core, topic: Topic): void {
  const { opportunisticHeartbeats, backoffMs } = core.parameters
  const candidates = [...topic.members].filter(peer => !peer.direct && !topic.mesh.has(peer) && !topic.isBackedOff(peer.id, core.nowMs))
  const plan = planMesh({
    mesh: topic.mesh.keys(),
    candidates,
    topicScoreOf: peer => core.topicScore(peer, topic),
    opportunistic: core.heartbeats % opportunisticHeartbeats === 0,
    ownKey: core.options.ownKey,
    random: core.random,
  }, core.parameters)
  for (const { peer, reason } of plan.prune) prune(core, topic, peer, reason, backoffMs)
  for (const peer of plan.graft) graft(core, topic, peer)
  trimFed(core, topic)
}

/** What came lately, to some of those we do not push to. */
function planAnnouncements(core: Core, topic: Topic, plans: Map<Peer, Map<string, Uint8Array[]>>): void {
  const recent = topic.window.flat().filter(entry => entry.state === 'held' && !entry.quiet)
  if (recent.length === 0) return
  for (const peer of listeners(core, topic)) {
    const ids = recent.filter(entry => !entry.isHeldBy(peer)).map(entry => entry.id)
    if (ids.length === 0) continue
    let plan = plans.get(peer)
    if (plan === undefined) plans.set(peer, plan = new Map())
    // More than will be heeded: another choice for everybody, so that together they hear of all.
    plan.set(topic.name, ids.length > core.parameters.haveIdsMax ? shuffled(ids, core.random) : ids)
  }
}

function listeners(core: Core, topic: Topic): Peer[] {
  const { lazyMin, gossipFactor, gossipFactorLow, opportunisticScore } = core.parameters
  const others = [...topic.members].filter(peer => !peer.direct && !topic.mesh.has(peer) && !topic.fed.has(peer) && peer.value >= THRESHOLDS.gossip)
  const share = medianScore(topic.mesh.keys()) < opportunisticScore ? gossipFactorLow : gossipFactor
  return shuffled(others, core.random).slice(0, Math.max(lazyMin, Math.ceil(others.length * share)))
}
